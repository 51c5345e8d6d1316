/* Both questions go out together; the answer to `pools` is the one that counts. An endpoint with a
 * wildcard host is on the coordinator's own host, by the protocol. */

#include "proto/handler/directory.h"

#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"
#include "proto/wire/cluster_update.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX ((size_t)8 << 20)

__attribute__((format(printf, 2, 3))) static void tell(struct directory *d, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    d->ops->event(d, text);
}

int directory_init(struct directory *d, const struct directory_ops *ops, void *arg,
                   const char *pool, const char *coordinators, struct error *e)
{
    memset(d, 0, sizeof *d);
    d->ops = ops;
    d->arg = arg;
    d->out = BUF_INIT;
    arena_init(&d->arena, 0);
    snprintf(d->pool, sizeof d->pool, "%s", pool);
    snprintf(d->topic, sizeof d->topic, CLUSTER_TOPIC_POOL "%s", d->pool);
    while (d->count < DIRECTORY_COORDINATORS_MAX &&
           endpoint_next(&coordinators, d->coordinators[d->count])) {
        if (endpoint_check(d->coordinators[d->count], ENDPOINT_CONNECT, e) != 0)
            return -1;
        d->count++;
    }
    if (d->count == 0)
        return error_set(e, ERROR_USAGE, "At least one coordinator is needed.");
    return 0;
}

void directory_fini(struct directory *d)
{
    arena_fini(&d->arena);
    buf_fini(&d->out);
}

static const char *coordinator(const struct directory *d)
{
    return d->coordinators[d->current];
}

static void ask(struct directory *d, struct cluster_request *r)
{
    r->seq = ++d->seq;
    buf_clear(&d->out);
    cluster_request_encode(&d->out, r);
    if (!d->out.failed)
        d->ops->ask(d, coordinator(d), buf_slice(&d->out));
}

void directory_tick(struct directory *d, uint64_t now_ms)
{
    struct cluster_request r;
    if (now_ms < d->next_ms)
        return;
    if (d->seq > 0 && !d->is_answered) {
        if (!d->is_silent_told)
            tell(d, "pool %s: coordinator %s does not answer", d->pool, coordinator(d));
        d->is_silent_told = true;
        d->current = (d->current + 1) % d->count;
    }
    cluster_request_init(&r, CLUSTER_HELLO);
    r.hello.protocol = CLUSTER_PROTOCOL;
    r.hello.program = SLICE("m2handler " M2_VERSION);
    ask(d, &r);
    d->hello_seq = d->seq;
    cluster_request_init(&r, CLUSTER_POOLS);
    r.pools.pool = slice_str(d->pool);
    ask(d, &r);
    d->pools_seq = d->seq;
    d->is_answered = false;
    d->next_ms = now_ms + DIRECTORY_ANSWER_MS;
}

/* Tells of the nodes in a table with the column "endpoint". */
static void found(struct directory *d, const struct cluster_table *t)
{
    struct directory_node *nodes = arena_alloc(&d->arena, (t->row_count + 1) * sizeof *nodes);
    size_t count = 0;
    for (size_t i = 0; i < t->row_count && nodes != NULL; i++) {
        struct slice told = cluster_table_text(t, i, "endpoint");
        char *resolved = arena_alloc(&d->arena, ENDPOINT_MAX);
        struct error e;
        if (resolved != NULL && told.len > 0 &&
            endpoint_resolve(told, coordinator(d), resolved, &e) == 0 &&
            endpoint_check(resolved, ENDPOINT_CONNECT, &e) == 0)
            nodes[count++] = (struct directory_node){slice_str(resolved),
                                                     cluster_table_text(t, i, "key")};
    }
    if (nodes != NULL)
        d->ops->found(d, nodes, count);
}

static void on_hello(struct directory *d, const struct cluster_table *t)
{
    char resolved[ENDPOINT_MAX];
    struct error e;
    struct slice updates = cluster_table_text(t, 0, "updates");
    if (updates.len == 0 || endpoint_resolve(updates, coordinator(d), resolved, &e) != 0 ||
        endpoint_check(resolved, ENDPOINT_CONNECT, &e) != 0 || strcmp(resolved, d->listening) == 0)
        return;
    memcpy(d->listening, resolved, sizeof resolved);
    d->ops->listen(d, d->listening, d->topic);
}

void directory_listen_again(struct directory *d)
{
    d->listening[0] = '\0';
}

void directory_on_answer(struct directory *d, struct slice message, uint64_t now_ms)
{
    struct cluster_reply r;
    struct error e;
    arena_reset(&d->arena);
    if (cluster_reply_decode(&r, message, MESSAGE_MAX, &d->arena, &e) != 0) {
        tell(d, "pool %s: coordinator %s: %s", d->pool, coordinator(d), e.text);
        return;
    }
    if (r.kind == REPLY_ERROR && (r.seq == d->hello_seq || r.seq == d->pools_seq)) {
        tell(d, "pool %s: coordinator %s: %.*s", d->pool, coordinator(d),
             (int)(r.text.len < 300 ? r.text.len : 300), r.text.ptr);
    } else if (r.kind == REPLY_TABLE && r.seq == d->hello_seq) {
        on_hello(d, &r.table);
    } else if (r.kind == REPLY_TABLE && r.seq == d->pools_seq) {
        d->is_answered = true;
        d->is_silent_told = false;
        d->next_ms = now_ms + DIRECTORY_REFRESH_MS;
        found(d, &r.table);
    }
}

void directory_on_update(struct directory *d, struct slice topic, struct slice message)
{
    struct cluster_update u;
    struct cluster_table t;
    struct error e;
    arena_reset(&d->arena);
    if (!slice_eq(topic, slice_str(d->topic)))
        return;
    if (cluster_update_decode(&u, message, MESSAGE_MAX, &d->arena, &e) != 0 ||
        u.kind != UPDATE_POOL || !slice_eq(u.pool.pool, slice_str(d->pool)) ||
        cluster_table_decode(&t, u.pool.headers, u.pool.rows, &d->arena, &e) != 0)
        return; /* the next answer will tell */
    found(d, &t);
}
