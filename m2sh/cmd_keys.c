/* keys: who may take part in the cluster. Makes keys, lists those that are accepted, adds, revokes.
 */

#include "m2sh/base/xalloc.h"
#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "m2sh/key_make.h"
#include "proto/view/moment.h"

#include <string.h>
#include <sys/stat.h>

enum { ANSWER_MS = 10000 };

/* ---- the list ----------------------------------------------------------------------------- */

static void print(const struct call *c, const struct cluster_table *t)
{
    static const char *const names[] = {"owner", "role", "key", "since", "by", "why", NULL};
    struct out_table out;
    char when[MOMENT_LEN + 1];
    out_table_init(&out, names);
    for (size_t i = 0; i < t->row_count; i++) {
        struct slice role = cluster_table_text(t, i, "role");
        int64_t when_ms = cluster_table_int(t, i, "when_ms");
        out_table_slice(&out, cluster_table_text(t, i, "owner"));
        bool is_revoked = slice_eq(role, SLICE("revoked"));
        out_table_styled(&out, is_revoked ? OUT_BAD : OUT_PLAIN,
                         is_revoked ? "revoked" : cluster_role_name(cluster_role_from_name(role)));
        out_table_slice(&out, cluster_table_text(t, i, "key"));
        if (when_ms > 0)
            moment_format(when_ms, when);
        out_table_text(&out, when_ms > 0 ? when : NULL);
        if (when_ms > 0)
            out_table_slice(&out, cluster_table_text(t, i, "who"));
        else
            out_table_text(&out, "a file");
        out_table_slice(&out, cluster_table_text(t, i, "why"));
    }
    cmd_print_table(c, &out);
}

static enum status list(struct call *c)
{
    struct cluster_request request;
    cluster_request_init(&request, CLUSTER_KEYS);
    return cluster_show(c, &request, print);
}

/* ---- changing it -------------------------------------------------------------------------- */

static enum status change(struct cluster *cl, struct cluster_request *request)
{
    const struct call *c = cl->call;
    const struct cluster_reply *reply;
    request->key.author = cluster_author(cl, args_get(&c->args, "why", ""));
    enum status status = cluster_ask_again(cl, request, ANSWER_MS, NULL, NULL, &reply);
    if (status != STATUS_DONE)
        return status;
    if (c->json)
        cluster_print_json(&reply->table);
    else
        printf("%s the key of %.*s.\n", request->key.action == KEY_ADD ? "Accepted" : "Revoked",
               SLICE_ARG(cluster_table_text(&reply->table, 0, "owner")));
    return STATUS_DONE;
}

static enum status add_key(struct call *c)
{
    struct curve_cert cert;
    struct cluster cl;
    struct error e;
    struct cluster_request request;
    if (curve_cert_read_public(&cert, args_get(&c->args, "add", ""), &e) != 0 ||
        cluster_open_leader(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    cluster_request_init(&request, CLUSTER_KEY);
    request.key.action = KEY_ADD;
    request.key.key = slice_str(cert.public_key);
    request.key.role = slice_str(args_get(&c->args, "role", cluster_role_name(cert.role)));
    request.key.owner = slice_str(args_get(&c->args, "owner", cert.owner));
    enum status status = change(&cl, &request);
    if (status == STATUS_DONE)
        cluster_close(&cl);
    return status;
}

/* The keys that -revoke means, in the arena: the key itself, that of a certificate, or all of an
 * owner. The cluster is open when it was needed or not: STATUS_DONE, or it is closed. */
static enum status find_keys(struct cluster *cl, const char *word, const char ***keys,
                             size_t *count, struct arena *arena)
{
    struct curve_cert cert;
    struct cluster_request request;
    const struct cluster_reply *reply;
    struct error e;
    *keys = xarena_alloc(arena, sizeof **keys);
    *count = 1;
    (*keys)[0] = word;
    if (curve_key_is_valid(slice_str(word)))
        return STATUS_DONE;
    struct stat st;
    if (stat(word, &st) == 0 && S_ISREG(st.st_mode)) {
        (*keys)[0] = xarena_printf(
            arena, "%s", curve_cert_read_public(&cert, word, &e) == 0 ? cert.public_key : "");
        if ((*keys)[0][0] != '\0')
            return STATUS_DONE;
        enum status status = cmd_fail(cl->call, &e);
        cluster_close(cl);
        return status;
    }
    cluster_request_init(&request, CLUSTER_KEYS);
    enum status status = cluster_ask_again(cl, &request, ANSWER_MS, NULL, NULL, &reply);
    if (status != STATUS_DONE)
        return status;
    const struct cluster_table *t = &reply->table;
    *keys = xarena_alloc(arena, (t->row_count + 1) * sizeof **keys);
    *count = 0;
    for (size_t i = 0; i < t->row_count; i++)
        if (slice_eq(cluster_table_text(t, i, "owner"), slice_str(word)) &&
            !slice_eq(cluster_table_text(t, i, "role"), SLICE("revoked")))
            (*keys)[(*count)++] = cluster_text(t, i, "key", arena);
    if (*count > 0)
        return STATUS_DONE;
    error_set(&e, ERROR_NOT_FOUND, "Nobody called \"%s\" has a key, and there is no such file.",
              word);
    status = cmd_fail(cl->call, &e);
    cluster_close(cl);
    return status;
}

static enum status revoke_keys(struct call *c)
{
    struct cluster cl;
    struct error e;
    struct arena arena;
    const char **keys;
    size_t count;
    if (cluster_open_leader(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    arena_init(&arena, 0);
    enum status status = find_keys(&cl, args_get(&c->args, "revoke", ""), &keys, &count, &arena);
    for (size_t i = 0; status == STATUS_DONE && i < count; i++) {
        struct cluster_request request;
        cluster_request_init(&request, CLUSTER_KEY);
        request.key.action = KEY_REVOKE;
        request.key.key = slice_str(keys[i]);
        status = change(&cl, &request);
    }
    if (status == STATUS_DONE)
        cluster_close(&cl);
    arena_fini(&arena);
    return status;
}

static enum status run(struct call *c)
{
    struct error e;
    unsigned asked = (unsigned)args_has(&c->args, "out") + args_has(&c->args, "add") +
                     args_has(&c->args, "revoke");
    if (asked > 1) {
        error_set(&e, ERROR_USAGE, "One of -out, -add and -revoke at a time.");
        return cmd_fail(c, &e);
    }
    if (args_has(&c->args, "out"))
        return key_make(c);
    if (args_has(&c->args, "add"))
        return add_key(c);
    return args_has(&c->args, "revoke") ? revoke_keys(c) : list(c);
}

const struct cmd cmd_keys = {
    .name = "keys",
    .help = "Makes, lists, adds and revokes keys.",
    .arguments = "[-out DIR -role ROLE | -add CERT | -revoke OWNER] [-why TEXT]",
    .more = "With -out: writes DIR/ROLE.cert and DIR/ROLE.cert_secret, and asks no coordinator.\n"
            "Without any of the three: lists the keys that the coordinators accept. A role is\n"
            "coordinator, admin (may do everything), node, handler or viewer.",
    .options =
        (const struct args_option[]){{"out", "DIR", "Make a pair of keys, in this directory."},
                                     {"role", "ROLE", "What the key is for."},
                                     {"owner", "NAME", "Whose it is (you, or this host)."},
                                     {"name", "NAME", "The file's name, before .cert (the role)."},
                                     {"add", "CERT", "Accept the key of this certificate."},
                                     {"revoke", "OWNER|CERT|KEY", "Accept it no longer."},
                                     {"why", "TEXT", "The reason."},
                                     OPTIONS_CLUSTER,
                                     OPTION_END},
    .run = run,
};
