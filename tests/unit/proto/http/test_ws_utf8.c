/* UTF-8 as RFC 3629 defines it, whole and in pieces. */
#include "proto/http/ws_utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum verdict { GOOD, CUT, BAD };

static const struct {
    struct slice text;
    enum verdict verdict;
} rows[] = {
    {SLICE(""), GOOD},
    {SLICE("Hello, plain text that is longer than one word."), GOOD},
    {SLICE("\0nul"), GOOD},
    {SLICE("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"), GOOD},
    {SLICE("ASCII before \xe2\x82\xac and after"), GOOD},
    /* the first and the last of each length */
    {SLICE("\x7f"), GOOD},
    {SLICE("\xc2\x80"), GOOD},
    {SLICE("\xdf\xbf"), GOOD},
    {SLICE("\xe0\xa0\x80"), GOOD},
    {SLICE("\xef\xbf\xbf"), GOOD},
    {SLICE("\xf0\x90\x80\x80"), GOOD},
    {SLICE("\xf4\x8f\xbf\xbf"), GOOD},
    /* around the surrogates */
    {SLICE("\xed\x9f\xbf"), GOOD},
    {SLICE("\xee\x80\x80"), GOOD},
    {SLICE("\xed\xa0\x80"), BAD},
    {SLICE("\xed\xbf\xbf"), BAD},
    /* overlong, too large, no first byte */
    {SLICE("\xc0\x80"), BAD},
    {SLICE("\xc1\xbf"), BAD},
    {SLICE("\xe0\x9f\xbf"), BAD},
    {SLICE("\xf0\x8f\xbf\xbf"), BAD},
    {SLICE("\xf4\x90\x80\x80"), BAD},
    {SLICE("\xf5\x80\x80\x80"), BAD},
    {SLICE("\xff"), BAD},
    {SLICE("\x80"), BAD},
    {SLICE("12345678\xbf"), BAD},
    /* a character that is interrupted, and one that is cut off */
    {SLICE("\xe2\x82"), CUT},
    {SLICE("\xf0\x9f\x98"), CUT},
    {SLICE("12345678\xc3"), CUT},
    {SLICE("\xe2\x28\xa1"), BAD},
    {SLICE("\xf0\x9f\x98\x41"), BAD},
    {SLICE("\xc3\xc3"), BAD},
};

static enum verdict in_steps(struct slice text, size_t step)
{
    struct ws_utf8 u = WS_UTF8_INIT;
    for (size_t at = 0; at < text.len; at += step) {
        size_t len = text.len - at < step ? text.len - at : step;
        if (!ws_utf8_feed(&u, slice_of(text.ptr + at, len)))
            return BAD;
    }
    return ws_utf8_is_whole(&u) ? GOOD : CUT;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t step = 1; step < 10; step++)
            if (in_steps(rows[i].text, step) != rows[i].verdict)
                fail_msg("row %zu step %zu", i, step);
        assert_int_equal(ws_utf8_is_valid(rows[i].text), rows[i].verdict == GOOD);
    }
}

/* How many sequences of two and of three bytes are one character: as many as there are. */
static void test_all_characters(void **state)
{
    (void)state;
    unsigned two = 0, three = 0;
    for (uint32_t n = 0xc000; n < 0x10000; n++) {
        char bytes[2] = {(char)(n >> 8), (char)n};
        two += ws_utf8_is_valid(slice_of(bytes, 2));
    }
    for (uint32_t n = 0xe00000; n < 0xf00000; n++) {
        char bytes[3] = {(char)(n >> 16), (char)(n >> 8), (char)n};
        three += ws_utf8_is_valid(slice_of(bytes, 3));
    }
    assert_int_equal(two, 0x800 - 0x80);
    assert_int_equal(three, 0x10000 - 0x800 - 0x800); /* without the surrogates */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_all_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
