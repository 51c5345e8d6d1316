/* Fields that a newer server adds behind these are passed over in both formats. */

#include "m2sh/access_line.h"

#include "m2sh/base/xalloc.h"
#include "proto/wire/json.h"
#include "proto/wire/tnetstring.h"

#include <stddef.h>

static bool take_text(struct tns_reader *r, struct slice *out)
{
    struct tns_item item;
    if (tns_read(r, &item) != TNS_ITEM || item.type != TNS_STRING)
        return false;
    *out = item.bytes;
    return true;
}

static bool take_int(struct tns_reader *r, int64_t *out)
{
    struct tns_item item;
    if (tns_read(r, &item) != TNS_ITEM || item.type != TNS_INT)
        return false;
    *out = item.integer;
    return true;
}

static bool parse_tnetstring(struct access_line *l, struct slice line)
{
    struct tns_reader outer, r;
    struct tns_item list;
    tns_reader_init(&outer, line);
    return tns_read(&outer, &list) == TNS_ITEM && list.type == TNS_LIST &&
           tns_enter(&outer, &list, &r) == 0 && take_text(&r, &l->host) &&
           take_text(&r, &l->address) && take_int(&r, &l->port) && take_int(&r, &l->time) &&
           take_text(&r, &l->method) && take_text(&r, &l->path) && take_text(&r, &l->version) &&
           take_int(&r, &l->status) && take_int(&r, &l->size);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static const struct {
    struct slice key;
    bool is_text;
    size_t offset;
} keys[] = {
    {SLICE("host"), true, offsetof(struct access_line, host)},
    {SLICE("peer"), true, offsetof(struct access_line, address)},
    {SLICE("method"), true, offsetof(struct access_line, method)},
    {SLICE("path"), true, offsetof(struct access_line, path)},
    {SLICE("version"), true, offsetof(struct access_line, version)},
    {SLICE("port"), false, offsetof(struct access_line, port)},
    {SLICE("time"), false, offsetof(struct access_line, time)},
    {SLICE("status"), false, offsetof(struct access_line, status)},
    {SLICE("size"), false, offsetof(struct access_line, size)},
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])

static struct slice unescape(const struct json_token *token, struct arena *a)
{
    char *text = xarena_alloc(a, token->text.len + 1);
    return slice_of(text, json_unescape_to(token, text));
}

/* Puts the value into its field; false when it has the wrong type. */
static bool set_field(struct access_line *l, struct slice key, const struct json_token *value,
                      struct arena *a, unsigned *seen)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (!slice_eq(key, keys[i].key))
            continue;
        void *field = (char *)l + keys[i].offset;
        *seen |= 1u << i;
        if (keys[i].is_text && value->type == JSON_STRING) {
            *(struct slice *)field = unescape(value, a);
            return true;
        }
        return !keys[i].is_text && json_int(value, field);
    }
    return true;
}

static bool parse_json(struct access_line *l, struct slice line, struct arena *a)
{
    struct json_reader r;
    struct json_token token;
    unsigned seen = 0;
    json_reader_init(&r, line);
    if (json_next(&r, &token) != JSON_OBJECT)
        return false;
    while (json_next(&r, &token) == JSON_KEY) {
        struct slice key = token.text;
        json_next(&r, &token);
        if (!set_field(l, key, &token, a, &seen) || json_skip(&r, &token) != 0)
            return false;
    }
    return token.type == JSON_OBJECT_END && seen == (1u << KEY_COUNT) - 1;
}

bool access_line_parse(struct access_line *out, struct slice line, struct arena *a)
{
    *out = (struct access_line){.port = 0};
    if (line.len > 0 && line.ptr[0] == '{')
        return parse_json(out, line, a);
    return parse_tnetstring(out, line);
}
