/* Health checks of upstreams, seen from both sides: what the upstream is asked, and who gets the
 * requests meanwhile. Time is faked; interval and time-out are 2 s, fall is 3, rise is 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/base/log.h"
#include "tests/unit/node/target/proxying.h"

#include <signal.h>

#define OK    "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n"
#define WRONG "HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n"

/* The running configuration changes to the one that is served. */
static void activate(struct proxying *p)
{
    upstreams_renew(&p->serving.upstreams);
    p->serving.worker.snapshot->targets[0]->ops->activate(p->serving.worker.snapshot->targets[0]);
}

static void begin_checked(struct proxying *p, int count, const char *check)
{
    start_with(p, count, "timeout=60", "retries=1", check);
    pass_time(p, 1);
    activate(p);
}

static struct upstream_figures figures(struct proxying *p, int i)
{
    char name[32];
    snprintf(name, sizeof name, "127.0.0.1:%u", p->far[i].port);
    return upstream_figures(map_get(&p->serving.upstreams.by_name, slice_str(name)));
}

/* Waits for the next check, whose whole text is *heard, and answers it. */
static struct slice answer_check(struct proxying *p, int i, const char *answer)
{
    struct slice heard = SLICE_EMPTY;
    uint64_t before = figures(p, i).checks;
    for (int tenths = 0; heard.len == 0 && tenths < 30; tenths++) {
        pass_time(p, 100);
        heard = far_hears(p, &p->far[i]);
    }
    assert_true(slice_starts_with(heard, SLICE("GET /up")));
    if (answer != NULL)
        far_says(p, &p->far[i], answer);
    else
        far_hang_up(&p->far[i]);
    settle(p);
    assert_int_equal(figures(p, i).checks, before + 1);
    return heard;
}

static void test_what_is_asked(void **state)
{
    (void)state;
    struct proxying p;
    char want[200];
    begin_checked(&p, 1, "health_check=/up?x=1");
    snprintf(want, sizeof want,
             "GET /up?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: mongrel2-check\r\n"
             "Accept: */*\r\nConnection: close\r\n\r\n",
             p.far[0].port);
    assert_says(answer_check(&p, 0, OK), want);
    assert_int_equal(read(p.far[0].conn, &(char){0}, 1), 0); /* closed: no keep-alive */
    assert_int_equal(figures(&p, 0).requests, 0);            /* a check is no request */
    assert_int_equal(figures(&p, 0).down, 0);
    clock_fake_stop();
    stop(&p);
}

/* The first result decides alone; then it takes three, or two. */
static void test_fall_and_rise(void **state)
{
    (void)state;
    struct proxying p;
    begin_checked(&p, 1, "health_check=/up");
    static const struct {
        const char *answer; /* NULL: hangs up */
        unsigned down;
    } steps[] = {
        {WRONG, 1}, /* the first */
        {OK, 1},
        {WRONG, 1}, /* not in a row */
        {OK, 1},
        {"HTTP/1.0 302 Found\n\n", 0},
        {NULL, 0},
        {"ICY 200 OK\r\n\r\n", 0},
        {OK, 0},
        {WRONG, 0},
        {"HTTP/1.1 404 None\r\n\r\n", 0},
        {NULL, 1},
        {"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" OK, 1},
        {OK, 0},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        answer_check(&p, 0, steps[i].answer);
        assert_int_equal(figures(&p, 0).down, steps[i].down);
    }
    assert_int_equal(figures(&p, 0).checks_failed, 7);
    assert_int_equal(figures(&p, 0).errors, 0); /* those are of requests */
    clock_fake_stop();
    stop(&p);
}

/* An answer that dribbles in does not hold the check open. */
static void test_slow_answer(void **state)
{
    (void)state;
    struct proxying p;
    begin_checked(&p, 1, "health_check=/up");
    for (int i = 0; i < 30 && far_hears(&p, &p.far[0]).len == 0; i++)
        pass_time(&p, 100);
    for (const char *at = "HTTP/1.1 2"; *at != '\0'; at++) {
        assert_int_equal(figures(&p, 0).down, 0);
        assert_int_equal(write(p.far[0].conn, at, 1), 1);
        pass_time(&p, 190);
    }
    pass_time(&p, 300);
    assert_int_equal(figures(&p, 0).down, 1);
    assert_int_equal(figures(&p, 0).checks, 1);
    clock_fake_stop();
    stop(&p);
}

static void assert_served_by(struct proxying *p, int i)
{
    while (far_hears(p, &p->far[i]).len > 0) /* checks that came meanwhile, perhaps long over */
        (void)!write(p->far[i].conn, OK, sizeof OK - 1);
    ask(p, GET_X);
    assert_says(far_hears(p, &p->far[i]), SENT_X);
    far_says(p, &p->far[i], HELLO);
    assert_says(client_hears(p, NULL), HELLO);
}

static void test_requests_go_to_the_healthy(void **state)
{
    (void)state;
    struct proxying p;
    begin_checked(&p, 2, "health_check=/up");
    answer_check(&p, 0, WRONG);
    for (int i = 0; i < 3; i++)
        assert_served_by(&p, 1);
    far_hang_up(&p.far[1]);
    close(p.far[1].listener); /* checks and requests now fail to connect */
    p.far[1].listener = -1;
    pass_time(&p, 3000);
    pass_time(&p, 3000);
    pass_time(&p, 3000);
    assert_int_equal(figures(&p, 0).down + figures(&p, 1).down, 2);
    assert_served_by(&p, 0); /* all are down: tried nevertheless */
    clock_fake_stop();
    stop(&p);
}

/* A configuration that does not name the check ends it; one that names it again begins anew. */
static void test_follows_the_configuration(void **state)
{
    (void)state;
    struct proxying p;
    begin_checked(&p, 1, "health_check=/up");
    answer_check(&p, 0, WRONG);
    upstreams_renew(&p.serving.upstreams);
    pass_time(&p, 3000);
    pass_time(&p, 3000);
    assert_int_equal(far_hears(&p, &p.far[0]).len, 0);
    assert_int_equal(figures(&p, 0).checks, 1);
    assert_int_equal(figures(&p, 0).down, 0);
    activate(&p);
    answer_check(&p, 0, WRONG);
    activate(&p); /* and named once more it goes on with what it knows */
    assert_int_equal(figures(&p, 0).down, 1);
    clock_fake_stop();
    stop(&p);
}

/* Nothing is left behind by a configuration that goes in the middle of a check. */
static void test_stops_in_the_middle(void **state)
{
    (void)state;
    struct proxying p;
    begin_checked(&p, 1, "health_check=/up");
    for (int i = 0; i < 30 && far_hears(&p, &p.far[0]).len == 0; i++)
        pass_time(&p, 100);
    clock_fake_stop();
    stop(&p);
}

int main(void)
{
    log_set_level(LOG_ERROR_LEVEL);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_fall_and_rise),
        cmocka_unit_test(test_slow_answer),
        cmocka_unit_test(test_requests_go_to_the_healthy),
        cmocka_unit_test(test_follows_the_configuration),
        cmocka_unit_test(test_stops_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
