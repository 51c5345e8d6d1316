#include "proto/wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CASES(table) (sizeof(table) / sizeof(table)[0])

static void test_put_string(void **state)
{
    (void)state;
    static const struct {
        struct slice in;
        const char *out;
    } cases[] = {
        {SLICE(""), "\"\""},
        {SLICE("plain /text; with 'all' sorts of ASCII ~"),
         "\"plain /text; with 'all' sorts of ASCII ~\""},
        {SLICE("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {SLICE("tab\tnl\nnul\0esc\x1b us\x1f sp "),
         "\"tab\\u0009nl\\u000anul\\u0000esc\\u001b us\\u001f sp \""},
        {SLICE("\x7f"), "\"\x7f\""},
        /* valid UTF-8 of each length, first and last of each range */
        {SLICE("\xc2\x80\xdf\xbf"), "\"\xc2\x80\xdf\xbf\""},
        {SLICE("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
         "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""},
        {SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
        /* Latin-1, lone tails, overlong forms, surrogates, beyond U+10FFFF, cut off */
        {SLICE("caf\xe9"), "\"caf\\u00e9\""},
        {SLICE("\xe9t\xe9 \xc3\xa9"), "\"\\u00e9t\\u00e9 \xc3\xa9\""},
        {SLICE("\x80\xbf"), "\"\\u0080\\u00bf\""},
        {SLICE("\xc0\x80\xc1\xbf"), "\"\\u00c0\\u0080\\u00c1\\u00bf\""},
        {SLICE("\xe0\x9f\xbf"), "\"\\u00e0\\u009f\\u00bf\""},
        {SLICE("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\""},
        {SLICE("\xf0\x8f\xbf\xbf"), "\"\\u00f0\\u008f\\u00bf\\u00bf\""},
        {SLICE("\xf4\x90\x80\x80"), "\"\\u00f4\\u0090\\u0080\\u0080\""},
        {SLICE("\xf5\xff\xfe"), "\"\\u00f5\\u00ff\\u00fe\""},
        {SLICE("\xc3"), "\"\\u00c3\""},
        {SLICE("\xe2\x82"), "\"\\u00e2\\u0082\""},
        {SLICE("\xf0\x9f\x98"), "\"\\u00f0\\u009f\\u0098\""},
        {SLICE("\xe2\x82z"), "\"\\u00e2\\u0082z\""},
    };
    for (size_t i = 0; i < CASES(cases); i++) {
        struct buf b = BUF_INIT;
        json_put_string(&b, cases[i].in);
        assert_string_equal(buf_str(&b), cases[i].out);
        buf_fini(&b);
    }
}

/* Every byte at every place of a word and behind it: the eight-at-a-time scan must agree with the
 * definition. */
static void test_clean_prefix(void **state)
{
    (void)state;
    char text[19];
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            bool clean = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
            assert_int_equal(json_clean_prefix(slice_of(text, sizeof text)),
                             clean ? sizeof text : at);
        }
}

static void test_tokens(void **state)
{
    (void)state;
    static const enum json_type expected[] = {
        JSON_OBJECT,     JSON_KEY,       JSON_STRING,     JSON_KEY,   JSON_ARRAY,     JSON_NUMBER,
        JSON_TRUE,       JSON_FALSE,     JSON_NULL,       JSON_ARRAY, JSON_ARRAY_END, JSON_OBJECT,
        JSON_OBJECT_END, JSON_ARRAY_END, JSON_OBJECT_END, JSON_END,   JSON_END};
    struct json_reader r;
    struct json_token t;
    json_reader_init(&r, SLICE(" {\"a\" : \"b\\n\", \"c\":[-1.5e+3,true,false,null,[ ],{ }]}\r\n"));
    for (size_t i = 0; i < CASES(expected); i++)
        assert_int_equal(json_next(&r, &t), expected[i]);
}

/* Reads all tokens; the last one is JSON_END or JSON_BAD. */
static enum json_type read_all(struct slice text)
{
    struct json_reader r;
    struct json_token t;
    json_reader_init(&r, text);
    while (json_next(&r, &t) < JSON_END)
        ;
    enum json_type last = t.type;
    assert_int_equal(json_next(&r, &t), last); /* stays so */
    return last;
}

static void test_accepted_and_refused(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0",
        "-0",
        "10",
        "1.25",
        "1e9",
        "1E-9",
        "\"\"",
        "null",
        " [ 1 , 2 ] ",
        "{\"a\":{\"b\":[]}}",
        "\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "[[[[]]]]",
        /* as Mongrel2 writes them */
        "\"raw\ttab\"",
        "\"\xff\"",
    };
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{1:2}",
        "[1}",
        "{\"a\":1]",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "tru",
        "nul",
        "truex",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\",
        "1 2",
        "[] []",
        "\"a\" x",
        "'a'",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "NaN",
    };
    for (size_t i = 0; i < CASES(good); i++)
        if (read_all(slice_str(good[i])) != JSON_END)
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < CASES(wrong); i++)
        if (read_all(slice_str(wrong[i])) != JSON_BAD)
            fail_msg("%s is accepted", wrong[i]);
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 2];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    assert_int_equal(read_all(slice_of(text, 2 * JSON_DEPTH_MAX)), JSON_END);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_int_equal(read_all(slice_of(text, sizeof text)), JSON_BAD);
}

static void test_unescape(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        struct slice out;
    } cases[] = {
        {"\"plain\"", SLICE("plain")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SLICE("\"\\/\b\f\n\r\t")},
        {"\"a\\u0000b\"", SLICE("a\0b")},
        {"\"\\u00e9\\u20AC\"", SLICE("\xc3\xa9\xe2\x82\xac")},
        {"\"\\ud83d\\ude00!\"", SLICE("\xf0\x9f\x98\x80!")},
        {"\"\\ud83d\"", SLICE("\xef\xbf\xbd")},
        {"\"\\ude00\\ud83d\"", SLICE("\xef\xbf\xbd\xef\xbf\xbd")},
        {"\"\\ud83dx\\u0041\"", SLICE("\xef\xbf\xbdxA")},
        {"\"\\ud83d\\u0041\"", SLICE("\xef\xbf\xbd"
                                     "A")},
    };
    for (size_t i = 0; i < CASES(cases); i++) {
        struct json_reader r;
        struct json_token t;
        json_reader_init(&r, slice_str(cases[i].in));
        assert_int_equal(json_next(&r, &t), JSON_STRING);
        struct buf b = BUF_INIT;
        json_unescape(&t, &b);
        assert_int_equal(b.len, cases[i].out.len);
        assert_memory_equal(b.data, cases[i].out.ptr, b.len);
        buf_fini(&b);
    }
}

static void test_skip(void **state)
{
    (void)state;
    struct json_reader r;
    struct json_token t;
    json_reader_init(&r, SLICE("{\"a\":[1,{\"x\":[]}],\"b\":\"s\",\"c\":2}"));
    json_next(&r, &t);
    json_next(&r, &t);
    assert_int_equal(json_next(&r, &t), JSON_ARRAY);
    assert_int_equal(json_skip(&r, &t), 0);
    assert_int_equal(json_next(&r, &t), JSON_KEY);
    assert_true(slice_eq(t.text, SLICE("b")));
    assert_int_equal(json_next(&r, &t), JSON_STRING);
    assert_int_equal(json_skip(&r, &t), 0);
    assert_int_equal(json_next(&r, &t), JSON_KEY);
    assert_true(slice_eq(t.text, SLICE("c")));

    json_reader_init(&r, SLICE("[[1,}"));
    json_next(&r, &t);
    assert_int_equal(json_skip(&r, &t), -1);
    assert_int_equal(json_next(&r, &t), JSON_BAD);
    assert_int_equal(json_skip(&r, &t), -1);
}

static void test_int(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-12", true, -12},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"\"1\"", false, 0},
    };
    for (size_t i = 0; i < CASES(cases); i++) {
        struct json_reader r;
        struct json_token t;
        int64_t n = 0;
        json_reader_init(&r, slice_str(cases[i].text));
        json_next(&r, &t);
        assert_int_equal(json_int(&t, &n), cases[i].good);
        assert_true(n == cases[i].value || !cases[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_string),
        cmocka_unit_test(test_clean_prefix),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_accepted_and_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_int),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
