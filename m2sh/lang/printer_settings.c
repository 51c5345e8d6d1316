/* Recursion is bounded by the tnetstring parser's own depth. */

#include "m2sh/lang/printer_settings.h"

#include "m2sh/lang/printer.h"
#include "proto/wire/tnetstring.h"

static int put(const struct tns_value *v, struct buf *out, struct error *e);

static int put_list(const struct tns_value *v, struct buf *out, struct error *e)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < v->item_count; i++) {
        buf_append_str(out, i > 0 ? ", " : "");
        if (put(&v->items[i], out, e) != 0)
            return -1;
    }
    buf_append_char(out, ']');
    return 0;
}

static int put_dict(const struct tns_value *v, struct buf *out, struct error *e)
{
    buf_append_char(out, '{');
    for (size_t i = 0; i < v->pair_count; i++) {
        buf_append_str(out, i > 0 ? ", " : "");
        if (printer_put_string(v->pairs[i].key, out, e) != 0)
            return -1;
        buf_append_str(out, ": ");
        if (put(&v->pairs[i].value, out, e) != 0)
            return -1;
    }
    buf_append_char(out, '}');
    return 0;
}

static int put(const struct tns_value *v, struct buf *out, struct error *e)
{
    switch (v->type) {
    case TNS_STRING: return printer_put_string(v->string, out, e);
    case TNS_LIST: return put_list(v, out, e);
    case TNS_DICT: return put_dict(v, out, e);
    case TNS_INT:
        if (v->integer >= 0) {
            buf_append_int(out, v->integer);
            return 0;
        }
        break;
    default: break;
    }
    return error_set(e, ERROR_UNSUPPORTED,
                     "The settings of a plugin hold a value of type %s that can't be written in "
                     "the configuration language.",
                     v->type == TNS_INT ? "negative integer" : tns_type_name(v->type));
}

int printer_put_settings(struct slice tnetstring, struct buf *out, struct error *e)
{
    struct arena a;
    struct tns_value v;
    arena_init(&a, 0);
    int result = tns_parse(&v, tnetstring, &a, NULL, NULL, e);
    if (result == 0)
        result = put(&v, out, e);
    arena_fini(&a);
    return result;
}
