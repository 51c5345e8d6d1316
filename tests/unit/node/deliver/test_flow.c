/* What a handler may have on the way to a connection, and what it is told of it. */
#include "node/deliver/flow.h"
#include "tests/unit/node/io/pair.h"

static struct pair p;
static struct buf told;

static void on_passed(struct outq *q, uint64_t number)
{
    assert_ptr_equal(container_of(q, struct conn, out), p.conn);
    buf_printf(&told, "%llu ", (unsigned long long)number);
}

static int set_up(void **state)
{
    (void)state;
    pair_start(&p);
    p.conns.out_memory.passed = on_passed;
    told = BUF_INIT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_stop(&p);
    buf_fini(&told);
    return 0;
}

static void reply(size_t len)
{
    char *bytes = calloc(1, len);
    uint64_t before = conn_output_total(p.conn);
    conn_write(p.conn, slice_of(bytes, len));
    flow_account(p.conn, before);
    free(bytes);
}

static void test_each_reply_is_told_when_it_is_written(void **state)
{
    (void)state;
    conn_write(p.conn, SLICE("not of the handler"));
    reply(5);
    reply(2000);
    reply(0);
    assert_string_equal(buf_str(&told), "");
    pair_turn(&p);
    assert_string_equal(buf_str(&told), "5 2000 ");
}

static void test_a_slow_reader_is_told_of_late(void **state)
{
    (void)state;
    int small = 4096;
    setsockopt(p.conn->io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    reply(80000);
    reply(1);
    pair_turns(&p, 2);
    assert_string_equal(buf_str(&told), "");
    for (size_t got = 0; got < 80001; pair_turn(&p))
        got += pair_read(&p, NULL, SIZE_MAX, NULL);
    assert_string_equal(buf_str(&told), "80000 1 ");
}

static void test_the_limit(void **state)
{
    (void)state;
    reply(FLOW_CREDITS - 1);
    reply(1);
    assert_false(conn_is_closing(p.conn));
    reply(1);
    assert_true(conn_is_closing(p.conn));
    assert_int_equal(p.conn->reason, CONN_OUTPUT_LIMIT);
    pair_turn(&p);
    assert_string_equal(buf_str(&told), ""); /* nothing of it was written */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_reply_is_told_when_it_is_written),
        TEST(test_a_slow_reader_is_told_of_late),
        TEST(test_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
