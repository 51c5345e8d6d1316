// links: m2_http
/* Heads passed on: what an upstream gets is a head that a strict parser takes, with the same
 * method, target, host and framing, and nothing in it that was for this hop alone. The same for
 * responses. The first byte of the input chooses which. */

#include "proto/http/fields.h"
#include "proto/http/forward.h"

#include <stdint.h>
#include <stdlib.h>

#define ROOM 64

static const uint64_t hop_by_hop = FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_KEEP_ALIVE) |
                                   FIELD_BIT(FIELD_PROXY_CONNECTION) | FIELD_BIT(FIELD_TE) |
                                   FIELD_BIT(FIELD_TRAILER) | FIELD_BIT(FIELD_UPGRADE);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* No line of the head may end in LF alone. */
static void check_line_ends(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        check(bytes[i] != '\n' || (i > 0 && bytes[i - 1] == '\r'));
}

static void forward_request(char *bytes, size_t len, bool keeps)
{
    const struct request_limits limits = {4096, 0, ROOM, keeps};
    struct http_field fields[ROOM], fields2[2 * ROOM];
    struct request_head h, h2;
    request_head_init(&h, fields, ROOM);
    if (request_head_parse(&h, bytes, len, &limits) != PARSE_DONE || h.form == TARGET_AUTHORITY)
        return;
    struct forward_request f = {.head = &h,
                                .peer = SLICE("192.0.2.1"),
                                .scheme = SLICE("http"),
                                .fallback = SLICE("up:80"),
                                .keeps_forwarded = keeps};
    size_t room = forward_request_room(&f);
    char *out = malloc(room);
    check(out != NULL);
    size_t got = forward_request_write(&f, out, room);
    if (got > 0) {
        const struct request_limits wide = {SIZE_MAX, 0, 2 * ROOM, keeps};
        request_head_init(&h2, fields2, 2 * ROOM);
        check(request_head_parse(&h2, out, got, &wide) == PARSE_DONE && h2.len == got);
        check_line_ends(out, got);
        check(slice_eq(h.method, h2.method) && slice_eq(h.uri, h2.uri) && !h2.has_fragment);
        check(h.chunked == h2.chunked && h.content_length == h2.content_length);
        check(h.expect_continue == h2.expect_continue || h.version_minor == 0 ||
              fields_any_has_token(&h.fields, FIELD_CONNECTION, SLICE("expect")));
        check(h.authority.len == 0 || slice_eq(h.authority, h2.authority));
        check(h2.keep_alive && (h2.fields.present & hop_by_hop) == 0);
        check(field_list_has(&h2.fields, FIELD_VIA));
        if (!keeps)
            check(slice_eq(field_list_value(&h2.fields, FIELD_X_FORWARDED_FOR), f.peer) &&
                  (h2.fields.repeated & FIELD_BIT(FIELD_X_FORWARDED_FOR)) == 0);
    }
    free(out);
}

static void forward_response(const char *bytes, size_t len)
{
    const struct response_limits limits = {4096, ROOM};
    struct http_field fields[ROOM], fields2[ROOM];
    struct response_head h;
    response_head_init(&h, fields, ROOM);
    if (response_head_parse(&h, bytes, len, METHOD_GET, &limits) != PARSE_DONE)
        return;
    size_t room = forward_response_room(&h);
    char *out = malloc(room + 2);
    check(out != NULL);
    size_t got = forward_response_fields(&h, out, room);
    check_line_ends(out, got);
    memcpy(out + got, "\r\n", 2);
    struct field_list l;
    enum parse_fault fault;
    const char *at = out;
    field_list_init(&l, fields2, ROOM);
    check(field_lines_parse(&l, &at, out + got + 2, ROOM, &fault) == PARSE_DONE &&
          at == out + got + 2);
    check((l.present & (hop_by_hop | FIELD_BIT(FIELD_CONTENT_LENGTH) |
                        FIELD_BIT(FIELD_TRANSFER_ENCODING))) == 0);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *bytes = malloc(size - 1);
    check(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 2)
        forward_response(bytes, size - 1);
    else
        forward_request(bytes, size - 1, (data[0] & 1) != 0);
    free(bytes);
    return 0;
}
