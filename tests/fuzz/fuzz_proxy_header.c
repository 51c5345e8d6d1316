// links: m2_node
/* PROXY protocol headers: what is taken once is taken the same way with more bytes behind it, and
 * was not decided too early. */

#include "node/io/proxy_header.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole, part;
    enum proxy_header_status all = proxy_header_parse(slice_of(data, size), &whole);
    if (all == PROXY_HEADER_MORE && size >= PROXY_HEADER_NEEDED)
        abort();
    for (size_t len = 0; len < size; len++) {
        enum proxy_header_status now = proxy_header_parse(slice_of(data, len), &part);
        if (now == PROXY_HEADER_MORE)
            continue;
        if (now != all || (now == PROXY_HEADER_DONE && memcmp(&part, &whole, sizeof part) != 0))
            abort();
    }
    return 0;
}
