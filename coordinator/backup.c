#include "coordinator/backup.h"

#include "coordinator/store/store.h"
#include "proto/base/clock.h"
#include "proto/model/backup.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 100, TELL_MS = 1000 };

struct backup {
    struct ev_loop *loop;
    struct store *store;
    const char *path;
    struct backup_writer writer;
    struct backup_info info;
    uint64_t version; /* written last */
    size_t kind;      /* whose records are written */
    size_t records;
    uint64_t told_ms;
    struct error error;
};

static void fail(struct backup *b, const struct error *e)
{
    b->error = *e;
    ev_break(b->loop, EVBREAK_ALL);
}

/* ---- records ------------------------------------------------------------------------------ */

static void on_records(void *arg, const struct store_result *r);

static int next_page(struct backup *b, struct slice before, struct error *e)
{
    return store_scan(b->store, backup_kinds[b->kind], before, PAGE, on_records, b, e);
}

static int put_records(struct backup *b, const struct store_result *r, struct error *e)
{
    for (size_t i = 0; i < r->record_count; i++, b->records++)
        if (backup_put_record(&b->writer, slice_str(backup_kinds[b->kind]), r->records[i].key,
                              r->records[i].value, e) != 0)
            return -1;
    if (r->record_count == PAGE)
        return next_page(b, r->records[PAGE - 1].key, e);
    if (++b->kind < BACKUP_KINDS)
        return next_page(b, SLICE_EMPTY, e);
    if (backup_finish(&b->writer, e) != 0)
        return -1;
    ev_break(b->loop, EVBREAK_ALL);
    return 0;
}

static void on_records(void *arg, const struct store_result *r)
{
    struct backup *b = arg;
    struct error e = r->error;
    if (e.code != ERROR_NONE || put_records(b, r, &e) != 0)
        fail(b, &e);
}

/* ---- commits ------------------------------------------------------------------------------ */

static void on_commit(void *arg, const struct store_result *r);

static int next_commit(struct backup *b, struct error *e)
{
    return b->version < b->info.version ? store_get(b->store, b->version + 1, on_commit, b, e)
                                        : next_page(b, SLICE_EMPTY, e);
}

static void tell(struct backup *b)
{
    uint64_t now = clock_monotonic_ms();
    if (now - b->told_ms < TELL_MS)
        return;
    b->told_ms = now;
    fprintf(stderr, "saved %llu of %llu\n", (unsigned long long)b->version,
            (unsigned long long)b->info.version);
}

static void on_commit(void *arg, const struct store_result *r)
{
    struct backup *b = arg;
    struct error e = r->error;
    if (e.code != ERROR_NONE || backup_put_commit(&b->writer, &r->commits[0], &e) != 0) {
        fail(b, &e);
        return;
    }
    b->version++;
    tell(b);
    if (next_commit(b, &e) != 0)
        fail(b, &e);
}

static void on_head(void *arg, const struct store_result *r)
{
    struct backup *b = arg;
    struct error e = r->error;
    b->info = (struct backup_info){.version = r->head.version, .when_ms = clock_wall_ms()};
    memcpy(b->info.hash, r->head.hash, sizeof b->info.hash);
    memcpy(b->info.cluster, r->cluster, sizeof b->info.cluster);
    if (e.code != ERROR_NONE || backup_create(&b->writer, b->path, &b->info, &e) != 0 ||
        next_commit(b, &e) != 0)
        fail(b, &e);
}

int backup_run(const char *url, const char *path, struct error *e)
{
    struct backup b = {
        .loop = ev_default_loop(EVFLAG_NOENV), .path = path, .told_ms = clock_monotonic_ms()};
    if (store_open(&b.store, url, b.loop, e) != 0)
        return -1;
    int failed = store_head(b.store, on_head, &b, e);
    if (failed == 0)
        ev_run(b.loop, 0);
    store_close(&b.store);
    backup_writer_fini(&b.writer);
    if (failed == 0 && b.error.code != ERROR_NONE) {
        *e = b.error;
        failed = -1;
    }
    if (failed == 0)
        fprintf(stderr, "saved %llu commits and %zu records of cluster %s in %s\n",
                (unsigned long long)b.info.version, b.records, b.info.cluster, path);
    return failed;
}
