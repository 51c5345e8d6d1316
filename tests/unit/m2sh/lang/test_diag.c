/* Places, lines and carets. */

#include "m2sh/lang/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static char *format_at(const char *text, size_t len, size_t offset)
{
    struct diag_list l;
    struct buf out = BUF_INIT;
    diag_init(&l, &arena);
    const struct source *s = source_from_text(&arena, "f", slice_of(text, len));
    diag_error(&l, (struct position){s, offset}, "wrong");
    diag_format_all(&l, &out);
    return buf_take(&out);
}

#define TEXT(literal) literal, sizeof(literal) - 1

static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len, offset;
        const char *shown;
    } rows[] = {
        {TEXT("abc"), 0, "f:1:1: wrong\n    abc\n    ^\n"},
        {TEXT("abc"), 3, "f:1:4: wrong\n    abc\n       ^\n"},
        {TEXT("a\nbc\nd"), 2, "f:2:1: wrong\n    bc\n    ^\n"},
        {TEXT("a\nbc\nd"), 4, "f:2:3: wrong\n    bc\n      ^\n"},
        {TEXT("a\r\nb"), 1, "f:1:2: wrong\n    a\n     ^\n"},
        {TEXT("\tx\ty"), 3, "f:1:4: wrong\n    \tx\ty\n    \t \t^\n"},
        {TEXT("\303\251\303\251x"), 4, "f:1:5: wrong\n    \303\251\303\251x\n      ^\n"},
        {TEXT("\033[1mx"), 4, "f:1:5: wrong\n    ?[1mx\n        ^\n"},
        {TEXT("\n\nx"), 1, "f:2:1: wrong\n"},
        {TEXT(""), 0, "f:1:1: wrong\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *shown = format_at(rows[i].text, rows[i].len, rows[i].offset);
        assert_string_equal(shown, rows[i].shown);
        free(shown);
    }
}

/* A long line is cut around the place. */
static void test_window(void **state)
{
    (void)state;
    struct buf line = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_append_char(&line, (char)('a' + i % 26));
    static const struct {
        size_t offset, line_len, caret;
    } rows[] = {{0, 4 + 100 + 3, 4}, {500, 7 + 100 + 3, 67}, {1000, 7 + 60, 67}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *shown = format_at(line.data, line.len, rows[i].offset);
        char *second = strchr(shown, '\n') + 1, *third = strchr(second, '\n') + 1;
        assert_int_equal(third - second - 1, rows[i].line_len);
        assert_int_equal(strchr(third, '^') - third, rows[i].caret);
        if (rows[i].offset < 1000)
            assert_int_equal(second[rows[i].caret], 'a' + rows[i].offset % 26);
        free(shown);
    }
    buf_fini(&line);
}

static void test_list(void **state)
{
    (void)state;
    struct diag_list l;
    struct buf out = BUF_INIT;
    diag_init(&l, &arena);
    const struct source *s = source_from_text(&arena, "f", SLICE("abc"));
    struct position at = {s, 1}, nowhere = {NULL, 0};
    diag_error(&l, at, "first %d", 1);
    diag_error(&l, at, "first %d", 1); /* said once */
    diag_warning(&l, nowhere, "second\033[0m");
    assert_int_equal(l.error_count, 1);
    assert_int_equal(l.warning_count, 1);
    diag_format_all(&l, &out);
    assert_string_equal(buf_str(&out), "f:1:2: first 1\n    abc\n     ^\nwarning: second?[0m\n");
    buf_fini(&out);
}

static void test_sort(void **state)
{
    (void)state;
    struct diag_list l;
    struct buf out = BUF_INIT;
    diag_init(&l, &arena);
    struct source *one = source_from_text(&arena, "1", SLICE("abc"));
    struct source *two = source_from_text(&arena, "2", SLICE("abc"));
    two->number = 1;
    diag_error(&l, (struct position){NULL, 0}, "e");
    diag_error(&l, (struct position){two, 0}, "c");
    diag_error(&l, (struct position){one, 2}, "b");
    diag_error(&l, (struct position){two, 0}, "d");
    diag_error(&l, (struct position){one, 0}, "a");
    diag_sort(&l);
    for (const struct diag *d = l.first; d != NULL; d = d->next)
        buf_append_str(&out, d->text);
    assert_string_equal(buf_str(&out), "abcde");
    assert_string_equal(l.last->text, "e");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sort, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
