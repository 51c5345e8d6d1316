/* The answer is printed as it is read, cell by cell: the columns are the server's business. */

#include "m2sh/control_print.h"

#include "m2sh/base/xalloc.h"
#include "proto/wire/control_msg.h"

#include <inttypes.h>

static void put_cell(const struct tns_value *v, struct buf *out)
{
    switch (v->type) {
    case TNS_STRING: buf_append_slice(out, v->string); break;
    case TNS_INT: buf_append_int(out, v->integer); break;
    case TNS_BOOL: buf_append_str(out, v->boolean ? "true" : "false"); break;
    case TNS_NULL: buf_append_str(out, "(null)"); break;
    default: tns_put_value(out, v); break;
    }
}

static void put_single(const struct control_reply *r, struct buf *out)
{
    const struct tns_value *row = &r->rows->items[0];
    for (size_t i = 0; i < r->headers->item_count && i < row->item_count; i++) {
        put_cell(&r->headers->items[i], out);
        buf_append_str(out, ":  ");
        put_cell(&row->items[i], out);
        buf_append_char(out, '\n');
    }
}

static void put_line(const struct tns_value *cells, struct buf *out)
{
    for (size_t i = 0; i < cells->item_count; i++) {
        put_cell(&cells->items[i], out);
        buf_append_str(out, "  ");
    }
    buf_append_char(out, '\n');
}

static void put_table(const struct control_reply *r, struct buf *out)
{
    if (r->rows->item_count == 1) {
        put_single(r, out);
        return;
    }
    put_line(r->headers, out);
    for (size_t i = 0; i < r->rows->item_count; i++)
        put_line(&r->rows->items[i], out);
    buf_append_char(out, '\n');
}

static void put_json_cell(const struct tns_value *v, struct out_json *j)
{
    switch (v->type) {
    case TNS_STRING: out_json_slice(j, v->string); break;
    case TNS_INT: out_json_int(j, v->integer); break;
    case TNS_BOOL: out_json_bool(j, v->boolean); break;
    default: out_json_null(j); break;
    }
}

static void put_json(const struct control_reply *r, struct buf *out)
{
    struct out_json j;
    struct arena names;
    arena_init(&names, 0);
    out_json_init(&j, out);
    out_json_array(&j);
    for (size_t i = 0; i < r->rows->item_count; i++) {
        const struct tns_value *row = &r->rows->items[i];
        out_json_object(&j);
        for (size_t k = 0; k < row->item_count && k < r->headers->item_count; k++) {
            out_json_key(&j, xarena_slice(&names, r->headers->items[k].string).ptr);
            put_json_cell(&row->items[k], &j);
        }
        out_json_end(&j);
    }
    out_json_end(&j);
    buf_append_char(out, '\n');
    arena_fini(&names);
}

static enum status print_reply(const struct call *c, const struct control_reply *r)
{
    struct buf out = BUF_INIT;
    if (r->kind == CONTROL_REPLY_ERROR) {
        struct error e;
        error_set(&e, ERROR_NOT_FOUND, "%.*s", SLICE_ARG(r->error));
        if (c->json)
            return cmd_fail(c, &e);
        buf_printf(&out, "ERROR: %.*s\n", SLICE_ARG(r->error));
        cmd_print(&out);
        return STATUS_NO;
    }
    if (c->json)
        put_json(r, &out);
    else
        put_table(r, &out);
    cmd_print(&out);
    return STATUS_DONE;
}

enum status control_print(const struct call *c, struct slice reply)
{
    struct error e;
    struct arena arena;
    struct control_reply r;
    enum status status;
    arena_init(&arena, 0);
    if (control_reply_parse(reply, &arena, NULL, &r, &e) != 0 || r.kind == CONTROL_REPLY_OTHER) {
        error_set(&e, ERROR_UNREACHABLE, "The answer is none of a control port.");
        status = cmd_fail(c, &e);
    } else {
        status = print_reply(c, &r);
    }
    arena_fini(&arena);
    return status;
}
