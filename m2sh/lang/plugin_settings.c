/* Names may make a value contain itself, or double its size at every step; depth and size are
 * bounded, which covers both. */

#include "m2sh/lang/plugin_settings.h"

#include "m2sh/base/xalloc.h"
#include "proto/wire/tnetstring.h"

#include <limits.h>

static bool put(struct loader *l, const struct node *written, struct buf *out, unsigned depth);

static bool put_items(struct loader *l, const struct node *n, struct buf *out, unsigned depth)
{
    size_t mark = tns_open(out);
    for (const struct item *it = item_first(n); it != NULL; it = item_next(it)) {
        if (n->kind == NODE_DICT)
            tns_put_string(out, it->key);
        if (!put(l, it->value, out, depth + 1))
            return false;
    }
    if (n->kind == NODE_DICT)
        tns_close_dict(out, mark);
    else
        tns_close_list(out, mark);
    return true;
}

static bool put_number(struct loader *l, const struct node *written, const struct node *n,
                       struct buf *out)
{
    int64_t number;
    if (!loader_number(n->text, &number)) {
        loader_report_unexpected(l, written, n, "a number below 2^63");
        return false;
    }
    tns_put_int(out, number);
    return true;
}

static bool put(struct loader *l, const struct node *written, struct buf *out, unsigned depth)
{
    const struct node *n = program_resolve(l->program, written);
    if (n == NULL)
        return false;
    if (depth > TNS_DEPTH_MAX || out->len > PLUGIN_SETTINGS_BYTES_MAX) {
        diag_error(l->diags, written->at,
                   "found settings that are too deep or too large, expected at most %u brackets "
                   "inside each other and %u bytes (does a name lead back to itself?)",
                   TNS_DEPTH_MAX, PLUGIN_SETTINGS_BYTES_MAX);
        return false;
    }
    switch (n->kind) {
    case NODE_STRING: tns_put_string(out, n->text); return true;
    case NODE_NUMBER: return put_number(l, written, n, out);
    case NODE_LIST:
    case NODE_DICT: return put_items(l, n, out, depth);
    default:
        loader_report_unexpected(l, written, n,
                                 "a string, number, list or dict inside plugin settings");
        return false;
    }
}

void plugin_settings_set(struct loader *l, struct row *row, const struct node *written)
{
    struct buf out = BUF_INIT;
    const struct node *dict = loader_want(l, written, NODE_DICT,
                                          "a dict for the parameter \"settings\"");
    if (dict == NULL || !put(l, dict, &out, 1)) {
        buf_clear(&out); /* reported; the check need not say that something is missing */
        buf_append_str(&out, "0:}");
    }
    xbuf_str(&out);
    loader_set_text(l, row, PLUGIN_SETTINGS, buf_slice(&out));
    buf_fini(&out);
}
