/* Orders as the coordinator keeps them: records, what stands, what is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/orders.h"
#include "proto/base/log.h"
#include "proto/wire/cluster_standing.h"

static struct orders orders;

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level) - 1); /* records that are no orders are told */
    orders_init(&orders);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    orders_fini(&orders);
    log_set_level(LOG_INFO_LEVEL);
    return 0;
}

/* As if it came from the store. */
static void give(enum cluster_order_kind kind, const char *target, int64_t expires_s,
                 int64_t now_ms)
{
    struct buf record = BUF_INIT;
    char key[ORDER_KEY_MAX];
    struct cluster_order o = {.kind = (int)kind,
                              .author = {.who = SLICE("alice"), .why = SLICE("disk")},
                              .expires_s = expires_s};
    order_encode(&record, &o, slice_str(target), now_ms);
    order_key(kind, slice_str(target), key);
    assert_int_equal(orders_take(&orders, slice_str(key), buf_slice(&record)), 0);
    buf_fini(&record);
}

static void assert_standing(int64_t now_ms, const char *expected)
{
    struct buf field = BUF_INIT, text = BUF_INIT;
    struct tns_reader r;
    struct cluster_standing s;
    orders_put(&orders, &field, now_ms);
    tns_reader_init(&r, buf_slice(&field));
    while (cluster_standing_read(&r, &s) == TNS_ITEM)
        buf_printf(&text, "%s %.*s %lld; ", cluster_order_words[s.kind], SLICE_ARG(s.target),
                   (long long)s.left_ms);
    assert_string_equal(buf_str(&text), expected);
    buf_fini(&field);
    buf_fini(&text);
}

static void test_what_stands(void **state)
{
    (void)state;
    assert_standing(0, "");
    give(ORDER_DRAIN, "alpha", 0, 1000);
    give(ORDER_PAUSE, "alpha", 60, 1000); /* a pool of the same name */
    assert_standing(2000, "drain alpha 0; pause alpha 59000; ");
    const struct order *o = orders_find(&orders, SLICE("node alpha"));
    assert_true(slice_eq(o->author.who, SLICE("alice")));
    assert_true(slice_eq(o->author.why, SLICE("disk")));
    assert_int_equal(o->when_ms, 1000);
    give(ORDER_DRAIN, "alpha", 5, 3000); /* in the place of the other */
    assert_standing(3000, "pause alpha 58000; drain alpha 5000; ");
    orders_take(&orders, SLICE("node alpha"), SLICE_EMPTY);
    assert_null(orders_find(&orders, SLICE("node alpha")));
    assert_standing(3000, "pause alpha 58000; ");
}

static void test_what_is_over(void **state)
{
    (void)state;
    give(ORDER_DRAIN, "alpha", 0, 1000);
    give(ORDER_PAUSE, "chat", 60, 1000);
    assert_int_equal(orders_expired(&orders, 60999).len, 0);
    assert_true(slice_eq(orders_expired(&orders, 61000), SLICE("pool chat")));
    assert_standing(61000, "drain alpha 0; ");
}

static void test_the_number_only_grows(void **state)
{
    (void)state;
    assert_int_equal(orders.seq, 0);
    orders_changed(&orders, 5000);
    assert_int_equal(orders.seq, 5000);
    orders_changed(&orders, 4000); /* the clock was set back */
    assert_int_equal(orders.seq, 5001);
}

static void test_a_record_that_is_no_order(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x",
        "0:}",
        "0:]",
        "17:5:order,5:drain,}",
        "66:5:order,5:dance,6:target,1:a,7:when_ms,1:1#10:expires_ms,1:0#}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(orders_take(&orders, SLICE("node a"), slice_str(bad[i])), 0);
    assert_standing(0, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_stands),
        TEST(test_what_is_over),
        TEST(test_the_number_only_grows),
        TEST(test_a_record_that_is_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
