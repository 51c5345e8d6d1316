// links: m2_wire
/* Arbitrary bytes as a request, read as the handler library does. */

#include "proto/wire/handler_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = size > 0 ? slice_of(data, size) : SLICE_EMPTY;
    struct handler_message m;
    struct handler_field *fields;
    size_t count = 0;
    struct error e = {0};
    struct arena a;
    uint64_t credits = 0;
    if (handler_message_parse(input, &m, &e) != 0) {
        BUG_ON(e.code != ERROR_INVALID);
        return 0;
    }
    BUG_ON(m.body.ptr + m.body.len + 1 != input.ptr + input.len);
    arena_init(&a, 0);
    if (handler_message_headers(&m, &a, &fields, &count, &e) == 0)
        handler_message_notice(&m, fields, count, &credits);
    arena_fini(&a);
    return 0;
}
