/* One SQLite file, one connection, one side thread that alone uses it after open.
 *
 * WAL with synchronous=FULL: an append is one fsync, and readers (backup, a curious person) do not
 * stand in its way. Commits are columns, so that the history can be read with any SQLite tool;
 * configurations are kept once per content. A lock file keeps a second coordinator out. */

#include "coordinator/store/sqlite_history.h"
#include "coordinator/store/store_request.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct sqlite_store {
    struct store store;
    struct evwork *work;
    struct history history;
    int lock_fd;
};

/* ---- the calls, on the side thread -------------------------------------------------------- */

static void run_head(struct history *h, struct store_request *r)
{
    snprintf(r->result.cluster, sizeof r->result.cluster, "%s", h->cluster);
    if (h->is_restoring)
        store_refuse_unfinished(&r->result.error);
    else
        history_head(h, &r->result.head, &r->result.error);
}

static void run_restore(struct history *h, struct store_request *r)
{
    history_restore(h, r->cluster, r->finished, r->token, &r->result.head, &r->result.error);
    snprintf(r->result.cluster, sizeof r->result.cluster, "%s", h->cluster);
}

static void run_append(struct history *h, struct store_request *r)
{
    history_append(h, &r->commit, r->token, &r->result.head, &r->result.error);
}

static void run_get(struct history *h, struct store_request *r)
{
    struct commit *c = store_request_alloc(r, sizeof *c);
    if (c == NULL || history_get(h, r->version, c, &r->arena, &r->result.error) != 0)
        return;
    r->result.commits = c;
    r->result.commit_count = 1;
    commit_verify(c, &r->result.error);
}

static void run_list(struct history *h, struct store_request *r)
{
    struct commit *out = store_request_alloc(r, (r->count + 1) * sizeof *out);
    if (out != NULL && history_list(h, r->version, r->count, out, &r->result.commit_count,
                                    &r->arena, &r->result.error) == 0)
        r->result.commits = out;
}

static void run_put(struct history *h, struct store_request *r)
{
    history_put(h, r->kind, r->key, r->value, r->token, &r->result.error);
}

static void run_scan(struct history *h, struct store_request *r)
{
    struct store_record *out = store_request_alloc(r, (r->count + 1) * sizeof *out);
    if (out != NULL && history_scan(h, r->kind, r->key, r->count, out, &r->result.record_count,
                                    &r->arena, &r->result.error) == 0)
        r->result.records = out;
}

static void run_lease(struct history *h, struct store_request *r)
{
    history_lease(h, r->owner, r->endpoint, r->ttl_ms, &r->result.lease, &r->result.error);
}

static void (*const calls[STORE_CALL_COUNT])(struct history *h, struct store_request *r) = {
    [STORE_HEAD] = run_head,   [STORE_APPEND] = run_append,   [STORE_GET] = run_get,
    [STORE_LIST] = run_list,   [STORE_PUT] = run_put,         [STORE_SCAN] = run_scan,
    [STORE_LEASE] = run_lease, [STORE_RESTORE] = run_restore,
};

static void run(struct evwork_job *job)
{
    struct store_request *r = container_of(job, struct store_request, job);
    struct sqlite_store *s = container_of(r->store, struct sqlite_store, store);
    calls[r->call](&s->history, r);
}

static void done(struct evwork_job *job)
{
    store_request_finish(container_of(job, struct store_request, job));
}

static int sqlite_submit(struct store *store, struct store_request *r, struct error *e)
{
    struct sqlite_store *s = container_of(store, struct sqlite_store, store);
    (void)e;
    r->job.run = run;
    r->job.done = done;
    evwork_submit(s->work, &r->job);
    return 0;
}

/* ---- open and close ----------------------------------------------------------------------- */

/* The default store lies in run/, which a fresh directory does not have. */
static int make_parent(const char *path, struct error *e)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    if (slash == NULL || slash == path)
        return 0;
    if (snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path) >= (int)sizeof folder)
        return error_set(e, ERROR_USAGE, "The store's path is too long.");
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return error_set_errno(e, "Cannot make the folder %s for the store", folder);
    return 0;
}

static int lock(struct sqlite_store *s, const char *path, struct error *e)
{
    char name[4096];
    if (snprintf(name, sizeof name, "%s.lock", path) >= (int)sizeof name)
        return error_set(e, ERROR_USAGE, "The store's path is too long.");
    s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return error_set_errno(e, "Cannot open %s", name);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? error_set(e, ERROR_EXISTS, "Another coordinator uses the store %s.", path)
                   : error_set_errno(e, "Cannot lock %s", name);
    return 0;
}

static void sqlite_close(struct store *store)
{
    struct sqlite_store *s = container_of(store, struct sqlite_store, store);
    evwork_destroy(&s->work);
    history_close(&s->history);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
}

static int sqlite_open(struct store **out, const char *path, struct ev_loop *loop, struct error *e)
{
    if (path[0] == '\0')
        return error_set(e, ERROR_USAGE, "The store needs a path: sqlite:PATH.");
    struct sqlite_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    s->store.ops = &store_sqlite_ops;
    s->lock_fd = -1;
    if (make_parent(path, e) != 0 || lock(s, path, e) != 0 ||
        history_open(&s->history, path, e) != 0 || evwork_create(&s->work, loop, e) != 0) {
        sqlite_close(&s->store);
        return -1;
    }
    *out = &s->store;
    return 0;
}

const struct store_ops store_sqlite_ops = {"sqlite", sqlite_open, sqlite_submit, sqlite_close};
