/* Members: joins, beats and silences with a clock that is an argument; and the pool directory that
 * is read from them. */

#include "coordinator/members.h"
#include "coordinator/pools.h"
#include "proto/wire/cluster_update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define UUID_1 "11111111-0000-4000-8000-000000000001"
#define UUID_2 "22222222-0000-4000-8000-000000000002"
#define BOOT_1 "aaaaaaaa-0000-4000-8000-000000000001"
#define BOOT_2 "bbbbbbbb-0000-4000-8000-000000000002"

struct scene {
    struct members members;
    bool connected;
    unsigned changes, moves;
    enum member_state before;
    struct error error;
};

static void on_changed(void *arg, struct member *m, enum member_state before, const char *why)
{
    struct scene *s = arg;
    assert_non_null(why);
    assert_true(m->state != before || m->state == MEMBER_JOINING);
    s->changes++;
    s->before = before;
}

static void on_moved(void *arg, struct member *m)
{
    (void)m;
    ((struct scene *)arg)->moves++;
}

static bool is_connected(void *arg, const struct peer *peer)
{
    (void)peer;
    return ((struct scene *)arg)->connected;
}

static const struct members_ops ops = {on_changed, on_moved, is_connected};

static void setup(struct scene *s)
{
    memset(s, 0, sizeof *s);
    s->connected = true;
    members_init(&s->members, &ops, s);
}

static struct cluster_join join_of(const char *uuid, const char *boot, const char *name)
{
    return (struct cluster_join){.uuid = slice_str(uuid),
                                 .boot = slice_str(boot),
                                 .name = slice_str(name),
                                 .server = SLICE("main"),
                                 .host = SLICE("h1"),
                                 .pid = 7,
                                 .program = SLICE("mongrel2"),
                                 .handler = SLICE("tcp://127.0.0.1:7001")};
}

static const struct peer peer_1 = {{1}, 1};

static struct member *join(struct scene *s, const char *uuid, const char *boot, const char *name,
                           uint64_t now)
{
    struct member *m = NULL;
    struct cluster_join j = join_of(uuid, boot, name);
    return members_join(&s->members, &j, &peer_1, now, &m, &s->error) == 0 ? m : NULL;
}

static int beat(struct scene *s, enum cluster_condition condition, int64_t version, int64_t head,
                uint64_t now)
{
    struct cluster_beat b = {.uuid = SLICE(UUID_1),
                             .boot = SLICE(BOOT_1),
                             .version = version,
                             .condition = (int)condition,
                             .error = SLICE("why not")};
    return members_beat(&s->members, &b, &peer_1, now, head, &s->error);
}

/* From each state, each thing that can happen. The columns are as in the table of members.c. */
static void test_transitions(void **state)
{
    (void)state;
    enum { J = MEMBER_JOINING, R, D, S, G, V, N };
    static const int expected[MEMBER_STATE_COUNT][7] = {
        [J] = {R, J, D, N, V, S, G}, [R] = {R, R, D, N, V, S, G}, [D] = {R, R, D, N, V, S, G},
        [S] = {R, J, D, N, V, S, G}, [G] = {R, J, D, N, V, G, G}, [V] = {R, J, D, N, V, S, G},
        [N] = {R, J, D, N, V, S, G},
    };
    for (int from = 0; from < MEMBER_STATE_COUNT; from++)
        for (int event = 0; event < 7; event++) {
            struct scene s;
            setup(&s);
            struct member *m = join(&s, UUID_1, BOOT_1, "web-1", 1000);
            m->state = (enum member_state)from;
            switch (event) {
            case 0: beat(&s, CONDITION_READY, 5, 5, 1000); break;
            case 1: beat(&s, CONDITION_READY, 4, 5, 1000); break;
            case 2: beat(&s, CONDITION_DRAINING, 5, 5, 1000); break;
            case 3: beat(&s, CONDITION_NACKED, 4, 5, 1000); break;
            case 4: beat(&s, CONDITION_DIVERGED, 9, 5, 1000); break;
            case 5: members_tick(&s.members, 1000 + MEMBER_SUSPECT_MS); break;
            case 6: members_tick(&s.members, 1000 + MEMBER_GONE_MS); break;
            }
            if ((int)m->state != expected[from][event])
                fail_msg("from %s by event %d: %s", member_state_name((enum member_state)from),
                         event, member_state_name(m->state));
            assert_int_equal(s.changes, 1u + (expected[from][event] != from));
            members_fini(&s.members);
        }
}

static void test_the_life_of_a_member(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    struct member *m = join(&s, UUID_1, BOOT_1, "web-1", 1000);
    assert_int_equal(m->state, MEMBER_JOINING);
    assert_int_equal(s.moves, 1);
    beat(&s, CONDITION_READY, 0, 0, 1500);
    assert_int_equal(m->state, MEMBER_READY);
    members_tick(&s.members, 1500 + MEMBER_SUSPECT_MS - 1);
    assert_true(member_is_live(m));
    members_tick(&s.members, 1500 + MEMBER_SUSPECT_MS);
    assert_int_equal(m->state, MEMBER_SUSPECT);
    assert_false(member_is_live(m));
    assert_int_equal(s.moves, 1); /* its pools stay in the directory */
    members_tick(&s.members, 1500 + MEMBER_GONE_MS);
    assert_int_equal(m->state, MEMBER_GONE);
    assert_int_equal(s.moves, 2);
    beat(&s, CONDITION_READY, 0, 0, 20000);
    assert_int_equal(m->state, MEMBER_READY);
    assert_int_equal(s.moves, 3);
    members_tick(&s.members, 20000 + MEMBER_FORGET_MS);
    assert_null(members_by_uuid(&s.members, SLICE(UUID_1)));
    members_fini(&s.members);
}

static void test_unknown_beats_are_asked_to_join(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    assert_int_equal(beat(&s, CONDITION_READY, 0, 0, 1000), -1);
    assert_int_equal(s.error.code, ERROR_NOT_FOUND);
    join(&s, UUID_1, BOOT_2, "web-1", 1000); /* the beats below are of an older process */
    assert_int_equal(beat(&s, CONDITION_READY, 0, 0, 1000), -1);
    members_fini(&s.members);
}

static void test_a_second_node_with_the_uuid_is_refused(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    struct member *m = join(&s, UUID_1, BOOT_1, "web-1", 1000);
    assert_ptr_equal(join(&s, UUID_1, BOOT_1, "web-1", 1500), m); /* itself, again */
    assert_null(join(&s, UUID_1, BOOT_2, "web-2", 2000));
    assert_int_equal(s.error.code, ERROR_EXISTS);
    assert_non_null(strstr(s.error.text, "h1"));
    assert_non_null(strstr(s.error.text, "web-1"));
    assert_string_equal(m->boot, BOOT_1);
    /* its connection is down: it was restarted */
    s.connected = false;
    assert_ptr_equal(join(&s, UUID_1, BOOT_2, "web-1", 2100), m);
    assert_int_equal(m->restarts, 1);
    assert_int_equal(m->state, MEMBER_JOINING);
    /* its connection looks well but it has been silent */
    s.connected = true;
    members_tick(&s.members, 2100 + MEMBER_SUSPECT_MS);
    assert_ptr_equal(join(&s, UUID_1, BOOT_1, "web-1", 6000), m);
    assert_int_equal(m->restarts, 2);
    members_fini(&s.members);
}

static void test_a_second_node_with_the_name_is_refused(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    join(&s, UUID_1, BOOT_1, "web-1", 1000);
    assert_null(join(&s, UUID_2, BOOT_2, "web-1", 1000));
    assert_int_equal(s.error.code, ERROR_EXISTS);
    assert_null(members_by_uuid(&s.members, SLICE(UUID_2)));
    s.connected = false;
    assert_non_null(join(&s, UUID_2, BOOT_2, "web-1", 1000));
    members_tick(&s.members, 1000 + MEMBER_SUSPECT_MS);
    beat(&s, CONDITION_READY, 0, 0, 9000);
    /* of two with a name the live one is meant; a UUID is exact */
    assert_string_equal(members_find(&s.members, SLICE("web-1"))->uuid, UUID_1);
    assert_string_equal(members_find(&s.members, SLICE(UUID_2))->uuid, UUID_2);
    assert_null(members_find(&s.members, SLICE("web-9")));
    members_fini(&s.members);
}

static void test_leaving(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    join(&s, UUID_1, BOOT_1, "web-1", 1000);
    struct cluster_leave old = {SLICE(UUID_1), SLICE(BOOT_2), SLICE_EMPTY};
    members_leave(&s.members, &old);
    assert_non_null(members_by_uuid(&s.members, SLICE(UUID_1)));
    struct cluster_leave leave = {SLICE(UUID_1), SLICE(BOOT_1), SLICE("SIGTERM")};
    members_leave(&s.members, &leave);
    assert_null(members_by_uuid(&s.members, SLICE(UUID_1)));
    assert_int_equal(s.moves, 2);
    members_fini(&s.members);
}

static void test_latency_is_merged_and_forgotten(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    struct member *m = join(&s, UUID_1, BOOT_1, "web-1", 1000);
    int64_t pairs[] = {5, 98, 12, 2, HISTOGRAM_BUCKETS, 3, 7}; /* one is off, one has no count */
    struct cluster_beat b = {.uuid = SLICE(UUID_1),
                             .boot = SLICE(BOOT_1),
                             .latency = {pairs, sizeof pairs / sizeof pairs[0]}};
    members_beat(&s.members, &b, &peer_1, 100000, 0, NULL);
    assert_int_equal(member_latency_us(m, 0.5), 5);
    assert_int_equal(member_latency_us(m, 0.99), 12);
    b.latency.count = 0;
    members_beat(&s.members, &b, &peer_1, 160000, 0, NULL);
    assert_int_equal(member_latency_us(m, 0.5), 5);
    members_beat(&s.members, &b, &peer_1, 220000, 0, NULL);
    assert_int_equal(member_latency_us(m, 0.5), 0);
    members_fini(&s.members);
}

/* The names of the nodes in the directory of a pool, "web-1 web-2". */
static const char *directory(struct scene *s, const char *pool, char *out)
{
    struct buf b = BUF_INIT;
    struct cluster_update u;
    struct cluster_table t;
    struct arena a;
    arena_init(&a, 0);
    pools_update(&b, &s->members, slice_str(pool));
    assert_int_equal(cluster_update_decode(&u, buf_slice(&b), 10000, &a, NULL), 0);
    assert_int_equal(cluster_table_decode(&t, u.pool.headers, u.pool.rows, &a, NULL), 0);
    out[0] = '\0';
    for (size_t i = 0; i < t.row_count; i++) {
        assert_true(slice_eq(cluster_table_text(&t, i, "endpoint"), SLICE("tcp://127.0.0.1:7001")));
        snprintf(out + strlen(out), 100 - strlen(out), "%s%.*s", i > 0 ? " " : "",
                 SLICE_ARG(cluster_table_text(&t, i, "node")));
    }
    arena_fini(&a);
    buf_fini(&b);
    return out;
}

static void test_the_directory_of_pools(void **state)
{
    (void)state;
    struct scene s;
    char out[100];
    struct slice both[] = {SLICE("chat"), SLICE("mail")};
    struct member *m;
    setup(&s);
    struct cluster_join j = join_of(UUID_1, BOOT_1, "web-1");
    j.pools = (struct field_strings){both, 2};
    members_join(&s.members, &j, &peer_1, 1000, &m, NULL);
    j = join_of(UUID_2, BOOT_2, "web-2");
    j.pools = (struct field_strings){both, 1};
    members_join(&s.members, &j, &peer_1, 5000, &m, NULL);
    assert_string_equal(directory(&s, "chat", out), "web-1 web-2");
    assert_string_equal(directory(&s, "mail", out), "web-1");
    assert_string_equal(directory(&s, "none", out), "");
    unsigned moves = s.moves;
    j.pools = (struct field_strings){both + 1, 1};
    members_join(&s.members, &j, &peer_1, 5000, &m, NULL);
    assert_int_equal(s.moves, moves + 1);
    assert_string_equal(directory(&s, "chat", out), "web-1");
    assert_string_equal(directory(&s, "mail", out), "web-1 web-2");
    members_join(&s.members, &j, &peer_1, 5000, &m, NULL);
    assert_int_equal(s.moves, moves + 1); /* nothing new */
    members_tick(&s.members, 1000 + MEMBER_SUSPECT_MS);
    assert_string_equal(directory(&s, "mail", out), "web-1 web-2");
    members_tick(&s.members, 1000 + MEMBER_GONE_MS);
    assert_string_equal(directory(&s, "mail", out), "web-2");
    members_fini(&s.members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),
        cmocka_unit_test(test_the_life_of_a_member),
        cmocka_unit_test(test_unknown_beats_are_asked_to_join),
        cmocka_unit_test(test_a_second_node_with_the_uuid_is_refused),
        cmocka_unit_test(test_a_second_node_with_the_name_is_refused),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_latency_is_merged_and_forgotten),
        cmocka_unit_test(test_the_directory_of_pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
