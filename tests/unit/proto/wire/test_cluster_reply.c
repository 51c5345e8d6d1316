/* Replies: tables, progress and errors, written and read; what is malformed is refused. */

#include "proto/wire/cluster_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const headers[] = {"version", "hash", "ok", "none", NULL};

static void put_rows(struct cluster_table_writer *w, int count)
{
    for (int i = 0; i < count; i++) {
        cluster_row_begin(w);
        tns_put_int(w->out, 40 + i);
        tns_put_str(w->out, "abc");
        tns_put_bool(w->out, i == 1);
        tns_put_null(w->out);
        cluster_row_end(w);
    }
    cluster_table_end(w);
}

static void test_tables_and_progress(void **state)
{
    (void)state;
    for (int progress = 0; progress < 2; progress++) {
        struct cluster_table_writer w;
        struct cluster_reply r;
        struct buf b = BUF_INIT;
        struct arena a;
        arena_init(&a, 0);
        cluster_table_begin(&w, &b, 7, progress ? "prepared" : NULL, headers);
        put_rows(&w, 2);
        assert_int_equal(cluster_reply_decode(&r, buf_slice(&b), 1000, &a, NULL), 0);
        assert_int_equal(r.kind, progress ? REPLY_PROGRESS : REPLY_TABLE);
        assert_int_equal(r.seq, 7);
        assert_int_equal(r.table.column_count, 4);
        assert_int_equal(r.table.row_count, 2);
        assert_int_equal(cluster_table_int(&r.table, 1, "version"), 41);
        assert_true(slice_eq(cluster_table_text(&r.table, 0, "hash"), SLICE("abc")));
        assert_false(cluster_table_bool(&r.table, 0, "ok"));
        assert_true(cluster_table_bool(&r.table, 1, "ok"));
        assert_int_equal(cluster_table_column(&r.table, "none"), 3);
        /* what is not there, or of another type, reads as nothing */
        assert_int_equal(cluster_table_int(&r.table, 2, "version"), 0);
        assert_int_equal(cluster_table_int(&r.table, 0, "hash"), 0);
        assert_int_equal(cluster_table_text(&r.table, 0, "missing").len, 0);
        buf_fini(&b);
        arena_fini(&a);
    }
}

static void test_errors(void **state)
{
    (void)state;
    struct cluster_table_writer w;
    struct cluster_reply r;
    struct buf b = BUF_INIT;
    struct arena a;
    struct error e, back;
    arena_init(&a, 0);
    error_set_object(&e, ERROR_CONFLICT, "commit 42", "The head is 42, not 41; look at the diff.");
    cluster_error_begin(&w, &b, 9, &e, headers);
    put_rows(&w, 1);
    assert_int_equal(cluster_reply_decode(&r, buf_slice(&b), 1000, &a, NULL), 0);
    assert_int_equal(r.kind, REPLY_ERROR);
    assert_int_equal(r.table.row_count, 1);
    assert_int_equal(cluster_reply_error(&r, &back), -1);
    assert_int_equal(back.code, ERROR_CONFLICT);
    assert_string_equal(back.object, "commit 42");
    assert_string_equal(back.text, e.text);
    buf_clear(&b);
    cluster_error_put(&b, 9, &e, "tcp://other:6780");
    assert_int_equal(cluster_reply_decode(&r, buf_slice(&b), 1000, &a, NULL), 0);
    assert_true(slice_eq(r.leader, SLICE("tcp://other:6780")));
    assert_int_equal(r.table.row_count, 0);
    buf_fini(&b);
    arena_fini(&a);
}

static const char *const malformed[] = {
    "",
    "0:,",
    "0:]",
    "0:}x",
    "8:3:seq,0:,}",
    "18:7:headers,1:a,4:rows,0:]}",
    "20:7:headers,0:]4:rows,0:,}",
    /* one header, rows of none and of two, a cell that is a list */
    "27:7:headers,4:1:a,]4:rows,3:0:]]}",
    "37:7:headers,4:1:a,]4:rows,12:9:1:1#1:2#]]}",
    "31:7:headers,4:1:a,]4:rows,6:3:0:]]]}",
    "24:7:headers,3:0:~]4:rows,0:]}",
};

static void test_malformed_replies_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct cluster_reply r;
        struct arena a;
        struct error e;
        arena_init(&a, 0);
        if (cluster_reply_decode(&r, slice_str(malformed[i]), 1000, &a, &e) == 0)
            fail_msg("accepted: %s", malformed[i]);
        assert_int_equal(e.code, ERROR_INVALID);
        arena_fini(&a);
    }
}

static void test_unknown_fields_are_passed_over(void **state)
{
    (void)state;
    struct cluster_reply r;
    struct arena a;
    arena_init(&a, 0);
    assert_int_equal(cluster_reply_decode(&r, SLICE("19:5:later,0:}3:seq,1:3#}"), 1000, &a, NULL),
                     -1); /* the length is wrong */
    assert_int_equal(cluster_reply_decode(&r, SLICE("21:5:later,0:}3:seq,1:3#}"), 1000, &a, NULL),
                     0);
    assert_int_equal(r.seq, 3);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_and_progress),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_malformed_replies_are_refused),
        cmocka_unit_test(test_unknown_fields_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
