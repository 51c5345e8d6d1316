/* Strict about the frame, lenient about the JSON, because the peer may be a Mongrel2 that escapes
 * less than it should. */

#include "proto/wire/handler_message.h"

#include "proto/wire/json.h"
#include "proto/wire/netstring.h"
#include "proto/wire/tnetstring.h"

#include <string.h>

/* The bytes before the next space, which is dropped too. */
static int read_word(struct slice *rest, struct slice *word)
{
    size_t len = slice_find(*rest, ' ');
    if (len == rest->len || len == 0)
        return -1;
    *word = slice_of(rest->ptr, len);
    *rest = slice_from(*rest, len + 1);
    return 0;
}

/* A decimal number up to `max`; at least one digit. */
static int read_number(struct slice text, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return -1;
    }
    *out = n;
    return text.len > 0 && n <= max ? 0 : -1;
}

int handler_message_parse(struct slice bytes, struct handler_message *m, struct error *e)
{
    struct slice rest = bytes, id_text;
    uint64_t id;
    char tag;
    if (read_word(&rest, &m->sender) != 0 || read_word(&rest, &id_text) != 0 ||
        read_word(&rest, &m->path) != 0)
        return error_set(e, ERROR_INVALID,
                         "A handler request must begin with a sender, an id and a path.");
    if (read_number(id_text, UINT32_MAX, &id) != 0)
        return error_set(e, ERROR_INVALID,
                         "The connection id of a handler request must be a 32-bit number.");
    if (netstring_read_tagged(&rest, &m->headers, &tag) != 0 || (tag != ',' && tag != '}'))
        return error_set(e, ERROR_INVALID,
                         "The headers of a handler request must be a netstring or a dict.");
    if (netstring_read(&rest, &m->body) != 0)
        return error_set(e, ERROR_INVALID, "The body of a handler request must be a netstring.");
    if (rest.len > 0)
        return error_set(e, ERROR_INVALID, "%zu bytes follow the body of a handler request.",
                         rest.len);
    m->conn_id = (uint32_t)id;
    m->format = tag == '}' ? HANDLER_TNETSTRING : HANDLER_JSON;
    return 0;
}

/* A growing array in an arena; what it outgrows stays there until the arena goes. */
struct fields {
    struct arena *arena;
    struct handler_field *list;
    size_t count;
    size_t cap;
    struct error *error;
};

static int add_field(struct fields *f, struct slice name, struct slice value)
{
    if (f->count == f->cap) {
        size_t cap = f->cap > 0 ? 2 * f->cap : 32;
        struct handler_field *list = arena_alloc(f->arena, cap * sizeof *list);
        if (list == NULL)
            return error_set(f->error, ERROR_NO_MEMORY, "Out of memory.");
        if (f->count > 0)
            memcpy(list, f->list, f->count * sizeof *list);
        f->list = list;
        f->cap = cap;
    }
    f->list[f->count++] = (struct handler_field){name, value};
    return 0;
}

static int malformed(struct fields *f)
{
    return error_set(f->error, ERROR_INVALID, "The headers of the handler request are malformed.");
}

/* ---- tnetstring --------------------------------------------------------------------------- */

static bool tnet_is_scalar(const struct tns_item *item)
{
    return item->type != TNS_LIST && item->type != TNS_DICT;
}

static int tnet_headers(struct fields *f, struct slice dict)
{
    struct tns_reader r, inner;
    struct tns_item item;
    struct slice name;
    enum tns_status status, element = TNS_END;
    tns_reader_init(&r, dict);
    while ((status = tns_read_pair(&r, &name, &item)) == TNS_ITEM) {
        if (item.type == TNS_DICT)
            return malformed(f);
        if (tnet_is_scalar(&item)) {
            if (add_field(f, name, item.bytes) != 0)
                return -1;
            continue;
        }
        if (tns_enter(&r, &item, &inner) != 0)
            return malformed(f);
        while ((element = tns_read(&inner, &item)) == TNS_ITEM)
            if (!tnet_is_scalar(&item))
                return malformed(f);
            else if (add_field(f, name, item.bytes) != 0)
                return -1;
        if (element == TNS_BAD)
            return malformed(f);
    }
    return status == TNS_END ? 0 : malformed(f);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static int json_text(struct fields *f, const struct json_token *t, struct slice *out)
{
    *out = t->text;
    if (!t->escaped)
        return 0;
    char *copy = arena_alloc(f->arena, t->text.len);
    if (copy == NULL)
        return error_set(f->error, ERROR_NO_MEMORY, "Out of memory.");
    *out = slice_of(copy, json_unescape_to(t, copy));
    return 0;
}

/* A string, number, true, false or null. */
static int json_scalar(struct fields *f, struct slice name, const struct json_token *t)
{
    struct slice value;
    switch (t->type) {
    case JSON_STRING:
        if (json_text(f, t, &value) != 0)
            return -1;
        break;
    case JSON_NUMBER: value = t->text; break;
    case JSON_TRUE: value = SLICE("true"); break;
    case JSON_FALSE: value = SLICE("false"); break;
    case JSON_NULL: value = SLICE("null"); break;
    default: return malformed(f);
    }
    return add_field(f, name, value);
}

static int json_headers(struct fields *f, struct slice text)
{
    struct json_reader r;
    struct json_token t;
    struct slice name;
    json_reader_init(&r, text);
    if (json_next(&r, &t) != JSON_OBJECT)
        return malformed(f);
    while (json_next(&r, &t) == JSON_KEY) {
        if (json_text(f, &t, &name) != 0)
            return -1;
        if (json_next(&r, &t) != JSON_ARRAY) {
            if (json_scalar(f, name, &t) != 0)
                return -1;
            continue;
        }
        while (json_next(&r, &t) != JSON_ARRAY_END)
            if (json_scalar(f, name, &t) != 0)
                return -1;
    }
    return t.type == JSON_OBJECT_END && json_next(&r, &t) == JSON_END ? 0 : malformed(f);
}

int handler_message_headers(const struct handler_message *m, struct arena *a,
                            struct handler_field **fields, size_t *count, struct error *e)
{
    struct fields f = {a, NULL, 0, 0, e};
    int rc = m->format == HANDLER_TNETSTRING ? tnet_headers(&f, m->headers)
                                             : json_headers(&f, m->headers);
    *fields = f.list;
    *count = f.count;
    return rc;
}

enum handler_notice handler_message_notice(const struct handler_message *m,
                                           const struct handler_field *fields, size_t count,
                                           uint64_t *credits)
{
    bool is_message = false, has_credits = false;
    if (!slice_eq(m->path, SLICE("@*")))
        return HANDLER_NOTICE_NONE;
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(fields[i].name, SLICE("METHOD")))
            is_message = slice_eq(fields[i].value, SLICE("JSON"));
        else if (slice_eq(fields[i].name, SLICE("DOWNLOAD_CREDITS")))
            has_credits = read_number(fields[i].value, UINT64_MAX, credits) == 0;
        else
            return HANDLER_NOTICE_NONE; /* requests have PATTERN and more */
    }
    if (!is_message)
        return HANDLER_NOTICE_NONE;
    if (has_credits)
        return HANDLER_NOTICE_CREDITS;
    return slice_eq(m->body, SLICE("{\"type\":\"disconnect\"}")) ? HANDLER_NOTICE_DISCONNECT
                                                                 : HANDLER_NOTICE_NONE;
}
