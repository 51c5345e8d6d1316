// links: m2_wire
/* A netstring that is read must be written back as the same bytes, leading zeros aside. */

#include "proto/base/error.h"
#include "proto/wire/netstring.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = size > 0 ? slice_of(data, size) : SLICE_EMPTY, payload;
    while (rest.len > 0) {
        size_t before = rest.len;
        struct slice at = rest;
        if (netstring_read(&rest, &payload) != 0)
            break;
        BUG_ON(rest.len >= before || payload.ptr + payload.len + 1 != rest.ptr);
        struct buf b = BUF_INIT;
        netstring_put(&b, payload);
        while (at.ptr[0] == '0' && at.ptr[1] != ':')
            at = slice_from(at, 1);
        BUG_ON(!slice_starts_with(at, buf_slice(&b)));
        buf_fini(&b);
    }
    return 0;
}
