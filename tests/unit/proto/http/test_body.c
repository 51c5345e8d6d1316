/* Bodies: RFC 9112 section 7.1, strictly, in pieces of every size. */

#include "proto/http/body.h"

#include "proto/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fed {
    enum parse_result result;
    enum parse_fault fault;
    size_t used;
    uint64_t received;
    struct buf content;
};

/* Feeds `in` in steps of `step` until the body is over, wrong, or out of bytes. */
static struct fed feed(struct body *b, struct slice in, size_t step)
{
    struct fed f = {PARSE_MORE, FAULT_NONE, 0, 0, BUF_INIT};
    while (f.used < in.len && f.result == PARSE_MORE) {
        size_t len = in.len - f.used < step ? in.len - f.used : step;
        char *exact = malloc(len); /* so that sanitizers see over-reads */
        assert_non_null(exact);
        memcpy(exact, in.ptr + f.used, len);
        struct slice rest = slice_of(exact, len), piece;
        size_t used;
        while ((f.result = body_feed(b, rest, &used, &piece)) == PARSE_PIECE) {
            assert_true(piece.len > 0);
            buf_append_slice(&f.content, piece);
            rest = slice_from(rest, used);
            f.used += used;
        }
        f.used += used;
        free(exact);
    }
    f.fault = b->fault;
    f.received = b->received;
    return f;
}

struct row {
    const char *text;
    const char *content; /* when good */
    enum parse_fault fault;
    size_t behind; /* bytes of the next message */
};

static const struct row rows[] = {
    {"0\r\n\r\n", "", FAULT_NONE, 0},
    {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world", FAULT_NONE, 5},
    {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", FAULT_NONE, 0},
    {"0000000000000005\r\nhello\r\n00\r\n\r\n", "hello", FAULT_NONE, 0},
    {"5;ext\r\nhello\r\n0;a=b;c=\"d;\\\"\"\r\n\r\n", "hello", FAULT_NONE, 0},
    {"5 \t;ext\r\nhello\r\n0\r\n\r\n", "hello", FAULT_NONE, 0},
    {"1\r\nx\r\n0\r\nTrailer: v\r\nOther:\r\n\r\nX", "x", FAULT_NONE, 1},
    {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", FAULT_NONE, 0},
    /* sizes */
    {"\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {" 5\r\nhello\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"+5\r\nhello\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"-5\r\nhello\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"0x5\r\nhello\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"5g\r\nhello\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"g\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"8000000000000000\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"ffffffffffffffff\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"10000000000000005\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"00000000000000005\r\n", NULL, FAULT_CHUNK_SIZE, 0},
    /* line ends */
    {"5\nhello\n0\n\n", NULL, FAULT_CHUNK_SIZE, 0},
    {"5\rhello", NULL, FAULT_CHUNK_SIZE, 0},
    {"5 \r\nhello\r\n", NULL, FAULT_CHUNK_EXTENSION, 0},
    {"5 x\r\nhello\r\n", NULL, FAULT_CHUNK_EXTENSION, 0},
    {"5;a\nhello", NULL, FAULT_CHUNK_EXTENSION, 0},
    {"5;a\r\rhello", NULL, FAULT_CHUNK_SIZE, 0},
    {"5;\"a\r\n\"\r\nhello", NULL, FAULT_CHUNK_EXTENSION, 0},
    {"5;\"a\\\r\nhello", NULL, FAULT_CHUNK_EXTENSION, 0},
    {"5;\x01\r\nhello", NULL, FAULT_CHUNK_EXTENSION, 0},
    {"5\r\nhelloX", NULL, FAULT_CHUNK_END, 0},
    {"5\r\nhello\n0\r\n", NULL, FAULT_CHUNK_END, 0},
    {"5\r\nhello\rX", NULL, FAULT_CHUNK_END, 0},
    {"5\r\nhello world", NULL, FAULT_CHUNK_END, 0},
    /* trailers */
    {"0\r\nX", "", FAULT_NONE, 0}, /* incomplete, see test_rows */
    {"0\r\n\rX", NULL, FAULT_TRAILER, 0},
    {"0\r\n\n", NULL, FAULT_TRAILER, 0},
    {"0\r\n folded: x\r\n\r\n", NULL, FAULT_TRAILER, 0},
    {"0\r\nno colon\r\n\r\n", NULL, FAULT_TRAILER, 0},
    {"0\r\n: x\r\n\r\n", NULL, FAULT_TRAILER, 0},
    {"0\r\na: x\n\r\n", NULL, FAULT_TRAILER, 0},
    {"0\r\na: x\rb", NULL, FAULT_TRAILER, 0},
    {"0\r\nGET / HTTP/1.1\r\n", NULL, FAULT_TRAILER, 0},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct slice in = slice_str(row->text);
        bool cut = strcmp(row->text, "0\r\nX") == 0;
        for (size_t step = 1; step <= in.len; step++) {
            struct body b;
            body_init(&b, true, -1);
            struct fed f = feed(&b, in, step);
            enum parse_result want = cut                    ? PARSE_MORE
                                     : row->content != NULL ? PARSE_DONE
                                                            : PARSE_BAD;
            if (f.result != want || f.fault != row->fault)
                fail_msg("row %zu step %zu: result %d, %s", i, step, f.result,
                         parse_fault_text(f.fault));
            if (want == PARSE_DONE) {
                assert_string_equal(buf_str(&f.content), row->content);
                assert_int_equal(f.received, strlen(row->content));
                assert_int_equal(in.len - f.used, row->behind);
                assert_true(body_is_done(&b));
            }
            buf_fini(&f.content);
        }
    }
}

static void test_every_nul(void **state)
{
    (void)state;
    static const char good[] = "5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n";
    for (size_t at = 0; at < sizeof good - 1; at++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        text[at] = '\0';
        struct body b;
        body_init(&b, true, -1);
        struct fed f = feed(&b, slice_of(text, sizeof good - 1), 64);
        bool in_data = at >= 7 && at < 12;
        assert_int_equal(f.result, in_data ? PARSE_DONE : PARSE_BAD);
        buf_fini(&f.content);
    }
}

static void test_length(void **state)
{
    (void)state;
    struct body b;
    body_init(&b, false, 5);
    struct fed f = feed(&b, SLICE("helloGET"), 3);
    assert_int_equal(f.result, PARSE_DONE);
    assert_int_equal(f.used, 5);
    assert_string_equal(buf_str(&f.content), "hello");
    buf_fini(&f.content);
    body_init(&b, false, 0);
    assert_true(body_is_done(&b));
    body_init(&b, false, -1);
    assert_true(body_is_done(&b));
    size_t used;
    struct slice piece;
    assert_int_equal(body_feed(&b, SLICE("next"), &used, &piece), PARSE_DONE);
    assert_int_equal(used, 0);
    body_init(&b, false, INT64_MAX);
    assert_int_equal(body_skip(&b, SLICE("some"), &used), PARSE_MORE);
    assert_int_equal(used, 4);
    assert_int_equal(b.left, INT64_MAX - 4);
}

static void test_until_close(void **state)
{
    (void)state;
    struct body b;
    body_init_until_close(&b);
    struct fed f = feed(&b, SLICE("anything"), 3);
    assert_int_equal(f.result, PARSE_MORE);
    assert_string_equal(buf_str(&f.content), "anything");
    assert_false(body_is_done(&b));
    buf_fini(&f.content);
}

static void test_largest_chunk(void **state)
{
    (void)state;
    struct body b;
    body_init(&b, true, -1);
    size_t used;
    assert_int_equal(body_skip(&b, SLICE("7fffffffffffffff\r\nabc"), &used), PARSE_MORE);
    assert_int_equal(used, 21);
    assert_int_equal(b.left, INT64_MAX - 3);
}

/* Extensions and trailers are bounded, and cannot outweigh the content. */
static void test_bounds(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    struct body b;
    size_t used;
    buf_append_str(&text, "5;");
    for (int i = 0; i < BODY_EXTENSION_MAX; i++)
        buf_append_char(&text, 'x');
    buf_append_str(&text, "\r\nhello\r\n0\r\n\r\n");
    body_init(&b, true, -1);
    assert_int_equal(body_skip(&b, buf_slice(&text), &used), PARSE_BAD);
    assert_int_equal(b.fault, FAULT_CHUNK_EXTENSION);

    buf_clear(&text);
    for (int i = 0; i < 1000; i++) /* 1000 chunks of 1 byte, each with 100 of extension */
        buf_printf(&text, "1;%0100d\r\nx\r\n", 0);
    body_init(&b, true, -1);
    assert_int_equal(body_skip(&b, buf_slice(&text), &used), PARSE_BAD);
    assert_int_equal(b.fault, FAULT_CHUNK_EXTENSION);

    buf_clear(&text);
    for (int i = 0; i < 1000; i++) /* signed chunks of a size that pays for them */
        buf_printf(&text, "40;%0100d\r\n%064d\r\n", 0, 0);
    body_init(&b, true, -1);
    assert_int_equal(body_skip(&b, buf_slice(&text), &used), PARSE_MORE);
    assert_int_equal(b.received, 64000);

    buf_clear(&text);
    buf_append_str(&text, "0\r\n");
    for (int i = 0; i < 900; i++)
        buf_append_str(&text, "Trailer:x\r\n");
    body_init(&b, true, -1);
    assert_int_equal(body_skip(&b, buf_slice(&text), &used), PARSE_BAD);
    assert_int_equal(b.fault, FAULT_TRAILER_BYTES);
    buf_fini(&text);
}

static void test_where_chunks_end(void **state)
{
    (void)state;
    static const struct {
        struct slice in, piece;
        bool ended;
    } steps[] = {
        {SLICE("5\r\nhel"), SLICE("hel"), false},
        {SLICE("lo\r\n"), SLICE("lo"), true},
        {SLICE("\r\n1\r\nx"), SLICE("x"), true},
    };
    struct body b;
    size_t used;
    struct slice piece;
    body_init(&b, true, -1);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(body_feed(&b, steps[i].in, &used, &piece), PARSE_PIECE);
        assert_true(slice_eq(piece, steps[i].piece));
        assert_int_equal(body_chunk_ended(&b), steps[i].ended);
    }
    body_init(&b, false, 3);
    assert_int_equal(body_feed(&b, SLICE("abc"), &used, &piece), PARSE_PIECE);
    assert_false(body_chunk_ended(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_every_nul),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_until_close),
        cmocka_unit_test(test_largest_chunk),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_where_chunks_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
