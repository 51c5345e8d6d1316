/* The public calls: each copies its arguments into a request and hands it to the implementation.
 * Copying is what lets callers pass borrowed bytes and go on; a configuration of 100 KiB costs less
 * than the fsync that follows by three orders of magnitude. */

#include "coordinator/store/store.h"

#include "coordinator/store/store_request.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

static const struct store_ops *const implementations[] = {
    &store_sqlite_ops, &store_redis_ops, &store_redis_sentinel_ops, &store_memory_ops};

int store_open(struct store **out, const char *url, struct ev_loop *loop, struct error *e)
{
    size_t len = strcspn(url, ":");
    for (size_t i = 0; i < sizeof implementations / sizeof implementations[0]; i++) {
        const struct store_ops *ops = implementations[i];
        if (url[len] == ':' && strlen(ops->scheme) == len && memcmp(ops->scheme, url, len) == 0)
            return ops->open(out, url + len + 1, loop, e);
    }
    return error_set(e, ERROR_USAGE,
                     "The store's URL begins with sqlite:, redis: or redis+sentinel:, not with "
                     "\"%.*s\".",
                     (int)len, url);
}

void store_close(struct store **s)
{
    if (*s != NULL)
        (*s)->ops->close(*s); /* calls back, and callbacks may ask for more */
    *s = NULL;
}

static struct store_request *request_create(struct store *s, enum store_call call, store_done *done,
                                            void *arg, struct error *e)
{
    struct store_request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    arena_init(&r->arena, 0);
    list_init(&r->link);
    r->store = s;
    r->call = call;
    r->done = done;
    r->arg = arg;
    return r;
}

/* Submits the request unless a copy for it failed. */
static int request_submit(struct store_request *r, struct error *e)
{
    if (r->result.error.code == ERROR_NONE && r->store->ops->submit(r->store, r, e) == 0)
        return 0;
    if (r->result.error.code != ERROR_NONE && e != NULL)
        *e = r->result.error;
    arena_fini(&r->arena);
    free(r);
    return -1;
}

void store_request_finish(struct store_request *r)
{
    r->done(r->arg, &r->result);
    arena_fini(&r->arena);
    free(r);
}

int64_t store_next_token(int64_t last)
{
    int64_t now = clock_wall_s();
    return last + 1 > now ? last + 1 : now;
}

void *store_request_alloc(struct store_request *r, size_t size)
{
    void *p = arena_alloc(&r->arena, size);
    if (p == NULL)
        error_set(&r->result.error, ERROR_NO_MEMORY, "Out of memory.");
    return p;
}

struct slice store_request_copy(struct store_request *r, struct slice s)
{
    struct slice copy = arena_slice(&r->arena, s);
    if (copy.ptr == NULL)
        error_set(&r->result.error, ERROR_NO_MEMORY, "Out of memory.");
    return copy;
}

int store_head(struct store *s, store_done *done, void *arg, struct error *e)
{
    struct store_request *r = request_create(s, STORE_HEAD, done, arg, e);
    return r != NULL ? request_submit(r, e) : -1;
}

int store_append(struct store *s, const struct commit *c, int64_t token, store_done *done,
                 void *arg, struct error *e)
{
    struct store_request *r = request_create(s, STORE_APPEND, done, arg, e);
    if (r == NULL)
        return -1;
    r->commit = *c;
    r->commit.config = store_request_copy(r, c->config);
    r->commit.who = store_request_copy(r, c->who);
    r->commit.where = store_request_copy(r, c->where);
    r->commit.how = store_request_copy(r, c->how);
    r->commit.why = store_request_copy(r, c->why);
    r->commit.scope = store_request_copy(r, c->scope);
    r->token = token;
    return request_submit(r, e);
}

int store_get(struct store *s, uint64_t version, store_done *done, void *arg, struct error *e)
{
    struct store_request *r = request_create(s, STORE_GET, done, arg, e);
    if (r == NULL)
        return -1;
    r->version = version;
    return request_submit(r, e);
}

int store_list(struct store *s, uint64_t before, unsigned count, store_done *done, void *arg,
               struct error *e)
{
    struct store_request *r = request_create(s, STORE_LIST, done, arg, e);
    if (r == NULL)
        return -1;
    r->version = before;
    r->count = count;
    return request_submit(r, e);
}

int store_put(struct store *s, const char *kind, struct slice key, struct slice value,
              int64_t token, store_done *done, void *arg, struct error *e)
{
    struct store_request *r = request_create(s, STORE_PUT, done, arg, e);
    if (r == NULL)
        return -1;
    r->kind = store_request_copy(r, slice_str(kind));
    r->key = store_request_copy(r, key);
    r->value = store_request_copy(r, value);
    r->token = token;
    return request_submit(r, e);
}

int store_scan(struct store *s, const char *kind, struct slice before, unsigned count,
               store_done *done, void *arg, struct error *e)
{
    struct store_request *r = request_create(s, STORE_SCAN, done, arg, e);
    if (r == NULL)
        return -1;
    r->kind = store_request_copy(r, slice_str(kind));
    r->key = store_request_copy(r, before);
    r->count = count;
    return request_submit(r, e);
}

int store_refuse_unfinished(struct error *e)
{
    return error_set(e, ERROR_REFUSED,
                     "A restore into this store was begun and has not ended; run it again.");
}

int store_restore(struct store *s, const char *cluster, bool finished, int64_t token,
                  store_done *done, void *arg, struct error *e)
{
    struct store_request *r = request_create(s, STORE_RESTORE, done, arg, e);
    if (r == NULL)
        return -1;
    snprintf(r->cluster, sizeof r->cluster, "%s", cluster);
    r->finished = finished;
    r->token = token;
    return request_submit(r, e);
}

int store_lease(struct store *s, const char *owner, const char *endpoint, int64_t ttl_ms,
                store_done *done, void *arg, struct error *e)
{
    struct store_request *r = request_create(s, STORE_LEASE, done, arg, e);
    if (r == NULL)
        return -1;
    snprintf(r->owner, sizeof r->owner, "%s", owner);
    snprintf(r->endpoint, sizeof r->endpoint, "%s", endpoint);
    r->ttl_ms = ttl_ms;
    return request_submit(r, e);
}
