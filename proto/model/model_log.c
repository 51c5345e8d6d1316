/* The table is upstream's, so that its m2sh lists our entries and ours lists its. */

#include "proto/model/model_log.h"

#include "proto/model/database.h"

#include <sqlite3.h>

static const char make_table[] =
    "CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, who TEXT, what TEXT, location TEXT, "
    "happened_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, how TEXT, why TEXT)";

int model_log_make_table(struct sqlite3 *db, const char *name, struct error *e)
{
    return database_exec(db, name, make_table, e);
}

int model_log_append_db(struct sqlite3 *db, const char *name, const struct log_entry *entry,
                        struct error *e)
{
    if (model_log_make_table(db, name, e) < 0)
        return -1;
    sqlite3_stmt *s;
    if (database_prepare(&s, db, name,
                         "INSERT INTO log (who, what, location, happened_at, how, why) "
                         "VALUES (?, ?, ?, coalesce(?, CURRENT_TIMESTAMP), ?, ?)",
                         e) < 0)
        return -1;
    const char *const texts[] = {entry->who,         entry->what, entry->location,
                                 entry->happened_at, entry->how,  entry->why};
    for (int i = 0; i < 6; i++)
        sqlite3_bind_text(s, i + 1, texts[i], -1, SQLITE_STATIC); /* NULL binds NULL */
    int rc = sqlite3_step(s) == SQLITE_DONE ? 0 : database_error(db, name, "write the log of", e);
    sqlite3_finalize(s);
    return rc;
}

int model_log_append(const char *path, const struct log_entry *entry, struct error *e)
{
    struct sqlite3 *db;
    if (database_open(&db, path, DATABASE_WRITE, e) < 0)
        return -1;
    int rc = database_exec(db, path, "BEGIN IMMEDIATE", e);
    if (rc == 0)
        rc = model_log_append_db(db, path, entry, e);
    if (rc == 0)
        rc = database_exec(db, path, "COMMIT", e);
    database_close(db);
    return rc;
}

static int read_text(const char **out, sqlite3_stmt *s, int column, struct arena *a)
{
    const unsigned char *text = sqlite3_column_text(s, column);
    *out = NULL;
    if (text == NULL)
        return 0;
    *out = arena_strdup(a, (const char *)text);
    return *out != NULL ? 0 : -1;
}

static int read_entry(struct log_entry *entry, sqlite3_stmt *s, struct arena *a)
{
    entry->id = sqlite3_column_int64(s, 0);
    const char **const texts[] = {&entry->who,         &entry->what, &entry->location,
                                  &entry->happened_at, &entry->how,  &entry->why};
    for (int i = 0; i < 6; i++)
        if (read_text(texts[i], s, i + 1, a) < 0)
            return -1;
    return 0;
}

static int no_memory(struct error *e)
{
    return error_set(e, ERROR_NO_MEMORY, "Out of memory while reading the log.");
}

/* The statement yields the newest first; the array is filled from its end. */
static int read_entries(struct log_entry **out, size_t *count, struct sqlite3 *db, const char *path,
                        sqlite3_stmt *s, struct arena *a, struct error *e)
{
    size_t total = *count;
    struct log_entry *entries = arena_alloc(a, (total > 0 ? total : 1) * sizeof *entries);
    if (entries == NULL)
        return no_memory(e);
    size_t left = total;
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && left > 0)
        if (read_entry(&entries[--left], s, a) < 0)
            return no_memory(e);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return database_error(db, path, "read the log of", e);
    *out = entries + left;
    *count = total - left;
    return 0;
}

static int count_entries(size_t *count, struct sqlite3 *db, const char *path, struct error *e)
{
    sqlite3_stmt *s;
    if (database_prepare(&s, db, path, "SELECT count(*) FROM log", e) < 0)
        return -1;
    int rc = sqlite3_step(s) == SQLITE_ROW ? 0 : database_error(db, path, "read the log of", e);
    *count = rc == 0 ? (size_t)sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return rc;
}

static int read_log(struct log_entry **out, size_t *count, struct sqlite3 *db, const char *path,
                    size_t limit, struct arena *a, struct error *e)
{
    *out = NULL;
    *count = 0;
    int has = database_has_table(db, path, "log", e);
    if (has <= 0)
        return has;
    if (count_entries(count, db, path, e) < 0)
        return -1;
    if (limit > 0 && *count > limit)
        *count = limit;
    sqlite3_stmt *s;
    if (database_prepare(&s, db, path,
                         "SELECT id, who, what, location, happened_at, how, why FROM log "
                         "ORDER BY id DESC LIMIT ?",
                         e) < 0)
        return -1;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)*count);
    int rc = read_entries(out, count, db, path, s, a, e);
    sqlite3_finalize(s);
    return rc;
}

int model_log_read(struct log_entry **out, size_t *count, const char *path, size_t limit,
                   struct arena *a, struct error *e)
{
    struct sqlite3 *db;
    if (database_open(&db, path, DATABASE_READ, e) < 0)
        return -1;
    int rc = database_exec(db, path, "BEGIN", e); /* one state for the count and the rows */
    if (rc == 0)
        rc = read_log(out, count, db, path, limit, a, e);
    database_close(db);
    return rc;
}
