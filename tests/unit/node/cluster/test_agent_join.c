/* What a node says when it joins, and when it has something new to say. */

#include "node/cluster/agent_join.h"
#include "node/cluster/beat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two servers; "main" leads to pools chat (twice) and mail and to a classic handler, "other" to
 * pool spy. */
static struct model *make_model(void)
{
    static const char *const servers[] = {"main", "other"};
    static const char *const pools[] = {"chat", "mail", "", "spy"};
    static const struct {
        int64_t host, handler;
    } routes[] = {{1, 1}, {1, 2}, {1, 1}, {1, 3}, {2, 4}};
    struct model *m = model_create(NULL);
    for (int i = 0; i < 2; i++) {
        struct row *server = model_add(m, TABLE_SERVER, NULL);
        row_set_text(m, server, SERVER_NAME, slice_str(servers[i]), NULL);
        struct row *host = model_add(m, TABLE_HOST, NULL);
        row_set_int(host, HOST_SERVER_ID, row_id(server));
    }
    for (int i = 0; i < 4; i++) {
        struct row *handler = model_add(m, TABLE_HANDLER, NULL);
        row_set_text(m, handler, HANDLER_POOL, slice_str(pools[i]), NULL);
    }
    for (int i = 0; i < 5; i++) {
        struct row *route = model_add(m, TABLE_ROUTE, NULL);
        row_set_int(route, ROUTE_HOST_ID, routes[i].host);
        row_set_int(route, ROUTE_TARGET_ID, routes[i].handler);
        row_set_text(m, route, ROUTE_TARGET_TYPE, SLICE("handler"), NULL);
    }
    assert_int_equal(model_freeze(m, NULL), 0);
    return m;
}

static void test_join(void **state)
{
    (void)state;
    struct model *m = make_model();
    struct agent_join j;
    struct cluster_join out;
    struct agent_description d = {"tcp://10.0.0.1:7000", "ipc://run/control",
                                  " 0.0.0.0:80  [::]:80"};
    agent_join_init(&j);
    agent_join_fill(&j, &out);
    assert_int_equal(out.pools.count, 0);
    assert_int_equal(out.handler.len, 0);

    assert_true(agent_join_update(&j, &d, m, "main"));
    assert_false(agent_join_update(&j, &d, m, "main"));
    agent_join_fill(&j, &out);
    assert_int_equal(out.addresses.count, 2);
    assert_true(slice_eq(out.addresses.items[1], SLICE("[::]:80")));
    assert_int_equal(out.pools.count, 2);
    assert_true(slice_eq(out.pools.items[0], SLICE("chat")));
    assert_true(slice_eq(out.pools.items[1], SLICE("mail")));
    assert_true(slice_eq(out.handler, SLICE("tcp://10.0.0.1:7000")));

    d.addresses = "0.0.0.0:81";
    assert_true(agent_join_update(&j, &d, m, "main"));
    assert_true(agent_join_update(&j, &d, m, "other"));
    agent_join_fill(&j, &out);
    assert_int_equal(out.pools.count, 1);
    assert_true(slice_eq(out.pools.items[0], SLICE("spy")));
    assert_true(agent_join_update(&j, &d, NULL, "other"));
    assert_false(agent_join_update(&j, &d, m, "no such server"));
    agent_join_fini(&j);
    model_unref(m);
}

static void test_beats_name_only_what_is_new(void **state)
{
    (void)state;
    static struct beat b;
    struct histogram latency = {.count = 0};
    struct beat_counters counters = {.requests = 5, .latency = &latency};
    struct cluster_beat out = {.version = 0};
    histogram_add(&latency, 5);
    histogram_add(&latency, 5);
    histogram_add(&latency, 1000);
    beat_fill(&b, &counters, &out);
    assert_int_equal(out.requests, 5);
    assert_int_equal(out.latency.count, 4);
    assert_int_equal(out.latency.items[0], 5);
    assert_int_equal(out.latency.items[1], 2);
    assert_int_equal(out.latency.items[3], 1);
    beat_fill(&b, &counters, &out);
    assert_int_equal(out.latency.count, 0);
    histogram_add(&latency, 7);
    beat_fill(&b, &counters, &out);
    assert_int_equal(out.latency.count, 2);
    counters.latency = NULL;
    beat_fill(&b, &counters, &out);
    assert_int_equal(out.latency.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_beats_name_only_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
