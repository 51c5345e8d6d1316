#include "proto/http/head_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_whole(void **state)
{
    (void)state;
    static const char want[] = "HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: "
                               "18446744073709551615\r\nA: \r\n\r\nffffffffffffffff\r\n0\r\n";
    char room[sizeof want - 1];
    struct head_writer w = head_writer_on(room, sizeof room);
    head_writer_status_line(&w, 404);
    head_writer_field(&w, SLICE("Server"), SLICE("x"));
    head_writer_number_field(&w, SLICE("Content-Length"), UINT64_MAX);
    head_writer_field(&w, SLICE("A"), SLICE(""));
    head_writer_put(&w, SLICE("\r\n"));
    head_writer_chunk_size(&w, UINT64_MAX);
    head_writer_chunk_size(&w, 0);
    assert_false(w.full);
    assert_true(slice_eq(head_writer_bytes(&w), slice_str(want)));
}

static void test_full(void **state)
{
    (void)state;
    for (size_t room_len = 0; room_len < 40; room_len++) {
        char *room = malloc(room_len + (room_len == 0)); /* sanitizers see what is written behind */
        assert_non_null(room);
        struct head_writer w = head_writer_on(room, room_len);
        head_writer_status_line(&w, 200);
        head_writer_field(&w, SLICE("A"), SLICE("b"));
        head_writer_number_field(&w, SLICE("Length"), 12);
        head_writer_chunk_size(&w, 255);
        assert_int_equal(w.full, room_len < 17 + 6 + 12 + 4);
        free(room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
