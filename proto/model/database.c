/* Why the odd open: a writer that was killed leaves a journal beside the file, and whoever opens
 * the file next must play it back, which needs to write. So reading opens read-only first, and only
 * when SQLite says that there is something to recover does it open for writing, once. */

#include "proto/model/database.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

static enum error_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERROR_TIMEOUT;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA: return ERROR_INVALID;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return ERROR_DENIED;
    case SQLITE_NOMEM: return ERROR_NO_MEMORY;
    case SQLITE_TOOBIG: return ERROR_TOO_LARGE;
    default: return ERROR_IO;
    }
}

int database_error(struct sqlite3 *db, const char *name, const char *doing, struct error *e)
{
    int rc = db != NULL ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    const char *reason = db != NULL ? sqlite3_errmsg(db) : "out of memory";
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set_object(e, ERROR_TIMEOUT, name,
                                "Cannot %s %s: another program has held the database for %d "
                                "seconds; try again when it is done.",
                                doing, name, DATABASE_BUSY_MS / 1000);
    case SQLITE_NOTADB:
        return error_set_object(e, ERROR_INVALID, name,
                                "%s is no SQLite database; name a file made by m2sh load.", name);
    default:
        return error_set_object(e, code_of(rc), name, "Cannot %s %s: %s.", doing, name, reason);
    }
}

/* Nothing that a hostile file's schema says may run code or leave the file. */
static void harden(sqlite3 *db)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
}

static int open_with(sqlite3 **out, const char *path, int flags, struct error *e)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        database_error(db, path, "open", e);
        sqlite3_close(db);
        return -1;
    }
    harden(db);
    sqlite3_busy_timeout(db, DATABASE_BUSY_MS);
    *out = db;
    return 0;
}

/* The first look at the file: is it a database, is there a journal to play back? */
static int look(sqlite3 *db)
{
    return sqlite3_exec(db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
}

static int open_for_reading(sqlite3 **out, const char *path, struct error *e)
{
    if (open_with(out, path, SQLITE_OPEN_READONLY, e) < 0)
        return -1;
    int rc = look(*out);
    if ((rc & 0xff) == SQLITE_READONLY) { /* a journal waits to be played back */
        sqlite3_close(*out);
        if (open_with(out, path, SQLITE_OPEN_READWRITE, e) < 0)
            return -1;
        rc = look(*out);
    }
    if (rc == SQLITE_OK)
        return 0;
    database_error(*out, path, "read", e);
    sqlite3_close(*out);
    *out = NULL;
    return -1;
}

int database_open(struct sqlite3 **out, const char *path, enum database_mode mode, struct error *e)
{
    *out = NULL;
    struct stat st;
    if (mode != DATABASE_CREATE && stat(path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return error_set_object(e, ERROR_NOT_FOUND, path, "There is no database %s.", path);
        return error_set_errno(e, "Cannot look at the database %s", path);
    }
    if (mode == DATABASE_READ)
        return open_for_reading(out, path, e);
    int flags = SQLITE_OPEN_READWRITE | (mode == DATABASE_CREATE ? SQLITE_OPEN_CREATE : 0);
    if (open_with(out, path, flags, e) < 0)
        return -1;
    /* EXTRA: also the removal of the journal is on disk, so that power loss undoes no commit. */
    if (look(*out) == SQLITE_OK && database_exec(*out, path, "PRAGMA synchronous=EXTRA", e) == 0)
        return 0;
    database_error(*out, path, "open", e);
    sqlite3_close(*out);
    *out = NULL;
    return -1;
}

void database_close(struct sqlite3 *db)
{
    sqlite3_close(db);
}

int database_exec(struct sqlite3 *db, const char *name, const char *sql, struct error *e)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return database_error(db, name, "change", e);
    return 0;
}

int database_prepare(struct sqlite3_stmt **out, struct sqlite3 *db, const char *name,
                     const char *sql, struct error *e)
{
    if (sqlite3_prepare_v2(db, sql, -1, out, NULL) != SQLITE_OK)
        return database_error(db, name, "use", e);
    return 0;
}

int database_has_table(struct sqlite3 *db, const char *name, const char *table, struct error *e)
{
    sqlite3_stmt *s;
    if (database_prepare(&s, db, name,
                         "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND "
                         "lower(name) = ?",
                         e) < 0)
        return -1;
    sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
    int rc = sqlite3_step(s);
    int has = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : database_error(db, name, "read", e);
    sqlite3_finalize(s);
    return has;
}
