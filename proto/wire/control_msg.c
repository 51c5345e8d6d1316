/* The bytes of requests, tables and errors are pinned down by tests/golden/control_msg.txt; they
 * are what Mongrel2's tools have always seen. */

#include "proto/wire/control_msg.h"

#include <stdarg.h>
#include <string.h>

static const struct {
    const char *code;
    const char *text;
} known_errors[CONTROL_ERRORS] = {
    [CONTROL_INVALID_REQUEST] = {"INVALID_REQUEST",
                                 "Invalid request format, must be a list with two elements in it."},
    [CONTROL_INVALID_DATA] = {"INVALID_DATA",
                              "Invalid data, expecting a list with a string and a hash in it."},
    [CONTROL_CALLBACK_NOT_FOUND] = {"CALLBACK_NOT_FOUND", "Callback requested was not found."},
    [CONTROL_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", "Invalid argument type."},
    [CONTROL_SIGNAL_FAILED] = {"SIGNAL_FAILED", "raise call failed, can't signal process"},
    [CONTROL_NOT_CONNECTED] = {"NOT_CONNECTED", "Socket not connected."},
    [CONTROL_CALLBACK_RETURN] = {"CALLBACK_RETURN",
                                 "Callback failed and returned NULL, should not happen."},
};

static int64_t seq_of(const struct tns_value *dict)
{
    int64_t seq;
    return tns_get_int(dict, "seq", &seq) && seq >= 0 ? seq : CONTROL_NO_SEQ;
}

static void put_seq(struct buf *out, int64_t seq)
{
    if (seq != CONTROL_NO_SEQ)
        tns_put_pair_int(out, "seq", seq);
}

/* ---- requests ----------------------------------------------------------------------------- */

enum control_error control_request_parse(struct slice bytes, struct arena *a,
                                         const struct tns_limits *limits,
                                         struct control_request *out)
{
    struct tns_value v;
    size_t used;
    if (tns_parse(&v, bytes, a, limits, &used, NULL) != 0 || v.type == TNS_NULL)
        return CONTROL_INVALID_DATA;
    if (v.type != TNS_LIST)
        return CONTROL_INVALID_REQUEST;
    if (v.item_count < 2 || v.items[0].type != TNS_STRING || v.items[1].type != TNS_DICT)
        return CONTROL_INVALID_DATA;
    out->verb = v.items[0].string;
    out->args = v.items[1];
    out->seq = seq_of(&out->args);
    return CONTROL_OK;
}

struct control_request_mark control_request_begin(struct buf *out, const char *verb, int64_t seq)
{
    struct control_request_mark mark;
    mark.list = tns_open(out);
    tns_put_str(out, verb);
    mark.dict = tns_open(out);
    put_seq(out, seq);
    return mark;
}

void control_request_end(struct buf *out, struct control_request_mark mark)
{
    tns_close_dict(out, mark.dict);
    tns_close_list(out, mark.list);
}

/* ---- replies: writing --------------------------------------------------------------------- */

void control_put_error(struct buf *out, const char *code, const char *text, int64_t seq)
{
    size_t dict = tns_open(out);
    if (code != NULL)
        tns_put_pair_str(out, "code", code);
    tns_put_pair_str(out, "error", text);
    put_seq(out, seq);
    tns_close_dict(out, dict);
}

void control_put_known_error(struct buf *out, enum control_error error)
{
    BUG_ON((unsigned)error >= CONTROL_ERRORS);
    control_put_error(out, known_errors[error].code, known_errors[error].text, CONTROL_NO_SEQ);
}

void control_put_world_error(struct buf *out, const struct error *e, int64_t seq)
{
    char text[sizeof e->object + sizeof e->text + 2];
    size_t len = strlen(e->object);
    memcpy(text, e->object, len);
    if (len > 0) {
        memcpy(text + len, ": ", 2);
        len += 2;
    }
    memcpy(text + len, e->text, strlen(e->text) + 1);
    control_put_error(out, error_code_name(e->code), text, seq);
}

void control_table_begin(struct control_table *t, struct buf *out, const char *header, ...)
{
    va_list rest;
    t->out = out;
    t->dict = tns_open(out);
    tns_put_str(out, "headers");
    size_t list = tns_open(out);
    va_start(rest, header);
    for (; header != NULL; header = va_arg(rest, const char *))
        tns_put_str(out, header);
    va_end(rest);
    tns_close_list(out, list);
    tns_put_str(out, "rows");
    t->rows = tns_open(out);
}

void control_row_begin(struct control_table *t)
{
    t->row = tns_open(t->out);
}

void control_row_end(struct control_table *t)
{
    tns_close_list(t->out, t->row);
}

void control_table_end(struct control_table *t, int64_t seq)
{
    tns_close_list(t->out, t->rows);
    put_seq(t->out, seq);
    tns_close_dict(t->out, t->dict);
}

/* ---- replies: reading --------------------------------------------------------------------- */

static bool is_list_of(const struct tns_value *v, enum tns_type type)
{
    if (v == NULL || v->type != TNS_LIST)
        return false;
    for (size_t i = 0; i < v->item_count; i++)
        if (v->items[i].type != type)
            return false;
    return true;
}

int control_reply_parse(struct slice bytes, struct arena *a, const struct tns_limits *limits,
                        struct control_reply *out, struct error *e)
{
    size_t used;
    memset(out, 0, sizeof *out);
    if (tns_parse(&out->whole, bytes, a, limits, &used, e) != 0)
        return -1;
    if (out->whole.type != TNS_DICT)
        return error_set(e, ERROR_INVALID, "The reply is of type %s, a dict was expected.",
                         tns_type_name(out->whole.type));
    out->seq = seq_of(&out->whole);
    out->kind = CONTROL_REPLY_OTHER;
    if (tns_get_string(&out->whole, "error", &out->error)) {
        out->kind = CONTROL_REPLY_ERROR;
        if (!tns_get_string(&out->whole, "code", &out->code))
            out->code = SLICE_EMPTY;
        return 0;
    }
    out->headers = tns_get(&out->whole, "headers");
    out->rows = tns_get(&out->whole, "rows");
    if (out->headers == NULL && out->rows == NULL)
        return 0;
    if (!is_list_of(out->headers, TNS_STRING) || !is_list_of(out->rows, TNS_LIST))
        return error_set(e, ERROR_INVALID,
                         "The reply is no table: headers must be a list of strings, rows a list of "
                         "lists.");
    out->kind = CONTROL_REPLY_TABLE;
    return 0;
}

int control_reply_column(const struct control_reply *r, const char *name)
{
    if (r->kind != CONTROL_REPLY_TABLE)
        return -1;
    struct slice wanted = slice_str(name);
    for (size_t i = 0; i < r->headers->item_count; i++)
        if (slice_eq(r->headers->items[i].string, wanted))
            return (int)i;
    return -1;
}

const struct tns_value *control_reply_cell(const struct control_reply *r, size_t row,
                                           const char *column)
{
    int i = control_reply_column(r, column);
    if (i < 0 || row >= r->rows->item_count)
        return NULL;
    const struct tns_value *cells = &r->rows->items[row];
    return (size_t)i < cells->item_count ? &cells->items[i] : NULL;
}
