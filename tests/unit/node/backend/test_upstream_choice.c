#include "node/backend/upstream_choice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT 4

struct group {
    struct loop loop;
    struct upstreams set;
    struct upstream of[COUNT];
    struct upstream *all[COUNT];
};

static void init(struct group *g)
{
    memset(g, 0, sizeof *g);
    g->loop.now_us = 1000000;
    g->set.loop = &g->loop;
    for (int i = 0; i < COUNT; i++) {
        g->of[i].set = &g->set;
        snprintf(g->of[i].name, sizeof g->of[i].name, "10.0.0.%d:80", i);
        g->all[i] = &g->of[i];
    }
}

static int choose(struct group *g, enum upstream_balance balance, const char *key, uint64_t tried)
{
    return upstream_choose(g->all, COUNT, balance, slice_str(key), tried, 0);
}

static void test_round_robin(void **state)
{
    (void)state;
    struct group g;
    init(&g);
    g.of[1].active = 100; /* does not matter */
    for (int i = 0; i < 3 * COUNT; i++)
        assert_int_equal(choose(&g, BALANCE_ROUND_ROBIN, "", 0), i % COUNT);
    assert_int_equal(choose(&g, BALANCE_ROUND_ROBIN, "", 1), 1);
    assert_int_equal(choose(&g, BALANCE_ROUND_ROBIN, "", 0), 0);
}

static void test_least_conn(void **state)
{
    (void)state;
    struct group g;
    init(&g);
    for (int i = 0; i < COUNT; i++)
        g.of[i].active = 3;
    g.of[2].active = 1;
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0), 2);
    g.of[2].active = 3;
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0), 0); /* equal: in turn */
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0), 1);
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0), 3);
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0), 2);
}

static void test_tried_and_avoided(void **state)
{
    (void)state;
    struct group g;
    init(&g);
    g.of[0].avoided_until_us = g.loop.now_us + 1;
    g.of[1].active = 9;
    g.of[2].active = 9;
    g.of[3].active = 9;
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0), 1); /* rather a busy one */
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0xe), 0);
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0xf), -1);
    g.of[0].avoided_until_us = g.loop.now_us; /* the time is over */
    assert_int_equal(choose(&g, BALANCE_LEAST_CONN, "", 0), 0);
}

static void test_down(void **state)
{
    (void)state;
    struct group g;
    init(&g);
    for (int i = 0; i < COUNT; i++)
        g.of[i].active = 9 - (unsigned)i;
    g.of[1].avoided_until_us = g.loop.now_us + 1;
    struct slice key = SLICE_EMPTY;
    enum upstream_balance b = BALANCE_LEAST_CONN;
    assert_int_equal(upstream_choose(g.all, COUNT, b, key, 0, 0x8), 2);
    assert_int_equal(upstream_choose(g.all, COUNT, b, key, 0, 0xd), 1); /* avoided before down */
    assert_int_equal(upstream_choose(g.all, COUNT, b, key, 0x2, 0xd), 3);
    assert_int_equal(upstream_choose(g.all, COUNT, b, key, 0, 0xf), 3); /* all down: as ever */
}

/* A key stays where it is; all take a fair share; when one goes, only its keys move. */
static void test_hash(void **state)
{
    (void)state;
    struct group g;
    init(&g);
    int share[COUNT] = {0};
    for (int i = 0; i < 4000; i++) {
        char key[32];
        snprintf(key, sizeof key, "192.0.2.%d", i);
        int at = choose(&g, BALANCE_HASH, key, 0);
        assert_int_equal(choose(&g, BALANCE_HASH, key, 0), at);
        share[at]++;
        int without_0 = choose(&g, BALANCE_HASH, key, 1);
        assert_true(at == 0 ? without_0 != 0 : without_0 == at);
    }
    for (int i = 0; i < COUNT; i++)
        assert_in_range(share[i], 850, 1150);
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(upstream_balance_from_name(SLICE("least_conn")), BALANCE_LEAST_CONN);
    assert_int_equal(upstream_balance_from_name(SLICE("round_robin")), BALANCE_ROUND_ROBIN);
    assert_int_equal(upstream_balance_from_name(SLICE("hash")), BALANCE_HASH);
    assert_int_equal(upstream_balance_from_name(SLICE("")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_least_conn),
        cmocka_unit_test(test_tried_and_avoided),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
