/* m2sh keeps no connection: every command opens one and closes it. */

#include "m2sh/cluster.h"

#include "m2sh/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

bool cluster_is_meant(const struct call *c)
{
    const char *env = getenv("M2SH_CLUSTER");
    if (args_has(&c->args, "cluster"))
        return true;
    return env != NULL && *env != '\0' && !args_has(&c->args, "db");
}

int cluster_open(struct cluster *cl, const struct call *c, struct error *e)
{
    const char *env = getenv("M2SH_CLUSTER");
    const char *usual = env != NULL && *env != '\0' ? env : CLUSTER_DEFAULT;
    struct caller_options options = {
        .coordinators = args_get(&c->args, "cluster", usual),
        .security = {.keys = NULL, .insecure = args_has(&c->args, "insecure")},
    };
    *cl = (struct cluster){.call = c};
    identity_user(cl->user, sizeof cl->user);
    identity_host(cl->host, sizeof cl->host);
    return caller_create(&cl->caller, &options, e);
}

void cluster_close(struct cluster *cl)
{
    caller_destroy(&cl->caller);
}

struct cluster_author cluster_author(const struct cluster *cl, const char *why)
{
    struct slice how = slice_str(cl->call->line);
    return (struct cluster_author){
        .who = slice_str(cl->user),
        .where = slice_str(cl->host),
        .how = slice_of(how.ptr, how.len < FIELD_TEXT_MAX ? how.len : FIELD_TEXT_MAX),
        .why = slice_str(why),
    };
}

enum status cluster_ask_again(struct cluster *cl, struct cluster_request *request, int silence_ms,
                              caller_progress *on_progress, void *arg,
                              const struct cluster_reply **reply)
{
    struct error e;
    if (caller_call_within(cl->caller, request, silence_ms, on_progress, arg, reply, &e) == 0)
        return STATUS_DONE;
    enum status status = cmd_fail(cl->call, &e);
    cluster_close(cl);
    return status;
}

enum status cluster_ask(struct cluster *cl, const struct call *c, struct cluster_request *request,
                        const struct cluster_reply **reply)
{
    struct error e;
    if (cluster_open(cl, c, &e) != 0)
        return cmd_fail(c, &e);
    return cluster_ask_again(cl, request, 10000, NULL, NULL, reply);
}

static void put_cell(const struct tns_value *v, struct out_json *j)
{
    switch (v->type) {
    case TNS_STRING: out_json_slice(j, v->string); break;
    case TNS_INT: out_json_int(j, v->integer); break;
    case TNS_BOOL: out_json_bool(j, v->boolean); break;
    default: out_json_null(j); break;
    }
}

void cluster_put_json(const struct cluster_table *t, struct out_json *j)
{
    struct arena names;
    arena_init(&names, 0);
    out_json_array(j);
    for (size_t row = 0; row < t->row_count; row++) {
        out_json_object(j);
        for (size_t i = 0; i < t->column_count; i++) {
            out_json_key(j, xarena_slice(&names, t->headers[i]).ptr);
            put_cell(&t->cells[row * t->column_count + i], j);
        }
        out_json_end(j);
    }
    out_json_end(j);
    arena_fini(&names);
}

void cluster_print_json(const struct cluster_table *t)
{
    struct buf out = BUF_INIT;
    struct out_json j;
    out_json_init(&j, &out);
    cluster_put_json(t, &j);
    buf_append_char(&out, '\n');
    cmd_print(&out);
}

const char *cluster_text(const struct cluster_table *t, size_t row, const char *name,
                         struct arena *a)
{
    return xarena_slice(a, cluster_table_text(t, row, name)).ptr;
}
