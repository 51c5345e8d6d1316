/* The bytes around the ranges of a multipart/byteranges body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/target/byteranges.h"

static void test_two_ranges(void **state)
{
    (void)state;
    struct arena a;
    struct byteranges b;
    const struct byte_range ranges[] = {{0, 4}, {100, 199}};
    arena_init(&a, 0);
    assert_int_equal(
        byteranges_render(&b, ranges, 2, 1000, SLICE("text/plain"), SLICE("BOUNDARY"), &a), 0);
    static const char first[] = "--BOUNDARY\r\nContent-Type: text/plain\r\n"
                                "Content-Range: bytes 0-4/1000\r\n\r\n";
    static const char second[] = "\r\n--BOUNDARY\r\nContent-Type: text/plain\r\n"
                                 "Content-Range: bytes 100-199/1000\r\n\r\n";
    static const char tail[] = "\r\n--BOUNDARY--\r\n";
    assert_true(slice_eq(b.heads[0], slice_str(first)));
    assert_true(slice_eq(b.heads[1], slice_str(second)));
    assert_true(slice_eq(b.tail, slice_str(tail)));
    assert_true(slice_eq(b.type, SLICE("multipart/byteranges; boundary=BOUNDARY")));
    assert_int_equal(b.length, sizeof first - 1 + 5 + sizeof second - 1 + 100 + sizeof tail - 1);
    arena_fini(&a);
}

static void test_the_largest(void **state)
{
    (void)state;
    struct arena a;
    struct byteranges b;
    struct byte_range ranges[RANGES_MAX];
    char type[300], boundary[70];
    memset(type, 't', sizeof type);
    memset(boundary, 'b', sizeof boundary);
    for (int i = 0; i < RANGES_MAX; i++)
        ranges[i] = (struct byte_range){UINT64_MAX / 2 - 1, UINT64_MAX / 2};
    arena_init(&a, 0);
    assert_int_equal(byteranges_render(&b, ranges, RANGES_MAX, UINT64_MAX,
                                       slice_of(type, sizeof type),
                                       slice_of(boundary, sizeof boundary), &a),
                     0);
    for (int i = 0; i < RANGES_MAX; i++)
        assert_true(slice_ends_with(b.heads[i], SLICE("/18446744073709551615\r\n\r\n")));
    assert_true(slice_ends_with(b.type, SLICE("b")));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_ranges),
        cmocka_unit_test(test_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
