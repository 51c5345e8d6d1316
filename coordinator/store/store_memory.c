/* Each request is carried out when it is submitted, and its answer waits in a queue for the next
 * turn of the loop: asynchronous for its users, sequential inside. */

#include "coordinator/store/store_memory.h"

#include "coordinator/store/store_request.h"
#include "proto/base/clock.h"
#include "proto/base/map.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

struct kept {
    struct arena arena;
    struct commit commit;
};

struct memory {
    struct store store;
    struct ev_loop *loop;
    ev_timer deliver;
    struct list answers;
    bool hold;
    enum error_code fail;
    bool keep;
    char cluster[UUID_LEN + 1];
    bool is_restoring;
    struct kept **commits; /* of version i + 1 */
    size_t commit_count;
    struct map records; /* "kind\0key" -> struct buf */
    struct store_lease lease;
    int64_t lease_until_ms;
};

static void get_head(struct memory *m, struct store_head *out)
{
    const char *hash = m->commit_count > 0 ? m->commits[m->commit_count - 1]->commit.hash
                                           : COMMIT_NO_PARENT;
    out->version = m->commit_count;
    snprintf(out->hash, sizeof out->hash, "%s", hash);
}

static void run_head(struct memory *m, struct store_request *r)
{
    if (m->is_restoring)
        store_refuse_unfinished(&r->result.error);
    get_head(m, &r->result.head);
    snprintf(r->result.cluster, sizeof r->result.cluster, "%s", m->cluster);
}

static int check_token(struct memory *m, const struct store_request *r, struct error *e)
{
    if (r->token == m->lease.token)
        return 0;
    return error_set(e, ERROR_DENIED, "Another coordinator has taken over (%s).",
                     m->lease.endpoint);
}

static int keep_commit(struct memory *m, const struct commit *c, struct error *e)
{
    struct kept *kept = calloc(1, sizeof *kept);
    struct kept **more = realloc(m->commits, (m->commit_count + 1) * sizeof *more);
    struct buf bytes = BUF_INIT;
    if (more != NULL)
        m->commits = more;
    if (kept == NULL || more == NULL) {
        free(kept);
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    }
    arena_init(&kept->arena, 0);
    commit_encode(c, &bytes);
    int failed = commit_decode(&kept->commit, buf_slice(&bytes), &kept->arena, e);
    buf_fini(&bytes);
    if (failed) {
        arena_fini(&kept->arena);
        free(kept);
        return -1;
    }
    m->commits[m->commit_count++] = kept;
    return 0;
}

static bool is_kept(const struct memory *m, const struct commit *c)
{
    return c->version > 0 && c->version <= m->commit_count &&
           strcmp(m->commits[c->version - 1]->commit.hash, c->hash) == 0;
}

static void run_append(struct memory *m, struct store_request *r)
{
    struct error *e = &r->result.error;
    enum error_code fail = m->fail;
    m->fail = ERROR_NONE;
    get_head(m, &r->result.head);
    if (fail != ERROR_NONE && !m->keep) {
        error_set(e, fail, "The store has failed, as it was told to.");
        return;
    }
    if (is_kept(m, &r->commit)) {
        r->result.head.version = r->commit.version;
        memcpy(r->result.head.hash, r->commit.hash, sizeof r->result.head.hash);
        return;
    }
    if (check_token(m, r, e) != 0)
        return;
    if (r->commit.version != r->result.head.version + 1 ||
        strcmp(r->commit.parent, r->result.head.hash) != 0) {
        error_set(e, ERROR_CONFLICT, "The head is version %llu, not %llu.",
                  (unsigned long long)r->result.head.version,
                  (unsigned long long)r->commit.version - 1);
        return;
    }
    if (keep_commit(m, &r->commit, e) == 0)
        get_head(m, &r->result.head);
    if (fail != ERROR_NONE)
        error_set(e, fail, "The store's answer was lost, as it was told to.");
}

static void run_get(struct memory *m, struct store_request *r)
{
    uint64_t version = r->version > 0 ? r->version : m->commit_count;
    if (version == 0 || version > m->commit_count) {
        error_set(&r->result.error, ERROR_NOT_FOUND, "There is no commit %llu.",
                  (unsigned long long)version);
        return;
    }
    const struct commit *c = &m->commits[version - 1]->commit;
    r->result.commits = c;
    r->result.commit_count = 1;
    commit_verify(c, &r->result.error);
}

static void run_list(struct memory *m, struct store_request *r)
{
    uint64_t above = r->version > 0 && r->version <= m->commit_count ? r->version
                                                                     : m->commit_count + 1;
    struct commit *out = store_request_alloc(r, r->count * sizeof *out);
    if (out == NULL)
        return;
    size_t count = 0;
    for (uint64_t v = above - 1; v > 0 && count < r->count; v--) {
        out[count] = m->commits[v - 1]->commit;
        out[count++].config = SLICE_EMPTY;
    }
    r->result.commits = out;
    r->result.commit_count = count;
}

static struct slice record_key(struct store_request *r)
{
    struct buf b = BUF_INIT;
    buf_append_slice(&b, r->kind);
    buf_append_char(&b, '\0');
    buf_append_slice(&b, r->key);
    struct slice key = store_request_copy(r, buf_slice(&b));
    buf_fini(&b);
    return key;
}

static void record_free(void *value)
{
    buf_fini(value);
    free(value);
}

static void run_put(struct memory *m, struct store_request *r)
{
    struct slice key = record_key(r);
    void *old = NULL;
    if (key.ptr == NULL || check_token(m, r, &r->result.error) != 0)
        return;
    if (r->value.len == 0) {
        old = map_remove(&m->records, key);
    } else {
        struct buf *value = calloc(1, sizeof *value);
        if (value != NULL)
            buf_append_slice(value, r->value);
        if (value == NULL || value->failed || map_put(&m->records, key, value, &old) != 0)
            error_set(&r->result.error, ERROR_NO_MEMORY, "Out of memory.");
    }
    if (old != NULL)
        record_free(old);
}

static int compare_slices(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int descending(const void *a, const void *b)
{
    return compare_slices(((const struct store_record *)b)->key,
                          ((const struct store_record *)a)->key);
}

static void run_scan(struct memory *m, struct store_request *r)
{
    struct store_record *out = store_request_alloc(r, (map_count(&m->records) + 1) * sizeof *out);
    size_t count = 0;
    if (out == NULL)
        return;
    for (struct map_entry *it = map_first(&m->records); it != NULL; it = map_next(it)) {
        struct slice key = map_key(it);
        if (key.len <= r->kind.len || !slice_starts_with(key, r->kind) ||
            key.ptr[r->kind.len] != '\0')
            continue;
        key = slice_from(key, r->kind.len + 1);
        if (r->key.len > 0 && compare_slices(key, r->key) >= 0)
            continue;
        out[count].key = store_request_copy(r, key);
        out[count++].value = store_request_copy(r, buf_slice(map_value(it)));
    }
    if (r->result.error.code != ERROR_NONE)
        return;
    qsort(out, count, sizeof *out, descending);
    r->result.records = out;
    r->result.record_count = count < r->count ? count : r->count;
}

static void run_lease(struct memory *m, struct store_request *r)
{
    int64_t now = clock_wall_ms();
    bool mine = m->lease.token > 0 && strcmp(m->lease.owner, r->owner) == 0;
    if (mine || m->lease.token == 0 || m->lease_until_ms <= now) {
        if (!mine)
            m->lease.token = store_next_token(m->lease.token);
        m->lease_until_ms = now + r->ttl_ms;
        memcpy(m->lease.owner, r->owner, sizeof m->lease.owner);
        memcpy(m->lease.endpoint, r->endpoint, sizeof m->lease.endpoint);
        mine = true;
    }
    r->result.lease = m->lease;
    r->result.lease.held = mine;
}

static void run_restore(struct memory *m, struct store_request *r)
{
    struct error *e = &r->result.error;
    if (check_token(m, r, e) != 0)
        return;
    if (m->commit_count > 0 && strcmp(m->cluster, r->cluster) != 0) {
        error_set(e, ERROR_CONFLICT, "The store has commits of another cluster, %s.", m->cluster);
        return;
    }
    memcpy(m->cluster, r->cluster, sizeof m->cluster);
    m->is_restoring = !r->finished;
    get_head(m, &r->result.head);
    memcpy(r->result.cluster, m->cluster, sizeof r->result.cluster);
}

static void (*const calls[STORE_CALL_COUNT])(struct memory *m, struct store_request *r) = {
    [STORE_HEAD] = run_head,   [STORE_APPEND] = run_append,   [STORE_GET] = run_get,
    [STORE_LIST] = run_list,   [STORE_PUT] = run_put,         [STORE_SCAN] = run_scan,
    [STORE_LEASE] = run_lease, [STORE_RESTORE] = run_restore,
};

/* ---- delivery ----------------------------------------------------------------------------- */

static void deliver(struct memory *m)
{
    for (struct list *link; !m->hold && (link = list_pop_front(&m->answers)) != NULL;)
        store_request_finish(container_of(link, struct store_request, link));
}

static void on_deliver(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    deliver(container_of(w, struct memory, deliver));
}

static void arm(struct memory *m)
{
    if (m->hold || list_is_empty(&m->answers) || ev_is_active(&m->deliver))
        return;
    ev_timer_set(&m->deliver, 0.0, 0.0);
    ev_timer_start(m->loop, &m->deliver);
}

static int memory_submit(struct store *s, struct store_request *r, struct error *e)
{
    struct memory *m = container_of(s, struct memory, store);
    (void)e;
    calls[r->call](m, r);
    list_push_back(&m->answers, &r->link);
    arm(m);
    return 0;
}

void store_memory_hold(struct store *s, bool hold)
{
    struct memory *m = container_of(s, struct memory, store);
    m->hold = hold;
    arm(m);
}

void store_memory_fail_append(struct store *s, enum error_code code, bool keep)
{
    struct memory *m = container_of(s, struct memory, store);
    m->fail = code;
    m->keep = keep;
}

void store_memory_tamper(struct store *s, uint64_t version)
{
    struct memory *m = container_of(s, struct memory, store);
    m->commits[version - 1]->commit.why = SLICE("somebody changed this");
}

static int memory_open(struct store **out, const char *rest, struct ev_loop *loop, struct error *e)
{
    (void)rest;
    struct memory *m = calloc(1, sizeof *m);
    if (m == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    m->store.ops = &store_memory_ops;
    m->loop = loop;
    m->records = MAP_INIT;
    list_init(&m->answers);
    ev_init(&m->deliver, on_deliver);
    if (uuid_generate(m->cluster, e) != 0) {
        free(m);
        return -1;
    }
    *out = &m->store;
    return 0;
}

static void memory_close(struct store *s)
{
    struct memory *m = container_of(s, struct memory, store);
    m->hold = false;
    deliver(m);
    ev_timer_stop(m->loop, &m->deliver);
    for (size_t i = 0; i < m->commit_count; i++) {
        arena_fini(&m->commits[i]->arena);
        free(m->commits[i]);
    }
    free(m->commits);
    map_fini(&m->records, record_free);
    free(m);
}

const struct store_ops store_memory_ops = {"memory", memory_open, memory_submit, memory_close};
