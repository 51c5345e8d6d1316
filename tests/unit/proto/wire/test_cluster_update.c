/* Updates go there and back; a few refusals stand for the decoder that they share with requests. */

#include "proto/wire/cluster_update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UUID "0f6e8a2c-93a1-4a6e-9a53-6d0a3c4c2d11"
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void there_and_back(const struct cluster_update *in, struct cluster_update *out,
                           struct arena *a)
{
    struct buf b = BUF_INIT;
    struct error e;
    cluster_update_encode(&b, in);
    if (cluster_update_decode(out, arena_slice(a, buf_slice(&b)), 10000, a, &e) != 0)
        fail_msg("%s: %s", cluster_update_name(in->kind), e.text);
    assert_int_equal(in->kind, out->kind);
    buf_fini(&b);
}

static void test_every_kind_goes_there_and_back(void **state)
{
    (void)state;
    struct cluster_update in, out;
    struct arena a;
    arena_init(&a, 0);

    cluster_update_init(&in, UPDATE_PREPARE);
    in.prepare = (struct cluster_prepare){3, 42, SLICE(HASH), SLICE("record\0bytes"),
                                          SLICE("what\0changed")};
    there_and_back(&in, &out, &a);
    assert_int_equal(out.prepare.token, 3);
    assert_int_equal(out.prepare.version, 42);
    assert_true(slice_eq(out.prepare.commit, in.prepare.commit));

    cluster_update_init(&in, UPDATE_ABORT);
    in.decision = (struct cluster_decision){3, 42, SLICE(HASH), SLICE("node web-1 refused")};
    there_and_back(&in, &out, &a);
    assert_true(slice_eq(out.decision.reason, in.decision.reason));
    in.kind = UPDATE_ACTIVATE;
    in.decision.reason = SLICE_EMPTY;
    there_and_back(&in, &out, &a);
    assert_int_equal(out.decision.version, 42);

    cluster_update_init(&in, UPDATE_BEAT);
    in.beat = (struct cluster_head_beat){SLICE(UUID),
                                         SLICE("c1"),
                                         true,
                                         3,
                                         41,
                                         SLICE(HASH),
                                         42,
                                         SLICE(HASH),
                                         1000,
                                         7,
                                         SLICE("26:5:pause,4:chat,5:60000#]"),
                                         9,
                                         11};
    there_and_back(&in, &out, &a);
    assert_true(out.beat.leader);
    assert_int_equal(out.beat.pending, 42);
    assert_int_equal(out.beat.interval_ms, 1000);
    assert_int_equal(out.beat.orders_seq, 7);
    assert_int_equal(out.beat.keys_seq, 9);
    assert_int_equal(out.beat.tickets_seq, 11);
    assert_true(slice_eq(out.beat.orders, in.beat.orders));

    cluster_update_init(&in, UPDATE_POOL);
    in.pool = (struct cluster_pool_update){SLICE("chat"), SLICE("4:pool,"), SLICE("0:]")};
    there_and_back(&in, &out, &a);
    assert_true(slice_eq(out.pool.rows, SLICE("0:]")));
    arena_fini(&a);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum error_code code;
    } cases[] = {
        {"", ERROR_INVALID},
        {"11:5:nosay,0:}]", ERROR_UNSUPPORTED},
        {"11:5:abort,0:}]", ERROR_INVALID},
        {"21:5:abort,9:5:token,}]", ERROR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cluster_update u;
        struct arena a;
        struct error e;
        arena_init(&a, 0);
        assert_int_equal(cluster_update_decode(&u, slice_str(cases[i].bytes), 100, &a, &e), -1);
        assert_int_equal(e.code, cases[i].code);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_goes_there_and_back),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
