/* Statements are prepared per call: a call costs an fsync or is rare, preparing costs microseconds,
 * and nothing has to be reset after an error. */

#include "coordinator/store/sqlite_history.h"

#include "coordinator/store/store_request.h"
#include "proto/base/clock.h"
#include "proto/base/failpoint.h"
#include "proto/model/database.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "1"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS config(digest TEXT PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS commits(version INTEGER PRIMARY KEY, parent TEXT NOT NULL,"
    " hash TEXT NOT NULL UNIQUE, config_hash TEXT NOT NULL REFERENCES config(digest),"
    " who TEXT NOT NULL, host TEXT NOT NULL, when_ms INTEGER NOT NULL, how TEXT NOT NULL,"
    " why TEXT NOT NULL, scope TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS record(kind TEXT NOT NULL, key BLOB NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS lease(id INTEGER PRIMARY KEY CHECK(id = 1), owner TEXT NOT NULL,"
    " endpoint TEXT NOT NULL, token INTEGER NOT NULL, until_ms INTEGER NOT NULL);";

static int prepare(struct history *h, sqlite3_stmt **st, const char *sql, struct error *e)
{
    return database_prepare(st, h->db, h->path, sql, e);
}

/* Steps to a row: 1, to the end: 0, or -1. */
static int step(struct history *h, sqlite3_stmt *st, const char *doing, struct error *e)
{
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : database_error(h->db, h->path, doing, e);
}

static void bind_slice(sqlite3_stmt *st, int at, struct slice s)
{
    sqlite3_bind_text(st, at, s.len > 0 ? s.ptr : "", (int)s.len, SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *st, int at, struct slice s)
{
    sqlite3_bind_blob(st, at, s.len > 0 ? s.ptr : "", (int)s.len, SQLITE_STATIC);
}

static void bind_str(sqlite3_stmt *st, int at, const char *s)
{
    sqlite3_bind_text(st, at, s, -1, SQLITE_STATIC);
}

static struct slice column(sqlite3_stmt *st, int at)
{
    const void *bytes = sqlite3_column_blob(st, at);
    return slice_of(bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(st, at));
}

/* A column of at most `size` - 1 characters as a string; longer ones are cut and will not match. */
static void column_str(sqlite3_stmt *st, int at, char *out, size_t size)
{
    struct slice s = column(st, at);
    snprintf(out, size, "%.*s", SLICE_ARG(s));
}

static int begin(struct history *h, struct error *e)
{
    return database_exec(h->db, h->path, "BEGIN IMMEDIATE", e);
}

static int commit_transaction(struct history *h, struct error *e)
{
    return database_exec(h->db, h->path, "COMMIT", e);
}

/* Ends a transaction: commits when all went well, else takes everything back. Returns `rc`. */
static int end(struct history *h, int rc, struct error *e)
{
    if (rc == 0)
        rc = commit_transaction(h, e);
    if (rc != 0)
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* ---- open --------------------------------------------------------------------------------- */

static int read_meta(struct history *h, const char *key, char *out, size_t size, struct error *e)
{
    sqlite3_stmt *st;
    out[0] = '\0';
    if (prepare(h, &st, "SELECT value FROM meta WHERE key = ?", e) != 0)
        return -1;
    bind_str(st, 1, key);
    int rc = step(h, st, "read", e);
    if (rc == 1)
        column_str(st, 0, out, size);
    sqlite3_finalize(st);
    return rc < 0 ? -1 : 0;
}

static int write_meta(struct history *h, const char *key, const char *value, struct error *e)
{
    sqlite3_stmt *st;
    if (prepare(h, &st, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", e) != 0)
        return -1;
    bind_str(st, 1, key);
    bind_str(st, 2, value);
    int rc = step(h, st, "write", e);
    sqlite3_finalize(st);
    return rc;
}

static int fill_new(struct history *h, struct error *e)
{
    char format[16], restoring[16];
    if (database_exec(h->db, h->path, schema, e) != 0 ||
        read_meta(h, "format", format, sizeof format, e) != 0 ||
        read_meta(h, "restoring", restoring, sizeof restoring, e) != 0 ||
        read_meta(h, "cluster", h->cluster, sizeof h->cluster, e) != 0)
        return -1;
    h->is_restoring = strcmp(restoring, "yes") == 0;
    if (format[0] == '\0') {
        if (uuid_generate(h->cluster, e) != 0 || write_meta(h, "format", FORMAT, e) != 0)
            return -1;
        return write_meta(h, "cluster", h->cluster, e);
    }
    if (strcmp(format, FORMAT) != 0 || !uuid_is_valid(slice_str(h->cluster)))
        return error_set(e, ERROR_INVALID,
                         "%s is a store of format \"%s\"; this program knows format " FORMAT ".",
                         h->path, format);
    return 0;
}

/* A file that holds tables but not ours is somebody else's. */
static int refuse_foreign(struct history *h, struct error *e)
{
    sqlite3_stmt *st;
    if (prepare(h, &st,
                "SELECT count(*), sum(name = 'meta' OR name = 'commits') FROM sqlite_master"
                " WHERE type = 'table'",
                e) != 0)
        return -1;
    int rc = step(h, st, "read", e);
    bool foreign = rc == 1 && sqlite3_column_int(st, 0) > 0 && sqlite3_column_int(st, 1) != 2;
    sqlite3_finalize(st);
    if (foreign)
        return error_set(e, ERROR_INVALID, "%s is a database, but no coordinator's store.",
                         h->path);
    return rc < 0 ? -1 : 0;
}

static int read_commit(sqlite3_stmt *st, struct commit *out, struct arena *a, struct error *e)
{
    *out = (struct commit){.version = (uint64_t)sqlite3_column_int64(st, 0)};
    column_str(st, 1, out->parent, sizeof out->parent);
    column_str(st, 2, out->hash, sizeof out->hash);
    column_str(st, 3, out->config_hash, sizeof out->config_hash);
    out->who = arena_slice(a, column(st, 4));
    out->where = arena_slice(a, column(st, 5));
    out->when_ms = sqlite3_column_int64(st, 6);
    out->how = arena_slice(a, column(st, 7));
    out->why = arena_slice(a, column(st, 8));
    out->scope = arena_slice(a, column(st, 9));
    if (sqlite3_column_count(st) > 10)
        out->config = arena_slice(a, column(st, 10));
    if (out->who.ptr == NULL || out->where.ptr == NULL || out->how.ptr == NULL ||
        out->why.ptr == NULL || out->scope.ptr == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    return 0;
}

#define RECORD_COLUMNS "version, parent, hash, config_hash, who, host, when_ms, how, why, scope"

static int damaged(const struct history *h, struct error *e)
{
    struct error cause = *e;
    return error_set(e, ERROR_CONFLICT,
                     "The history in %s does not hang together: %s Restore it from a backup.",
                     h->path, cause.text);
}

/* Every record must follow the one before it and fit its own hash. */
static int verify_chain(struct history *h, struct error *e)
{
    sqlite3_stmt *st;
    struct arena arenas[2]; /* this record and the one before it */
    struct commit commits[2];
    int rc;
    uint64_t n = 0;
    if (prepare(h, &st, "SELECT " RECORD_COLUMNS " FROM commits ORDER BY version", e) != 0)
        return -1;
    arena_init(&arenas[0], 0);
    arena_init(&arenas[1], 0);
    while ((rc = step(h, st, "read the history of", e)) == 1) {
        struct commit *c = &commits[n % 2], *parent = n > 0 ? &commits[(n + 1) % 2] : NULL;
        arena_reset(&arenas[n % 2]);
        if (read_commit(st, c, &arenas[n % 2], e) != 0) {
            rc = -1;
            break;
        }
        if (commit_verify(c, e) != 0 || commit_follows(c, parent, e) != 0) {
            rc = damaged(h, e);
            break;
        }
        n++;
    }
    sqlite3_finalize(st);
    arena_fini(&arenas[0]);
    arena_fini(&arenas[1]);
    return rc;
}

/* The one configuration that nodes will ask for. */
static int verify_head(struct history *h, struct error *e)
{
    struct store_head head;
    struct commit c;
    struct arena a;
    if (history_head(h, &head, e) != 0)
        return -1;
    if (head.version == 0)
        return 0;
    arena_init(&a, 0);
    int rc = history_get(h, 0, &c, &a, e);
    if (rc == 0 && commit_verify(&c, e) != 0)
        rc = damaged(h, e);
    arena_fini(&a);
    return rc;
}

int history_open(struct history *h, const char *path, struct error *e)
{
    h->path = strdup(path);
    if (h->path == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (database_open(&h->db, path, DATABASE_CREATE, e) != 0 || refuse_foreign(h, e) != 0 ||
        database_exec(h->db, path,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "PRAGMA foreign_keys = ON",
                      e) != 0)
        return -1;
    if (begin(h, e) != 0 || end(h, fill_new(h, e), e) != 0)
        return -1;
    if (verify_chain(h, e) != 0 || verify_head(h, e) != 0)
        return -1;
    return database_exec(h->db, path, "UPDATE lease SET until_ms = 0", e);
}

void history_close(struct history *h)
{
    database_close(h->db);
    free(h->path);
    *h = (struct history){.db = NULL};
}

/* ---- commits ------------------------------------------------------------------------------ */

int history_head(struct history *h, struct store_head *out, struct error *e)
{
    sqlite3_stmt *st;
    out->version = 0;
    snprintf(out->hash, sizeof out->hash, "%s", COMMIT_NO_PARENT);
    if (prepare(h, &st, "SELECT version, hash FROM commits ORDER BY version DESC LIMIT 1", e) != 0)
        return -1;
    int rc = step(h, st, "read the head of", e);
    if (rc == 1) {
        out->version = (uint64_t)sqlite3_column_int64(st, 0);
        column_str(st, 1, out->hash, sizeof out->hash);
    }
    sqlite3_finalize(st);
    return rc < 0 ? -1 : 0;
}

static int check_token(struct history *h, int64_t token, struct error *e)
{
    sqlite3_stmt *st;
    char endpoint[ENDPOINT_MAX] = "nobody";
    int64_t newest = 0;
    if (prepare(h, &st, "SELECT token, endpoint FROM lease", e) != 0)
        return -1;
    int rc = step(h, st, "read the lease in", e);
    if (rc == 1) {
        newest = sqlite3_column_int64(st, 0);
        column_str(st, 1, endpoint, sizeof endpoint);
    }
    sqlite3_finalize(st);
    if (rc < 0)
        return -1;
    if (newest != token)
        return error_set(e, ERROR_DENIED, "Another coordinator has taken over (%s).", endpoint);
    return 0;
}

static int check_parent(const struct commit *c, const struct store_head *head, struct error *e)
{
    if (c->version == head->version + 1 && strcmp(c->parent, head->hash) == 0)
        return 0;
    return error_set(e, ERROR_CONFLICT, "The head is version %" PRIu64 ", not %" PRIu64 ".",
                     head->version, c->version - 1);
}

static int insert_config(struct history *h, const struct commit *c, struct error *e)
{
    sqlite3_stmt *st;
    if (prepare(h, &st, "INSERT OR IGNORE INTO config(digest, bytes) VALUES(?, ?)", e) != 0)
        return -1;
    bind_str(st, 1, c->config_hash);
    bind_blob(st, 2, c->config);
    int rc = step(h, st, "write a configuration to", e);
    sqlite3_finalize(st);
    return rc;
}

static int insert_commit(struct history *h, const struct commit *c, struct error *e)
{
    sqlite3_stmt *st;
    if (prepare(h, &st, "INSERT INTO commits(" RECORD_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?)", e) !=
        0)
        return -1;
    sqlite3_bind_int64(st, 1, (int64_t)c->version);
    bind_str(st, 2, c->parent);
    bind_str(st, 3, c->hash);
    bind_str(st, 4, c->config_hash);
    bind_slice(st, 5, c->who);
    bind_slice(st, 6, c->where);
    sqlite3_bind_int64(st, 7, c->when_ms);
    bind_slice(st, 8, c->how);
    bind_slice(st, 9, c->why);
    bind_slice(st, 10, c->scope);
    int rc = step(h, st, "write a commit to", e);
    sqlite3_finalize(st);
    return rc;
}

/* 1: this very commit is in the history; 0: it is not. */
static int is_kept(struct history *h, const struct commit *c, struct error *e)
{
    sqlite3_stmt *st;
    if (prepare(h, &st, "SELECT 1 FROM commits WHERE version = ? AND hash = ?", e) != 0)
        return -1;
    sqlite3_bind_int64(st, 1, (int64_t)c->version);
    bind_str(st, 2, c->hash);
    int rc = step(h, st, "look for a commit in", e);
    sqlite3_finalize(st);
    return rc;
}

static int append(struct history *h, const struct commit *c, int64_t token, struct store_head *head,
                  struct error *e)
{
    int kept = is_kept(h, c, e);
    if (kept != 0)
        return kept < 0 ? -1 : 0;
    if (history_head(h, head, e) != 0 || check_token(h, token, e) != 0 ||
        check_parent(c, head, e) != 0)
        return -1;
    return insert_config(h, c, e) == 0 ? insert_commit(h, c, e) : -1;
}

/* A failure before the transaction is committed leaves nothing: that much is known. */
static int not_kept(struct error *e)
{
    if (e->code != ERROR_CONFLICT && e->code != ERROR_DENIED)
        e->code = ERROR_REFUSED;
    return -1;
}

int history_append(struct history *h, const struct commit *c, int64_t token,
                   struct store_head *head, struct error *e)
{
    if (begin(h, e) != 0)
        return not_kept(e);
    if (append(h, c, token, head, e) != 0) {
        end(h, -1, e);
        return not_kept(e);
    }
    FAILPOINT("store.append");
    if (end(h, 0, e) != 0)
        return -1;
    FAILPOINT("store.committed");
    head->version = c->version;
    memcpy(head->hash, c->hash, sizeof head->hash);
    return 0;
}

int history_get(struct history *h, uint64_t version, struct commit *out, struct arena *a,
                struct error *e)
{
    sqlite3_stmt *st;
    if (prepare(h, &st,
                "SELECT " RECORD_COLUMNS ", bytes FROM commits JOIN config"
                " ON digest = config_hash WHERE ?1 = 0 OR version = ?1"
                " ORDER BY version DESC LIMIT 1",
                e) != 0)
        return -1;
    sqlite3_bind_int64(st, 1, (int64_t)version);
    int rc = step(h, st, "read a commit from", e);
    if (rc == 1)
        rc = read_commit(st, out, a, e);
    else if (rc == 0)
        rc = error_set(e, ERROR_NOT_FOUND, "There is no commit %" PRIu64 ".", version);
    if (rc == 0 && out->config.ptr == NULL)
        rc = error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    sqlite3_finalize(st);
    return rc;
}

int history_list(struct history *h, uint64_t before, unsigned count, struct commit *out,
                 size_t *got, struct arena *a, struct error *e)
{
    sqlite3_stmt *st;
    int rc;
    *got = 0;
    if (prepare(h, &st,
                "SELECT " RECORD_COLUMNS " FROM commits WHERE ?1 = 0 OR version < ?1"
                " ORDER BY version DESC LIMIT ?2",
                e) != 0)
        return -1;
    sqlite3_bind_int64(st, 1, (int64_t)before);
    sqlite3_bind_int64(st, 2, count);
    while ((rc = step(h, st, "read the history of", e)) == 1)
        if (read_commit(st, &out[(*got)++], a, e) != 0) {
            rc = -1;
            break;
        }
    sqlite3_finalize(st);
    return rc;
}

/* ---- records and lease -------------------------------------------------------------------- */

static int put(struct history *h, struct slice kind, struct slice key, struct slice value,
               int64_t token, struct error *e)
{
    sqlite3_stmt *st;
    const char *sql = value.len > 0
                          ? "INSERT OR REPLACE INTO record(kind, key, value) VALUES(?, ?, ?)"
                          : "DELETE FROM record WHERE kind = ? AND key = ?";
    if (check_token(h, token, e) != 0 || prepare(h, &st, sql, e) != 0)
        return -1;
    bind_slice(st, 1, kind);
    bind_blob(st, 2, key);
    if (value.len > 0)
        bind_blob(st, 3, value);
    int rc = step(h, st, "write a record to", e);
    sqlite3_finalize(st);
    return rc;
}

int history_put(struct history *h, struct slice kind, struct slice key, struct slice value,
                int64_t token, struct error *e)
{
    return begin(h, e) == 0 ? end(h, put(h, kind, key, value, token, e), e) : -1;
}

int history_scan(struct history *h, struct slice kind, struct slice before, unsigned count,
                 struct store_record *out, size_t *got, struct arena *a, struct error *e)
{
    sqlite3_stmt *st;
    int rc;
    *got = 0;
    if (prepare(h, &st,
                "SELECT key, value FROM record WHERE kind = ?1 AND (?2 = x'' OR key < ?2)"
                " ORDER BY key DESC LIMIT ?3",
                e) != 0)
        return -1;
    bind_slice(st, 1, kind);
    bind_blob(st, 2, before);
    sqlite3_bind_int64(st, 3, count);
    while ((rc = step(h, st, "read records of", e)) == 1) {
        struct store_record *r = &out[(*got)++];
        r->key = arena_slice(a, column(st, 0));
        r->value = arena_slice(a, column(st, 1));
        if (r->key.ptr == NULL || r->value.ptr == NULL) {
            rc = error_set(e, ERROR_NO_MEMORY, "Out of memory.");
            break;
        }
    }
    sqlite3_finalize(st);
    return rc;
}

static int read_lease(struct history *h, struct store_lease *out, int64_t *until_ms,
                      struct error *e)
{
    sqlite3_stmt *st;
    *until_ms = 0;
    *out = (struct store_lease){.held = false};
    if (prepare(h, &st, "SELECT owner, endpoint, token, until_ms FROM lease", e) != 0)
        return -1;
    int rc = step(h, st, "read the lease in", e);
    if (rc == 1) {
        column_str(st, 0, out->owner, sizeof out->owner);
        column_str(st, 1, out->endpoint, sizeof out->endpoint);
        out->token = sqlite3_column_int64(st, 2);
        *until_ms = sqlite3_column_int64(st, 3);
    }
    sqlite3_finalize(st);
    return rc < 0 ? -1 : 0;
}

static int write_lease(struct history *h, const struct store_lease *lease, int64_t until_ms,
                       struct error *e)
{
    sqlite3_stmt *st;
    if (prepare(h, &st,
                "INSERT OR REPLACE INTO lease(id, owner, endpoint, token, until_ms)"
                " VALUES(1, ?, ?, ?, ?)",
                e) != 0)
        return -1;
    bind_str(st, 1, lease->owner);
    bind_str(st, 2, lease->endpoint);
    sqlite3_bind_int64(st, 3, lease->token);
    sqlite3_bind_int64(st, 4, until_ms);
    int rc = step(h, st, "write the lease to", e);
    sqlite3_finalize(st);
    return rc;
}

static int take_lease(struct history *h, const char *owner, const char *endpoint, int64_t ttl_ms,
                      struct store_lease *out, struct error *e)
{
    int64_t until_ms, now = clock_wall_ms();
    if (read_lease(h, out, &until_ms, e) != 0)
        return -1;
    bool mine = strcmp(out->owner, owner) == 0;
    if (!mine && until_ms > now)
        return 0;
    out->held = true;
    if (!mine)
        out->token = store_next_token(out->token);
    snprintf(out->owner, sizeof out->owner, "%s", owner);
    snprintf(out->endpoint, sizeof out->endpoint, "%s", endpoint);
    return write_lease(h, out, now + ttl_ms, e);
}

static int restore(struct history *h, const char *cluster, bool finished, int64_t token,
                   struct store_head *head, struct error *e)
{
    if (history_head(h, head, e) != 0 || check_token(h, token, e) != 0)
        return -1;
    if (head->version > 0 && strcmp(h->cluster, cluster) != 0)
        return error_set(e, ERROR_CONFLICT, "The store has commits of another cluster, %s.",
                         h->cluster);
    if (write_meta(h, "cluster", cluster, e) != 0)
        return -1;
    return write_meta(h, "restoring", finished ? "no" : "yes", e);
}

int history_restore(struct history *h, const char *cluster, bool finished, int64_t token,
                    struct store_head *head, struct error *e)
{
    if (begin(h, e) != 0 || end(h, restore(h, cluster, finished, token, head, e), e) != 0)
        return -1;
    snprintf(h->cluster, sizeof h->cluster, "%s", cluster);
    h->is_restoring = !finished;
    return 0;
}

int history_lease(struct history *h, const char *owner, const char *endpoint, int64_t ttl_ms,
                  struct store_lease *out, struct error *e)
{
    return begin(h, e) == 0 ? end(h, take_lease(h, owner, endpoint, ttl_ms, out, e), e) : -1;
}
