/* Rows are carved from one arena and found through an array of pointers per table, so that adding
 * never moves a row. Most models number their rows 1, 2, 3 …: the id index is then the array
 * itself; otherwise it is an open-addressing table made by model_freeze. */

#include "proto/model/model.h"

#include "proto/base/arena.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK 65536

struct rows {
    struct row **items;
    size_t count;
    size_t cap;
    int64_t max_id; /* of the rows before the last one */
    /* Made by model_freeze; NULL while building and when ids are 1, 2, 3 … */
    uint32_t *index; /* place in items + 1; 0 empty */
    size_t index_mask;
};

struct model {
    atomic_uint refs; /* a snapshot may be released by another thread than the one that built it */
    struct arena arena;
    struct rows tables[TABLE_COUNT];
    const char *last_file; /* of row_set_place: one copy for all rows of a file */
    bool is_frozen;
};

static int no_memory(struct error *e)
{
    return error_set(e, ERROR_NO_MEMORY, "Out of memory while building the configuration.");
}

struct model *model_create(struct error *e)
{
    struct model *m = calloc(1, sizeof *m);
    if (m == NULL) {
        no_memory(e);
        return NULL;
    }
    atomic_init(&m->refs, 1);
    arena_init(&m->arena, ARENA_BLOCK);
    return m;
}

struct model *model_ref(struct model *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void model_unref(struct model *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        free(m->tables[t].items);
        free(m->tables[t].index);
    }
    arena_fini(&m->arena);
    free(m);
}

static int rows_reserve(struct rows *rows, struct error *e)
{
    if (rows->count < rows->cap)
        return 0;
    size_t cap = rows->cap > 0 ? rows->cap * 2 : 16;
    if (cap > UINT32_MAX / 2)
        return error_set(e, ERROR_TOO_LARGE, "The configuration has too many rows.");
    struct row **items = realloc(rows->items, cap * sizeof(struct row *));
    if (items == NULL)
        return no_memory(e);
    rows->items = items;
    rows->cap = cap;
    return 0;
}

static void set_defaults(struct row *r, const struct table *t)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        if ((c->flags & COLUMN_REQUIRED) != 0)
            row_set_null(r, i);
        else if (c->type == COLUMN_INT)
            row_set_int(r, i, c->default_int);
        else
            r->values[i] = (struct value){VALUE_TEXT, 0, slice_str(c->default_text)};
    }
}

struct row *model_add(struct model *m, enum table_id table, struct error *e)
{
    BUG_ON(m->is_frozen);
    const struct table *t = &schema_tables[table];
    struct rows *rows = &m->tables[table];
    if (rows_reserve(rows, e) < 0)
        return NULL;
    if (rows->count > 0 && row_id(rows->items[rows->count - 1]) > rows->max_id)
        rows->max_id = row_id(rows->items[rows->count - 1]);
    if (rows->max_id == INT64_MAX) {
        error_set(e, ERROR_TOO_LARGE, "The ids of table %s leave no room for another row.",
                  t->name);
        return NULL;
    }
    struct row *r = arena_alloc(&m->arena, sizeof *r + t->column_count * sizeof(struct value));
    if (r == NULL) {
        no_memory(e);
        return NULL;
    }
    r->table = table;
    r->place = (struct place){NULL, 0, 0};
    set_defaults(r, t);
    row_set_int(r, COLUMN_ID, rows->max_id + 1);
    rows->items[rows->count++] = r;
    return r;
}

int row_set_text(struct model *m, struct row *r, size_t column, struct slice text, struct error *e)
{
    BUG_ON(m->is_frozen);
    struct slice copy = arena_slice(&m->arena, text);
    if (copy.ptr == NULL)
        return no_memory(e);
    r->values[column] = (struct value){VALUE_TEXT, 0, copy};
    return 0;
}

void row_set_int(struct row *r, size_t column, int64_t n)
{
    r->values[column] = (struct value){VALUE_INT, n, SLICE_EMPTY};
}

void row_set_null(struct row *r, size_t column)
{
    r->values[column] = (struct value){VALUE_NULL, 0, SLICE_EMPTY};
}

int row_set_place(struct model *m, struct row *r, const char *file, unsigned line, unsigned column)
{
    if (m->last_file == NULL || strcmp(m->last_file, file) != 0) {
        const char *copy = arena_strdup(&m->arena, file);
        if (copy == NULL)
            return -1;
        m->last_file = copy;
    }
    r->place = (struct place){m->last_file, line, column};
    return 0;
}

static bool ids_are_sequential(const struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        if (row_id(rows->items[i]) != (int64_t)i + 1)
            return false;
    return true;
}

static size_t hash_id(int64_t id)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h ^ (h >> 32));
}

static int index_build(struct rows *rows, struct error *e)
{
    if (ids_are_sequential(rows))
        return 0;
    size_t size = 16;
    while (size < rows->count * 2)
        size *= 2;
    rows->index = calloc(size, sizeof *rows->index);
    if (rows->index == NULL)
        return no_memory(e);
    rows->index_mask = size - 1;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t id = row_id(rows->items[i]);
        size_t at = hash_id(id) & rows->index_mask;
        while (rows->index[at] != 0 && row_id(rows->items[rows->index[at] - 1]) != id)
            at = (at + 1) & rows->index_mask;
        if (rows->index[at] == 0) /* of rows with one id the first is found */
            rows->index[at] = (uint32_t)i + 1;
    }
    return 0;
}

/* Place in items, or rows->count when there is none. */
static size_t index_find(const struct rows *rows, int64_t id)
{
    if (rows->index == NULL)
        return id >= 1 && (uint64_t)id <= rows->count ? (size_t)id - 1 : rows->count;
    for (size_t at = hash_id(id) & rows->index_mask; rows->index[at] != 0;
         at = (at + 1) & rows->index_mask)
        if (row_id(rows->items[rows->index[at] - 1]) == id)
            return rows->index[at] - 1;
    return rows->count;
}

static void complete_hosts(struct model *m)
{
    struct rows *hosts = &m->tables[TABLE_HOST];
    for (size_t i = 0; i < hosts->count; i++) {
        struct value *v = hosts->items[i]->values;
        if (v[HOST_MATCHING].kind == VALUE_TEXT && v[HOST_MATCHING].text.len == 0 &&
            v[HOST_NAME].kind == VALUE_TEXT)
            v[HOST_MATCHING] = v[HOST_NAME];
    }
}

int model_freeze(struct model *m, struct error *e)
{
    if (m->is_frozen)
        return 0;
    complete_hosts(m);
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        free(m->tables[t].index); /* of an earlier attempt that ran out of memory */
        m->tables[t].index = NULL;
        if (index_build(&m->tables[t], e) < 0)
            return -1;
    }
    m->is_frozen = true;
    return 0;
}

bool model_is_frozen(const struct model *m)
{
    return m->is_frozen;
}

void model_clear_table(struct model *m, enum table_id table)
{
    BUG_ON(m->is_frozen);
    m->tables[table].count = 0;
    m->tables[table].max_id = 0;
}

size_t model_count(const struct model *m, enum table_id table)
{
    return m->tables[table].count;
}

const struct row *model_row(const struct model *m, enum table_id table, size_t i)
{
    BUG_ON(i >= m->tables[table].count);
    return m->tables[table].items[i];
}

struct row *model_row_edit(struct model *m, enum table_id table, size_t i)
{
    BUG_ON(m->is_frozen || i >= m->tables[table].count);
    return m->tables[table].items[i];
}

bool model_find_place(const struct model *m, enum table_id table, int64_t id, size_t *i)
{
    const struct rows *rows = &m->tables[table];
    if (m->is_frozen) {
        *i = index_find(rows, id);
        return *i < rows->count;
    }
    for (*i = 0; *i < rows->count; ++*i)
        if (row_id(rows->items[*i]) == id)
            return true;
    return false;
}

const struct row *model_find(const struct model *m, enum table_id table, int64_t id)
{
    size_t i;
    return model_find_place(m, table, id, &i) ? m->tables[table].items[i] : NULL;
}

const struct row *model_target(const struct model *m, const struct row *route)
{
    int table = schema_table_of_target(row_text(route, ROUTE_TARGET_TYPE));
    return table >= 0 ? model_find(m, (enum table_id)table, row_int(route, ROUTE_TARGET_ID)) : NULL;
}

int64_t row_id(const struct row *r)
{
    return r->values[COLUMN_ID].n;
}

int64_t row_int(const struct row *r, size_t column)
{
    return r->values[column].n;
}

struct slice row_text(const struct row *r, size_t column)
{
    const struct value *v = &r->values[column];
    return v->kind == VALUE_TEXT ? v->text : SLICE_EMPTY;
}

const char *row_str(const struct row *r, size_t column)
{
    return row_text(r, column).ptr; /* defaults and copies end in NUL, SLICE_EMPTY is "" */
}

const char *model_setting(const struct model *m, const char *key)
{
    const struct rows *rows = &m->tables[TABLE_SETTING];
    for (size_t i = rows->count; i-- > 0;)
        if (slice_eq(row_text(rows->items[i], SETTING_KEY), slice_str(key)) &&
            rows->items[i]->values[SETTING_VALUE].kind == VALUE_TEXT)
            return row_str(rows->items[i], SETTING_VALUE);
    return NULL;
}

int64_t model_setting_int(const struct model *m, const char *key, int64_t fallback)
{
    const char *value = model_setting(m, key);
    /* As atoi: white space, sign, digits, the rest ignored; no digits are 0. strtoll adds that what
     * is too large becomes the largest instead of wrapping. */
    return value != NULL ? strtoll(value, NULL, 10) : fallback;
}

static const struct row *server_by(const struct model *m, size_t column, struct slice text)
{
    const struct rows *rows = &m->tables[TABLE_SERVER];
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i]->values[column].kind == VALUE_TEXT &&
            slice_eq(row_text(rows->items[i], column), text))
            return rows->items[i];
    return NULL;
}

const struct row *model_server_by_uuid(const struct model *m, struct slice uuid)
{
    return server_by(m, SERVER_UUID, uuid);
}

const struct row *model_server_by_name(const struct model *m, struct slice name)
{
    return server_by(m, SERVER_NAME, name);
}
