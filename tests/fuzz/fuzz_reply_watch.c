// links: m2_http
/* Handler replies: what is made of them does not depend on how the bytes arrive, except that a
 * split line which is longer than what is kept may end in "until close". Where the strict parser
 * accepts a head, the observer must agree with it on the end of the response. The first byte of the
 * input chooses step and method. */

#include "proto/http/reply_watch.h"
#include "proto/http/response_head.h"

#include <stdint.h>
#include <stdlib.h>

static size_t watch(struct reply_watch *w, enum method_id method, struct slice in, size_t step)
{
    size_t used = 0;
    reply_watch_init(w, method);
    while (used < in.len && w->part != REPLY_DONE) {
        size_t len = in.len - used < step ? in.len - used : step;
        size_t taken = reply_watch_feed(w, slice_of(in.ptr + used, len));
        if (taken > len || (taken < len && w->part != REPLY_DONE))
            abort();
        used += taken;
    }
    return used;
}

static void compare_with_parser(const struct reply_watch *w, size_t used, struct slice in,
                                enum method_id method)
{
    const struct response_limits limits = {SIZE_MAX, 64};
    struct http_field fields[64];
    struct response_head h;
    response_head_init(&h, fields, 64);
    if (response_head_parse(&h, in.ptr, in.len, method, &limits) != PARSE_DONE || h.status < 200 ||
        w->unsure)
        return;
    if (w->status != h.status)
        abort();
    if (h.no_body && (w->part != REPLY_DONE || used != h.len))
        abort();
    if (h.until_close && w->part != REPLY_UNTIL_CLOSE)
        abort();
    if (!h.no_body && !h.chunked && h.content_length >= 0 && w->part == REPLY_DONE &&
        used != h.len + (size_t)h.content_length)
        abort();
    if (h.keep_alive && w->close && w->part == REPLY_DONE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice in = slice_of(data + 1, size - 1);
    enum method_id method = data[0] & 1 ? METHOD_HEAD : METHOD_GET;
    struct reply_watch a, b;
    size_t end_a = watch(&a, method, in, in.len);
    size_t end_b = watch(&b, method, in, 1u + data[0] / 8);
    bool cut = b.unsure && !a.unsure;
    if (!cut && (end_a != end_b || a.part != b.part || a.status != b.status || a.close != b.close ||
                 a.body.received != b.body.received))
        abort();
    compare_with_parser(&a, end_a, in, method);
    return 0;
}
