/* The history as an SQLite database, synchronously: what store_sqlite.c does on its side thread.
 * Every function that changes something is one transaction. Not thread-safe; one user at a time. */
#ifndef COORDINATOR_STORE_SQLITE_HISTORY_H
#define COORDINATOR_STORE_SQLITE_HISTORY_H

#include "coordinator/store/store.h"
#include "proto/base/arena.h"

struct sqlite3;

struct history {
    struct sqlite3 *db;
    char *path;
    char cluster[UUID_LEN + 1];
    bool is_restoring; /* a restore has begun and not ended */
};

/* Opens or makes the database and follows the whole chain of hashes. The lease of a coordinator
 * that was killed is void: whoever can open the store is alone. ERROR_CONFLICT for a history that
 * was edited, ERROR_INVALID for another program's database, ERROR_IO. */
int history_open(struct history *h, const char *path, struct error *e);
void history_close(struct history *h); /* fine when not open */

int history_head(struct history *h, struct store_head *out, struct error *e);
/* *head gets the head that is there afterwards, also after ERROR_CONFLICT. */
int history_append(struct history *h, const struct commit *c, int64_t token,
                   struct store_head *head, struct error *e);
int history_get(struct history *h, uint64_t version, struct commit *out, struct arena *a,
                struct error *e);
/* `out` holds `count` commits. */
int history_list(struct history *h, uint64_t before, unsigned count, struct commit *out,
                 size_t *got, struct arena *a, struct error *e);
int history_put(struct history *h, struct slice kind, struct slice key, struct slice value,
                int64_t token, struct error *e);
int history_scan(struct history *h, struct slice kind, struct slice before, unsigned count,
                 struct store_record *out, size_t *got, struct arena *a, struct error *e);
/* As store_restore; *head gets the head that is there. */
int history_restore(struct history *h, const char *cluster, bool finished, int64_t token,
                    struct store_head *head, struct error *e);
int history_lease(struct history *h, const char *owner, const char *endpoint, int64_t ttl_ms,
                  struct store_lease *out, struct error *e);

#endif
