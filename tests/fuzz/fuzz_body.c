// links: m2_http
/* Bodies: content and end do not depend on how the bytes arrive, and skipping finds the same end as
 * feeding. The first two bytes of the input choose framing and step. */

#include "proto/base/buf.h"
#include "proto/http/body.h"

#include <stdint.h>
#include <stdlib.h>

static void init(struct body *b, uint8_t kind)
{
    if (kind == 0)
        body_init_until_close(b);
    else
        body_init(b, kind > 64, kind);
}

static enum parse_result feed(struct body *b, struct slice in, size_t step, struct buf *content,
                              size_t *end)
{
    enum parse_result r = PARSE_MORE;
    *end = 0;
    while (*end < in.len && r == PARSE_MORE) {
        size_t len = in.len - *end < step ? in.len - *end : step, used;
        struct slice rest = slice_of(in.ptr + *end, len), piece;
        while ((r = body_feed(b, rest, &used, &piece)) == PARSE_PIECE) {
            if (piece.len == 0 || used > rest.len || piece.ptr + piece.len != rest.ptr + used)
                abort();
            buf_append_slice(content, piece);
            rest = slice_from(rest, used);
            *end += used;
        }
        if (r == PARSE_MORE && used != rest.len)
            abort();
        *end += used;
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct slice in = slice_of(data + 2, size - 2);
    struct buf whole = BUF_INIT, pieces = BUF_INIT;
    struct body a, b, c;
    size_t end_a, end_b, end_c;
    init(&a, data[0]);
    init(&b, data[0]);
    init(&c, data[0]);
    enum parse_result ra = feed(&a, in, in.len, &whole, &end_a);
    enum parse_result rb = feed(&b, in, 1u + data[1] % 32, &pieces, &end_b);
    enum parse_result rc = body_skip(&c, in, &end_c);
    if (ra != rb || ra != rc || end_a != end_b || end_a != end_c || a.fault != b.fault ||
        a.received != whole.len || a.received != c.received ||
        !slice_eq(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    if ((ra == PARSE_DONE) != body_is_done(&a) || (ra == PARSE_BAD) != (a.fault != FAULT_NONE))
        abort();
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
