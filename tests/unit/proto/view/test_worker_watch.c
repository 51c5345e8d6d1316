/* Who is there, who is lost, who has gone in good order. */

#include "proto/view/worker_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void see(struct worker_watch *w, const char *node, const char *uuid, bool leaving,
                uint64_t now_ms)
{
    struct worker_seen s = {.leaving = leaving};
    snprintf(s.node, sizeof s.node, "%s", node);
    snprintf(s.uuid, sizeof s.uuid, "%s", uuid);
    snprintf(s.pool, sizeof s.pool, "api");
    worker_watch_see(w, &s, now_ms);
}

static void done(struct worker_watch *w, const char *node, uint64_t now_ms)
{
    worker_watch_node_done(w, slice_str(node), now_ms);
}

static const struct worker_seen *find(const struct worker_watch *w, const char *node,
                                      const char *uuid)
{
    for (struct map_entry *it = map_first(&w->by_key); it != NULL; it = map_next(it))
        if (strcmp(worker_seen_of(it)->node, node) == 0 &&
            strcmp(worker_seen_of(it)->uuid, uuid) == 0)
            return worker_seen_of(it);
    return NULL;
}

static void test_who_is_missing_is_lost_and_may_come_back(void **state)
{
    struct worker_watch w;
    (void)state;
    worker_watch_init(&w);
    see(&w, "n1", "a", false, 1000);
    see(&w, "n1", "b", false, 1000);
    done(&w, "n1", 1000);
    assert_int_equal(find(&w, "n1", "a")->lost_ms, 0);
    see(&w, "n1", "b", false, 2000);
    done(&w, "n1", 2000);
    see(&w, "n1", "b", false, 3000);
    done(&w, "n1", 3000);
    assert_int_equal(find(&w, "n1", "a")->lost_ms, 2000); /* since then, not since now */
    assert_int_equal(find(&w, "n1", "b")->lost_ms, 0);
    see(&w, "n1", "a", false, 4000);
    done(&w, "n1", 4000);
    assert_int_equal(find(&w, "n1", "a")->lost_ms, 0);
    assert_int_equal(find(&w, "n1", "b")->lost_ms, 4000);
    worker_watch_fini(&w);
}

static void test_who_said_goodbye_is_not_lost(void **state)
{
    struct worker_watch w;
    (void)state;
    worker_watch_init(&w);
    see(&w, "n1", "a", true, 1000);
    done(&w, "n1", 1000);
    assert_non_null(find(&w, "n1", "a"));
    done(&w, "n1", 2000);
    assert_null(find(&w, "n1", "a"));
    worker_watch_fini(&w);
}

static void test_the_lost_are_forgotten_in_the_end(void **state)
{
    struct worker_watch w;
    (void)state;
    worker_watch_init(&w);
    see(&w, "n1", "a", false, 1000);
    done(&w, "n1", 2000);
    done(&w, "n1", 2000 + WORKER_LOST_KEPT_MS - 1);
    assert_non_null(find(&w, "n1", "a"));
    done(&w, "n1", 2000 + WORKER_LOST_KEPT_MS);
    assert_null(find(&w, "n1", "a"));
    worker_watch_fini(&w);
}

static bool is_n2(void *arg, struct slice node)
{
    (void)arg;
    return slice_eq(node, SLICE("n2"));
}

static void test_each_node_tells_of_its_own_workers_only(void **state)
{
    struct worker_watch w;
    (void)state;
    worker_watch_init(&w);
    see(&w, "n1", "a", false, 1000);
    see(&w, "n2", "a", false, 1000);
    done(&w, "n1", 2000);
    assert_int_equal(find(&w, "n1", "a")->lost_ms, 2000);
    assert_int_equal(find(&w, "n2", "a")->lost_ms, 0); /* n2 has not been asked */
    worker_watch_keep(&w, is_n2, NULL);
    assert_null(find(&w, "n1", "a"));
    assert_non_null(find(&w, "n2", "a"));
    worker_watch_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_missing_is_lost_and_may_come_back),
        cmocka_unit_test(test_who_said_goodbye_is_not_lost),
        cmocka_unit_test(test_the_lost_are_forgotten_in_the_end),
        cmocka_unit_test(test_each_node_tells_of_its_own_workers_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
