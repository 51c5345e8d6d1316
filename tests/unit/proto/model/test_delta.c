#include "proto/base/clock.h"
#include "proto/model/delta.h"
#include "tests/unit/proto/model/mutate.h"

static struct buf make(const struct model *before, const struct model *after)
{
    struct buf out = BUF_INIT;
    struct error e = {0};
    if (delta_make(before, after, &out, &e) < 0)
        fail_msg("%s", e.text);
    return out;
}

/* The delta leads from one to the other; returns its size. */
static size_t assert_delta(const struct model *before, const struct model *after)
{
    struct buf delta = make(before, after), base = BUF_INIT, wanted = BUF_INIT;
    struct delta_result r, again;
    struct error e = {0};
    char hash[CANON_HASH_LEN + 1];
    if (delta_apply(before, NULL, buf_slice(&delta), &r, &e) < 0)
        fail_msg("%s\n%s", e.text, buf_str(&delta));
    assert_int_equal(canon_encode(after, &wanted, NULL), 0);
    assert_true(slice_eq(buf_slice(&r.canonical), buf_slice(&wanted)));
    assert_true(model_is_frozen(r.model));
    canon_hash(buf_slice(&wanted), hash);
    assert_string_equal(r.hash, hash);
    assert_int_equal(canon_encode(before, &base, NULL), 0);
    canon_hash(buf_slice(&base), hash);
    assert_int_equal(delta_apply(before, hash, buf_slice(&delta), &again, &e), 0);
    assert_string_equal(again.hash, r.hash);
    delta_result_fini(&again);
    hash[0] = hash[0] == 'a' ? 'b' : 'a';
    assert_int_equal(delta_apply(before, hash, buf_slice(&delta), &again, &e), -1);
    assert_int_equal(e.code, ERROR_CONFLICT);
    size_t len = delta.len;
    buf_fini(&delta);
    buf_fini(&base);
    buf_fini(&wanted);
    delta_result_fini(&r);
    return len;
}

static void a_delta_leads_from_one_to_the_other(void **state)
{
    (void)state;
    struct model *m[] = {fixture_site(), fixture_site_with_additions(), model_create(NULL)};
    for (int i = 0; i < 3; i++)
        assert_int_equal(model_freeze(m[i], NULL), 0);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            assert_delta(m[i], m[j]);
    for (int i = 0; i < 3; i++)
        model_unref(m[i]);
}

static void so_it_does_between_any_two(void **state)
{
    (void)state;
    unsigned seed = 99;
    struct model *m = fixture_site_with_additions();
    fixture_row(m, TABLE_HOST, "server_id=1", "name=b.test", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=2", "target_id=1", "target_type=dir", NULL);
    assert_int_equal(model_freeze(m, NULL), 0);
    for (int round = 0; round < 2000; round++) {
        struct model *next = mutate(m, &seed, 3 + (unsigned)round % 20);
        assert_delta(m, next);
        if (round % 10 == 9 &&
            model_count(next, TABLE_ROUTE) > 3) { /* wander, but not to nothing */
            model_unref(m);
            m = model_ref(next);
        }
        model_unref(next);
    }
    model_unref(m);
}

static struct model *large(int handlers)
{
    struct model *m = fixture_site();
    char words[2][40];
    for (int i = 0; i < 10000; i++) {
        snprintf(words[0], sizeof words[0], "path=/r/%d", i);
        fixture_row(m, TABLE_ROUTE, words[0], "host_id=1", "target_id=1", "target_type=handler",
                    NULL);
    }
    for (int i = 0; i < handlers; i++) { /* sorts before the others: moves their numbers */
        snprintf(words[0], sizeof words[0], "send_spec=ipc://a%d", i);
        snprintf(words[1], sizeof words[1], "recv_spec=ipc://b%d", i);
        fixture_row(m, TABLE_HANDLER, words[0], words[1], "send_ident=x", NULL);
    }
    return m;
}

static void a_small_change_is_a_small_delta(void **state)
{
    (void)state;
    struct model *before = large(0), *after = large(1);
    fixture_set(after, model_row_edit(after, TABLE_ROUTE, 5000), "target_id=2");
    fixture_set(after, model_row_edit(after, TABLE_ROUTE, 7000), "path=/other");
    assert_int_equal(model_freeze(before, NULL) + model_freeze(after, NULL), 0);
    uint64_t start = clock_monotonic_ms();
    size_t len = assert_delta(before, after);
    print_message("%zu bytes, made and applied in %d ms\n", len,
                  (int)(clock_monotonic_ms() - start));
    assert_true(len < 600);
    model_unref(before);
    model_unref(after);
}

static void a_delta_for_another_base_is_refused(void **state)
{
    (void)state;
    struct model *a = fixture_site(), *b = fixture_site_with_additions();
    assert_int_equal(model_freeze(a, NULL) + model_freeze(b, NULL), 0);
    struct buf delta = make(a, b);
    struct delta_result r;
    struct error e;
    assert_int_equal(delta_apply(b, NULL, buf_slice(&delta), &r, &e), -1);
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_null(r.model);
    buf_fini(&delta);
    model_unref(a);
    model_unref(b);
}

/* Each byte changed in turn: refused, or (in a length that is read leniently) the right result. */
static void a_damaged_delta_does_nothing(void **state)
{
    (void)state;
    struct model *a = fixture_site(), *b = fixture_site_with_additions();
    assert_int_equal(model_freeze(a, NULL) + model_freeze(b, NULL), 0);
    struct buf delta = make(a, b), wanted = BUF_INIT;
    assert_int_equal(canon_encode(b, &wanted, NULL), 0);
    for (size_t i = 0; i < delta.len; i++) {
        char was = delta.data[i];
        static const char others[] = "09:,#]}-x\xff";
        for (const char *other = others; *other != '\0'; other++) {
            struct delta_result r = {.model = NULL};
            delta.data[i] = *other;
            if (*other != was && delta_apply(a, NULL, buf_slice(&delta), &r, NULL) == 0)
                assert_true(slice_eq(buf_slice(&r.canonical), buf_slice(&wanted)));
            delta_result_fini(&r);
        }
        delta.data[i] = was;
    }
    for (size_t n = 0; n < delta.len; n++)
        assert_int_equal(delta_apply(a, NULL, slice_of(delta.data, n),
                                     &(struct delta_result){.model = NULL}, NULL),
                         -1);
    buf_fini(&delta);
    buf_fini(&wanted);
    model_unref(a);
    model_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delta_leads_from_one_to_the_other),
        cmocka_unit_test(so_it_does_between_any_two),
        cmocka_unit_test(a_small_change_is_a_small_delta),
        cmocka_unit_test(a_delta_for_another_base_is_refused),
        cmocka_unit_test(a_damaged_delta_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
