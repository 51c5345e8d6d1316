/* The store contract against a real Redis, and what only a server has: it goes, comes back, hangs,
 * refuses, is a replica. */
// links: m2_coordinator PkgConfig::HIREDIS

#include "tests/unit/coordinator/store/contract.h"
#include "tests/unit/coordinator/store/redis_server.h"

static struct redis_server server;
static char url[160];

static struct store *open_with(struct ev_loop *loop, const char *options)
{
    struct store *s = NULL;
    struct error e;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d%s", server.port, options);
    if (store_open(&s, url, loop, &e) != 0)
        fail_msg("%s", e.text);
    return s;
}

static struct store *contract_open(struct ev_loop *loop)
{
    redis_do(&server, "FLUSHALL");
    return open_with(loop, "");
}

static void contract_end_lease(struct contract *c)
{
    (void)c;
    redis_do(&server, "HSET {mongrel2}:lease until_ms 0");
}

static void reopen(struct contract *c, const char *options)
{
    store_close(&c->store);
    c->store = open_with(c->loop, options);
}

static void head(struct contract *c)
{
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
}

static void test_survives_a_restart_of_ours(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 3);
    head(c);
    char cluster[UUID_LEN + 1];
    memcpy(cluster, c->cluster, sizeof cluster);
    reopen(c, "");
    head(c);
    assert_int_equal(c->head.version, 3);
    assert_string_equal(c->cluster, cluster);
    contract_claim(c, OWNER_B, 5000); /* whoever opens it is not alone: the lease stands */
    assert_false(c->lease.held);
}

static void test_prefixes_and_databases_are_apart(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 1);
    static const char *const elsewhere[] = {"?prefix=other", "/5"};
    for (size_t i = 0; i < 2; i++) {
        reopen(c, elsewhere[i]);
        head(c);
        assert_int_equal(c->error.code, ERROR_NONE);
        assert_int_equal(c->head.version, 0);
    }
}

/* What was asked while the server was away is done when it is back in time. */
static void test_waits_for_a_server_that_comes_back(void **state)
{
    struct contract *c = *state;
    clock_fake_stop();
    reopen(c, "?timeout_ms=20000");
    contract_fill(c, 1);
    redis_kill(&server);
    unsigned before = c->done;
    assert_int_equal(store_head(c->store, contract_done, c, NULL), 0);
    for (int i = 0; i < 5; i++)
        ev_run(c->loop, EVRUN_ONCE);
    redis_run(&server, "--appendonly", "yes");
    while (c->done == before)
        ev_run(c->loop, EVRUN_ONCE);
    if (c->error.code == ERROR_UNREACHABLE) /* it was on the wire when the server died */
        head(c);
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_int_equal(c->head.version, 1);
}

static void test_says_that_nobody_is_there(void **state)
{
    struct contract *c = *state;
    clock_fake_stop();
    redis_kill(&server);
    reopen(c, "?timeout_ms=200");
    head(c);
    assert_int_equal(c->error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(c->error.text, "127.0.0.1"));
    redis_run(&server, "--appendonly", "yes");
}

/* It is not known what becomes of a commit that a hung server has in its socket: here it is kept,
 * and appending it again tells so. */
static void test_a_server_that_hangs(void **state)
{
    struct contract *c = *state;
    clock_fake_stop();
    reopen(c, "?timeout_ms=300");
    contract_fill(c, 1);
    struct commit next = contract_commit(2, c->head.hash, "x", "");
    kill(server.pid, SIGSTOP);
    CALL(c, store_append, &next, c->token);
    assert_int_equal(c->error.code, ERROR_UNREACHABLE);
    head(c);
    assert_int_equal(c->error.code, ERROR_UNREACHABLE);
    kill(server.pid, SIGCONT);
    do
        CALL(c, store_append, &next, c->token);
    while (c->error.code == ERROR_UNREACHABLE);
    assert_int_equal(c->error.code, ERROR_NONE);
    head(c);
    assert_int_equal(c->head.version, 2);
}

static void test_users_and_passwords(void **state)
{
    struct contract *c = *state;
    clock_fake_stop();
    redis_do(&server, "ACL SETUSER zed on >hush ~{mongrel2}:* +eval +wait +ping +time +hget +hset "
                      "+hmget +hsetnx +hdel +zadd +zrem +zrevrangebylex +select");
    store_close(&c->store);
    snprintf(url, sizeof url, "redis://zed:hush@127.0.0.1:%d", server.port);
    assert_int_equal(store_open(&c->store, url, c->loop, NULL), 0);
    contract_claim(c, OWNER_A, 5000);
    contract_fill(c, 2);
    store_close(&c->store);
    snprintf(url, sizeof url, "redis://zed:wrong@127.0.0.1:%d?timeout_ms=200", server.port);
    assert_int_equal(store_open(&c->store, url, c->loop, NULL), 0);
    head(c);
    assert_int_equal(c->error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(c->error.text, "WRONGPASS"));
    assert_null(strstr(c->error.text, "wrong@"));
    redis_do(&server, "ACL DELUSER zed");
}

static void test_a_replica_is_not_written_to(void **state)
{
    struct contract *c = *state;
    clock_fake_stop();
    reopen(c, "?timeout_ms=300");
    contract_claim(c, OWNER_A, 5000);
    redis_do(&server, "REPLICAOF 127.0.0.1 1");
    contract_wait(c, store_lease(c->store, OWNER_A, "tcp://a:1", 5000, contract_done, c, NULL));
    assert_int_equal(c->error.code, ERROR_UNREACHABLE);
    head(c);
    assert_int_equal(c->error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(c->error.text, "not the master"));
    redis_do(&server, "REPLICAOF NO ONE");
    do
        head(c);
    while (c->error.code != ERROR_NONE);
}

/* Without the replicas that the URL asks for, a commit does not count as stored. */
static void test_replicas(void **state)
{
    struct contract *c = *state;
    clock_fake_stop();
    reopen(c, "?replicas=1&timeout_ms=1000");
    contract_wait(c, store_lease(c->store, OWNER_A, "tcp://a:1", 5000, contract_done, c, NULL));
    assert_int_equal(c->error.code, ERROR_TIMEOUT);
    struct redis_server replica;
    char master[32];
    redis_create(&replica);
    snprintf(master, sizeof master, "127.0.0.1 %d", server.port);
    redis_run(&replica, "--replicaof", master);
    do
        contract_wait(c, store_lease(c->store, OWNER_A, "tcp://a:1", 5000, contract_done, c, NULL));
    while (c->error.code != ERROR_NONE);
    struct commit one = contract_commit(1, COMMIT_NO_PARENT, "one", "");
    struct commit two = contract_commit(2, one.hash, "two", "");
    CALL(c, store_append, &one, c->token);
    assert_int_equal(c->error.code, ERROR_NONE);
    kill(replica.pid, SIGSTOP);
    for (int i = 0; i < 2; i++) { /* the second time it is there, and still not confirmed */
        CALL(c, store_append, &two, c->token);
        assert_int_equal(c->error.code, ERROR_TIMEOUT);
        assert_non_null(strstr(c->error.text, "0 of 1"));
    }
    kill(replica.pid, SIGCONT);
    do
        CALL(c, store_append, &two, c->token);
    while (c->error.code == ERROR_TIMEOUT);
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_int_equal(redis_destroy(&replica), 0);
}

static void test_foreign_data_is_refused(void **state)
{
    struct contract *c = *state;
    static const char *const edits[] = {
        "SET {mongrel2}:meta x",
        "HSET {mongrel2}:meta format 2",
        "HSET {mongrel2}:meta version many",
        "HSET {mongrel2}:commits 2 short",
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        store_close(&c->store);
        c->store = contract_open(c->loop);
        contract_claim(c, OWNER_A, 5000);
        c->token = c->lease.token;
        contract_fill(c, 2);
        if (i == 0)
            redis_do(&server, "DEL {mongrel2}:meta");
        redis_do(&server, edits[i]);
        head(c);
        if (c->error.code == ERROR_NONE)
            CALL(c, store_get, 0);
        if (c->error.code == ERROR_NONE)
            fail_msg("accepted: %s", edits[i]);
    }
}

static void test_an_edited_commit_is_found_out(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 2);
    redisContext *redis = redis_ask(&server);
    redisReply *reply = redisCommand(redis, "EVAL %s 1 {mongrel2}:configs",
                                     "for _, k in ipairs(redis.call('HKEYS', KEYS[1])) do "
                                     "redis.call('HSET', KEYS[1], k, 'EVEN') end");
    assert_non_null(reply);
    freeReplyObject(reply);
    redisFree(redis);
    CALL(c, store_get, 2);
    assert_int_equal(c->error.code, ERROR_CONFLICT);
}

static void test_too_many_calls_are_refused(void **state)
{
    struct contract *c = *state;
    struct error e = {0};
    unsigned taken = 0;
    redis_kill(&server);
    while (taken < 10000 && store_head(c->store, contract_done, c, &e) == 0)
        taken++;
    assert_in_range(taken, 100, 5000);
    assert_int_equal(e.code, ERROR_REFUSED);
    redis_run(&server, "--appendonly", "yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        CONTRACT_TEST(test_survives_a_restart_of_ours),
        CONTRACT_TEST(test_prefixes_and_databases_are_apart),
        CONTRACT_TEST(test_waits_for_a_server_that_comes_back),
        CONTRACT_TEST(test_says_that_nobody_is_there),
        CONTRACT_TEST(test_a_server_that_hangs),
        CONTRACT_TEST(test_users_and_passwords),
        CONTRACT_TEST(test_a_replica_is_not_written_to),
        CONTRACT_TEST(test_replicas),
        CONTRACT_TEST(test_foreign_data_is_refused),
        CONTRACT_TEST(test_an_edited_commit_is_found_out),
        CONTRACT_TEST(test_too_many_calls_are_refused),
    };
    signal(SIGPIPE, SIG_IGN);
    redis_create(&server);
    redis_run(&server, "--appendonly", "yes");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return redis_destroy(&server) != 0 ? 1 : failed;
}
