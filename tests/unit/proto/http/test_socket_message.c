#include "proto/http/socket_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define M(text) text, sizeof text - 1

/* In pieces of `step` bytes, of which each is new memory: nothing outside may be read. */
static enum parse_result parse(struct socket_message *m, struct slice in, size_t step, size_t max)
{
    enum parse_result result = PARSE_MORE;
    *m = (struct socket_message){0};
    for (size_t len = 0; len < in.len && result == PARSE_MORE;) {
        len = in.len - len < step ? in.len : len + step;
        char *copy = malloc(len);
        memcpy(copy, in.ptr, len);
        result = socket_message_parse(m, slice_of(copy, len), max);
        free(copy);
    }
    return result;
}

static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *path, *body; /* body NULL: path is the end of the matter */
        size_t used;
    } rows[] = {
        {M("@hj {\"a\":1}\0"), "@hj", "{\"a\":1}", 12},
        {M("@hj {}\0"), "@hj", "{}", 7},
        {M("@hj {}\0@hj {}\0"), "@hj", "{}", 7},
        {M("@hj/a/%2f {}\0"), "@hj/a/%2f", "{}", 13},
        {M("@hj {\"a\":\"}\0\"}\0"), "@hj", "{\"a\":\"}", 12}, /* even inside a string */
        {M("<hx/>\0"), "<hx", "<hx/>", 6},
        {M("<hx a=\"1\"><b/></hx>\0"), "<hx", "<hx a=\"1\"><b/></hx>", 20},
        {M("<h-1.X\n>\0"), "<h-1.X", "<h-1.X\n>", 9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= rows[i].len; step++) {
            struct socket_message m;
            struct slice in = slice_of(rows[i].bytes, rows[i].len);
            assert_int_equal(parse(&m, in, step, 4096), PARSE_DONE);
            assert_int_equal(m.len, rows[i].used);
            assert_true(slice_eq(socket_message_path(&m, in), slice_str(rows[i].path)));
            assert_true(slice_eq(socket_message_body(&m, in), slice_str(rows[i].body)));
        }
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum parse_fault fault; /* FAULT_NONE: more is needed */
    } rows[] = {
        {M("@"), FAULT_NONE},
        {M("@hj {"), FAULT_NONE},
        {M("@hj {\0"), FAULT_NONE}, /* one brace does not close itself */
        {M("@hj {}"), FAULT_NONE},
        {M("@hj {\0a\0"), FAULT_NONE},
        {M("@hj/%4"), FAULT_NONE},
        {M("<hx>\0"), FAULT_NONE}, /* likewise */
        {M("<hx/"), FAULT_NONE},
        {M("@hj?x=1 {}\0"), FAULT_SOCKET_PATH},
        {M("@hj#x {}\0"), FAULT_SOCKET_PATH},
        {M("@hj{}\0"), FAULT_SOCKET_PATH},
        {M("@h\xff {}\0"), FAULT_SOCKET_PATH},
        {M("@hj/%4x {}\0"), FAULT_SOCKET_PATH},
        {M("@hj\0{}\0"), FAULT_SOCKET_PATH},
        {M("@hj [1]\0"), FAULT_SOCKET_OBJECT},
        {M("@hj  {}\0"), FAULT_SOCKET_OBJECT},
        {M("<?xml version=\"1.0\"?>\0"), FAULT_SOCKET_TAG},
        {M("< hx/>\0"), FAULT_SOCKET_TAG},
        {M("<h_x/>\0"), FAULT_SOCKET_TAG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= rows[i].len; step++) {
            struct socket_message m;
            enum parse_result result = parse(&m, slice_of(rows[i].bytes, rows[i].len), step, 4096);
            assert_int_equal(result, rows[i].fault == FAULT_NONE ? PARSE_MORE : PARSE_BAD);
            assert_int_equal(m.fault, rows[i].fault);
        }
}

/* The NUL counts; what is behind the message does not. */
static void test_size(void **state)
{
    (void)state;
    struct socket_message m;
    struct slice in = slice_of("@hj {\"a\":1}\0@hj", 15);
    assert_int_equal(parse(&m, in, 15, 12), PARSE_DONE);
    assert_int_equal(parse(&m, in, 15, 11), PARSE_BAD);
    assert_int_equal(m.fault, FAULT_SOCKET_BYTES);
    assert_int_equal(parse(&m, in, 1, 11), PARSE_BAD);
    assert_int_equal(parse(&m, slice_of("@hjhjhj", 7), 7, 7), PARSE_BAD);
}

static void test_ping(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        bool ping;
    } rows[] = {
        {M("@hj {\"type\":\"ping\"}\0"), true},
        {M("@hj/a {\"type\": \t\"ping\"}\0"), true},
        {M("@hj {\"type\":\"ping\", \"x\":1}\0"), false},
        {M("@hj { \"type\":\"ping\"}\0"), false},
        {M("@hj/1 {\"type\":\"ping\"}\0"), false},
        {M("@Hj {\"type\":\"ping\"}\0"), false},
        {M("<hj {\"type\":\"ping\"}>\0"), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct socket_message m;
        struct slice in = slice_of(rows[i].bytes, rows[i].len);
        assert_int_equal(parse(&m, in, in.len, 4096), PARSE_DONE);
        assert_int_equal(socket_message_is_ping(&m, in), rows[i].ping);
    }
}

static void test_policy(void **state)
{
    (void)state;
    struct socket_message m;
    struct slice yes = slice_of("<policy-file-request/>", 23);
    struct slice no = slice_of("<policy-file-requests/>", 24);
    assert_int_equal(parse(&m, yes, 5, 4096), PARSE_DONE);
    assert_true(socket_message_asks_policy(&m, yes));
    assert_int_equal(parse(&m, no, 5, 4096), PARSE_DONE);
    assert_false(socket_message_asks_policy(&m, no));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages), cmocka_unit_test(test_faults), cmocka_unit_test(test_size),
        cmocka_unit_test(test_ping),     cmocka_unit_test(test_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
