/* What the Tab key offers. */

#include "m2sh/completion.h"
#include "proto/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

typedef void complete_function(struct completion *c, struct slice before, struct arena *a);

static void expect(complete_function *complete, const char *before, const char *words,
                   const char *added)
{
    struct completion c;
    struct arena a;
    struct buf got = BUF_INIT;
    arena_init(&a, 0);
    complete(&c, slice_str(before), &a);
    for (size_t i = 0; i < c.count; i++)
        buf_printf(&got, "%s%s", i > 0 ? " " : "", c.words[i]);
    assert_string_equal(buf_str(&got), words);
    assert_true(slice_eq(c.added, slice_str(added)));
    buf_fini(&got);
    arena_fini(&a);
}

static void test_commands(void **state)
{
    (void)state;
    expect(completion_of_command, "ser", "servers", "vers");
    expect(completion_of_command, "  uu", "uuid", "id");
    expect(completion_of_command, "lo", "load log", "");
    expect(completion_of_command, "rou", "routes route", "te");
    expect(completion_of_command, "nothing", "", "");
    expect(completion_of_command, "hosts -s", "-server", "erver");
    expect(completion_of_command, "hosts -server x -d", "-db", "b");
    expect(completion_of_command, "hosts -", "-db -cluster -insecure -keys -server -json -help",
           "");
    expect(completion_of_command, "hosts ", "", "");
    expect(completion_of_command, "nonsense -", "", "");
    expect(completion_of_command, "version -j", "-json", "son");
}

static void test_control(void **state)
{
    (void)state;
    expect(completion_of_control, "st", "status stop", "");
    expect(completion_of_control, "status ", "what=json what=net what=tasks", "what=");
    expect(completion_of_control, "status what=n", "what=net", "et");
    expect(completion_of_control, "kill ", "id=", "id=");
    expect(completion_of_control, "help x", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
