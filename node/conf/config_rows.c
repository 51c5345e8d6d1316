/* The columns of a list row are upstream's, exactly; whatever else a row can say needs headers. */

#include "node/conf/config_rows.h"

#include "proto/base/arena.h"
#include "proto/wire/tnetstring.h"

#include <stdio.h>

enum { MOST_COLUMNS = 16, MOST_BYTES = 256 << 20, MOST_VALUES = 16 << 20 };

/* Columns in the order of an answer. */
struct columns {
    size_t count;
    int at[MOST_COLUMNS];
};

#define COLUMNS(...)                                                               \
    {                                                                              \
        .count = sizeof((int[]){__VA_ARGS__}) / sizeof(int), .at = { __VA_ARGS__ } \
    }

static const struct columns upstream[TABLE_COUNT] = {
    [TABLE_SETTING] = COLUMNS(SETTING_ID, SETTING_KEY, SETTING_VALUE),
    [TABLE_MIMETYPE] = COLUMNS(MIMETYPE_ID, MIMETYPE_EXTENSION, MIMETYPE_MIMETYPE),
    [TABLE_SERVER] = COLUMNS(SERVER_ID, SERVER_UUID, SERVER_DEFAULT_HOST, SERVER_BIND_ADDR,
                             SERVER_PORT, SERVER_CHROOT, SERVER_ACCESS_LOG, SERVER_ERROR_LOG,
                             SERVER_ERROR_LOG_LEVEL, SERVER_PID_FILE, SERVER_CONTROL_PORT,
                             SERVER_USE_SSL),
    [TABLE_HOST] = COLUMNS(HOST_ID, HOST_NAME, HOST_MATCHING, HOST_SERVER_ID),
    [TABLE_ROUTE] = COLUMNS(ROUTE_ID, ROUTE_PATH, ROUTE_TARGET_ID, ROUTE_TARGET_TYPE),
    [TABLE_HANDLER] = COLUMNS(HANDLER_ID, HANDLER_SEND_SPEC, HANDLER_SEND_IDENT, HANDLER_RECV_SPEC,
                              HANDLER_RECV_IDENT, HANDLER_RAW_PAYLOAD, HANDLER_PROTOCOL),
    [TABLE_PROXY] = COLUMNS(PROXY_ID, PROXY_ADDR, PROXY_PORT),
    [TABLE_DIRECTORY] = COLUMNS(DIRECTORY_ID, DIRECTORY_BASE, DIRECTORY_INDEX_FILE,
                                DIRECTORY_DEFAULT_CTYPE, DIRECTORY_CACHE_TTL),
    [TABLE_FILTER] = COLUMNS(PLUGIN_ID, PLUGIN_NAME, PLUGIN_SETTINGS),
    [TABLE_XREQUEST] = COLUMNS(PLUGIN_ID, PLUGIN_NAME, PLUGIN_SETTINGS),
    [TABLE_REDIRECT] = COLUMNS(REDIRECT_ID, REDIRECT_TO, REDIRECT_STATUS),
    [TABLE_STATUS] = COLUMNS(STATUS_ID, STATUS_WHAT),
};

/* Mongrel2 1.12 had no error_log_level. */
static const struct columns server_of_1_12 = COLUMNS(
    SERVER_ID, SERVER_UUID, SERVER_DEFAULT_HOST, SERVER_BIND_ADDR, SERVER_PORT, SERVER_CHROOT,
    SERVER_ACCESS_LOG, SERVER_ERROR_LOG, SERVER_PID_FILE, SERVER_CONTROL_PORT, SERVER_USE_SSL);

struct reading {
    struct model *model;
    enum table_id table;
    const char *function;
    struct columns columns;
    size_t number; /* of the row, from 1 */
};

static int fail(const struct reading *r, struct error *e, const char *what)
{
    return error_set_object(e, ERROR_INVALID, r->function, "%s: row %zu %s.", r->function,
                            r->number, what);
}

static int set_column(const struct reading *r, struct row *row, int column,
                      const struct tns_value *v, struct error *e)
{
    const struct column *c = &schema_tables[r->table].columns[column];
    if (c->type == COLUMN_INT && v->type == TNS_INT) {
        row_set_int(row, (size_t)column, v->integer);
        return 0;
    }
    if (c->type == COLUMN_TEXT && v->type == TNS_STRING)
        return row_set_text(r->model, row, (size_t)column, v->string, e);
    return error_set_object(
        e, ERROR_INVALID, r->function, "%s: row %zu, column %s is no %s but a %s.", r->function,
        r->number, c->name, c->type == COLUMN_INT ? "integer" : "string", tns_type_name(v->type));
}

static int add_row(struct reading *r, const struct tns_value *cells, struct error *e)
{
    const struct columns *columns = &r->columns;
    if (cells->type != TNS_LIST)
        return fail(r, e, "is no list of columns");
    if (r->table == TABLE_SERVER && cells->item_count == server_of_1_12.count &&
        columns->count == upstream[TABLE_SERVER].count)
        columns = &server_of_1_12;
    if (cells->item_count != columns->count)
        return error_set_object(e, ERROR_INVALID, r->function,
                                "%s: row %zu has %zu columns, not %zu.", r->function, r->number,
                                cells->item_count, columns->count);
    struct row *row = model_add(r->model, r->table, e);
    if (row == NULL)
        return -1;
    /* Nobody reads a server's name but people, and Mongrel2's modules do not give it. */
    if (r->table == TABLE_SERVER && row_set_text(r->model, row, SERVER_NAME, SLICE_EMPTY, e) != 0)
        return -1;
    for (size_t i = 0; i < columns->count; i++)
        if (set_column(r, row, columns->at[i], &cells->items[i], e) != 0)
            return -1;
    return 0;
}

static int take_header(struct reading *r, const struct tns_value *name, struct error *e)
{
    const struct table *t = &schema_tables[r->table];
    int column = name->type == TNS_STRING ? schema_column_of_name(t, name->string) : -1;
    if (column < 0)
        return error_set_object(e, ERROR_INVALID, r->function,
                                "%s: table %s has no column \"%.*s\".", r->function, t->name,
                                name->type == TNS_STRING ? (int)name->string.len : 0,
                                name->type == TNS_STRING ? name->string.ptr : "");
    for (size_t i = 0; i < r->columns.count; i++)
        if (r->columns.at[i] == column)
            return error_set_object(e, ERROR_INVALID, r->function, "%s: column %s is there twice.",
                                    r->function, t->columns[column].name);
    r->columns.at[r->columns.count++] = column;
    return 0;
}

/* Which columns the rows of a table have. */
static int take_headers(struct reading *r, const struct tns_value *headers, struct error *e)
{
    bool has_id = false;
    r->columns.count = 0;
    if (headers->item_count > MOST_COLUMNS)
        return error_set_object(e, ERROR_INVALID, r->function, "%s: %zu headers are too many.",
                                r->function, headers->item_count);
    for (size_t i = 0; i < headers->item_count; i++) {
        if (take_header(r, &headers->items[i], e) != 0)
            return -1;
        has_id |= r->columns.at[i] == COLUMN_ID;
    }
    if (!has_id)
        return error_set_object(e, ERROR_INVALID, r->function, "%s: the headers lack \"id\".",
                                r->function);
    return 0;
}

/* Of which there often are none, so that Mongrel2 takes "nothing" for an answer. */
static bool may_be_null(enum table_id table)
{
    return table == TABLE_HOST || table == TABLE_ROUTE || table == TABLE_FILTER ||
           table == TABLE_XREQUEST;
}

/* The list of rows in an answer; NULL with *e. */
static const struct tns_value *open_answer(struct reading *r, const struct tns_value *answer,
                                           struct error *e)
{
    struct slice text;
    const struct tns_value *rows = tns_get_list(answer, "rows");
    const struct tns_value *headers = tns_get_list(answer, "headers");
    static const struct tns_value none = {.type = TNS_LIST};
    if (answer->type == TNS_NULL && may_be_null(r->table))
        return &none;
    if (answer->type == TNS_LIST) {
        r->columns = upstream[r->table];
        return answer;
    }
    if (rows != NULL && headers != NULL)
        return take_headers(r, headers, e) == 0 ? rows : NULL;
    if (tns_get_string(answer, "error", &text))
        error_set_object(e, ERROR_REFUSED, r->function, "%s: %.*s", r->function,
                         (int)(text.len < 400 ? text.len : 400), text.ptr);
    else
        error_set_object(e, ERROR_INVALID, r->function,
                         "%s answers neither with a list of rows nor with headers and rows.",
                         r->function);
    return NULL;
}

int config_rows_add(struct model *m, enum table_id table, struct slice answer, const char *function,
                    struct error *e)
{
    static const struct tns_limits limits = {MOST_BYTES, MOST_VALUES};
    struct reading r = {.model = m, .table = table, .function = function};
    struct arena arena;
    struct tns_value tree;
    arena_init(&arena, 0);
    int result = tns_parse(&tree, answer, &arena, &limits, NULL, e);
    if (result != 0 && e != NULL)
        snprintf(e->object, sizeof e->object, "%s", function);
    const struct tns_value *rows = result == 0 ? open_answer(&r, &tree, e) : NULL;
    if (rows == NULL)
        result = -1;
    for (size_t i = 0; result == 0 && i < rows->item_count; i++) {
        r.number = i + 1;
        result = add_row(&r, &rows->items[i], e);
    }
    arena_fini(&arena);
    return result;
}
