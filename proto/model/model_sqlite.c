/* Reading: every table with SELECT * and its columns told apart by name, because databases of
 * different age have different columns. What upstream's programs never read is forgiven when it is
 * NULL; everything they read must be there. */

#include "proto/model/model_sqlite.h"

#include "proto/base/buf.h"
#include "proto/model/database.h"

#include <sqlite3.h>
#include <strings.h>

/* A view may be an endless query; a configuration is not. */
#define ROWS_MAX 10000000

struct reading {
    struct sqlite3 *db;
    const char *name; /* of the file, for messages */
    struct model *model;
    size_t row_count; /* of all tables */
};

/* For each result column the column of the schema, or -1. */
struct mapping {
    int columns[64];
    int count;
};

static bool may_be_absent(enum table_id table)
{
    return schema_tables[table].is_addition || table == TABLE_FILTER || table == TABLE_XREQUEST;
}

static int column_of(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->column_count; i++)
        if (name != NULL && strcasecmp(t->columns[i].name, name) == 0) /* as SQL compares */
            return (int)i;
    return -1;
}

/* Upstream's node never asks for a server's name, so old databases may lack it. */
static bool is_optional(enum table_id table, size_t column)
{
    return (schema_tables[table].columns[column].flags & COLUMN_REQUIRED) == 0 ||
           (table == TABLE_SERVER && column == SERVER_NAME);
}

/* 1: a table of somebody else under a name of ours (ours are ordinary words); 0, -1. */
static int map_columns(struct mapping *map, sqlite3_stmt *s, const struct reading *r,
                       enum table_id table, struct error *e)
{
    const struct table *t = &schema_tables[table];
    bool found[64] = {false};
    map->count = sqlite3_column_count(s);
    if (map->count > 64)
        return error_set_object(e, ERROR_INVALID, t->name,
                                "Table %s of %s has more than 64 columns; it is no configuration "
                                "table.",
                                t->name, r->name);
    for (int i = 0; i < map->count; i++) {
        map->columns[i] = column_of(t, sqlite3_column_name(s, i));
        if (map->columns[i] >= 0)
            found[map->columns[i]] = true;
    }
    for (size_t i = 0; i < t->column_count; i++)
        if (!found[i] && !is_optional(table, i))
            return t->is_addition
                       ? 1
                       : error_set_object(
                             e, ERROR_INVALID, t->name,
                             "Table %s of %s has no column %s; the database was not made "
                             "by m2sh, load the configuration again.",
                             t->name, r->name, t->columns[i].name);
    return 0;
}

/* NULL in a column that upstream does not have or does not read stands for its default. */
static int set_null(struct reading *r, struct row *row, size_t column, struct error *e)
{
    const struct column *c = &schema_tables[row->table].columns[column];
    if (row->table == TABLE_SERVER && column == SERVER_NAME)
        return row_set_text(r->model, row, column, SLICE_EMPTY, e);
    bool is_forgiven = (c->flags & (COLUMN_ADDITION | COLUMN_UNUSED)) != 0 &&
                       (c->flags & COLUMN_REQUIRED) == 0;
    if (!is_forgiven)
        row_set_null(row, column);
    return 0;
}

static int set_value(struct reading *r, struct row *row, size_t column, sqlite3_stmt *s, int i,
                     struct error *e)
{
    const struct table *t = &schema_tables[row->table];
    int type = sqlite3_column_type(s, i);
    if (column == COLUMN_ID && type != SQLITE_INTEGER)
        return error_set_object(e, ERROR_INVALID, t->name,
                                "Table %s of %s has a row without a number as id.", t->name,
                                r->name);
    switch (type) {
    case SQLITE_INTEGER: row_set_int(row, column, sqlite3_column_int64(s, i)); return 0;
    case SQLITE_NULL: return set_null(r, row, column, e);
    case SQLITE_TEXT: {
        const void *text = sqlite3_column_text(s, i);
        if (text == NULL)
            return error_set(e, ERROR_NO_MEMORY, "Out of memory while reading %s.", r->name);
        return row_set_text(r->model, row, column,
                            slice_of(text, (size_t)sqlite3_column_bytes(s, i)), e);
    }
    default:
        return error_set_object(e, ERROR_INVALID, t->name,
                                "Table %s, row %lld, column %s of %s holds %s; store %s.", t->name,
                                (long long)row_id(row), t->columns[column].name, r->name,
                                type == SQLITE_FLOAT ? "a fraction" : "a blob",
                                t->columns[column].type == COLUMN_INT ? "a whole number" : "text");
    }
}

static int read_row(struct reading *r, enum table_id table, sqlite3_stmt *s,
                    const struct mapping *map, struct error *e)
{
    if (++r->row_count > ROWS_MAX)
        return error_set_object(e, ERROR_TOO_LARGE, r->name,
                                "%s has more than %d rows; it is no configuration database.",
                                r->name, ROWS_MAX);
    struct row *row = model_add(r->model, table, e);
    if (row == NULL)
        return -1;
    for (int pass = 0; pass < 2; pass++) /* the id first: messages name it */
        for (int i = 0; i < map->count; i++) {
            int column = map->columns[i];
            if (column >= 0 && (column == COLUMN_ID) == (pass == 0) &&
                set_value(r, row, (size_t)column, s, i, e) < 0)
                return -1;
        }
    return 0;
}

static int read_rows(struct reading *r, enum table_id table, sqlite3_stmt *s, struct error *e)
{
    struct mapping map;
    int rc = map_columns(&map, s, r, table, e);
    if (rc != 0)
        return rc > 0 ? 0 : -1;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        if (read_row(r, table, s, &map, e) < 0)
            return -1;
    return rc == SQLITE_DONE ? 0 : database_error(r->db, r->name, "read", e);
}

static int read_table(struct reading *r, enum table_id table, struct error *e)
{
    const char *name = schema_tables[table].name;
    int has = database_has_table(r->db, r->name, name, e);
    if (has < 0)
        return -1;
    if (has == 0)
        return may_be_absent(table)
                   ? 0
                   : error_set_object(e, ERROR_INVALID, r->name,
                                      "%s has no table %s: it is no configuration database. Make "
                                      "one with m2sh load.",
                                      r->name, name);
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "SELECT * FROM %s ORDER BY id", name);
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) != SQLITE_OK)
        return schema_tables[table].is_addition /* somebody else's table without an id */
                   ? 0
                   : database_error(r->db, r->name, "read", e);
    int rc = read_rows(r, table, s, e);
    sqlite3_finalize(s);
    return rc;
}

int model_sqlite_read_db(struct model **out, struct sqlite3 *db, const char *name, struct error *e)
{
    struct reading r = {.db = db, .name = name, .model = model_create(e)};
    if (r.model == NULL)
        return -1;
    bool is_ours = sqlite3_get_autocommit(db); /* one transaction: one state of all tables */
    int rc = is_ours ? database_exec(db, name, "BEGIN", e) : 0;
    for (int t = 0; t < TABLE_COUNT && rc == 0; t++)
        rc = read_table(&r, (enum table_id)t, e);
    if (is_ours)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (rc == 0)
        rc = model_freeze(r.model, e);
    if (rc < 0) {
        model_unref(r.model);
        return -1;
    }
    *out = r.model;
    return 0;
}

int model_sqlite_read(struct model **out, const char *path, struct error *e)
{
    struct sqlite3 *db;
    if (database_open(&db, path, DATABASE_READ, e) < 0)
        return -1;
    int rc = model_sqlite_read_db(out, db, path, e);
    database_close(db);
    return rc;
}
