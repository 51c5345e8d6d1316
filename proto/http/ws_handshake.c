/* Mongrel2 recognises a handshake by less than the RFC asks for, and leaves the rest to the
 * handler; where the node itself answers, it asks for all of it. */

#include "proto/http/ws_handshake.h"

#include "proto/base/error.h"
#include "proto/http/fields.h"
#include "proto/http/framing.h"
#include "proto/http/request_head.h"
#include "proto/http/scan.h"

#include <mbedtls/base64.h>
#include <mbedtls/sha1.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool contains_nocase(struct slice s, struct slice word)
{
    for (size_t i = 0; i + word.len <= s.len; i++)
        if (strncasecmp(s.ptr + i, word.ptr, word.len) == 0)
            return true;
    return false;
}

bool ws_handshake_is_asked(const struct request_head *h)
{
    const struct field_list *l = &h->fields;
    const uint64_t needed = FIELD_BIT(FIELD_SEC_WEBSOCKET_KEY) |
                            FIELD_BIT(FIELD_SEC_WEBSOCKET_VERSION) | FIELD_BIT(FIELD_HOST) |
                            FIELD_BIT(FIELD_UPGRADE) | FIELD_BIT(FIELD_CONNECTION);
    return (l->present & needed) == needed &&
           slice_eq_nocase(field_list_value(l, FIELD_UPGRADE), SLICE("websocket")) &&
           contains_nocase(field_list_value(l, FIELD_CONNECTION), SLICE("upgrade"));
}

/* base64 of 16 bytes: 22 digits and "==". */
static bool is_key(struct slice key)
{
    if (key.len != 24 || key.ptr[22] != '=' || key.ptr[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.ptr[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !scan_is(c, BYTE_DIGIT) && c != '+' && c != '/')
            return false;
    }
    return true;
}

static bool are_protocols(const struct field_list *l)
{
    const struct http_field *f = field_list_get(l, FIELD_SEC_WEBSOCKET_PROTOCOL);
    for (; f != NULL; f = field_list_next(l, f)) {
        struct slice rest = f->value, protocol;
        while (fields_next(&rest, &protocol))
            if (!field_name_is_token(protocol))
                return false;
    }
    return true;
}

int ws_handshake_status(const struct request_head *h)
{
    const struct field_list *l = &h->fields;
    const uint64_t single = FIELD_BIT(FIELD_SEC_WEBSOCKET_KEY) |
                            FIELD_BIT(FIELD_SEC_WEBSOCKET_VERSION);
    if (h->method_id != METHOD_GET || h->version_minor < 1 || h->has_body ||
        !field_list_has(l, FIELD_HOST) || !framing_connection(l).upgrade ||
        !fields_any_has_token(l, FIELD_UPGRADE, SLICE("websocket")) || !are_protocols(l))
        return 400;
    if (!slice_eq(field_list_value(l, FIELD_SEC_WEBSOCKET_VERSION), SLICE("13")))
        return 426;
    bool good = (l->repeated & single) == 0 && is_key(field_list_value(l, FIELD_SEC_WEBSOCKET_KEY));
    return good ? 0 : 400;
}

void ws_handshake_accept(struct slice key, char out[WS_ACCEPT_LENGTH])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20], text[WS_ACCEPT_LENGTH + 1];
    size_t len;
    mbedtls_sha1_context sha;
    mbedtls_sha1_init(&sha);
#if MBEDTLS_VERSION_MAJOR >= 3
#define SHA1(step) mbedtls_sha1_##step
#else
#define SHA1(step) mbedtls_sha1_##step##_ret
#endif
    int failed = SHA1(starts)(&sha);
    failed |= SHA1(update)(&sha, (const unsigned char *)key.ptr, key.len);
    failed |= SHA1(update)(&sha, (const unsigned char *)guid, sizeof guid - 1);
    failed |= SHA1(finish)(&sha, digest);
#undef SHA1
    mbedtls_sha1_free(&sha);
    failed |= mbedtls_base64_encode(text, sizeof text, &len, digest, sizeof digest);
    BUG_ON(failed != 0 || len != WS_ACCEPT_LENGTH);
    memcpy(out, text, WS_ACCEPT_LENGTH);
}

struct slice ws_handshake_protocol(const struct request_head *h)
{
    struct slice list = field_list_value(&h->fields, FIELD_SEC_WEBSOCKET_PROTOCOL), first;
    return fields_next(&list, &first) ? first : SLICE_EMPTY;
}

size_t ws_handshake_answer(const struct request_head *h, const struct ws_deflate_terms *terms,
                           char *out, size_t room)
{
    char accept[WS_ACCEPT_LENGTH], extension[WS_DEFLATE_ANSWER + 40] = "";
    struct slice protocol = ws_handshake_protocol(h);
    ws_handshake_accept(field_list_value(&h->fields, FIELD_SEC_WEBSOCKET_KEY), accept);
    if (terms != NULL) {
        char answer[WS_DEFLATE_ANSWER];
        ws_deflate_answer(terms, answer);
        snprintf(extension, sizeof extension, "Sec-WebSocket-Extensions: %s\r\n", answer);
    }
    int len = snprintf(out, room,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n%s%.*s%s%s\r\n",
                       WS_ACCEPT_LENGTH, accept, protocol.len > 0 ? "Sec-WebSocket-Protocol: " : "",
                       SLICE_ARG(protocol), protocol.len > 0 ? "\r\n" : "", extension);
    return len > 0 && (size_t)len < room ? (size_t)len : 0;
}
