// links: m2_http
/* Handshakes: a head without fault gets an answer of one head that has the accept value, whatever
 * it offers. The input is the fields behind a usual handshake. */

#include "proto/http/request_head.h"
#include "proto/http/response_head.h"
#include "proto/http/ws_handshake.h"

#include <stdlib.h>

static void check(const struct request_head *h)
{
    struct ws_deflate_terms terms = {15, false};
    char answer[9000];
    bool deflate = ws_deflate_negotiate(&h->fields, &terms);
    if (terms.server_bits < 8 || terms.server_bits > 15)
        abort();
    size_t len = ws_handshake_answer(h, deflate ? &terms : NULL, answer, sizeof answer);
    struct http_field fields[16];
    struct response_head r;
    response_head_init(&r, fields, 16);
    struct response_limits limits = {.head_bytes = sizeof answer, .fields = 16};
    if (response_head_parse(&r, answer, len, METHOD_GET, &limits) != PARSE_DONE ||
        r.status != 101 ||
        field_list_value(&r.fields, FIELD_SEC_WEBSOCKET_ACCEPT).len != WS_ACCEPT_LENGTH ||
        field_list_has(&r.fields, FIELD_SEC_WEBSOCKET_EXTENSIONS) != deflate)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 8000)
        return 0;
    struct buf text = BUF_INIT;
    struct http_field fields[64];
    struct request_head h;
    struct request_limits limits = {9000, 0, 64, false};
    buf_append_str(&text,
                   "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\n");
    buf_append(&text, data, size);
    buf_append_str(&text, "\r\n\r\n");
    request_head_init(&h, fields, 64);
    if (request_head_parse(&h, text.data, text.len, &limits) == PARSE_DONE &&
        ws_handshake_status(&h) == 0)
        check(&h);
    buf_fini(&text);
    return 0;
}
