/* Keys of TLS session tickets: when there is a new one, and what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/ticket_keys.h"

#include <string.h>

static void test_one_after_the_other(void **state)
{
    (void)state;
    struct ticket_keys t = {.seq = 0}, before;
    struct error e;
    assert_true(ticket_keys_renew(&t, 1000, 500, 10, &e));
    assert_int_equal(t.count, 1);
    assert_int_equal(t.seq, 500);
    before = t;
    assert_false(ticket_keys_renew(&t, 10999, 600, 10, &e));
    assert_int_equal(e.code, ERROR_NONE);
    assert_memory_equal(&t, &before, sizeof t);
    assert_true(ticket_keys_renew(&t, 11000, 400, 10, &e)); /* the clock was set back */
    assert_int_equal(t.count, 2);
    assert_int_equal(t.seq, 501);
    assert_memory_equal(t.keys[1].secret, before.keys[0].secret, TICKET_KEY_SECRET_BYTES);
    assert_memory_not_equal(t.keys[0].secret, before.keys[0].secret, TICKET_KEY_SECRET_BYTES);
    assert_memory_not_equal(t.keys[0].name, before.keys[0].name, TICKET_KEY_NAME_BYTES);
    before = t;
    assert_true(ticket_keys_renew(&t, 30000, 9000, 10, &e));
    assert_int_equal(t.count, 2);
    assert_memory_equal(t.keys[1].name, before.keys[0].name, TICKET_KEY_NAME_BYTES);
}

static void test_nothing_is_left(void **state)
{
    (void)state;
    static const struct ticket_keys none;
    struct ticket_keys t = {.seq = 0};
    struct error e;
    assert_true(ticket_keys_renew(&t, 1000, 500, 10, &e));
    ticket_keys_wipe(&t);
    assert_memory_equal(&t, &none, sizeof t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
