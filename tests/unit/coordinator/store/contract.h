/* What every store must do. A test program has `contract_open` (a fresh, empty store) and
 * `contract_end_lease`, and runs CONTRACT_TESTS with contract_setup and contract_teardown around
 * each. */
#ifndef TESTS_STORE_CONTRACT_H
#define TESTS_STORE_CONTRACT_H

#include "coordinator/store/store.h"
#include "proto/base/clock.h"

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWNER_A "aaaaaaaa-0000-4000-8000-000000000001"
#define OWNER_B "bbbbbbbb-0000-4000-8000-000000000002"

struct contract {
    struct ev_loop *loop;
    struct store *store;
    int64_t token;
    unsigned done; /* answers so far */
    /* copies of the last answer */
    struct error error;
    struct store_head head;
    char cluster[UUID_LEN + 1];
    struct store_lease lease;
    struct commit commits[20];
    size_t commit_count;
    struct arena arena;
    char records[20][2][64];
    size_t record_count;
};

/* Gives an empty store. */
static struct store *contract_open(struct ev_loop *loop);

/* Lets the time of the lease of 5 s pass for which contract_setup has asked. */
static void contract_end_lease(struct contract *c);

static void contract_done(void *arg, const struct store_result *r)
{
    struct contract *c = arg;
    struct buf b = BUF_INIT;
    c->done++;
    c->error = r->error;
    c->head = r->head;
    c->lease = r->lease;
    memcpy(c->cluster, r->cluster, sizeof c->cluster);
    c->commit_count = r->commit_count;
    arena_reset(&c->arena);
    for (size_t i = 0; i < r->commit_count; i++) {
        buf_clear(&b);
        commit_encode(&r->commits[i], &b);
        assert_int_equal(commit_decode(&c->commits[i], buf_slice(&b), &c->arena, NULL), 0);
    }
    c->record_count = r->record_count;
    for (size_t i = 0; i < r->record_count; i++) {
        snprintf(c->records[i][0], 64, "%.*s", SLICE_ARG(r->records[i].key));
        snprintf(c->records[i][1], 64, "%.*s", SLICE_ARG(r->records[i].value));
    }
    buf_fini(&b);
}

static void contract_wait(struct contract *c, int submitted)
{
    unsigned before = c->done;
    assert_int_equal(submitted, 0);
    while (c->done == before)
        ev_run(c->loop, EVRUN_ONCE);
}

#define CALL(c, function, ...) \
    contract_wait(c, function((c)->store, __VA_ARGS__, contract_done, c, NULL))

static void contract_claim(struct contract *c, const char *owner, int64_t ttl_ms)
{
    CALL(c, store_lease, owner, "tcp://a:1", ttl_ms);
    assert_int_equal(c->error.code, ERROR_NONE);
}

static int contract_setup(void **state)
{
    struct contract *c = calloc(1, sizeof *c);
    clock_fake(1000000, 1700000000000);
    arena_init(&c->arena, 0);
    c->loop = ev_loop_new(EVFLAG_AUTO);
    c->store = contract_open(c->loop);
    contract_claim(c, OWNER_A, 5000);
    c->token = c->lease.token;
    *state = c;
    return 0;
}

static int contract_teardown(void **state)
{
    struct contract *c = *state;
    store_close(&c->store);
    ev_loop_destroy(c->loop);
    arena_fini(&c->arena);
    free(c);
    clock_fake_stop();
    return 0;
}

/* A sealed commit; the strings are literals. */
static struct commit contract_commit(uint64_t version, const char *parent, const char *config,
                                     const char *why)
{
    struct commit c = {.version = version,
                       .config = slice_str(config),
                       .who = SLICE("zed"),
                       .where = SLICE("h"),
                       .how = SLICE("m2sh push"),
                       .why = slice_str(why),
                       .when_ms = 1700000000000 + (int64_t)version,
                       .scope = SLICE("all")};
    snprintf(c.parent, sizeof c.parent, "%s", parent);
    assert_int_equal(commit_seal(&c, NULL), 0);
    return c;
}

/* Appends versions 1 to `count`; their configurations alternate between two. */
static void contract_fill(struct contract *c, unsigned count)
{
    char parent[CANON_HASH_LEN + 1] = COMMIT_NO_PARENT;
    for (unsigned v = 1; v <= count; v++) {
        struct commit commit = contract_commit(v, parent, v % 2 ? "odd" : "even", "because");
        CALL(c, store_append, &commit, c->token);
        assert_int_equal(c->error.code, ERROR_NONE);
        assert_int_equal(c->head.version, v);
        assert_string_equal(c->head.hash, commit.hash);
        memcpy(parent, commit.hash, sizeof parent);
    }
}

static void contract_an_empty_store(void **state)
{
    struct contract *c = *state;
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 0);
    assert_string_equal(c->head.hash, COMMIT_NO_PARENT);
    assert_true(uuid_is_valid(slice_str(c->cluster)));
    CALL(c, store_get, 0);
    assert_int_equal(c->error.code, ERROR_NOT_FOUND);
    CALL(c, store_list, 0, 10);
    assert_int_equal(c->commit_count, 0);
    CALL(c, store_scan, STORE_NOTE, SLICE_EMPTY, 10);
    assert_int_equal(c->record_count, 0);
}

static void contract_what_is_appended_can_be_read(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 5);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 5);
    CALL(c, store_get, 4);
    assert_int_equal(c->commit_count, 1);
    assert_int_equal(c->commits[0].version, 4);
    assert_true(slice_eq(c->commits[0].config, SLICE("even")));
    assert_true(slice_eq(c->commits[0].why, SLICE("because")));
    assert_int_equal(commit_verify(&c->commits[0], NULL), 0);
    CALL(c, store_get, 0);
    assert_int_equal(c->commits[0].version, 5);
    assert_true(slice_eq(c->commits[0].config, SLICE("odd")));
    CALL(c, store_get, 6);
    assert_int_equal(c->error.code, ERROR_NOT_FOUND);
}

static void contract_lists_newest_first(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 5);
    CALL(c, store_list, 0, 3);
    assert_int_equal(c->commit_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(c->commits[i].version, 5 - i);
        assert_int_equal(c->commits[i].config.len, 0);
        assert_int_equal(commit_verify(&c->commits[i], NULL), 0);
    }
    CALL(c, store_list, 3, 10);
    assert_int_equal(c->commit_count, 2);
    assert_int_equal(c->commits[0].version, 2);
    CALL(c, store_list, 1, 10);
    assert_int_equal(c->commit_count, 0);
}

static void contract_appends_only_to_the_head(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 2);
    struct store_head head = c->head;
    char wrong[CANON_HASH_LEN + 1];
    memset(wrong, 'a', CANON_HASH_LEN);
    wrong[CANON_HASH_LEN] = '\0';
    const struct commit refused[] = {
        contract_commit(2, head.hash, "x", ""), contract_commit(4, head.hash, "x", ""),
        contract_commit(3, wrong, "x", ""), contract_commit(1, COMMIT_NO_PARENT, "x", "")};
    for (size_t i = 0; i < 4; i++) {
        CALL(c, store_append, &refused[i], c->token);
        assert_int_equal(c->error.code, ERROR_CONFLICT);
        assert_int_equal(c->head.version, 2);
        assert_string_equal(c->head.hash, head.hash);
    }
    CALL(c, store_list, 0, 10);
    assert_int_equal(c->commit_count, 2);
}

static void contract_of_two_appends_one_wins(void **state)
{
    struct contract *c = *state;
    struct commit one = contract_commit(1, COMMIT_NO_PARENT, "one", "");
    struct commit two = contract_commit(1, COMMIT_NO_PARENT, "two", "");
    assert_int_equal(store_append(c->store, &one, c->token, contract_done, c, NULL), 0);
    CALL(c, store_append, &two, c->token); /* returns after the first of the two answers */
    while (c->done < 3)
        ev_run(c->loop, EVRUN_ONCE);
    assert_int_equal(c->error.code, ERROR_CONFLICT);
    assert_string_equal(c->head.hash, one.hash);
}

/* How a lost answer is cleared up, also by one who no longer leads. */
static void contract_appending_again_succeeds(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 1);
    struct commit next = contract_commit(2, c->head.hash, "x", "");
    struct commit other = contract_commit(2, c->head.hash, "y", "");
    CALL(c, store_append, &next, c->token);
    contract_end_lease(c);
    contract_claim(c, OWNER_B, 5000);
    struct commit top = contract_commit(3, next.hash, "z", "");
    CALL(c, store_append, &top, c->lease.token);
    assert_int_equal(c->error.code, ERROR_NONE);
    CALL(c, store_append, &next, c->token);
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_int_equal(c->head.version, 2);
    assert_string_equal(c->head.hash, next.hash);
    CALL(c, store_append, &other, c->token);
    assert_int_equal(c->error.code, ERROR_DENIED);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 3);
}

static void contract_an_old_token_stores_nothing(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 1);
    struct commit next = contract_commit(2, c->head.hash, "x", "");
    contract_end_lease(c);
    contract_claim(c, OWNER_B, 5000);
    assert_true(c->lease.held);
    assert_true(c->lease.token > c->token);
    int64_t token = c->lease.token;
    CALL(c, store_append, &next, c->token);
    assert_int_equal(c->error.code, ERROR_DENIED);
    CALL(c, store_put, STORE_NOTE, SLICE("k"), SLICE("v"), c->token);
    assert_int_equal(c->error.code, ERROR_DENIED);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 1);
    CALL(c, store_append, &next, token);
    assert_int_equal(c->error.code, ERROR_NONE);
}

static void contract_the_lease(void **state)
{
    struct contract *c = *state;
    contract_claim(c, OWNER_A, 5000); /* renewed: the same token */
    assert_true(c->lease.held);
    assert_int_equal(c->lease.token, c->token);
    CALL(c, store_lease, OWNER_B, "tcp://b:2", (int64_t)5000);
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_false(c->lease.held);
    assert_string_equal(c->lease.owner, OWNER_A);
    assert_string_equal(c->lease.endpoint, "tcp://a:1");
    contract_end_lease(c);
    CALL(c, store_lease, OWNER_B, "tcp://b:2", (int64_t)5000);
    assert_true(c->lease.held);
    assert_true(c->lease.token > c->token);
    assert_true(c->lease.token >= 1700000005); /* also of a server's own clock */
    contract_claim(c, OWNER_A, 5000);
    assert_false(c->lease.held);
    assert_string_equal(c->lease.endpoint, "tcp://b:2");
}

/* A lease of no time: given back. */
static void contract_the_lease_given_back(void **state)
{
    struct contract *c = *state;
    contract_claim(c, OWNER_A, 0);
    contract_claim(c, OWNER_B, 5000);
    assert_true(c->lease.held);
    assert_true(c->lease.token > c->token);
}

static void contract_records(void **state)
{
    struct contract *c = *state;
    static const char *const keys[] = {"2026-01", "2026-03", "2026-02", "a\xff"};
    for (size_t i = 0; i < 4; i++)
        CALL(c, store_put, STORE_NOTE, slice_str(keys[i]), SLICE("first"), c->token);
    CALL(c, store_put, STORE_NOTE, SLICE("2026-02"), SLICE("second"), c->token);
    CALL(c, store_put, STORE_ORDER, SLICE("2026-02"), SLICE("other kind"), c->token);
    CALL(c, store_scan, STORE_NOTE, SLICE_EMPTY, 3);
    assert_int_equal(c->record_count, 3);
    assert_string_equal(c->records[0][0], "a\xff");
    assert_string_equal(c->records[1][0], "2026-03");
    assert_string_equal(c->records[2][0], "2026-02");
    assert_string_equal(c->records[2][1], "second");
    CALL(c, store_scan, STORE_NOTE, SLICE("2026-02"), 3);
    assert_int_equal(c->record_count, 1);
    assert_string_equal(c->records[0][0], "2026-01");
    CALL(c, store_put, STORE_NOTE, SLICE("2026-01"), SLICE_EMPTY, c->token);
    CALL(c, store_put, STORE_NOTE, SLICE("never there"), SLICE_EMPTY, c->token);
    assert_int_equal(c->error.code, ERROR_NONE);
    CALL(c, store_scan, STORE_NOTE, SLICE("2026-02"), 3);
    assert_int_equal(c->record_count, 0);
}

static void contract_bytes_of_any_kind(void **state)
{
    struct contract *c = *state;
    char bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    struct commit big = contract_commit(1, COMMIT_NO_PARENT, "", "\r\n$-1\r\n\xff\x01");
    big.config = slice_of(bytes, sizeof bytes);
    assert_int_equal(commit_seal(&big, NULL), 0);
    CALL(c, store_append, &big, c->token);
    assert_int_equal(c->error.code, ERROR_NONE);
    CALL(c, store_get, 1);
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_true(slice_eq(c->commits[0].config, big.config));
    assert_true(slice_eq(c->commits[0].why, big.why));
}

static void contract_a_restore(void **state)
{
    struct contract *c = *state;
    static const char cluster[] = "cccccccc-0000-4000-8000-000000000003";
    CALL(c, store_restore, cluster, false, c->token - 1);
    assert_int_equal(c->error.code, ERROR_DENIED);
    CALL(c, store_restore, cluster, false, c->token);
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_int_equal(c->head.version, 0);
    assert_string_equal(c->cluster, cluster);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->error.code, ERROR_REFUSED); /* half of a history is none */
    contract_fill(c, 2);
    CALL(c, store_restore, cluster, false, c->token); /* it goes on */
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_int_equal(c->head.version, 2);
    CALL(c, store_restore, OWNER_A, false, c->token);
    assert_int_equal(c->error.code, ERROR_CONFLICT);
    CALL(c, store_restore, cluster, true, c->token);
    assert_int_equal(c->error.code, ERROR_NONE);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_int_equal(c->head.version, 2);
    assert_string_equal(c->cluster, cluster);
}

static void contract_answers_come_later_and_in_order(void **state)
{
    struct contract *c = *state;
    unsigned before = c->done;
    for (int i = 0; i < 5; i++)
        assert_int_equal(store_get(c->store, 1, contract_done, c, NULL), 0);
    assert_int_equal(store_head(c->store, contract_done, c, NULL), 0);
    assert_int_equal(c->done, before);
    while (c->done < before + 6)
        ev_run(c->loop, EVRUN_ONCE);
    assert_int_equal(c->error.code, ERROR_NONE); /* the last one was head's */
}

static void contract_closing_finishes_what_was_asked(void **state)
{
    struct contract *c = *state;
    unsigned before = c->done;
    struct commit one = contract_commit(1, COMMIT_NO_PARENT, "one", "");
    assert_int_equal(store_append(c->store, &one, c->token, contract_done, c, NULL), 0);
    store_close(&c->store);
    assert_int_equal(c->done, before + 1);
    assert_int_equal(c->error.code, ERROR_NONE);
}

#define CONTRACT_TEST(name) cmocka_unit_test_setup_teardown(name, contract_setup, contract_teardown)
#define CONTRACT_TESTS                                                                            \
    CONTRACT_TEST(contract_an_empty_store), CONTRACT_TEST(contract_what_is_appended_can_be_read), \
        CONTRACT_TEST(contract_lists_newest_first),                                               \
        CONTRACT_TEST(contract_appends_only_to_the_head),                                         \
        CONTRACT_TEST(contract_of_two_appends_one_wins),                                          \
        CONTRACT_TEST(contract_appending_again_succeeds),                                         \
        CONTRACT_TEST(contract_an_old_token_stores_nothing), CONTRACT_TEST(contract_the_lease),   \
        CONTRACT_TEST(contract_the_lease_given_back), CONTRACT_TEST(contract_records),            \
        CONTRACT_TEST(contract_bytes_of_any_kind), CONTRACT_TEST(contract_a_restore),             \
        CONTRACT_TEST(contract_answers_come_later_and_in_order),                                  \
        CONTRACT_TEST(contract_closing_finishes_what_was_asked)

#endif
