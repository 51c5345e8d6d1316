// links: m2_wire
/* The input is cut at line ends into path, query, body and header fields. What is written of them
 * must be read back: all of it in tnetstring form; in JSON form the same fields, with values equal
 * when they are clean. */

#include "proto/wire/handler_message.h"
#include "proto/wire/handler_request.h"
#include "proto/wire/json.h"

#include <stdbool.h>

#define FIELDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice take(struct slice *rest, char until)
{
    size_t len = slice_find(*rest, until);
    struct slice piece = slice_of(rest->ptr, len);
    *rest = slice_from(*rest, len < rest->len ? len + 1 : len);
    return piece;
}

/* How many fields are shown: all but the sixth and later of a name. */
static size_t shown(const struct handler_request *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->field_count; i++) {
        unsigned before = 0;
        for (size_t j = 0; j < i; j++)
            before += slice_eq_nocase(r->fields[i].name, r->fields[j].name);
        count += before < HANDLER_VALUES_MAX;
    }
    return count;
}

static void check(const struct handler_request *r, enum handler_format format, struct arena *a)
{
    struct buf out = BUF_INIT;
    struct handler_message m;
    struct handler_field *fields;
    size_t count = 0;
    struct error e;
    handler_request_encode(&out, r, format);
    BUG_ON(out.failed);
    BUG_ON(handler_message_parse(buf_slice(&out), &m, &e) != 0);
    BUG_ON(handler_message_headers(&m, a, &fields, &count, &e) != 0);
    BUG_ON(count != shown(r) + 3);
    BUG_ON(!slice_eq(m.body, r->body) || m.conn_id != r->conn_id || m.format != format);
    /* the URI is the last but one in JSON, the third in the dict */
    struct slice uri = fields[format == HANDLER_JSON ? count - 2 : 1].value;
    struct slice wanted = r->keys[HANDLER_KEY_URI];
    if (format == HANDLER_TNETSTRING || json_clean_prefix(wanted) == wanted.len)
        BUG_ON(!slice_eq(uri, wanted));
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = size > 0 ? slice_of(data, size) : SLICE_EMPTY;
    struct handler_field list[FIELDS_MAX];
    struct handler_request r = {.sender = SLICE("sender"), .path = SLICE("/"), .conn_id = 7};
    struct arena a;
    r.fields = list;
    r.keys[HANDLER_KEY_PATH] = SLICE("/");
    r.keys[HANDLER_KEY_URI] = take(&rest, '\n');
    r.keys[HANDLER_KEY_PATTERN] = SLICE("/(.*)\\.x");
    r.body = take(&rest, '\n');
    while (rest.len > 0 && r.field_count < FIELDS_MAX) {
        struct slice line = take(&rest, '\n');
        list[r.field_count].name = take(&line, ':');
        list[r.field_count++].value = line;
    }
    arena_init(&a, 0);
    check(&r, HANDLER_JSON, &a);
    check(&r, HANDLER_TNETSTRING, &a);
    arena_fini(&a);
    return 0;
}
