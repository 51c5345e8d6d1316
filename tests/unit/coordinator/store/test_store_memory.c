/* The store contract against the memory store, and what it offers to tests. */

#include "coordinator/store/store_memory.h"

#include "tests/unit/coordinator/store/contract.h"

static struct store *contract_open(struct ev_loop *loop)
{
    struct store *s = NULL;
    assert_int_equal(store_open(&s, "memory:", loop, NULL), 0);
    return s;
}

static void contract_end_lease(struct contract *c)
{
    (void)c;
    clock_fake(7000000, 1700000006000);
}

static void test_can_be_held(void **state)
{
    struct contract *c = *state;
    unsigned before = c->done;
    store_memory_hold(c->store, true);
    assert_int_equal(store_head(c->store, contract_done, c, NULL), 0);
    ev_run(c->loop, EVRUN_NOWAIT);
    assert_int_equal(c->done, before);
    store_memory_hold(c->store, false);
    ev_run(c->loop, EVRUN_NOWAIT);
    assert_int_equal(c->done, before + 1);
}

static void test_can_fail_with_and_without_keeping(void **state)
{
    struct contract *c = *state;
    struct commit one = contract_commit(1, COMMIT_NO_PARENT, "one", "");
    store_memory_fail_append(c->store, ERROR_IO, false);
    CALL(c, store_append, &one, c->token);
    assert_int_equal(c->error.code, ERROR_IO);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 0);
    store_memory_fail_append(c->store, ERROR_TIMEOUT, true);
    CALL(c, store_append, &one, c->token);
    assert_int_equal(c->error.code, ERROR_TIMEOUT);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 1);
}

static void test_a_changed_commit_is_found_out(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 2);
    store_memory_tamper(c->store, 1);
    CALL(c, store_get, 1);
    assert_int_equal(c->error.code, ERROR_CONFLICT);
    CALL(c, store_get, 2);
    assert_int_equal(c->error.code, ERROR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        CONTRACT_TEST(test_can_be_held),
        CONTRACT_TEST(test_can_fail_with_and_without_keeping),
        CONTRACT_TEST(test_a_changed_commit_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
