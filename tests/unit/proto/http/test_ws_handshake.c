/* Opening handshakes: which are seen as such, what is wrong with them, the answer. */
#include "proto/http/request_head.h"
#include "proto/http/ws_handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECT "Connection: Upgrade\r\n"
#define USUAL   UPGRADE CONNECT KEY VERSION

struct parsed {
    struct http_field fields[32];
    struct request_head head;
    char bytes[1024];
};

static void parse(struct parsed *p, const char *line, const char *fields)
{
    static const struct request_limits limits = {4096, 0, 32, false};
    int len = snprintf(p->bytes, sizeof p->bytes, "%s\r\n%s\r\n", line, fields);
    request_head_init(&p->head, p->fields, 32);
    assert_int_equal(request_head_parse(&p->head, p->bytes, (size_t)len, &limits), PARSE_DONE);
}

static const struct {
    const char *line, *fields;
    bool is_asked;
    int status; /* of an answer by the letter */
} rows[] = {
    {"GET / HTTP/1.1", "Host: h\r\n" USUAL, true, 0},
    {"GET / HTTP/1.1",
     "Host: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" KEY VERSION, true, 0},
    {"GET / HTTP/1.1", "Host: h\r\n" USUAL "Sec-WebSocket-Protocol: a, b\r\n", true, 0},
    /* Mongrel2 looks no closer than this */
    {"POST / HTTP/1.1", "Host: h\r\n" USUAL, true, 400},
    {"GET / HTTP/1.0", "Host: h\r\n" USUAL, true, 400},
    {"GET / HTTP/1.1", "Host: h\r\nContent-Length: 1\r\n" USUAL, true, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE "Connection: xupgradex\r\n" KEY VERSION, true, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE CONNECT VERSION "Sec-WebSocket-Key:\r\n", true, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE CONNECT VERSION "Sec-WebSocket-Key: c2hvcnQ=\r\n",
     true, 400},
    {"GET / HTTP/1.1",
     "Host: h\r\n" UPGRADE CONNECT VERSION "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n", true,
     400},
    {"GET / HTTP/1.1", "Host: h\r\n" USUAL KEY, true, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" USUAL VERSION, true, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" USUAL "Sec-WebSocket-Protocol: a/b\r\n", true, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE CONNECT KEY "Sec-WebSocket-Version: 8\r\n", true, 426},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE CONNECT KEY "Sec-WebSocket-Version:\r\n", true, 426},
    /* no handshake for Mongrel2 */
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE CONNECT VERSION, false, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE CONNECT KEY, false, 426},
    {"GET / HTTP/1.0", USUAL, false, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" CONNECT KEY VERSION, false, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE KEY VERSION, false, 400},
    {"GET / HTTP/1.1", "Host: h\r\nUpgrade: h2c\r\n" CONNECT KEY VERSION, false, 400},
    {"GET / HTTP/1.1", "Host: h\r\nUpgrade: websockets\r\n" CONNECT KEY VERSION, false, 400},
    {"GET / HTTP/1.1", "Host: h\r\n" UPGRADE "Connection: up-grade\r\n" KEY VERSION, false, 400},
    /* … but one by the letter: Upgrade is a list */
    {"GET / HTTP/1.1", "Host: h\r\nUpgrade: h2c, websocket\r\n" CONNECT KEY VERSION, false, 0},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed p;
        parse(&p, rows[i].line, rows[i].fields);
        if (ws_handshake_is_asked(&p.head) != rows[i].is_asked ||
            ws_handshake_status(&p.head) != rows[i].status)
            fail_msg("row %zu: %d", i, ws_handshake_status(&p.head));
        if (p.head.is_websocket != rows[i].is_asked ||
            p.head.upgrade_websocket != (rows[i].status == 0))
            fail_msg("row %zu, the head", i);
    }
}

/* RFC 6455 section 1.3; Mongrel2 hashes what it is given. */
static void test_accept(void **state)
{
    (void)state;
    char accept[WS_ACCEPT_LENGTH];
    ws_handshake_accept(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LENGTH);
    ws_handshake_accept(SLICE_EMPTY, accept);
    assert_memory_equal(accept, "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=", WS_ACCEPT_LENGTH);
}

static void test_answer(void **state)
{
    (void)state;
    struct parsed p;
    char out[512];
    struct ws_deflate_terms terms = {12, true};
    parse(&p, "GET / HTTP/1.1", "Host: h\r\n" USUAL);
    size_t len = ws_handshake_answer(&p.head, NULL, out, sizeof out);
    static const char plain[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert_int_equal(len, sizeof plain - 1);
    assert_memory_equal(out, plain, len);
    assert_int_equal(ws_handshake_answer(&p.head, NULL, out, len), 0);
    assert_int_equal(ws_handshake_answer(&p.head, NULL, out, len + 1), len);
    parse(&p, "GET / HTTP/1.1", "Host: h\r\n" USUAL "Sec-WebSocket-Protocol: , chat ,x\r\n");
    len = ws_handshake_answer(&p.head, &terms, out, sizeof out);
    assert_non_null(strstr(out, "xOo=\r\nSec-WebSocket-Protocol: chat\r\n"
                                "Sec-WebSocket-Extensions: permessage-deflate; "
                                "server_no_context_takeover; client_no_context_takeover; "
                                "server_max_window_bits=12\r\n\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
