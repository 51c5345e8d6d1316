// links: m2_http
/* The request head: the result does not depend on how the bytes arrive, slices stay inside the
 * bytes, lengths add up. The first byte of the input chooses step size and limits. */

#include "proto/http/request_head.h"
#include "tests/unit/proto/http/head_text.h"

#include <stdint.h>
#include <stdlib.h>

#define ROOM 8

static void check_inside(struct slice s, const char *bytes, size_t len)
{
    if (s.len > 0 && (s.ptr < bytes || s.ptr + s.len > bytes + len))
        abort();
}

/* From a fresh buffer on each call, the old one gone. */
static void parse(struct buf *out, const uint8_t *data, size_t size, size_t step, bool relaxed)
{
    const struct request_limits limits = {2048, 64, 3 * ROOM, relaxed};
    struct http_field few[ROOM], many[3 * ROOM];
    struct request_head h;
    request_head_init(&h, few, ROOM);
    char *bytes = NULL;
    enum parse_result r = PARSE_MORE;
    size_t have = 0;
    while (r == PARSE_MORE && have < size) {
        size_t before = have;
        have = have + step < size ? have + step : size;
        char *larger = malloc(have);
        if (larger == NULL)
            abort();
        memcpy(larger, bytes != NULL ? bytes : "", before);
        memcpy(larger + before, data + before, have - before);
        free(bytes);
        bytes = larger;
        r = request_head_parse(&h, bytes, have, &limits);
        if (r == PARSE_FULL) {
            field_list_move(&h.fields, many, 3 * ROOM);
            r = request_head_parse(&h, bytes, have, &limits);
            if (r == PARSE_FULL)
                abort();
        }
    }
    if (r == PARSE_DONE) {
        if (h.len > have || h.len > limits.head_bytes || h.path.len > limits.url_path)
            abort();
        const struct slice all[] = {h.method,   h.path,      h.uri, h.query,
                                    h.fragment, h.authority, h.host};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            check_inside(all[i], bytes, h.len);
        if (h.chunked && h.content_length >= 0)
            abort();
    }
    /* Where a fault was seen, and which limit was hit first, may depend on the pieces. */
    if (r == PARSE_BAD)
        h.offset = 0, h.fault = FAULT_NONE;
    head_text(out, r, &h, bytes, have);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t step = 1 + (data[0] & 0x3f);
    bool relaxed = (data[0] & 0x40) != 0;
    data++, size--;
    struct buf whole = BUF_INIT, pieces = BUF_INIT;
    parse(&whole, data, size, size > 0 ? size : 1, relaxed);
    parse(&pieces, data, size, step, relaxed);
    /* Bad bytes behind an incomplete line may be seen early when they come at once. */
    if (strcmp(buf_str(&whole), buf_str(&pieces)) != 0 &&
        strncmp(buf_str(&whole), "result=2", 8) != 0)
        abort();
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
