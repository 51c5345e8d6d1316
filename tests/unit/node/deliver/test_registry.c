/* Ids of connections, against a plain array: growth, removal, wrapping around. */
#include "node/deliver/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 5000 };

static struct registry *make(uint32_t first)
{
    struct error e;
    struct registry *r = registry_create(first, &e);
    assert_non_null(r);
    return r;
}

static void test_ids_count_up(void **state)
{
    (void)state;
    struct registry *r = make(10);
    struct conn a = {.id = 0}, b = {.id = 0};
    assert_int_equal(registry_add(r, &a), 0);
    assert_int_equal(registry_add(r, &b), 0);
    assert_int_equal(a.id, 10);
    assert_int_equal(b.id, 11);
    assert_int_equal(registry_add(r, &a), 0); /* has one */
    assert_int_equal(a.id, 10);
    assert_int_equal(registry_count(r), 2);
    assert_ptr_equal(registry_find(r, 10), &a);
    assert_null(registry_find(r, 12));
    assert_null(registry_find(r, 0));
    registry_remove(r, &a);
    registry_remove(r, &a); /* has none: fine */
    assert_int_equal(a.id, 0);
    assert_null(registry_find(r, 10));
    assert_ptr_equal(registry_find(r, 11), &b);
    registry_destroy(r);
    registry_destroy(NULL);
}

/* 0 and the highest number are never given, nor is one that is in use. */
static void test_ids_wrap_around(void **state)
{
    (void)state;
    struct registry *r = make(UINT32_MAX - 1);
    struct conn c[5] = {{.id = 0}}, old = {.id = 0};
    registry_add(r, &c[0]);
    registry_add(r, &c[1]);
    assert_int_equal(c[0].id, UINT32_MAX - 1);
    assert_int_equal(c[1].id, 1);
    registry_destroy(r);
    r = make(2);
    registry_add(r, &old);
    registry_destroy(r);
    r = make(UINT32_MAX - 1);
    registry_add(r, &c[2]); /* has an id of another life: forget it */
    registry_destroy(r);
}

static void test_the_start_is_random(void **state)
{
    (void)state;
    struct conn a = {.id = 0}, b = {.id = 0};
    struct registry *one = make(0), *two = make(0);
    registry_add(one, &a);
    registry_add(two, &b);
    assert_int_not_equal(a.id, b.id);
    registry_destroy(one);
    registry_destroy(two);
}

/* Ids far apart that fall into the same slots, added and removed at random. */
static void test_random_walk(void **state)
{
    (void)state;
    struct conn *c = calloc(MANY, sizeof *c);
    uint32_t *ids = calloc(MANY, sizeof *ids);
    struct registry *r = make(UINT32_MAX - 20000);
    size_t count = 0;
    srand(7);
    for (int step = 0; step < 60000; step++) {
        size_t i = (size_t)rand() % MANY;
        if (c[i].id != 0 && rand() % 3 > 0) {
            registry_remove(r, &c[i]);
            assert_null(registry_find(r, ids[i]));
            ids[i] = 0;
            count--;
        } else if (c[i].id == 0) {
            assert_int_equal(registry_add(r, &c[i]), 0);
            ids[i] = c[i].id;
            count++;
        }
        assert_int_equal(registry_count(r), count);
        if (step % 5000 == 0)
            for (size_t k = 0; k < MANY; k++)
                assert_ptr_equal(registry_find(r, ids[k]), ids[k] != 0 ? &c[k] : NULL);
    }
    for (size_t k = 0; k < MANY; k++)
        assert_ptr_equal(registry_find(r, ids[k]), ids[k] != 0 ? &c[k] : NULL);
    registry_destroy(r);
    free(c);
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_count_up),
        cmocka_unit_test(test_ids_wrap_around),
        cmocka_unit_test(test_the_start_is_random),
        cmocka_unit_test(test_random_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
