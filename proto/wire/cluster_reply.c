/* Read with the cursor, not as a tree: only the cells become values, so that a log of a thousand
 * commits costs one array. */

#include "proto/wire/cluster_reply.h"

#include <stdio.h>

static int malformed(struct error *e, const char *what)
{
    return error_set(e, ERROR_INVALID, "The reply is malformed: %s.", what);
}

static int count_items(struct slice list, size_t *count, struct error *e)
{
    struct tns_reader r;
    struct tns_item item;
    enum tns_status status;
    tns_reader_init(&r, list);
    for (*count = 0; (status = tns_read(&r, &item)) == TNS_ITEM;)
        ++*count;
    return status == TNS_BAD ? malformed(e, "a list is broken") : 0;
}

static int read_headers(struct cluster_table *t, struct slice headers, struct arena *a,
                        struct error *e)
{
    struct tns_reader r;
    struct tns_item item;
    if (count_items(headers, &t->column_count, e) != 0)
        return -1;
    t->headers = arena_alloc(a, t->column_count * sizeof *t->headers);
    if (t->headers == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    tns_reader_init(&r, headers);
    for (size_t i = 0; tns_read(&r, &item) == TNS_ITEM; i++) {
        if (item.type != TNS_STRING)
            return malformed(e, "a header is no string");
        t->headers[i] = item.bytes;
    }
    return 0;
}

static int read_cell(struct tns_value *out, const struct tns_item *item, struct error *e)
{
    out->type = item->type;
    switch (item->type) {
    case TNS_STRING: out->string = item->bytes; return 0;
    case TNS_INT: out->integer = item->integer; return 0;
    case TNS_BOOL: out->boolean = item->boolean; return 0;
    case TNS_NULL: return 0;
    case TNS_LIST:
    case TNS_DICT: break;
    }
    return malformed(e, "a cell is a list or a dict");
}

static int read_row(struct cluster_table *t, size_t row, const struct tns_reader *rows,
                    const struct tns_item *list, struct error *e)
{
    struct tns_reader r;
    struct tns_item item;
    enum tns_status status;
    size_t column = 0;
    if (list->type != TNS_LIST || tns_enter(rows, list, &r) != 0)
        return malformed(e, "a row is no list");
    while ((status = tns_read(&r, &item)) == TNS_ITEM) {
        if (column == t->column_count)
            return malformed(e, "a row is longer than the headers");
        if (read_cell(&t->cells[row * t->column_count + column++], &item, e) != 0)
            return -1;
    }
    if (status == TNS_BAD || column != t->column_count)
        return malformed(e, "a row is broken or shorter than the headers");
    return 0;
}

int cluster_table_decode(struct cluster_table *out, struct slice headers, struct slice rows,
                         struct arena *a, struct error *e)
{
    struct tns_reader r;
    struct tns_item item;
    size_t size;
    *out = (struct cluster_table){NULL, 0, NULL, 0};
    if (read_headers(out, headers, a, e) != 0 || count_items(rows, &out->row_count, e) != 0)
        return -1;
    if (__builtin_mul_overflow(out->row_count, out->column_count, &size) ||
        __builtin_mul_overflow(size, sizeof *out->cells, &size) || size > CLUSTER_TABLE_BYTES_MAX)
        return error_set(e, ERROR_TOO_LARGE, "The reply has too many cells.");
    out->cells = arena_alloc(a, size);
    if (out->cells == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    tns_reader_init(&r, rows);
    for (size_t i = 0; tns_read(&r, &item) == TNS_ITEM; i++)
        if (read_row(out, i, &r, &item, e) != 0)
            return -1;
    return 0;
}

/* One pair of the reply's dict. */
static int read_pair(struct cluster_reply *out, struct slice *headers, struct slice *rows,
                     struct slice key, const struct tns_item *item, struct error *e)
{
    static const char *const names[] = {"progress", "code", "error", "object", "leader"};
    struct slice *const places[] = {&out->progress, &out->code, &out->text, &out->object,
                                    &out->leader};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_eq(key, slice_str(names[i]))) {
            *places[i] = item->bytes;
            return item->type == TNS_STRING ? 0 : malformed(e, "a string was expected");
        }
    if (slice_eq(key, SLICE("seq"))) {
        out->seq = item->integer;
        return item->type == TNS_INT ? 0 : malformed(e, "seq is no integer");
    }
    if (slice_eq(key, SLICE("headers")) || slice_eq(key, SLICE("rows"))) {
        *(key.ptr[0] == 'h' ? headers : rows) = item->bytes;
        return item->type == TNS_LIST ? 0 : malformed(e, "headers and rows must be lists");
    }
    return 0;
}

int cluster_reply_decode(struct cluster_reply *out, struct slice bytes, size_t max, struct arena *a,
                         struct error *e)
{
    struct tns_reader outer, inner;
    struct tns_item dict, item;
    struct slice key, headers = SLICE_EMPTY, rows = SLICE_EMPTY;
    enum tns_status status;
    *out = (struct cluster_reply){.kind = REPLY_TABLE};
    if (bytes.len > max)
        return error_set(e, ERROR_TOO_LARGE, "The reply has %zu bytes; the limit is %zu.",
                         bytes.len, max);
    tns_reader_init(&outer, bytes);
    if (tns_read(&outer, &dict) != TNS_ITEM || outer.at != outer.end || dict.type != TNS_DICT ||
        tns_enter(&outer, &dict, &inner) != 0)
        return malformed(e, "it is no dict");
    while ((status = tns_read_pair(&inner, &key, &item)) == TNS_ITEM)
        if (read_pair(out, &headers, &rows, key, &item, e) != 0)
            return -1;
    if (status == TNS_BAD)
        return malformed(e, "its dict is broken");
    if (out->code.len > 0)
        out->kind = REPLY_ERROR;
    else if (out->progress.len > 0)
        out->kind = REPLY_PROGRESS;
    return cluster_table_decode(&out->table, headers, rows, a, e);
}

int cluster_reply_error(const struct cluster_reply *r, struct error *e)
{
    char code[32], object[160];
    snprintf(code, sizeof code, "%.*s", SLICE_ARG(r->code));
    snprintf(object, sizeof object, "%.*s", SLICE_ARG(r->object));
    return error_set_object(e, error_code_from_name(code), object, "%.*s", SLICE_ARG(r->text));
}

int cluster_table_column(const struct cluster_table *t, const char *name)
{
    for (size_t i = 0; i < t->column_count; i++)
        if (slice_eq(t->headers[i], slice_str(name)))
            return (int)i;
    return -1;
}

static const struct tns_value *cell(const struct cluster_table *t, size_t row, const char *column,
                                    enum tns_type type)
{
    int i = cluster_table_column(t, column);
    if (i < 0 || row >= t->row_count)
        return NULL;
    const struct tns_value *v = &t->cells[row * t->column_count + (size_t)i];
    return v->type == type ? v : NULL;
}

struct slice cluster_table_text(const struct cluster_table *t, size_t row, const char *column)
{
    const struct tns_value *v = cell(t, row, column, TNS_STRING);
    return v != NULL ? v->string : SLICE_EMPTY;
}

int64_t cluster_table_int(const struct cluster_table *t, size_t row, const char *column)
{
    const struct tns_value *v = cell(t, row, column, TNS_INT);
    return v != NULL ? v->integer : 0;
}

bool cluster_table_bool(const struct cluster_table *t, size_t row, const char *column)
{
    const struct tns_value *v = cell(t, row, column, TNS_BOOL);
    return v != NULL && v->boolean;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void begin_rows(struct cluster_table_writer *w, const char *const *headers)
{
    tns_put_str(w->out, "headers");
    size_t list = tns_open(w->out);
    for (; *headers != NULL; headers++)
        tns_put_str(w->out, *headers);
    tns_close_list(w->out, list);
    tns_put_str(w->out, "rows");
    w->rows = tns_open(w->out);
}

static void begin_dict(struct cluster_table_writer *w, struct buf *out, int64_t seq)
{
    w->out = out;
    w->dict = tns_open(out);
    if (seq >= 0)
        tns_put_pair_int(out, "seq", seq);
}

static void put_error(struct buf *out, const struct error *e)
{
    tns_put_pair_str(out, "code", error_code_name(e->code));
    tns_put_pair_str(out, "error", e->text);
    if (e->object[0] != '\0')
        tns_put_pair_str(out, "object", e->object);
}

void cluster_table_begin(struct cluster_table_writer *w, struct buf *out, int64_t seq,
                         const char *progress, const char *const *headers)
{
    begin_dict(w, out, seq);
    if (progress != NULL)
        tns_put_pair_str(out, "progress", progress);
    begin_rows(w, headers);
}

void cluster_error_begin(struct cluster_table_writer *w, struct buf *out, int64_t seq,
                         const struct error *e, const char *const *headers)
{
    begin_dict(w, out, seq);
    put_error(out, e);
    begin_rows(w, headers);
}

void cluster_row_begin(struct cluster_table_writer *w)
{
    w->row = tns_open(w->out);
}

void cluster_row_end(struct cluster_table_writer *w)
{
    tns_close_list(w->out, w->row);
}

void cluster_table_end(struct cluster_table_writer *w)
{
    tns_close_list(w->out, w->rows);
    tns_close_dict(w->out, w->dict);
}

void cluster_error_put(struct buf *out, int64_t seq, const struct error *e, const char *leader)
{
    struct cluster_table_writer w;
    begin_dict(&w, out, seq);
    put_error(out, e);
    if (leader != NULL && leader[0] != '\0')
        tns_put_pair_str(out, "leader", leader);
    tns_close_dict(out, w.dict);
}
