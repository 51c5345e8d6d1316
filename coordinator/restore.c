/* A chain of calls to the store, each begun when the one before has answered: the lease, the mark
 * that the store is not whole, the commits that it does not have, the records, the mark away.
 * Appending what is there already succeeds, so nothing has to be remembered of a run that broke
 * off. */

#include "coordinator/restore.h"

#include "coordinator/store/store.h"
#include "proto/base/clock.h"
#include "proto/base/failpoint.h"
#include "proto/base/list.h"
#include "proto/model/backup.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define HOLDER "a restore" /* where the endpoint of a coordinator would stand */

enum { LEASE_MS = 10000, RENEW_MS = 3000, WAIT_MS = 12000, TELL_MS = 1000 };

struct restore {
    struct ev_loop *loop;
    struct store *store;
    struct slice bytes;
    struct backup_info info;
    size_t commits, records; /* in the file */
    struct backup_reader reader;
    size_t done;          /* items of the file */
    struct store_head at; /* of the store, at first */
    char owner[UUID_LEN + 1];
    int64_t token;
    uint64_t begun_ms, renewed_ms, told_ms;
    ev_timer again; /* for the lease */
    bool waits;
    struct error error;
};

static void next_item(struct restore *r);

static void fail(struct restore *r, const struct error *e)
{
    r->error = *e;
    ev_break(r->loop, EVBREAK_ALL);
}

static void tell(struct restore *r, bool last)
{
    uint64_t now = clock_monotonic_ms();
    if (!last && now - r->told_ms < TELL_MS)
        return;
    r->told_ms = now;
    fprintf(stderr, "restored %zu of %zu\n", r->done, r->commits + r->records);
}

/* ---- the end ------------------------------------------------------------------------------ */

static void on_released(void *arg, const struct store_result *result)
{
    struct restore *r = arg;
    (void)result; /* at worst a coordinator waits until the lease has run out */
    ev_break(r->loop, EVBREAK_ALL);
}

static void on_whole(void *arg, const struct store_result *result)
{
    struct restore *r = arg;
    struct error e = result->error;
    if (e.code != ERROR_NONE || store_lease(r->store, r->owner, HOLDER, 0, on_released, r, &e) != 0)
        fail(r, &e);
}

/* ---- the items ---------------------------------------------------------------------------- */

static void on_kept(void *arg, const struct store_result *result)
{
    struct restore *r = arg;
    if (result->error.code != ERROR_NONE) {
        fail(r, &result->error);
        return;
    }
    r->done++;
    FAILPOINT("restore.kept");
    tell(r, false);
    next_item(r);
}

static int keep(struct restore *r, const struct backup_item *item, struct error *e)
{
    char kind[33];
    if (item->kind == BACKUP_COMMIT)
        return store_append(r->store, &item->commit, r->token, on_kept, r, e);
    snprintf(kind, sizeof kind, "%.*s", SLICE_ARG(item->record_kind));
    return store_put(r->store, kind, item->key, item->value, r->token, on_kept, r, e);
}

static void on_renewed(void *arg, const struct store_result *result)
{
    struct restore *r = arg;
    struct error e = result->error;
    if (e.code == ERROR_NONE && !result->lease.held)
        error_set(&e, ERROR_DENIED, "Another has taken the store over meanwhile (%s).",
                  result->lease.endpoint);
    r->renewed_ms = clock_monotonic_ms();
    if (e.code != ERROR_NONE)
        fail(r, &e);
    else
        next_item(r);
}

/* Commits that the store has are passed over; there may be many. */
static int next_missing(struct restore *r, struct backup_item *item, struct error *e)
{
    int more;
    while ((more = backup_read(&r->reader, item, e)) > 0 && item->kind == BACKUP_COMMIT &&
           item->commit.version <= r->at.version)
        r->done++;
    return more;
}

static void next_item(struct restore *r)
{
    struct backup_item item;
    struct error e;
    int more = 0, failed;
    if (clock_monotonic_ms() - r->renewed_ms > RENEW_MS)
        failed = store_lease(r->store, r->owner, HOLDER, LEASE_MS, on_renewed, r, &e);
    else if ((more = next_missing(r, &item, &e)) > 0)
        failed = keep(r, &item, &e);
    else
        failed = more < 0
                     ? -1
                     : store_restore(r->store, r->info.cluster, true, r->token, on_whole, r, &e);
    if (failed != 0)
        fail(r, &e);
}

/* ---- the beginning ------------------------------------------------------------------------ */

/* Is the store's history the beginning of the file's? */
static int check_prefix(struct restore *r, struct error *e)
{
    struct backup_reader reader;
    struct backup_item item;
    bool same = r->at.version == 0;
    if (r->at.version > r->info.version)
        return error_set(e, ERROR_CONFLICT,
                         "The store has version %llu, the backup ends with %llu: nothing was done.",
                         (unsigned long long)r->at.version, (unsigned long long)r->info.version);
    if (same)
        return 0;
    if (backup_open(&reader, r->bytes, e) != 0)
        return -1;
    while (!same && backup_read(&reader, &item, e) > 0 && item.kind == BACKUP_COMMIT)
        same = item.commit.version == r->at.version && strcmp(item.commit.hash, r->at.hash) == 0;
    backup_close(&reader);
    return same
               ? 0
               : error_set(e, ERROR_CONFLICT,
                           "Version %llu of the store is not that of the backup: nothing was done.",
                           (unsigned long long)r->at.version);
}

static void on_marked(void *arg, const struct store_result *result)
{
    struct restore *r = arg;
    struct error e = result->error;
    r->at = result->head;
    if (e.code != ERROR_NONE || check_prefix(r, &e) != 0)
        fail(r, &e);
    else
        next_item(r);
}

static void on_head(void *arg, const struct store_result *result)
{
    struct restore *r = arg;
    struct error e = result->error;
    r->at = result->head;
    bool goes_on = e.code == ERROR_REFUSED; /* of a restore that broke off */
    if (!goes_on && (e.code != ERROR_NONE || check_prefix(r, &e) != 0))
        fail(r, &e);
    else if (store_restore(r->store, r->info.cluster, false, r->token, on_marked, r, &e) != 0)
        fail(r, &e);
}

static void take_lease(struct restore *r);

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    take_lease(container_of(w, struct restore, again));
}

/* One that was killed has its lease for a while yet. */
static bool wait_for_lease(struct restore *r, const char *endpoint)
{
    if (clock_monotonic_ms() - r->begun_ms > WAIT_MS)
        return false;
    if (!r->waits)
        fprintf(stderr, "the store is in use (%s); waiting for it\n", endpoint);
    r->waits = true;
    ev_timer_set(&r->again, 0.5, 0);
    ev_timer_start(r->loop, &r->again);
    return true;
}

static void on_lease(void *arg, const struct store_result *result)
{
    struct restore *r = arg;
    struct error e = result->error;
    if (e.code == ERROR_NONE && !result->lease.held) {
        if (wait_for_lease(r, result->lease.endpoint))
            return;
        error_set(&e, ERROR_EXISTS, "A coordinator uses this store (%s); stop it first.",
                  result->lease.endpoint);
    }
    r->token = result->lease.token;
    r->renewed_ms = clock_monotonic_ms();
    if (e.code != ERROR_NONE || store_head(r->store, on_head, r, &e) != 0)
        fail(r, &e);
}

static void take_lease(struct restore *r)
{
    struct error e;
    if (store_lease(r->store, r->owner, HOLDER, LEASE_MS, on_lease, r, &e) != 0)
        fail(r, &e);
}

static int into_store(struct restore *r, const char *url, struct error *e)
{
    r->loop = ev_default_loop(EVFLAG_NOENV);
    ev_timer_init(&r->again, on_again, 0, 0);
    r->begun_ms = r->told_ms = clock_monotonic_ms();
    if (uuid_generate(r->owner, e) != 0 || store_open(&r->store, url, r->loop, e) != 0)
        return -1;
    take_lease(r);
    if (r->error.code == ERROR_NONE)
        ev_run(r->loop, 0);
    store_close(&r->store);
    *e = r->error;
    if (e->code != ERROR_NONE)
        return -1;
    tell(r, true);
    return 0;
}

int restore_run(const char *url, const char *path, struct error *e)
{
    struct restore r = {.loop = NULL};
    if (backup_map(&r.bytes, path, e) != 0)
        return -1;
    int result = backup_check(r.bytes, &r.info, &r.commits, &r.records, e);
    if (result == 0)
        result = backup_open(&r.reader, r.bytes, e);
    if (result == 0) {
        result = into_store(&r, url, e);
        backup_close(&r.reader);
    }
    munmap((void *)(uintptr_t)r.bytes.ptr, r.bytes.len);
    if (result == 0)
        fprintf(stderr, "cluster %s, version %llu %.12s\n", r.info.cluster,
                (unsigned long long)r.info.version, r.info.hash);
    return result;
}
