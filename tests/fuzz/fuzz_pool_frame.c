// links: m2_wire
/* The input is cut at line ends into frames. A message that is accepted must be written so that it
 * is accepted again and written the same. */

#include "proto/base/error.h"
#include "proto/wire/pool_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = size > 0 ? slice_of(data, size) : SLICE_EMPTY, frames[4];
    size_t count = 0;
    while (count < 4 && rest.len > 0) {
        size_t len = slice_find(rest, '\n');
        frames[count++] = slice_of(rest.ptr, len);
        rest = slice_from(rest, len < rest.len ? len + 1 : len);
    }
    struct pool_frame f, again;
    if (pool_frame_decode(frames, count, &f) != POOL_FRAME_OK)
        return 0;
    struct slice first[POOL_FRAMES_MAX], second[POOL_FRAMES_MAX];
    struct buf a = BUF_INIT, b = BUF_INIT;
    size_t first_count = pool_frame_encode(&f, first, &a);
    BUG_ON(first_count == 0 || first_count > POOL_FRAMES_MAX);
    BUG_ON(pool_frame_decode(first, first_count, &again) != POOL_FRAME_OK);
    BUG_ON(again.type != f.type || pool_frame_encode(&again, second, &b) != first_count);
    for (size_t i = 0; i < first_count; i++)
        BUG_ON(!slice_eq(first[i], second[i]));
    buf_fini(&a);
    buf_fini(&b);
    return 0;
}
