// links: m2_http
/* Frames: headers are read the same from more bytes, written headers are read back, masks and UTF-8
 * do not depend on the pieces. The first byte is the step. */

#include "proto/http/ws_frame.h"
#include "proto/http/ws_utf8.h"

#include <stdlib.h>
#include <string.h>

static void check_head(struct slice in)
{
    struct ws_frame f, again;
    size_t head = ws_frame_read(in, &f);
    if (head > in.len || head > WS_HEAD_MAX)
        abort();
    for (size_t len = 0; len < head; len++)
        if (ws_frame_read(slice_of(in.ptr, len), &again) != 0)
            abort();
    char out[WS_HEAD_ROOM];
    if (head == 0)
        return;
    size_t written = ws_frame_write(out, f.first, f.len);
    if (ws_frame_read(slice_of(out, written), &again) != written || again.len != f.len ||
        again.first != f.first || !again.is_shortest || again.masked)
        abort();
    if (f.is_shortest != (written + (f.masked ? 4 : 0) == head))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    size_t step = 1u + data[0] % 40;
    uint32_t mask, turning;
    memcpy(&mask, data + 1, 4);
    turning = mask;
    struct slice in = slice_of(data + 1, size - 1);
    check_head(in);
    char *whole = malloc(in.len), *pieces = malloc(in.len);
    ws_unmask(whole, in.ptr, in.len, mask);
    struct ws_utf8 u = WS_UTF8_INIT;
    bool good = true;
    for (size_t at = 0; at < in.len; at += step) {
        size_t len = in.len - at < step ? in.len - at : step;
        turning = ws_unmask(pieces + at, in.ptr + at, len, turning);
        good = good && ws_utf8_feed(&u, slice_of(in.ptr + at, len));
    }
    if (memcmp(whole, pieces, in.len) != 0 ||
        (good && ws_utf8_is_whole(&u)) != ws_utf8_is_valid(in))
        abort();
    for (size_t i = 0; i < in.len; i++)
        if ((uint8_t)whole[i] != (((const uint8_t *)in.ptr)[i] ^ data[1 + i % 4]))
            abort();
    free(whole);
    free(pieces);
    return 0;
}
