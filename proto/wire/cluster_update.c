/* As cluster_msg.c, with kinds for verbs. */

#include "proto/wire/cluster_update.h"

#include "proto/wire/tnetstring.h"

#define AT(structure, field) offsetof(struct structure, field)
#define COUNT(table)         (sizeof(table) / sizeof(table)[0])

static const struct field prepare_fields[] = {
    {"token", FIELD_INT, true, AT(cluster_prepare, token), 0, 0, 0, NULL,
     "fencing token of the leader"},
    {"version", FIELD_INT, true, AT(cluster_prepare, version), 1, INT64_MAX, 0, NULL,
     "the commit's version"},
    {"hash", FIELD_HASH, true, AT(cluster_prepare, hash), 0, 0, 0, NULL, "its hash"},
    {"commit", FIELD_BYTES, true, AT(cluster_prepare, commit), 0, 0, 0, NULL,
     "the commit's record with its configuration"},
    {"delta", FIELD_BYTES, false, AT(cluster_prepare, delta), 0, 0, 0, NULL,
     "the record is without its configuration: what has changed from the parent's"},
};

static const struct field decision_fields[] = {
    {"token", FIELD_INT, true, AT(cluster_decision, token), 0, 0, 0, NULL,
     "fencing token of the leader"},
    {"version", FIELD_INT, true, AT(cluster_decision, version), 1, INT64_MAX, 0, NULL,
     "the commit's version"},
    {"hash", FIELD_HASH, true, AT(cluster_decision, hash), 0, 0, 0, NULL, "its hash"},
    {"reason", FIELD_TEXT, false, AT(cluster_decision, reason), 0, 1024, 0, NULL,
     "why it was taken back"},
};

static const struct field beat_fields[] = {
    {"cluster", FIELD_UUID, true, AT(cluster_head_beat, cluster), 0, 0, 0, NULL,
     "the cluster's UUID"},
    {"name", FIELD_TEXT, true, AT(cluster_head_beat, name), 0, 255, 0, NULL,
     "the coordinator's name"},
    {"leader", FIELD_BOOL, true, AT(cluster_head_beat, leader), 0, 0, 0, NULL,
     "it holds the lease; the others' beats say nothing about pending"},
    {"token", FIELD_INT, true, AT(cluster_head_beat, token), 0, 0, 0, NULL, "its fencing token"},
    {"version", FIELD_INT, true, AT(cluster_head_beat, version), 0, 0, 0, NULL,
     "the newest commit; 0 none yet"},
    {"hash", FIELD_HASH, false, AT(cluster_head_beat, hash), 0, 0, 0, NULL, "its hash"},
    {"pending", FIELD_INT, false, AT(cluster_head_beat, pending), 0, 0, 0, NULL,
     "version of the push that is being decided; 0 none"},
    {"pending_hash", FIELD_HASH, false, AT(cluster_head_beat, pending_hash), 0, 0, 0, NULL,
     "its hash"},
    {"interval_ms", FIELD_INT, true, AT(cluster_head_beat, interval_ms), 1, 3600000, 0, NULL,
     "milliseconds until the next beat"},
    {"orders_seq", FIELD_INT, false, AT(cluster_head_beat, orders_seq), 0, 0, 0, NULL,
     "grows with every change of the orders; 0 when this coordinator does not know them"},
    {"orders", FIELD_TABLE, false, AT(cluster_head_beat, orders), 0, 0, 0, NULL,
     "every order that stands: drain or pause, node or pool, milliseconds left (0 for ever)"},
    {"keys_seq", FIELD_INT, false, AT(cluster_head_beat, keys_seq), 0, 0, 0, NULL,
     "grows with every change of the keys; 0 when this coordinator has none, or does not know "
     "them"},
    {"tickets_seq", FIELD_INT, false, AT(cluster_head_beat, tickets_seq), 0, 0, 0, NULL,
     "grows with every change of the keys of TLS session tickets; 0 when it gives none"},
};

static const struct field pool_fields[] = {
    {"pool", FIELD_TEXT, true, AT(cluster_pool_update, pool), 0, 255, 0, NULL, "its name"},
    {"headers", FIELD_TABLE, true, AT(cluster_pool_update, headers), 0, 0, 0, NULL,
     "pool, node, uuid, endpoint, key"},
    {"rows", FIELD_TABLE, true, AT(cluster_pool_update, rows), 0, 0, 0, NULL,
     "one per live node that has the pool"},
};

static const struct {
    const char *name;
    const struct field *fields;
    size_t count;
} kinds[UPDATE_KIND_COUNT] = {
    [UPDATE_PREPARE] = {"prepare", prepare_fields, COUNT(prepare_fields)},
    [UPDATE_ACTIVATE] = {"activate", decision_fields, COUNT(decision_fields)},
    [UPDATE_ABORT] = {"abort", decision_fields, COUNT(decision_fields)},
    [UPDATE_BEAT] = {"beat", beat_fields, COUNT(beat_fields)},
    [UPDATE_POOL] = {"pool", pool_fields, COUNT(pool_fields)},
};

const char *cluster_update_name(enum cluster_update_kind kind)
{
    return kinds[kind].name;
}

const struct field *cluster_update_fields(enum cluster_update_kind kind, size_t *count)
{
    *count = kinds[kind].count;
    return kinds[kind].fields;
}

void cluster_update_init(struct cluster_update *u, enum cluster_update_kind kind)
{
    *u = (struct cluster_update){.kind = kind};
    field_defaults(&u->prepare, kinds[kind].fields, kinds[kind].count);
}

int cluster_update_decode(struct cluster_update *out, struct slice bytes, size_t max,
                          struct arena *a, struct error *e)
{
    struct slice name, args;
    if (cluster_envelope_open(bytes, max, &name, &args, e) != 0)
        return -1;
    for (int i = 0; i < UPDATE_KIND_COUNT; i++)
        if (slice_eq(name, slice_str(kinds[i].name))) {
            out->kind = (enum cluster_update_kind)i;
            return field_decode(&out->prepare, kinds[i].fields, kinds[i].count, args, a, e);
        }
    return error_set(e, ERROR_UNSUPPORTED, "There is no update \"%.*s\".",
                     (int)(name.len < 40 ? name.len : 40), name.ptr);
}

void cluster_update_encode(struct buf *out, const struct cluster_update *u)
{
    size_t list = tns_open(out);
    tns_put_str(out, kinds[u->kind].name);
    size_t dict = tns_open(out);
    field_encode(out, kinds[u->kind].fields, kinds[u->kind].count, &u->prepare);
    tns_close_dict(out, dict);
    tns_close_list(out, list);
}
