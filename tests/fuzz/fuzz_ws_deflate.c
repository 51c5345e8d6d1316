// links: m2_http
/* Compressed messages: never more than the bound comes out of them; what is compressed comes back.
 * The first two bytes are the bound. */

#include "proto/http/ws_deflate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ws_deflate *d;
    if (d == NULL)
        d = ws_deflate_create();
    if (size < 2)
        return 0;
    size_t most = (size_t)data[0] << 8 | data[1];
    struct slice in = slice_of(data + 2, size - 2);
    struct buf out = BUF_INIT, back = BUF_INIT;
    enum ws_inflate r = ws_inflate_message(d, in, most, &out);
    if (out.len > most + 1 || (r == WS_INFLATE_DONE && out.len > most))
        abort();
    buf_clear(&out);
    if (ws_deflate_message(d, in, &out) &&
        (out.len >= in.len ||
         ws_inflate_message(d, buf_slice(&out), in.len, &back) != WS_INFLATE_DONE ||
         !slice_eq(buf_slice(&back), in)))
        abort();
    buf_fini(&out);
    buf_fini(&back);
    return 0;
}
