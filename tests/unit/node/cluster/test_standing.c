/* Orders on a node: what concerns it, what ends by itself, what a restart remembers. */
#include "node/cluster/standing.h"
#include "proto/wire/cluster_standing.h"
#include "tests/unit/proto/model/fixture.h"

#include <unistd.h>

static struct standing standing;
static struct state_dir dir;
static char *scratch;

static int set_up(void **state)
{
    (void)state;
    struct error e;
    char path[512];
    scratch = fixture_directory();
    snprintf(path, sizeof path, "%s/state", scratch);
    standing_init(&standing);
    return state_dir_open(&dir, path, NULL, &e);
}

static int tear_down(void **state)
{
    (void)state;
    standing_fini(&standing);
    state_dir_close(&dir);
    fixture_directory_remove(scratch);
    return 0;
}

static void put(struct buf *b, enum cluster_order_kind kind, const char *target, int64_t left_ms)
{
    cluster_standing_put(b, &(struct cluster_standing){kind, slice_str(target), left_ms});
}

/* Drain of "alpha" for ever, of "beta" for 5 s; pause of "chat" for 2 s, of "mail" for ever. */
static void take(uint64_t now_ms)
{
    struct buf b = BUF_INIT;
    struct error e;
    put(&b, ORDER_DRAIN, "alpha", 0);
    put(&b, ORDER_PAUSE, "chat", 2000);
    put(&b, ORDER_DRAIN, "beta", 5000);
    put(&b, ORDER_PAUSE, "mail", 0);
    assert_int_equal(standing_take(&standing, 7, buf_slice(&b), now_ms, &e), 0);
    buf_fini(&b);
}

static void assert_view(const char *node, uint64_t now_ms, bool drain, const char *paused)
{
    struct standing_view v;
    struct error e;
    struct buf names = BUF_INIT;
    assert_int_equal(standing_view(&standing, node, now_ms, &v, &e), 0);
    for (size_t i = 0; i < v.paused_count; i++)
        buf_printf(&names, "%.*s ", SLICE_ARG(v.paused[i]));
    assert_int_equal(v.drain, drain);
    assert_string_equal(buf_str(&names), paused);
    buf_fini(&names);
    standing_view_fini(&v);
}

static void test_what_concerns_a_node(void **state)
{
    (void)state;
    assert_view("alpha", 1000, false, "");
    take(1000);
    assert_view("alpha", 1000, true, "chat mail ");
    assert_view("beta", 1000, true, "chat mail ");
    assert_view("alph", 1000, false, "chat mail ");
}

static void test_an_end_comes_without_a_coordinator(void **state)
{
    (void)state;
    take(1000);
    assert_view("beta", 1000, true, "chat mail ");
    assert_false(standing_has_ended(&standing, 2999));
    assert_true(standing_has_ended(&standing, 3000));
    assert_view("beta", 3000, true, "mail ");
    assert_false(standing_has_ended(&standing, 3000));
    assert_true(standing_has_ended(&standing, 6000));
    assert_view("beta", 6000, false, "mail ");
    assert_false(standing_has_ended(&standing, UINT64_MAX));
    assert_view("alpha", 6000, true, "mail ");
}

/* The clock that counts the rest is another one after a restart; what has passed meanwhile is known
 * from the wall clock, whatever way that was set. */
static void test_a_restart(void **state)
{
    (void)state;
    struct error e;
    take(1000);
    assert_int_equal(standing_save(&standing, &dir, 500000, &e), 0);
    standing_fini(&standing);
    standing_init(&standing);
    assert_int_equal(standing_load(&standing, &dir, 503000, 90000, &e), 0);
    assert_int_equal(standing.seq, 7);
    assert_view("beta", 90000, true, "mail ");
    assert_true(standing_has_ended(&standing, 92000));
    assert_int_equal(standing_load(&standing, &dir, 100, 90000, &e), 0);
    assert_view("beta", 90000, true, "chat mail ");
    assert_int_equal(standing_load(&standing, &dir, 505000, 10, &e), 0); /* a young machine */
    assert_view("alpha", 10, true, "chat mail ");
}

static void test_nothing_on_disk(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(standing_load(&standing, &dir, 1, 1, &e), 0);
    assert_view("alpha", 1, false, "");
}

static void test_nonsense_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x",
        "0:]",
        "4:1:1#]",
        "22:5:pause,4:chat,3:abc,]",
        "20:4:dance,4:chat,1:0#]",
        "21:5:pause,4:chat,2:-1#]",
        "19:5:pause,1:1#1:0#]",
    };
    struct error e;
    take(1000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(standing_take(&standing, 8, slice_str(bad[i]), 1, &e), -1);
        assert_int_equal(state_dir_write(&dir, "orders", bad[i], strlen(bad[i]), &e), 0);
        assert_int_equal(standing_load(&standing, &dir, 1, 1, &e), -1);
    }
    assert_int_equal(standing.seq, 7);
    assert_view("alpha", 1000, true, "chat mail ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_concerns_a_node),
        TEST(test_an_end_comes_without_a_coordinator),
        TEST(test_a_restart),
        TEST(test_nothing_on_disk),
        TEST(test_nonsense_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
