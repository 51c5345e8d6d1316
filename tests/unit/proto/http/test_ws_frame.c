/* Frame headers, masks and close codes of RFC 6455. */
#include "proto/http/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    struct slice bytes;
    size_t head; /* 0: more bytes are needed */
    uint8_t first;
    bool masked, is_shortest;
    uint64_t len;
} reads[] = {
    /* section 5.7 */
    {SLICE("\x81\x05Hello"), 2, 0x81, false, true, 5},
    {SLICE("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 6, 0x81, true, true, 5},
    {SLICE("\x01\x03Hel"), 2, 0x01, false, true, 3},
    {SLICE("\x82\x7e\x01\x00"), 4, 0x82, false, true, 256},
    {SLICE("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"), 10, 0x82, false, true, 65536},
    /* section 5.2: the shortest form */
    {SLICE("\x82\x7d"), 2, 0x82, false, true, 125},
    {SLICE("\x82\x7e\x00\x7e"), 4, 0x82, false, true, 126},
    {SLICE("\x82\x7e\x00\x7d"), 4, 0x82, false, false, 125},
    {SLICE("\x82\x7e\xff\xff"), 4, 0x82, false, true, 65535},
    {SLICE("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"), 10, 0x82, false, false, 65535},
    {SLICE("\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x00"), 10, 0x82, false, false, 0},
    {SLICE("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00zzzz"), 14, 0x82, true, true,
     UINT64_C(1) << 63},
    /* cut short */
    {SLICE(""), 0, 0, false, false, 0},
    {SLICE("\x81"), 0, 0, false, false, 0},
    {SLICE("\x81\x85\x37\xfa\x21"), 0, 0, false, false, 0},
    {SLICE("\x81\x7e\x01"), 0, 0, false, false, 0},
    {SLICE("\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00zzz"), 0, 0, false, false, 0},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct ws_frame f;
        size_t head = ws_frame_read(reads[i].bytes, &f);
        if (head != reads[i].head)
            fail_msg("row %zu: %zu", i, head);
        if (head == 0)
            continue;
        if (f.first != reads[i].first || f.masked != reads[i].masked || f.len != reads[i].len ||
            f.is_shortest != reads[i].is_shortest)
            fail_msg("row %zu", i);
    }
}

static void test_write_is_the_shortest_form(void **state)
{
    (void)state;
    static const struct {
        uint64_t len;
        size_t head;
    } rows[] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}, {UINT64_C(1) << 40, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char head[WS_HEAD_ROOM];
        struct ws_frame f;
        assert_int_equal(ws_frame_write(head, 0xc1, rows[i].len), rows[i].head);
        assert_int_equal(ws_frame_read(slice_of(head, rows[i].head), &f), rows[i].head);
        assert_int_equal(f.first, 0xc1);
        assert_true(f.len == rows[i].len && f.is_shortest && !f.masked);
    }
}

static void test_hello_of_the_rfc(void **state)
{
    (void)state;
    struct slice bytes = SLICE("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    struct ws_frame f;
    char text[5];
    size_t head = ws_frame_read(bytes, &f);
    ws_unmask(text, bytes.ptr + head, 5, f.mask);
    assert_memory_equal(text, "Hello", 5);
}

/* Byte i is masked by mask[i % 4] (section 5.3), whatever the pieces and the alignment. */
static void test_unmask_in_pieces(void **state)
{
    (void)state;
    enum { LENGTH = 200 };
    static const unsigned char key[4] = {0x01, 0xfe, 0x80, 0x37};
    char from[LENGTH], want[LENGTH], got[LENGTH + 1];
    for (int i = 0; i < LENGTH; i++) {
        from[i] = (char)(i * 7);
        want[i] = (char)((unsigned char)from[i] ^ key[i % 4]);
    }
    for (size_t step = 1; step <= LENGTH; step++) {
        for (size_t align = 0; align < 2; align++) {
            uint32_t mask;
            memcpy(&mask, key, 4);
            memset(got, 0, sizeof got);
            for (size_t at = 0; at < LENGTH; at += step) {
                size_t len = LENGTH - at < step ? LENGTH - at : step;
                mask = ws_unmask(got + align + at, from + at, len, mask);
            }
            if (memcmp(got + align, want, LENGTH) != 0)
                fail_msg("step %zu align %zu", step, align);
        }
    }
    uint32_t mask;
    memcpy(&mask, key, 4);
    ws_unmask(from, from, LENGTH, mask);
    assert_memory_equal(from, want, LENGTH); /* in place */
}

/* Section 7.4, and what IANA has registered since. */
static void test_close_codes(void **state)
{
    (void)state;
    static const unsigned good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                    1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    static const unsigned bad[] = {0,    1,    999,  1004, 1005, 1006,  1015,
                                   1016, 1100, 2000, 2999, 5000, 65535, 65536 + 1000};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(ws_close_code_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ws_close_code_is_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write_is_the_shortest_form),
        cmocka_unit_test(test_hello_of_the_rfc),
        cmocka_unit_test(test_unmask_in_pieces),
        cmocka_unit_test(test_close_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
