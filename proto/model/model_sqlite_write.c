/* Writing: drop, create and fill in one transaction. A database that does not exist yet is made
 * under another name and moved into place when it is whole, so that a killed writer leaves no empty
 * file that looks like a configuration. */

#include "proto/base/buf.h"
#include "proto/base/uuid.h"
#include "proto/model/database.h"
#include "proto/model/model_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Upstream's columns as its m2sh 1.13 declares them; what the names say in the schema, with the
 * types and defaults that other tools may rely on. */
static const char *const upstream_columns[TABLE_COUNT] = {
    [TABLE_SERVER] = "id INTEGER PRIMARY KEY, uuid TEXT, access_log TEXT, error_log TEXT, "
                     "error_log_level INTEGER, chroot TEXT DEFAULT '/var/www', pid_file TEXT, "
                     "control_port TEXT DEFAULT '', default_host TEXT, name TEXT DEFAULT '', "
                     "bind_addr TEXT DEFAULT '0.0.0.0', port INTEGER, use_ssl INTEGER DEFAULT 0",
    [TABLE_HOST] = "id INTEGER PRIMARY KEY, server_id INTEGER, maintenance BOOLEAN DEFAULT 0, "
                   "name TEXT, matching TEXT",
    [TABLE_ROUTE] = "id INTEGER PRIMARY KEY, path TEXT, reversed BOOLEAN DEFAULT 0, "
                    "host_id INTEGER, target_id INTEGER, target_type TEXT",
    [TABLE_DIRECTORY] = "id INTEGER PRIMARY KEY, base TEXT, index_file TEXT, default_ctype TEXT, "
                        "cache_ttl INTEGER DEFAULT 0",
    [TABLE_PROXY] = "id INTEGER PRIMARY KEY, addr TEXT, port INTEGER",
    [TABLE_HANDLER] = "id INTEGER PRIMARY KEY, send_spec TEXT, send_ident TEXT, recv_spec TEXT, "
                      "recv_ident TEXT, raw_payload INTEGER DEFAULT 0, "
                      "protocol TEXT DEFAULT 'json'",
    [TABLE_FILTER] = "id INTEGER PRIMARY KEY, server_id INTEGER, name TEXT, settings TEXT",
    [TABLE_XREQUEST] = "id INTEGER PRIMARY KEY, server_id INTEGER, name TEXT, settings TEXT",
    [TABLE_SETTING] = "id INTEGER PRIMARY KEY, key TEXT, value TEXT",
    [TABLE_MIMETYPE] = "id INTEGER PRIMARY KEY, mimetype TEXT, extension TEXT",
    [TABLE_REDIRECT] = "id INTEGER PRIMARY KEY",
    [TABLE_STATUS] = "id INTEGER PRIMARY KEY",
    [TABLE_EXPECT] = "id INTEGER PRIMARY KEY",
};

static const char make_statistic[] =
    "CREATE TABLE IF NOT EXISTS statistic (id SERIAL, other_type TEXT, other_id INTEGER, "
    "name TEXT, sum REAL, sumsq REAL, n INTEGER, min REAL, max REAL, mean REAL, sd REAL, "
    "PRIMARY KEY (other_type, other_id, name))";

struct writing {
    struct sqlite3 *db;
    const char *name;
    const struct model *model;
};

static bool is_default(const struct value *v, const struct column *c)
{
    if (c->type == COLUMN_INT)
        return v->kind == VALUE_INT && v->n == c->default_int;
    return v->kind == VALUE_TEXT && slice_eq(v->text, slice_str(c->default_text));
}

/* Is this column part of the database? Upstream's are; an addition when some row uses it, and in a
 * table of our own always. */
static bool is_written(const struct writing *w, enum table_id table, size_t column)
{
    const struct column *c = &schema_tables[table].columns[column];
    if ((c->flags & COLUMN_ADDITION) == 0 || schema_tables[table].is_addition)
        return true;
    for (size_t i = 0; i < model_count(w->model, table); i++)
        if (!is_default(&model_row(w->model, table, i)->values[column], c))
            return true;
    return false;
}

static void declare_addition(struct buf *sql, const struct column *c)
{
    buf_printf(sql, ", %s %s", c->name, c->type == COLUMN_INT ? "INTEGER" : "TEXT");
    if ((c->flags & COLUMN_REQUIRED) != 0)
        return;
    if (c->type == COLUMN_INT)
        buf_printf(sql, " DEFAULT %lld", (long long)c->default_int);
    else
        buf_printf(sql, " DEFAULT '%s'", c->default_text);
}

static int run(const struct writing *w, struct buf *sql, struct error *e)
{
    int rc = sql->failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory while writing %s.", w->name)
                         : database_exec(w->db, w->name, buf_str(sql), e);
    buf_clear(sql);
    return rc;
}

/* Tables of our own have ordinary words as names: is the one there somebody else's? 1, 0, -1. */
static int is_foreign(const struct writing *w, enum table_id table, struct buf *sql,
                      struct error *e)
{
    const struct table *t = &schema_tables[table];
    int has = database_has_table(w->db, w->name, t->name, e);
    if (has <= 0)
        return has;
    buf_append_str(sql, "SELECT id");
    for (size_t i = 1; i < t->column_count; i++)
        buf_printf(sql, ", t.%s", t->columns[i].name);
    buf_printf(sql, " FROM %s t", t->name);
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(w->db, buf_str(sql), -1, &s, NULL);
    sqlite3_finalize(s);
    buf_clear(sql);
    return rc != SQLITE_OK;
}

static int drop_table(const struct writing *w, enum table_id table, struct buf *sql,
                      struct error *e)
{
    const struct table *t = &schema_tables[table];
    int foreign = t->is_addition ? is_foreign(w, table, sql, e) : 0;
    if (foreign > 0 && model_count(w->model, table) > 0)
        return error_set_object(e, ERROR_INVALID, t->name,
                                "%s holds a table %s that is not part of a configuration; rename "
                                "it or write the configuration to another file.",
                                w->name, t->name);
    if (foreign != 0)
        return foreign > 0 ? 0 : -1;
    buf_printf(sql, "DROP TABLE IF EXISTS %s", t->name);
    return run(w, sql, e);
}

static int make_table(const struct writing *w, enum table_id table, struct buf *sql,
                      struct error *e)
{
    const struct table *t = &schema_tables[table];
    if (drop_table(w, table, sql, e) < 0)
        return -1;
    if (t->is_addition && model_count(w->model, table) == 0)
        return 0;
    buf_printf(sql, "CREATE TABLE %s (%s", t->name, upstream_columns[table]);
    for (size_t i = 0; i < t->column_count; i++)
        if ((t->columns[i].flags & COLUMN_ADDITION) != 0 && is_written(w, table, i))
            declare_addition(sql, &t->columns[i]);
    buf_append_char(sql, ')');
    return run(w, sql, e);
}

static int refuse_value(const struct writing *w, const struct row *r, size_t column,
                        struct error *e)
{
    const struct table *t = &schema_tables[r->table];
    const struct column *c = &t->columns[column];
    return error_set_object(e, ERROR_INVALID, t->name,
                            "Table %s, row %lld, column %s has %s where %s belongs; %s was not "
                            "changed.",
                            t->name, (long long)row_id(r), c->name,
                            r->values[column].kind == VALUE_NULL  ? "no value"
                            : r->values[column].kind == VALUE_INT ? "a number"
                                                                  : "text",
                            c->type == COLUMN_INT ? "a number" : "text", w->name);
}

static int bind(const struct writing *w, sqlite3_stmt *s, int parameter, const struct row *r,
                size_t column, struct error *e)
{
    const struct value *v = &r->values[column];
    bool is_int = schema_tables[r->table].columns[column].type == COLUMN_INT;
    if (v->kind != (is_int ? VALUE_INT : VALUE_TEXT))
        return refuse_value(w, r, column, e);
    int rc = is_int ? sqlite3_bind_int64(s, parameter, v->n)
                    : sqlite3_bind_text64(s, parameter, v->text.ptr, v->text.len, SQLITE_STATIC,
                                          SQLITE_UTF8);
    return rc == SQLITE_OK ? 0 : database_error(w->db, w->name, "write", e);
}

static int fill_rows(const struct writing *w, enum table_id table, const bool *written,
                     sqlite3_stmt *s, struct error *e)
{
    const struct table *t = &schema_tables[table];
    for (size_t i = 0; i < model_count(w->model, table); i++) {
        const struct row *r = model_row(w->model, table, i);
        int parameter = 0;
        for (size_t c = 0; c < t->column_count; c++)
            if (written[c] && bind(w, s, ++parameter, r, c, e) < 0)
                return -1;
        if (sqlite3_step(s) != SQLITE_DONE)
            return database_error(w->db, w->name, "write", e);
        sqlite3_reset(s);
    }
    return 0;
}

static int fill_table(const struct writing *w, enum table_id table, struct buf *sql,
                      struct error *e)
{
    const struct table *t = &schema_tables[table];
    if (model_count(w->model, table) == 0)
        return 0;
    bool written[64] = {false};
    buf_printf(sql, "INSERT INTO %s (", t->name);
    for (size_t i = 0; i < t->column_count; i++) {
        written[i] = is_written(w, table, i);
        if (written[i])
            buf_printf(sql, "%s%s", i > 0 ? ", " : "", t->columns[i].name);
    }
    buf_append_str(sql, ") VALUES (?");
    for (size_t i = 1; i < t->column_count; i++)
        if (written[i])
            buf_append_str(sql, ", ?");
    buf_append_char(sql, ')');
    sqlite3_stmt *s;
    if (sql->failed)
        return run(w, sql, e);
    if (database_prepare(&s, w->db, w->name, buf_str(sql), e) < 0)
        return -1;
    buf_clear(sql);
    int rc = fill_rows(w, table, written, s, e);
    sqlite3_finalize(s);
    return rc;
}

static int write_tables(const struct writing *w, struct error *e)
{
    struct buf sql = BUF_INIT;
    int rc = 0;
    for (int t = 0; t < TABLE_COUNT && rc == 0; t++)
        rc = make_table(w, (enum table_id)t, &sql, e);
    for (int t = 0; t < TABLE_COUNT && rc == 0; t++)
        rc = fill_table(w, (enum table_id)t, &sql, e);
    buf_fini(&sql);
    return rc;
}

static int write_transaction(const struct writing *w, const struct log_entry *entry,
                             struct error *e)
{
    if (database_exec(w->db, w->name, "BEGIN IMMEDIATE", e) < 0 || write_tables(w, e) < 0 ||
        database_exec(w->db, w->name, make_statistic, e) < 0 ||
        model_log_make_table(w->db, w->name, e) < 0)
        return -1;
    if (entry != NULL && model_log_append_db(w->db, w->name, entry, e) < 0)
        return -1;
    return database_exec(w->db, w->name, "COMMIT", e);
}

/* Writes the configuration into a file that exists, or that `mode` may make. */
static int write_file(const struct model *m, const char *path, const char *name,
                      enum database_mode mode, const struct log_entry *entry, struct error *e)
{
    struct sqlite3 *db;
    if (database_open(&db, path, mode, e) < 0)
        return -1;
    struct writing w = {db, name, m};
    int rc = write_transaction(&w, entry, e);
    database_close(db); /* rolls back what was not committed */
    return rc;
}

/* A rename is on disk when its directory is. */
static int sync_directory(const char *path, struct error *e)
{
    const char *slash = strrchr(path, '/');
    struct buf dir = BUF_INIT;
    buf_append(&dir, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
    int fd = open(dir.len > 0 ? buf_str(&dir) : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && fsync(fd) == 0
                 ? 0
                 : error_set_errno(e, "Cannot bring the directory of %s to disk", path);
    if (fd >= 0)
        close(fd);
    buf_fini(&dir);
    return rc;
}

static int temporary_name(struct buf *out, const char *path, struct error *e)
{
    unsigned char random[6];
    if (uuid_random_bytes(random, sizeof random, e) < 0)
        return -1;
    buf_printf(out, "%s.", path);
    for (size_t i = 0; i < sizeof random; i++)
        buf_printf(out, "%02x", random[i]);
    return out->failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory while writing %s.", path) : 0;
}

/* Writes beside `path`, then moves. 1: somebody else has made the file in the meantime. */
static int write_new(const struct model *m, const char *path, const char *temporary,
                     const struct log_entry *entry, struct error *e)
{
    if (write_file(m, temporary, path, DATABASE_CREATE, entry, e) < 0) {
        unlink(temporary);
        return -1;
    }
    int rc = link(temporary, path); /* unlike rename, never replaces */
    if (rc < 0 && errno == EEXIST)
        rc = 1;
    else if (rc < 0) /* a file system without links */
        rc = rename(temporary, path);
    if (rc < 0)
        error_set_errno(e, "Cannot make the database %s", path);
    unlink(temporary);
    return rc == 0 ? sync_directory(path, e) : rc;
}

int model_sqlite_write(const struct model *m, const char *path, const struct log_entry *entry,
                       struct error *e)
{
    int rc = 1;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        struct buf temporary = BUF_INIT;
        rc = temporary_name(&temporary, path, e);
        if (rc == 0)
            rc = write_new(m, path, buf_str(&temporary), entry, e);
        buf_fini(&temporary);
    }
    return rc == 1 ? write_file(m, path, path, DATABASE_WRITE, entry, e) : rc;
}
