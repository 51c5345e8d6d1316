/* Which nodes a canary has, and how their work is judged beside what it was before. */

#include "coordinator/canary.h"
#include "coordinator/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NODES = 5 };

struct scene {
    struct members members;
    struct member *nodes[NODES];
    bool is_closed; /* connections of nodes */
    struct error error;
};

static void on_changed(void *arg, struct member *m, enum member_state before, const char *why)
{
    (void)arg, (void)m, (void)before, (void)why;
}

static void on_moved(void *arg, struct member *m)
{
    (void)arg, (void)m;
}

static bool is_connected(void *arg, const struct peer *peer)
{
    (void)peer;
    return !((struct scene *)arg)->is_closed;
}

static const struct members_ops ops = {on_changed, on_moved, is_connected};

/* web-1 to web-5, which join in another order; web-5 has gone. */
static void setup(struct scene *s)
{
    static const int order[NODES] = {3, 5, 1, 4, 2};
    memset(s, 0, sizeof *s);
    members_init(&s->members, &ops, s);
    for (int i = 0; i < NODES; i++) {
        char uuid[UUID_LEN + 1], name[10];
        const struct peer peer = {{(uint8_t)(i + 1)}, 1};
        snprintf(uuid, sizeof uuid, "11111111-0000-4000-8000-00000000000%d", order[i]);
        snprintf(name, sizeof name, "web-%d", order[i]);
        struct cluster_join j = {.uuid = slice_str(uuid),
                                 .boot = slice_str(uuid),
                                 .name = slice_str(name),
                                 .server = SLICE("main")};
        struct member **m = &s->nodes[order[i] - 1];
        assert_int_equal(members_join(&s->members, &j, &peer, 1000, m, &s->error), 0);
        (*m)->state = order[i] == 5 ? MEMBER_GONE : MEMBER_READY;
    }
}

static void teardown(struct scene *s)
{
    members_fini(&s->members);
}

/* The scope that is chosen; "": it is refused. */
static const char *chosen(struct scene *s, const char *wanted)
{
    static char out[200];
    struct buf scope = BUF_INIT;
    memset(&s->error, 0, sizeof s->error);
    bool ok = canary_choose(&s->members, slice_str(wanted), &scope, &s->error) == 0;
    assert_true(ok || s->error.text[0] != '\0');
    snprintf(out, sizeof out, "%s", ok ? buf_str(&scope) : "");
    buf_fini(&scope);
    return out;
}

static void test_which(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    assert_string_equal(chosen(&s, "1"), "web-1");
    assert_string_equal(chosen(&s, "3"), "web-1 web-2 web-3");
    assert_string_equal(chosen(&s, "1%"), "web-1");
    assert_string_equal(chosen(&s, "50%"), "web-1 web-2");
    assert_string_equal(chosen(&s, "51%"), "web-1 web-2 web-3");
    assert_string_equal(chosen(&s, "web-4, web-2 web-4"), "web-4 web-2");
    static const char *const refused[] = {
        "0", "0%", "4", "9", "100%", "76%", "", " , ", "web-1,web-2,web-3,web-4"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_string_equal(chosen(&s, refused[i]), "");
        assert_int_equal(s.error.code, ERROR_USAGE);
    }
    static const char *const unknown[] = {"web-5", "web-6", "web-1 web-6",
                                          "-1",    "%",     "99999999999"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(chosen(&s, unknown[i]), "");
        assert_int_equal(s.error.code, ERROR_NOT_FOUND);
    }
    teardown(&s);
}

static void test_one_is_lost(void **state)
{
    (void)state;
    struct scene s;
    char name[256];
    setup(&s);
    assert_null(canary_lost(&s.members, SLICE("web-1 web-2"), name));
    assert_string_equal(canary_lost(&s.members, SLICE("web-1 web-5"), name), "web-5");
    s.nodes[0]->state = MEMBER_SUSPECT;
    assert_string_equal(canary_lost(&s.members, SLICE("web-2 web-1"), name), "web-1");
    assert_string_equal(canary_lost(&s.members, SLICE("web-9"), name), "web-9");
    teardown(&s);
}

static struct effect_figures figures(unsigned requests, unsigned errors, unsigned ms)
{
    struct effect_figures f;
    memset(&f, 0, sizeof f);
    f.work.requests = requests;
    f.work.errors = errors;
    for (unsigned i = 0; i < requests; i++)
        histogram_add(&f.work.latency, ms * 1000ull);
    return f;
}

static enum canary_judgement judged(struct effect_figures before, struct effect_figures after)
{
    char why[EFFECT_TEXT_MAX] = "";
    enum canary_judgement j = canary_judge(&before, &after, why);
    assert_true(strlen(why) > 5);
    return j;
}

static void test_judgement(void **state)
{
    (void)state;
    struct effect_figures before = figures(1000, 10, 20), restarted = figures(1000, 0, 1);
    assert_int_equal(judged(before, figures(1000, 10, 20)), CANARY_GOOD);
    assert_int_equal(judged(before, figures(99, 99, 20)), CANARY_UNKNOWN);
    assert_int_equal(judged(before, figures(0, 0, 0)), CANARY_UNKNOWN);
    assert_int_equal(judged(before, figures(1000, 20, 20)), CANARY_GOOD);
    assert_int_equal(judged(before, figures(1000, 21, 20)), CANARY_WORSE);
    assert_int_equal(judged(figures(0, 0, 0), figures(100, 2, 20)), CANARY_WORSE);
    assert_int_equal(judged(before, figures(1000, 0, 36)), CANARY_GOOD);
    assert_int_equal(judged(before, figures(1000, 0, 48)), CANARY_WORSE);
    /* where there was too little before, latency has no measure */
    assert_int_equal(judged(figures(50, 0, 1), figures(1000, 0, 500)), CANARY_GOOD);
    restarted.restarts = 1;
    assert_int_equal(judged(before, restarted), CANARY_WORSE);
}

static void beat(struct scene *s, int node, int64_t requests, int64_t errors, uint64_t now)
{
    int64_t pairs[] = {40, 10};
    struct member *m = s->nodes[node];
    struct cluster_beat b = {.uuid = slice_str(m->uuid),
                             .boot = slice_str(m->boot),
                             .condition = CONDITION_READY,
                             .requests = requests,
                             .errors = errors,
                             .latency = {pairs, 2}};
    assert_int_equal(members_beat(&s->members, &b, &m->peer, now, 0, &s->error), 0);
}

/* Counters run from the start of a node; what it did before we knew it is not of the commit. */
static void test_before_and_after(void **state)
{
    (void)state;
    struct scene s;
    struct effect x;
    struct effect_figures after;
    setup(&s);
    beat(&s, 0, 5000, 4000, 2000);
    beat(&s, 0, 5100, 4001, 3000);
    beat(&s, 1, 100000, 0, 2000);
    beat(&s, 1, 200000, 0, 3000);
    effect_begin(&x, &s.members, 7, SLICE("web-1"), 3000);
    assert_int_equal(x.version, 7);
    assert_int_equal(x.before.work.requests, 100);
    assert_int_equal(x.before.work.errors, 1);
    assert_int_equal(x.before.work.latency.count, 20);
    beat(&s, 0, 5400, 4003, 4000);
    beat(&s, 1, 300000, 9, 4000);
    effect_after(&s.members, SLICE("web-1"), &after);
    assert_int_equal(after.work.requests, 300);
    assert_int_equal(after.work.errors, 2);
    assert_int_equal(after.work.latency.count, 10);
    assert_int_equal(after.restarts, 0);
    effect_after(&s.members, SLICE("all"), &after);
    assert_int_equal(after.work.requests, 300 + 200000); /* web-2 was not marked: all of it */
    teardown(&s);
}

static void test_a_restart_counts(void **state)
{
    (void)state;
    struct scene s;
    struct effect x;
    struct effect_figures after;
    struct member *m;
    char text[EFFECT_TEXT_MAX];
    setup(&s);
    beat(&s, 0, 5000, 0, 2000);
    effect_begin(&x, &s.members, 7, SLICE("all"), 2000);
    s.is_closed = true;
    struct cluster_join j = {.uuid = slice_str(s.nodes[0]->uuid),
                             .boot = SLICE("22222222-0000-4000-8000-000000000001"),
                             .name = SLICE("web-1"),
                             .server = SLICE("main")};
    assert_int_equal(members_join(&s.members, &j, &s.nodes[0]->peer, 3000, &m, &s.error), 0);
    beat(&s, 0, 60, 6, 4000); /* of its second life: counted from here */
    beat(&s, 0, 160, 7, 5000);
    effect_after(&s.members, SLICE("all"), &after);
    assert_int_equal(after.work.requests, 100);
    assert_int_equal(after.restarts, 1);
    effect_text(&x.before, &after, 59900, text);
    assert_non_null(strstr(text, "60 s: 100 requests, 1.00% errors (before 0.00%), p50 "));
    assert_non_null(strstr(text, ", 1 restart"));
    teardown(&s);
}

static void test_an_outcome_is_kept(void **state)
{
    (void)state;
    struct outcome o = {.version = 12,
                        .verdict = "applied",
                        .nodes = 3,
                        .ready = 3,
                        .applied = 2,
                        .ms = 17,
                        .effect = "60 s: nothing"},
                   back = {.version = 0};
    struct buf b = BUF_INIT;
    struct arena a;
    char key[OUTCOME_KEY_LEN + 1];
    arena_init(&a, 0);
    outcome_encode(&o, &b);
    assert_true(outcome_decode(&back, buf_slice(&b), &a));
    assert_string_equal(back.verdict, "applied");
    assert_string_equal(back.effect, "60 s: nothing");
    assert_int_equal(back.nodes, 3);
    assert_int_equal(back.applied, 2);
    for (size_t len = 0; len < b.len; len++)
        assert_false(outcome_decode(&back, slice_of(b.data, len), &a));
    assert_false(outcome_decode(&back, SLICE("2:hi,"), &a));
    outcome_key(12, key);
    assert_string_equal(key, "00000000000000000012");
    buf_fini(&b);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_one_is_lost),
        cmocka_unit_test(test_judgement),
        cmocka_unit_test(test_before_and_after),
        cmocka_unit_test(test_a_restart_counts),
        cmocka_unit_test(test_an_outcome_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
