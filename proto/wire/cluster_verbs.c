/* The cluster protocol as data: one table of fields per verb. The reference page, the decoder, the
 * encoder and the coordinator's role check all read it. */

#include "proto/wire/cluster_msg.h"

const char *const cluster_policy_words[] = {"all", "majority", "any", NULL};
const char *const cluster_condition_words[] = {"ready", "draining", "nacked", "diverged", NULL};
const char *const cluster_order_words[] = {"drain", "undrain", "pause", "resume", NULL};
static const char *const key_words[] = {"add", "revoke", NULL};

#define AT(structure, field) offsetof(struct structure, field)
#define COUNT(table)         (sizeof(table) / sizeof(table)[0])

#define AUTHOR(structure, reason_required)                                 \
    {.name = "who",                                                        \
     .type = FIELD_TEXT,                                                   \
     .is_required = true,                                                  \
     .offset = AT(structure, author.who),                                  \
     .max = 255,                                                           \
     .help = "the user"},                                                  \
        {.name = "where",                                                  \
         .type = FIELD_TEXT,                                               \
         .is_required = true,                                              \
         .offset = AT(structure, author.where),                            \
         .max = 255,                                                       \
         .help = "the user's host"},                                       \
        {.name = "how",                                                    \
         .type = FIELD_TEXT,                                               \
         .offset = AT(structure, author.how),                              \
         .help = "the command line"},                                      \
    {                                                                      \
        .name = "why", .type = FIELD_TEXT, .is_required = reason_required, \
        .offset = AT(structure, author.why), .help = "the reason given"    \
    }

static const struct field hello_fields[] = {
    {"protocol", FIELD_INT, true, AT(cluster_hello, protocol), 1, 1000, 0, NULL,
     "version of this protocol that the client speaks: 1"},
    {"program", FIELD_TEXT, true, AT(cluster_hello, program), 0, 255, 0, NULL,
     "name and version of the client"},
};

static const struct field join_fields[] = {
    {"uuid", FIELD_UUID, true, AT(cluster_join, uuid), 0, 0, 0, NULL, "the node's UUID"},
    {"boot", FIELD_UUID, true, AT(cluster_join, boot), 0, 0, 0, NULL,
     "a UUID made when the process started"},
    {"name", FIELD_NAME, true, AT(cluster_join, name), 0, 0, 0, NULL, "the node's name"},
    {"server", FIELD_TEXT, true, AT(cluster_join, server), 0, 255, 0, NULL,
     "name of the server that it runs"},
    {"host", FIELD_TEXT, true, AT(cluster_join, host), 0, 255, 0, NULL, "its host name"},
    {"pid", FIELD_INT, true, AT(cluster_join, pid), 0, 0, 0, NULL, "its process id"},
    {"program", FIELD_TEXT, true, AT(cluster_join, program), 0, 255, 0, NULL,
     "name and version of the program"},
    {"addresses", FIELD_STRINGS, false, AT(cluster_join, addresses), 0, 0, 0, NULL,
     "where clients reach it"},
    {"handler", FIELD_TEXT, false, AT(cluster_join, handler), 0, 255, 0, NULL,
     "endpoint of its handler port"},
    {"control", FIELD_TEXT, false, AT(cluster_join, control), 0, 255, 0, NULL,
     "endpoint of its control port"},
    {"pools", FIELD_STRINGS, false, AT(cluster_join, pools), 0, 0, 0, NULL,
     "names of the pools that it has"},
    {"cluster", FIELD_UUID, false, AT(cluster_join, cluster), 0, 0, 0, NULL,
     "UUID of the cluster that it belongs to; empty on its first join"},
    {"version", FIELD_INT, true, AT(cluster_join, version), 0, 0, 0, NULL,
     "the commit that it holds; 0 none"},
    {"hash", FIELD_HASH, false, AT(cluster_join, hash), 0, 0, 0, NULL, "hash of that commit"},
};

static const struct field beat_fields[] = {
    {"uuid", FIELD_UUID, true, AT(cluster_beat, uuid), 0, 0, 0, NULL, "the node's UUID"},
    {"boot", FIELD_UUID, true, AT(cluster_beat, boot), 0, 0, 0, NULL, "as in its join"},
    {"version", FIELD_INT, true, AT(cluster_beat, version), 0, 0, 0, NULL,
     "the commit that it holds; 0 none"},
    {"hash", FIELD_HASH, false, AT(cluster_beat, hash), 0, 0, 0, NULL, "hash of that commit"},
    {"condition", FIELD_WORD, false, AT(cluster_beat, condition), 0, 0, 0, cluster_condition_words,
     "what the node says of itself"},
    {"error", FIELD_TEXT, false, AT(cluster_beat, error), 0, 1024, 0, NULL,
     "why it is nacked or diverged"},
    {"connections", FIELD_INT, false, AT(cluster_beat, connections), 0, 0, 0, NULL, "open now"},
    {"in_flight", FIELD_INT, false, AT(cluster_beat, in_flight), 0, 0, 0, NULL,
     "requests being answered now"},
    {"requests", FIELD_INT, false, AT(cluster_beat, requests), 0, 0, 0, NULL,
     "requests answered since it started"},
    {"errors", FIELD_INT, false, AT(cluster_beat, errors), 0, 0, 0, NULL,
     "of those, answered with a 5xx status"},
    {"latency", FIELD_INTS, false, AT(cluster_beat, latency), 0, 0, 0, NULL,
     "answer times since the last beat: histogram bucket, count, bucket, count and so on"},
    {"orders", FIELD_INT, false, AT(cluster_beat, orders), 0, 0, 0, NULL,
     "orders_seq of the coordinator's beat whose orders the node follows"},
};

static const struct field leave_fields[] = {
    {"uuid", FIELD_UUID, true, AT(cluster_leave, uuid), 0, 0, 0, NULL, "the node's UUID"},
    {"boot", FIELD_UUID, true, AT(cluster_leave, boot), 0, 0, 0, NULL, "as in its join"},
    {"reason", FIELD_TEXT, false, AT(cluster_leave, reason), 0, 255, 0, NULL, "why, for people"},
};

static const struct field get_fields[] = {
    {"version", FIELD_INT, false, AT(cluster_get, version), 0, 0, 0, NULL,
     "which commit; 0 the head"},
    {"have", FIELD_INT, false, AT(cluster_get, have), 0, 0, 0, NULL,
     "the asking node's own version"},
    {"have_hash", FIELD_HASH, false, AT(cluster_get, have_hash), 0, 0, 0, NULL,
     "its hash: refused with CONFLICT when the history has another one"},
    {"hash", FIELD_HASH, false, AT(cluster_get, hash), 0, 0, 0, NULL,
     "find the push that is being decided, too, if it has this hash"},
    {"without_config", FIELD_BOOL, false, AT(cluster_get, without_config), 0, 0, 0, NULL,
     "leave the configuration out"},
};

static const struct field log_fields[] = {
    {"count", FIELD_INT, false, AT(cluster_log, count), 1, 1000, 20, NULL, "at most so many"},
    {"before", FIELD_INT, false, AT(cluster_log, before), 0, 0, 0, NULL,
     "only versions below this; 0 from the head"},
};

static const struct field diff_fields[] = {
    {"from", FIELD_INT, false, AT(cluster_diff, from), 0, 0, 0, NULL, "a version; 0 the head"},
    {"to", FIELD_INT, false, AT(cluster_diff, to), 0, 0, 0, NULL, "a version; 0 the head"},
    {"config", FIELD_BYTES, false, AT(cluster_diff, config), 0, 0, 0, NULL,
     "a canonical configuration to compare with instead of \"to\""},
};

static const struct field check_fields[] = {
    {"config", FIELD_BYTES, true, AT(cluster_check, config), 0, 0, 0, NULL,
     "the canonical configuration"},
    {"nodes", FIELD_BOOL, false, AT(cluster_check, nodes), 0, 0, 0, NULL,
     "the nodes build it too, and throw it away"},
    {"timeout_ms", FIELD_INT, false, AT(cluster_check, timeout_ms), 1, 3600000, 10000, NULL,
     "how long to wait for the nodes"},
};

#define PUSH_COMMON                                                                            \
    AUTHOR(cluster_push, false),                                                               \
        {"base",                                                                               \
         FIELD_INT,                                                                            \
         false,                                                                                \
         AT(cluster_push, base),                                                               \
         -1,                                                                                   \
         INT64_MAX,                                                                            \
         -1,                                                                                   \
         NULL,                                                                                 \
         "the head that the author saw: refused with CONFLICT when it is another; -1 any"},    \
        {"policy",                                                                             \
         FIELD_WORD,                                                                           \
         false,                                                                                \
         AT(cluster_push, policy),                                                             \
         0,                                                                                    \
         0,                                                                                    \
         0,                                                                                    \
         cluster_policy_words,                                                                 \
         "how many nodes must be ready"},                                                      \
        {"canary",                                                                             \
         FIELD_TEXT,                                                                           \
         false,                                                                                \
         AT(cluster_push, canary),                                                             \
         0,                                                                                    \
         4096,                                                                                 \
         0,                                                                                    \
         NULL,                                                                                 \
         "nodes that go first: a count, a percentage or names"},                               \
        {"hold_s", FIELD_INT, false, AT(cluster_push, hold_s),        0,                       \
         604800,   60,        NULL,  "how long the canary is watched"},                        \
        {"dry",                                                                                \
         FIELD_BOOL,                                                                           \
         false,                                                                                \
         AT(cluster_push, dry),                                                                \
         0,                                                                                    \
         0,                                                                                    \
         0,                                                                                    \
         NULL,                                                                                 \
         "stop after the decision and take it back"},                                          \
    {                                                                                          \
        "timeout_ms", FIELD_INT, false, AT(cluster_push, timeout_ms), 1, 3600000, 10000, NULL, \
            "how long to wait for the nodes, in PREPARE and again in ACTIVATE"                 \
    }

static const struct field push_fields[] = {
    {"config", FIELD_BYTES, true, AT(cluster_push, config), 0, 0, 0, NULL,
     "the canonical configuration"},
    PUSH_COMMON,
};

static const struct field rollback_fields[] = {
    {"version", FIELD_INT, true, AT(cluster_push, version), 1, INT64_MAX, 0, NULL,
     "the commit whose content becomes a new commit"},
    PUSH_COMMON,
};

static const struct field ack_fields[] = {
    {"uuid", FIELD_UUID, true, AT(cluster_ack, uuid), 0, 0, 0, NULL, "the node's UUID"},
    {"version", FIELD_INT, true, AT(cluster_ack, version), 1, INT64_MAX, 0, NULL, "which commit"},
    {"hash", FIELD_HASH, true, AT(cluster_ack, hash), 0, 0, 0, NULL, "its hash"},
    {"ok", FIELD_BOOL, true, AT(cluster_ack, ok), 0, 0, 0, NULL, "did it go well"},
    {"code", FIELD_TEXT, false, AT(cluster_ack, code), 0, 32, 0, NULL, "code of the error"},
    {"object", FIELD_TEXT, false, AT(cluster_ack, object), 0, 255, 0, NULL,
     "what the error concerns"},
    {"error", FIELD_TEXT, false, AT(cluster_ack, error), 0, 1024, 0, NULL, "the error's sentence"},
};

static const struct field nodes_fields[] = {
    {"node", FIELD_NAME, false, AT(cluster_nodes, node), 0, 0, 0, NULL, "name or UUID; empty all"},
};

static const struct field pools_fields[] = {
    {"pool", FIELD_TEXT, false, AT(cluster_pools, pool), 0, 255, 0, NULL, "its name; empty all"},
};

static const struct field workers_fields[] = {
    {"pool", FIELD_TEXT, true, AT(cluster_pools, pool), 0, 255, 0, NULL, "the pool's name"},
};

static const struct field watch_fields[] = {
    {"since", FIELD_INT, false, AT(cluster_watch, since), -1, INT64_MAX, 0, NULL,
     "events after this one; 0 all that are kept; -1 only new ones"},
    {"count", FIELD_INT, false, AT(cluster_watch, count), 1, 1000, 100, NULL, "at most so many"},
    {"wait_ms", FIELD_INT, false, AT(cluster_watch, wait_ms), 0, 60000, 0, NULL,
     "how long to wait for the first"},
};

static const struct field decide_fields[] = {
    {"version", FIELD_INT, false, AT(cluster_decide, version), 0, 0, 0, NULL,
     "which commit; 0 the one that is running or held"},
    AUTHOR(cluster_decide, false),
};

static const struct field order_fields[] = {
    {"order", FIELD_WORD, true, AT(cluster_order, kind), 0, 0, 0, cluster_order_words,
     "what is to be done"},
    {"node", FIELD_NAME, false, AT(cluster_order, node), 0, 0, 0, NULL, "name or UUID"},
    {"pool", FIELD_TEXT, false, AT(cluster_order, pool), 0, 255, 0, NULL, "the pool's name"},
    AUTHOR(cluster_order, false),
    {"expires_s", FIELD_INT, false, AT(cluster_order, expires_s), 0, 31536000, 0, NULL,
     "after so many seconds the order ends by itself; 0 never"},
};

static const struct field note_fields[] = {
    {"what", FIELD_TEXT, true, AT(cluster_note, what), 0, 255, 0, NULL, "what was done"},
    AUTHOR(cluster_note, true),
};

static const struct field control_fields[] = {
    {"node", FIELD_NAME, false, AT(cluster_control, node), 0, 0, 0, NULL, "name or UUID"},
    {"request", FIELD_BYTES, true, AT(cluster_control, request), 0, 0, 0, NULL,
     "a request of the control port, as the node's own port takes it"},
};

static const struct field key_fields[] = {
    {"action", FIELD_WORD, true, AT(cluster_key, action), 0, 0, 0, key_words, "what to do"},
    {"key", FIELD_TEXT, true, AT(cluster_key, key), 0, 40, 0, NULL, "public key in Z85"},
    {"role", FIELD_TEXT, false, AT(cluster_key, role), 0, 32, 0, NULL,
     "add: admin, node, handler or viewer"},
    {"owner", FIELD_TEXT, false, AT(cluster_key, owner), 0, 127, 0, NULL,
     "add: whose key it is; of a node its name"},
    AUTHOR(cluster_key, false),
};

static const struct field records_fields[] = {
    {"kind", FIELD_TEXT, true, AT(cluster_records, kind), 0, 32, 0, NULL,
     "note, outcome, order or key"},
    {"before", FIELD_TEXT, false, AT(cluster_records, before), 0, 255, 0, NULL,
     "only keys below this; empty from the last"},
    {"count", FIELD_INT, false, AT(cluster_records, count), 1, 1000, 100, NULL, "at most so many"},
};

#define VERB(word, who, how, table, sentence)         \
    {                                                 \
        word, who, how, table, COUNT(table), sentence \
    }

static const struct cluster_verb_info verbs[CLUSTER_VERB_COUNT] = {
    [CLUSTER_HELLO] = VERB("hello", ROLE_ANY, VERB_READ, hello_fields,
                           "Who are you, where are your updates, what is the head."),
    [CLUSTER_JOIN] = VERB("join", ROLE_NODE | ROLE_ADMIN, 0, join_fields,
                          "A node makes itself known, or tells what has changed about it."),
    [CLUSTER_BEAT] = VERB("beat", ROLE_NODE | ROLE_ADMIN, VERB_ONE_WAY, beat_fields,
                          "A node lives; once a second. NOT_FOUND asks it to join."),
    [CLUSTER_LEAVE] = VERB("leave", ROLE_NODE | ROLE_ADMIN, VERB_ONE_WAY, leave_fields,
                           "A node goes away in good order."),
    [CLUSTER_HEAD] = {"head", ROLE_ANY, VERB_READ, NULL, 0,
                      "Version and hash of the newest commit."},
    [CLUSTER_GET] = VERB("get", ROLE_VIEWER | ROLE_NODE | ROLE_ADMIN, VERB_READ, get_fields,
                         "One commit, whole."),
    [CLUSTER_LOG] = VERB("log", ROLE_VIEWER | ROLE_ADMIN, VERB_READ, log_fields,
                         "Commits and notes, the newest first."),
    [CLUSTER_DIFF] = VERB("diff", ROLE_VIEWER | ROLE_ADMIN, VERB_READ, diff_fields,
                          "What differs between two configurations."),
    [CLUSTER_CHECK] = VERB("check", ROLE_VIEWER | ROLE_ADMIN, 0, check_fields,
                           "Would this configuration be taken; changes nothing."),
    [CLUSTER_PUSH] = VERB("push", ROLE_ADMIN, 0, push_fields,
                          "Check, prepare on the nodes, decide, store, activate."),
    [CLUSTER_ROLLBACK] = VERB("rollback", ROLE_ADMIN, 0, rollback_fields,
                              "A push of the content of an older commit."),
    [CLUSTER_PREPARED] = VERB("prepared", ROLE_NODE | ROLE_ADMIN, VERB_ONE_WAY, ack_fields,
                              "A node has built the commit beside the running one, or cannot."),
    [CLUSTER_APPLIED] = VERB("applied", ROLE_NODE | ROLE_ADMIN, VERB_ONE_WAY, ack_fields,
                             "A node runs the commit; not ok: it is not on its disk."),
    [CLUSTER_NODES] = VERB("nodes", ROLE_VIEWER | ROLE_ADMIN, VERB_READ, nodes_fields,
                           "The nodes and their states."),
    [CLUSTER_POOLS] = VERB("pools", ROLE_VIEWER | ROLE_HANDLER | ROLE_NODE | ROLE_ADMIN, VERB_READ,
                           pools_fields, "Which live nodes have which pools, and where."),
    [CLUSTER_WORKERS] = VERB("workers", ROLE_VIEWER | ROLE_ADMIN, VERB_READ, workers_fields,
                             "The workers of a pool, over all nodes."),
    [CLUSTER_WATCH] = VERB("watch", ROLE_VIEWER | ROLE_ADMIN, VERB_READ, watch_fields,
                           "Events after a given one, waiting for the first if asked to."),
    [CLUSTER_PROMOTE] = VERB("promote", ROLE_ADMIN, 0, decide_fields,
                             "Go on with a commit that is held at its canary."),
    [CLUSTER_ABORT] = VERB("abort", ROLE_ADMIN, 0, decide_fields,
                           "Take back the push that is running, or the canary that is held."),
    [CLUSTER_ORDER] = VERB("order", ROLE_ADMIN, 0, order_fields,
                           "Drain or undrain a node, pause or resume a pool."),
    [CLUSTER_ORDERS] = {"orders", ROLE_VIEWER | ROLE_ADMIN, VERB_READ, NULL, 0,
                        "The orders that stand: who gave them, when, why, until when."},
    [CLUSTER_NOTE] = VERB("note", ROLE_ADMIN, 0, note_fields,
                          "A note in the same time line as the commits."),
    [CLUSTER_CONTROL] = VERB("control", ROLE_ADMIN, 0, control_fields,
                             "A request to the control port of a node."),
    [CLUSTER_STATS] = {"stats", ROLE_VIEWER | ROLE_ADMIN, VERB_READ, NULL, 0,
                       "The coordinator's own counters."},
    [CLUSTER_KEYS] = {"keys", ROLE_VIEWER | ROLE_NODE | ROLE_ADMIN, VERB_READ, NULL, 0,
                      "The keys that are accepted, and those that were revoked."},
    [CLUSTER_TICKETS] = {"tickets", ROLE_NODE | ROLE_ADMIN, VERB_READ, NULL, 0,
                         "The keys of TLS session tickets, the newest last."},
    [CLUSTER_PAGE] = {"page", ROLE_NODE | ROLE_ADMIN | ROLE_VIEWER, VERB_READ, NULL, 0,
                      "The page for operators as of now."},
    [CLUSTER_KEY] = VERB("key", ROLE_ADMIN, 0, key_fields, "Accept a key, or revoke it."),
    [CLUSTER_RECORDS] = VERB("records", ROLE_ADMIN, VERB_READ, records_fields,
                             "What is kept beside the commits, for a backup."),
};

const struct cluster_verb_info *cluster_verb(enum cluster_verb verb)
{
    BUG_ON((unsigned)verb >= CLUSTER_VERB_COUNT);
    return &verbs[verb];
}

const char *cluster_verb_name(enum cluster_verb verb)
{
    return cluster_verb(verb)->name;
}
