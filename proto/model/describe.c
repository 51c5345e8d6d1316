/* An object is named by what its author calls it; a row that lacks that is named by its number. */

#include "proto/model/describe.h"

#define TEXT_SHOWN 120 /* bytes of a text before it is cut */

void describe_text(struct buf *out, struct slice text)
{
    size_t shown = text.len;
    if (shown > TEXT_SHOWN) {
        shown = TEXT_SHOWN;
        while (shown > 0 && ((unsigned char)text.ptr[shown] & 0xc0) == 0x80)
            shown--; /* not inside a UTF-8 sequence */
    }
    buf_append_char(out, '"');
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_append_char(out, (char)c);
    }
    buf_append_str(out, shown < text.len ? "…\"" : "\"");
}

void describe_value(struct buf *out, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL: buf_append_str(out, "nothing"); break;
    case VALUE_INT: buf_append_int(out, v->n); break;
    case VALUE_TEXT: describe_text(out, v->text); break;
    }
}

/* "word "text"", or the row's number when it has no such text. */
static void put_named(struct buf *out, const char *word, const struct row *r, size_t column)
{
    buf_printf(out, "%s ", word);
    if (row_text(r, column).len > 0)
        describe_text(out, row_text(r, column));
    else
        buf_printf(out, "in row %lld", (long long)row_id(r));
}

static void put_owner(struct buf *out, const struct model *m, const struct row *r, size_t column)
{
    int table = schema_tables[r->table].columns[column].reference;
    const struct row *owner = model_find(m, (enum table_id)table, row_int(r, column));
    if (owner != NULL) {
        describe_row(out, m, owner);
        buf_append_str(out, ": ");
    }
}

static void put_proxy(struct buf *out, const struct row *r)
{
    if (row_text(r, PROXY_UPSTREAMS).len > 0) {
        put_named(out, "Proxy", r, PROXY_UPSTREAMS);
    } else if (row_text(r, PROXY_ADDR).len > 0) {
        put_named(out, "Proxy", r, PROXY_ADDR);
        buf_printf(out, " port %lld", (long long)row_int(r, PROXY_PORT));
    } else {
        put_named(out, "Proxy", r, PROXY_ADDR);
    }
}

static void put_handler(struct buf *out, const struct row *r)
{
    if (row_text(r, HANDLER_POOL).len > 0)
        put_named(out, "Handler pool", r, HANDLER_POOL);
    else
        put_named(out, "Handler", r, HANDLER_SEND_SPEC);
}

void describe_row(struct buf *out, const struct model *m, const struct row *r)
{
    switch (r->table) {
    case TABLE_SERVER:
        put_named(out, "server", r, row_text(r, SERVER_NAME).len > 0 ? SERVER_NAME : SERVER_UUID);
        break;
    case TABLE_HOST:
        put_owner(out, m, r, HOST_SERVER_ID);
        put_named(out, "host", r, HOST_NAME);
        break;
    case TABLE_ROUTE:
        put_owner(out, m, r, ROUTE_HOST_ID);
        put_named(out, "route", r, ROUTE_PATH);
        break;
    case TABLE_DIRECTORY: put_named(out, "Dir", r, DIRECTORY_BASE); break;
    case TABLE_PROXY: put_proxy(out, r); break;
    case TABLE_HANDLER: put_handler(out, r); break;
    case TABLE_FILTER:
        put_owner(out, m, r, PLUGIN_SERVER_ID);
        put_named(out, "filter", r, PLUGIN_NAME);
        break;
    case TABLE_XREQUEST:
        put_owner(out, m, r, PLUGIN_SERVER_ID);
        put_named(out, "xrequest", r, PLUGIN_NAME);
        break;
    case TABLE_SETTING: put_named(out, "setting", r, SETTING_KEY); break;
    case TABLE_MIMETYPE: put_named(out, "mimetype", r, MIMETYPE_EXTENSION); break;
    case TABLE_REDIRECT: put_named(out, "Redirect to", r, REDIRECT_TO); break;
    case TABLE_STATUS: put_named(out, "Status", r, STATUS_WHAT); break;
    case TABLE_EXPECT: put_named(out, "expect", r, EXPECT_TEXT); break;
    case TABLE_COUNT: break;
    }
}
