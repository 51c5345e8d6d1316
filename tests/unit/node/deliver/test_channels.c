/* Who is in which channel: joining, leaving, closing. */
#include "node/deliver/channels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct channels channels;
static struct conn conns[4];

static int set_up(void **state)
{
    (void)state;
    channels_init(&channels);
    memset(conns, 0, sizeof conns);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        channels_leave_all(&channels, &conns[i]);
    assert_int_equal(channels.members, 0);
    assert_int_equal(map_count(&channels.by_name), 0);
    channels_fini(&channels);
    return 0;
}

static void join(size_t conn, const char *name)
{
    assert_int_equal(channels_join(&channels, &conns[conn], slice_str(name)), 0);
}

/* "012": the members by number, in their order. */
static void assert_members(const char *name, const char *expected)
{
    char got[8] = "";
    size_t len = 0;
    struct channel *ch = channels_find(&channels, slice_str(name));
    if (ch != NULL)
        list_for_each_safe (it, &ch->members)
            got[len++] = (char)('0' + (container_of(it, struct membership, link)->conn - conns));
    assert_string_equal(got, expected);
    assert_int_equal(ch != NULL ? ch->count : 0, len);
}

static void test_join_and_leave(void **state)
{
    (void)state;
    join(0, "lobby");
    join(1, "lobby");
    join(0, "lobby"); /* once is enough */
    join(0, "hall");
    join(2, "lobby");
    assert_members("lobby", "012");
    assert_members("hall", "0");
    assert_int_equal(channels.members, 4);
    channels_leave(&channels, &conns[1], SLICE("lobby"));
    channels_leave(&channels, &conns[1], SLICE("lobby"));
    channels_leave(&channels, &conns[1], SLICE("hall"));
    channels_leave(&channels, &conns[1], SLICE("nowhere"));
    assert_members("lobby", "02");
    channels_leave_all(&channels, &conns[0]);
    assert_members("lobby", "2");
    assert_members("hall", "");
    assert_int_equal(map_count(&channels.by_name), 1); /* nobody in it: gone */
    join(0, "hall");
    assert_members("hall", "0");
}

static void test_names_are_bytes(void **state)
{
    (void)state;
    struct slice name = slice_of("a\0b", 3);
    assert_int_equal(channels_join(&channels, &conns[0], name), 0);
    join(1, "a");
    assert_members("a", "1");
    assert_int_equal(channels_find(&channels, name)->count, 1);
}

static void test_a_connection_is_in_so_many(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < CHANNELS_MOST; i++) {
        snprintf(name, sizeof name, "channel %d", i);
        join(0, name);
    }
    assert_int_equal(channels_join(&channels, &conns[0], SLICE("one more")), -1);
    assert_int_equal(channels_join(&channels, &conns[0], SLICE("channel 7")), 0);
    assert_null(channels_find(&channels, SLICE("one more")));
    join(1, "one more"); /* one that is there changes nothing about it */
    assert_int_equal(channels_join(&channels, &conns[0], SLICE("one more")), -1);
    channels_leave(&channels, &conns[0], SLICE("channel 0"));
    join(0, "one more");
    assert_members("one more", "10");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_join_and_leave),
        TEST(test_names_are_bytes),
        TEST(test_a_connection_is_in_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
