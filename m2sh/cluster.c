/* m2sh keeps no connection: every command opens one and closes it. */

#include "m2sh/cluster.h"

#include "m2sh/base/xalloc.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEADER_WAIT_MS = 10000, LEADER_PAUSE_MS = 200, LEADER_SILENCE_MS = 2000 };

bool cluster_is_meant(const struct call *c)
{
    const char *env = getenv("M2SH_CLUSTER");
    if (args_has(&c->args, "cluster"))
        return true;
    return env != NULL && *env != '\0' && !args_has(&c->args, "db");
}

const char *cluster_coordinators(const struct call *c)
{
    const char *env = getenv("M2SH_CLUSTER");
    return args_get(&c->args, "cluster", env != NULL && *env != '\0' ? env : CLUSTER_DEFAULT);
}

static const char *keys_path(const struct call *c)
{
    const char *env = getenv("M2SH_KEYS");
    return args_get(&c->args, "keys", env != NULL && *env != '\0' ? env : NULL);
}

int cluster_open(struct cluster *cl, const struct call *c, struct error *e)
{
    return cluster_open_at(cl, c, cluster_coordinators(c), e);
}

int cluster_open_at(struct cluster *cl, const struct call *c, const char *coordinators,
                    struct error *e)
{
    struct caller_options options = {
        .coordinators = coordinators,
        .security = {.keys = &cl->credentials.keys, .insecure = args_has(&c->args, "insecure")},
    };
    const char *keys = keys_path(c);
    *cl = (struct cluster){.call = c, .has_keys = keys != NULL};
    if (keys == NULL)
        options.security.keys = NULL;
    else if (credentials_load(&cl->credentials, keys, ROLE_ADMIN | ROLE_VIEWER, e) != 0)
        return -1;
    identity_user(cl->user, sizeof cl->user);
    identity_host(cl->host, sizeof cl->host);
    return caller_create(&cl->caller, &options, e);
}

/* Asks whoever is connected who leads: 1, it does itself; 0, `leader` gets where to go, or "" when
 * that is not known. */
static int ask_who_leads(struct cluster *cl, char leader[ENDPOINT_MAX], struct error *e)
{
    struct cluster_request hello;
    const struct cluster_reply *reply;
    cluster_request_init(&hello, CLUSTER_HELLO);
    hello.hello.protocol = CLUSTER_PROTOCOL;
    hello.hello.program = SLICE("m2sh " M2_VERSION);
    leader[0] = '\0';
    if (caller_call_within(cl->caller, &hello, LEADER_SILENCE_MS, NULL, NULL, &reply, e) != 0)
        return -1;
    if (cluster_table_bool(&reply->table, 0, "leads"))
        return 1;
    struct slice named = cluster_table_text(&reply->table, 0, "leader");
    if (named.len > 0 && endpoint_resolve(named, caller_coordinator(cl->caller), leader, e) != 0)
        return -1;
    return 0;
}

/* One round: 1, connected to the leader; 0, nobody leads yet; -1, nobody answers. */
static int find_leader(struct cluster *cl, const struct call *c, struct error *e)
{
    char leader[ENDPOINT_MAX], next[ENDPOINT_MAX];
    if (cluster_open(cl, c, e) != 0)
        return -1;
    int found = ask_who_leads(cl, leader, e);
    if (found == 1)
        return 1;
    cluster_close(cl);
    if (found < 0 || leader[0] == '\0' || cluster_open_at(cl, c, leader, e) != 0)
        return found;
    struct error gone;
    if (ask_who_leads(cl, next, &gone) == 1)
        return 1;
    cluster_close(cl); /* it has just ended, or ceased to lead */
    return 0;
}

int cluster_open_leader(struct cluster *cl, const struct call *c, struct error *e)
{
    uint64_t end_ms = clock_monotonic_ms() + LEADER_WAIT_MS;
    bool told = false;
    int found;
    while ((found = find_leader(cl, c, e)) == 0 && clock_monotonic_ms() < end_ms) {
        if (!told)
            fprintf(stderr, "m2sh %s: no coordinator leads at the moment; waiting for one\n",
                    c->cmd->name);
        told = true;
        usleep(LEADER_PAUSE_MS * 1000);
    }
    if (found == 0)
        error_set(e, ERROR_UNREACHABLE,
                  "No coordinator leads, so nothing can be changed; m2sh status says why.");
    return found == 1 ? 0 : -1;
}

void cluster_close(struct cluster *cl)
{
    caller_destroy(&cl->caller);
    if (cl->has_keys)
        credentials_wipe(&cl->credentials);
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

enum status cluster_show(const struct call *c, struct cluster_request *request,
                         void (*print)(const struct call *c, const struct cluster_table *t))
{
    struct cluster cl;
    const struct cluster_reply *reply;
    enum status status = cluster_ask(&cl, c, request, &reply);
    if (status != STATUS_DONE)
        return status;
    if (c->json)
        cluster_print_json(&reply->table);
    else
        print(c, &reply->table);
    cluster_close(&cl);
    return STATUS_DONE;
}
