/* permessage-deflate: offers, and messages that are no larger than allowed. */
#include "proto/http/ws_deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define USUAL "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static const struct {
    const char *offers; /* lines of Sec-WebSocket-Extensions */
    const char *answer; /* NULL: none of them is kept */
} offers[] = {
    /* what browsers send */
    {"permessage-deflate; client_max_window_bits", USUAL},
    {"permessage-deflate", USUAL},
    /* RFC 7692 section 7.1 */
    {"permessage-deflate; server_no_context_takeover", USUAL},
    {"permessage-deflate; client_no_context_takeover", USUAL},
    {"permessage-deflate; server_max_window_bits=10", USUAL "; server_max_window_bits=10"},
    {"permessage-deflate; server_max_window_bits=8", USUAL "; server_max_window_bits=8"},
    {"permessage-deflate; server_max_window_bits=15", USUAL "; server_max_window_bits=15"},
    {"permessage-deflate; client_max_window_bits=9;server_no_context_takeover", USUAL},
    {"permessage-deflate; server_max_window_bits=\"10\"", USUAL "; server_max_window_bits=10"},
    {"permessage-deflate ;client_max_window_bits = 12 ; server_max_window_bits = 11",
     USUAL "; server_max_window_bits=11"},
    /* what cannot be kept falls to the next offer (section 7.1.3) */
    {"permessage-deflate; server_max_window_bits=7, permessage-deflate", USUAL},
    {"x-webkit-deflate-frame, permessage-deflate; client_max_window_bits", USUAL},
    {"permessage-deflate; unknown\r\nSec-WebSocket-Extensions: permessage-deflate; "
     "server_max_window_bits=9",
     USUAL "; server_max_window_bits=9"},
    /* declined (section 7.1) */
    {"permessage-deflate; unknown", NULL},
    {"permessage-deflate; server_max_window_bits", NULL},
    {"permessage-deflate; server_max_window_bits=16", NULL},
    {"permessage-deflate; server_max_window_bits=7", NULL},
    {"permessage-deflate; server_max_window_bits=010", NULL},
    {"permessage-deflate; server_max_window_bits=", NULL},
    {"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", NULL},
    {"permessage-deflate; client_max_window_bits=0", NULL},
    {"permessage-deflate; client_max_window_bits; client_max_window_bits", NULL},
    {"permessage-deflate; server_no_context_takeover=1", NULL},
    {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL},
    {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", NULL},
    {"permessage-deflate;", NULL},
    {"permessage-deflat", NULL},
    {"permessage-deflate-x", NULL},
    {"", NULL},
};

static void test_offers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        char text[512], answer[WS_DEFLATE_ANSWER];
        snprintf(text, sizeof text, "Sec-WebSocket-Extensions: %s\r\n\r\n", offers[i].offers);
        struct http_field fields[8];
        struct field_list l;
        struct ws_deflate_terms terms;
        enum parse_fault fault;
        const char *at = text;
        field_list_init(&l, fields, 8);
        assert_int_equal(field_lines_parse(&l, &at, text + strlen(text), 8, &fault), PARSE_DONE);
        bool kept = ws_deflate_negotiate(&l, &terms);
        if (kept != (offers[i].answer != NULL))
            fail_msg("%s", offers[i].offers);
        if (!kept)
            continue;
        ws_deflate_answer(&terms, answer);
        assert_string_equal(answer, offers[i].answer);
    }
}

static struct ws_deflate *deflate_;

static int set_up(void **state)
{
    (void)state;
    deflate_ = ws_deflate_create();
    return deflate_ != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ws_deflate_destroy(deflate_);
    return 0;
}

/* Messages that RFC 7692 section 7.2.3 shows, and broken ones. */
static const struct {
    struct slice bytes;
    enum ws_inflate result;
    const char *message;
} messages[] = {
    {SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00"), WS_INFLATE_DONE, "Hello"},
    {SLICE("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), WS_INFLATE_DONE, "Hello"},
    {SLICE("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), WS_INFLATE_DONE, "Hello"},
    {SLICE("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), WS_INFLATE_DONE, "Hello"},
    {SLICE("\x00"), WS_INFLATE_DONE, ""},
    {SLICE(""), WS_INFLATE_DONE, ""},
    {SLICE("\xf2\x00\x11\x00\x00"), WS_INFLATE_BAD, NULL}, /* uses the window of a message before */
    {SLICE("\xf2\x48\xcd"), WS_INFLATE_BAD, NULL},
    {SLICE("\x00\x05\x00\xfa\xff\x48\x65"), WS_INFLATE_BAD, NULL},
    {SLICE("\x00\x05\x00\xfb\xff"), WS_INFLATE_BAD, NULL},
    {SLICE("\xff\xff\xff\xff"), WS_INFLATE_BAD, NULL},
};

static void test_inflate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        struct buf out = BUF_INIT;
        enum ws_inflate r = ws_inflate_message(deflate_, messages[i].bytes, 100, &out);
        if (r != messages[i].result)
            fail_msg("row %zu: %d", i, r);
        if (messages[i].message != NULL)
            assert_string_equal(buf_str(&out), messages[i].message);
        buf_fini(&out);
    }
}

static void fill(char *bytes, size_t len, unsigned kinds)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)('a' + (x >> 24) % kinds);
    }
}

static void test_there_and_back(void **state)
{
    (void)state;
    static char bytes[200000];
    fill(bytes, sizeof bytes, 6);
    static const size_t lens[] = {WS_DEFLATE_LEAST, 100, 16384, 65535, 65536, sizeof bytes};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        struct buf small = BUF_INIT, back = BUF_INIT;
        struct slice message = slice_of(bytes, lens[i]);
        assert_true(ws_deflate_message(deflate_, message, &small));
        assert_true(small.len < lens[i]);
        assert_int_equal(ws_inflate_message(deflate_, buf_slice(&small), lens[i], &back),
                         WS_INFLATE_DONE);
        assert_true(slice_eq(buf_slice(&back), message));
        buf_fini(&small);
        buf_fini(&back);
    }
}

static void test_what_does_not_get_shorter_is_left(void **state)
{
    (void)state;
    static char bytes[5000];
    struct buf out = BUF_INIT;
    fill(bytes, sizeof bytes, 256);
    buf_append_str(&out, "before");
    assert_false(ws_deflate_message(deflate_, slice_of(bytes, sizeof bytes), &out));
    assert_false(ws_deflate_message(deflate_, SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &out));
    assert_string_equal(buf_str(&out), "before");
    buf_fini(&out);
}

/* 10 MiB of zeroes in 10 KiB: it ends at the bound, and no memory beyond it is asked for. */
static void test_a_bomb_stops_at_the_bound(void **state)
{
    (void)state;
    size_t len = 10u << 20;
    char *zeroes = calloc(1, len);
    struct buf bomb = BUF_INIT, out = BUF_INIT;
    assert_true(ws_deflate_message(deflate_, slice_of(zeroes, len), &bomb));
    assert_true(bomb.len < len / 200);
    enum { MOST = 100000 };
    assert_int_equal(ws_inflate_message(deflate_, buf_slice(&bomb), MOST, &out),
                     WS_INFLATE_TOO_LARGE);
    assert_int_equal(out.len, MOST + 1);
    assert_true(out.cap < 4 * MOST);
    buf_clear(&out);
    assert_int_equal(ws_inflate_message(deflate_, buf_slice(&bomb), len, &out), WS_INFLATE_DONE);
    assert_int_equal(out.len, len);
    buf_clear(&out);
    assert_int_equal(ws_inflate_message(deflate_, buf_slice(&bomb), len - 1, &out),
                     WS_INFLATE_TOO_LARGE);
    buf_fini(&bomb);
    buf_fini(&out);
    free(zeroes);
}

/* The promise of the small window: an inflater that has no more than it reads all that fits. */
static void test_a_small_window_reads_what_fits(void **state)
{
    (void)state;
    static char bytes[1 << 15];
    fill(bytes, 300, 4);
    for (size_t at = 300; at < sizeof bytes; at++)
        bytes[at] = bytes[at - 250];
    for (int bits = 8; bits <= 15; bits++) {
        struct ws_deflate_terms terms = {(uint8_t)bits, true};
        size_t len = (size_t)1 << bits;
        assert_true(ws_deflate_fits(&terms, len));
        assert_int_equal(ws_deflate_fits(&terms, len + 1), bits == 15);
        struct buf small = BUF_INIT;
        assert_true(ws_deflate_message(deflate_, slice_of(bytes, len), &small));
        buf_append(&small, "\x00\x00\xff\xff", 4);
        z_stream z = {0};
        char *back = malloc(len + 1);
        assert_int_equal(inflateInit2(&z, -bits), Z_OK);
        z.next_in = (unsigned char *)small.data;
        z.avail_in = (uInt)small.len;
        size_t got = 0;
        for (int status = Z_OK;
             status == Z_OK && z.avail_in > 0;) { /* 7 at a time: the window of
                                                     zlib counts, not our output */
            z.next_out = (unsigned char *)back + got;
            z.avail_out = (uInt)(len - got < 7 ? len - got : 7);
            if (z.avail_out == 0)
                break;
            status = inflate(&z, Z_SYNC_FLUSH);
            assert_int_equal(status, Z_OK);
            got = (size_t)((char *)z.next_out - back);
        }
        inflateEnd(&z);
        assert_int_equal(got, len);
        assert_memory_equal(back, bytes, len);
        free(back);
        buf_fini(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_inflate),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_does_not_get_shorter_is_left),
        cmocka_unit_test(test_a_bomb_stops_at_the_bound),
        cmocka_unit_test(test_a_small_window_reads_what_fits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
