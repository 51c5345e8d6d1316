/* From the path of a request to the name of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/target/file_path.h"

#include <stdlib.h>

static const struct {
    const char *raw;
    enum file_path_result result;
    const char *name;
    bool is_directory;
} rows[] = {
    {"", FILE_PATH_OK, "", true},
    {"/", FILE_PATH_OK, "", true},
    {"a.txt", FILE_PATH_OK, "a.txt", false},
    {"/a.txt", FILE_PATH_OK, "a.txt", false},
    {"sub/", FILE_PATH_OK, "sub", true},
    {"sub/a.txt", FILE_PATH_OK, "sub/a.txt", false},
    {"//a.txt", FILE_PATH_OK, "a.txt", false},
    {"sub//a.txt", FILE_PATH_OK, "sub/a.txt", false},
    {"./a.txt", FILE_PATH_OK, "a.txt", false},
    {"sub/../a.txt", FILE_PATH_OK, "a.txt", false},
    {"sub/x/../../a.txt", FILE_PATH_OK, "a.txt", false},
    {"sub/..", FILE_PATH_OK, "", true},
    {"sub/x/..", FILE_PATH_OK, "sub", true},
    {"sub/.", FILE_PATH_OK, "sub", true},
    {"sub/./", FILE_PATH_OK, "sub", true},
    {"sub//", FILE_PATH_OK, "sub", true},
    {"///", FILE_PATH_OK, "", true},
    {".hidden", FILE_PATH_OK, ".hidden", false},
    {"sub/.well-known/x", FILE_PATH_OK, "sub/.well-known/x", false},
    {"...", FILE_PATH_OK, "...", false},
    {"..a/b..", FILE_PATH_OK, "..a/b..", false},
    {"a%20b.txt", FILE_PATH_OK, "a b.txt", false},
    {"a%2520b", FILE_PATH_OK, "a%20b", false},
    {"a+b", FILE_PATH_OK, "a+b", false},
    {"%61.txt", FILE_PATH_OK, "a.txt", false},
    {"sub%2Fa.txt", FILE_PATH_OK, "sub/a.txt", false},
    {"sub%2f", FILE_PATH_OK, "sub", true},
    {"%2e/a", FILE_PATH_OK, "a", false},
    {"x/%2e%2e/a", FILE_PATH_OK, "a", false},
    {"%c3%a9", FILE_PATH_OK, "\xc3\xa9", false},
    {"a\\..\\b", FILE_PATH_OK, "a\\..\\b", false},
    {"..", FILE_PATH_OUTSIDE, "", false},
    {"../static2/secret", FILE_PATH_OUTSIDE, "", false},
    {"..%2fstatic2/secret", FILE_PATH_OUTSIDE, "", false},
    {"%2e%2e/%2e%2e/m.conf", FILE_PATH_OUTSIDE, "", false},
    {"a/../../b", FILE_PATH_OUTSIDE, "", false},
    {"a.txt%00x", FILE_PATH_MALFORMED, "", false},
    {"a%", FILE_PATH_MALFORMED, "", false},
    {"a%2", FILE_PATH_MALFORMED, "", false},
    {"a%zz", FILE_PATH_MALFORMED, "", false},
};

static void test_resolve(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice raw = slice_str(rows[i].raw);
        char *room = malloc(raw.len + (raw.len == 0)); /* exactly: sanitizers see a byte too many */
        struct file_path path = {SLICE_EMPTY, false};
        enum file_path_result result = file_path_resolve(raw, room, &path);
        if (result != rows[i].result ||
            (result == FILE_PATH_OK && (!slice_eq(path.name, slice_str(rows[i].name)) ||
                                        path.is_directory != rows[i].is_directory)))
            fail_msg("'%s': %d '%.*s'", rows[i].raw, result, SLICE_ARG(path.name));
        free(room);
    }
}

static void test_a_nul_among_the_bytes(void **state)
{
    (void)state;
    char room[3];
    struct file_path path;
    assert_int_equal(file_path_resolve(slice_of("a\0b", 3), room, &path), FILE_PATH_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_a_nul_among_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
