// links: m2_wire
/* A payload of a known kind that is accepted must be written so that it is accepted again and
 * written the same. */

#include "proto/base/error.h"
#include "proto/wire/handler_xreply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = size > 0 ? slice_of(data, size) : SLICE_EMPTY;
    struct xreply x, again;
    if (xreply_parse(input, &x) != XREPLY_OK || x.kind == XREPLY_OTHER)
        return 0;
    struct buf first = BUF_INIT, second = BUF_INIT;
    xreply_encode(&first, &x);
    BUG_ON(xreply_parse(buf_slice(&first), &again) != XREPLY_OK || again.kind != x.kind);
    xreply_encode(&second, &again);
    BUG_ON(!slice_eq(buf_slice(&first), buf_slice(&second)));
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
