// links: m2_http
/* Messages of JSON and XML sockets: what is found does not depend on how the bytes arrive, and lies
 * inside the message. The first byte of the input chooses the step. */

#include "proto/http/socket_message.h"

#include <stdint.h>
#include <stdlib.h>

static enum parse_result parse(struct socket_message *m, struct slice in, size_t step)
{
    enum parse_result result = PARSE_MORE;
    *m = (struct socket_message){0};
    for (size_t len = 0; len < in.len && result == PARSE_MORE;) {
        len = in.len - len < step ? in.len : len + step;
        result = socket_message_parse(m, slice_of(in.ptr, len), 4096);
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || !socket_message_begins((char)data[1]))
        return 0;
    struct slice in = slice_of(data + 1, size - 1);
    struct socket_message a, b;
    enum parse_result result = parse(&a, in, in.len);
    if (parse(&b, in, 1u + data[0]) != result || a.fault != b.fault || a.len != b.len)
        abort();
    if (result != PARSE_DONE)
        return 0;
    struct slice path = socket_message_path(&a, in), body = socket_message_body(&a, in);
    if (a.len > in.len || a.len > 4096 || path.len < 1 || path.len >= a.len ||
        body.ptr + body.len + 1 != in.ptr + a.len || body.len < 2)
        abort();
    if (socket_message_is_ping(&a, in) && in.ptr[0] != '@')
        abort();
    return 0;
}
