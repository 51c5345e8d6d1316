// links: m2_http
/* Response heads: the result does not depend on how the bytes arrive. The first byte of the input
 * chooses step and method. */

#include "proto/http/response_head.h"

#include <stdint.h>
#include <stdlib.h>

#define ROOM 16

struct outcome {
    enum parse_result result;
    size_t len;
    int status;
    uint64_t present;
    size_t fields;
    bool no_body, chunked, until_close, keep_alive;
    int64_t content_length;
};

static struct outcome parse(const uint8_t *data, size_t size, size_t step, enum method_id method)
{
    const struct response_limits limits = {1024, ROOM};
    struct http_field fields[ROOM];
    struct response_head h;
    response_head_init(&h, fields, ROOM);
    char *bytes = NULL;
    enum parse_result r = PARSE_MORE;
    size_t have = 0;
    while (r == PARSE_MORE && have < size) {
        have = have + step < size ? have + step : size;
        char *moved = malloc(have);
        if (moved == NULL)
            abort();
        memcpy(moved, data, have);
        r = response_head_parse(&h, moved, have, method, &limits);
        free(bytes);
        bytes = moved;
    }
    struct outcome o = {.result = r};
    if (r == PARSE_DONE) {
        if (h.len > have || h.status < 100 || h.status > 999 || (h.keep_alive && h.until_close))
            abort();
        for (size_t i = 0; i < h.fields.count; i++)
            if (h.fields.items[i].name.ptr < bytes ||
                h.fields.items[i].value.ptr + h.fields.items[i].value.len > bytes + h.len)
                abort();
        o = (struct outcome){
            r,         h.len,     h.status,      h.fields.present, h.fields.count,
            h.no_body, h.chunked, h.until_close, h.keep_alive,     h.content_length};
    }
    free(bytes);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum method_id method = data[0] & 1 ? METHOD_HEAD : METHOD_GET;
    struct outcome a = parse(data + 1, size - 1, size - 1, method);
    struct outcome b = parse(data + 1, size - 1, 1u + data[0] / 8, method);
    /* Bad bytes behind an incomplete line may be seen early when they come at once. */
    if (a.result != b.result && a.result != PARSE_BAD)
        abort();
    if (a.result == PARSE_DONE &&
        (a.len != b.len || a.status != b.status || a.present != b.present || a.fields != b.fields ||
         a.no_body != b.no_body || a.chunked != b.chunked || a.until_close != b.until_close ||
         a.keep_alive != b.keep_alive || a.content_length != b.content_length))
        abort();
    return 0;
}
