/* A stack of two bits per level is all the state that correct commas need. */

#include "m2sh/out/out_json.h"

#include "proto/base/error.h"
#include "proto/wire/json.h"

#include <math.h>

void out_json_init(struct out_json *j, struct buf *out)
{
    *j = (struct out_json){.out = out};
}

/* What has to stand before a value or key at this place. */
static void separate(struct out_json *j)
{
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->depth > 0 && j->has_items[j->depth - 1])
        buf_append_char(j->out, ',');
    if (j->depth > 0)
        j->has_items[j->depth - 1] = true;
}

static void open_level(struct out_json *j, bool is_object)
{
    BUG_ON(j->depth >= OUT_JSON_DEPTH);
    separate(j);
    j->is_object[j->depth] = is_object;
    j->has_items[j->depth++] = false;
    buf_append_char(j->out, is_object ? '{' : '[');
}

void out_json_object(struct out_json *j)
{
    open_level(j, true);
}

void out_json_array(struct out_json *j)
{
    open_level(j, false);
}

void out_json_end(struct out_json *j)
{
    BUG_ON(j->depth == 0);
    buf_append_char(j->out, j->is_object[--j->depth] ? '}' : ']');
}

void out_json_key(struct out_json *j, const char *key)
{
    separate(j);
    json_put_string(j->out, slice_str(key));
    buf_append_char(j->out, ':');
    j->after_key = true;
}

void out_json_slice(struct out_json *j, struct slice s)
{
    separate(j);
    json_put_string(j->out, s);
}

void out_json_str(struct out_json *j, const char *s)
{
    if (s == NULL)
        out_json_null(j);
    else
        out_json_slice(j, slice_str(s));
}

void out_json_int(struct out_json *j, int64_t n)
{
    separate(j);
    buf_append_int(j->out, n);
}

void out_json_real(struct out_json *j, double d)
{
    separate(j);
    if (isfinite(d))
        buf_printf(j->out, "%.6g", d);
    else
        buf_append_str(j->out, "null");
}

void out_json_bool(struct out_json *j, bool b)
{
    separate(j);
    buf_append_str(j->out, b ? "true" : "false");
}

void out_json_null(struct out_json *j)
{
    separate(j);
    buf_append_str(j->out, "null");
}

void out_json_pair_str(struct out_json *j, const char *key, const char *value)
{
    out_json_key(j, key);
    out_json_str(j, value);
}

void out_json_pair_int(struct out_json *j, const char *key, int64_t value)
{
    out_json_key(j, key);
    out_json_int(j, value);
}

void out_json_pair_bool(struct out_json *j, const char *key, bool value)
{
    out_json_key(j, key);
    out_json_bool(j, value);
}
