// links: m2_http
/* Range fields: ranges lie inside the representation and never touch each other. The first byte
 * chooses the size, as a power of two. */

#include "proto/http/range.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint64_t total = (UINT64_C(1) << data[0] % 64) - 1;
    struct byte_range r[RANGES_MAX];
    int count = range_parse(slice_of(data + 1, size - 1), total, r);
    if (count > RANGES_MAX || count < -1)
        abort();
    for (int i = 0; i < count; i++) {
        char text[RANGE_CONTENT_MAX];
        if (r[i].first > r[i].last || r[i].last >= total ||
            range_content(&r[i], total, text) >= sizeof text)
            abort();
        for (int k = 0; k < i; k++)
            if (r[i].first <= r[k].last + RANGE_GAP && r[k].first <= r[i].last + RANGE_GAP)
                abort();
    }
    return 0;
}
