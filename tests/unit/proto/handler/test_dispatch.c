/* Several nodes and workers together, in simulated time: real members, and nodes that follow
 * docs/reference/pool-protocol.md by the letter. Messages take time and so cross each other in all
 * ways. Promised is: every request is served once, a worker never holds more than its capacity, and
 * no request waits while a worker is idle for longer than it takes to hear of each other. */

#include "proto/handler/member.h"

#include "proto/base/error.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES_MAX    8
#define WORKERS_MAX  8
#define REQUESTS     20000
#define DELAY_MS     3 /* one way */
#define HEARTBEAT_MS 1000

struct setup {
    const char *name;
    unsigned nodes, workers, capacity;
    double load;       /* of all places */
    double service_ms; /* mean; one in twenty takes ten times as long */
    double skew;       /* node 0 gets so many times the others' traffic */
};

enum event_type { TO_WORKER, TO_NODE, ARRIVAL, FINISHED };

struct event {
    struct event *next;
    uint64_t at_ms;
    enum event_type type;
    unsigned node, worker;
    struct pool_frame f;
    char id[16];
    unsigned request;
};

struct worker {
    struct member member;
    struct sim *sim;
    unsigned index;
    bool needs_turn;
    uint64_t idle_since_ms;
};

/* What a node keeps of one worker. */
struct seat {
    uint32_t credit, wants;
};

struct node {
    unsigned waiting[REQUESTS]; /* a ring */
    unsigned head, count;
    unsigned turn; /* the next worker to be looked at, so that a burst spreads */
    struct seat seats[WORKERS_MAX];
};

struct sim {
    const struct setup *setup;
    struct event *events;
    uint64_t now_ms;
    struct worker workers[WORKERS_MAX];
    struct node nodes[NODES_MAX];
    struct member_place places[REQUESTS];
    uint64_t arrived_ms[REQUESTS];
    uint8_t served[REQUESTS];
    unsigned served_count;
    double waited_ms;
    uint64_t longest_idle_ms;
    uint32_t random;
};

/* ---- chance and time ------------------------------------------------------------------------ */

static double chance(struct sim *s) /* (0, 1] */
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return (s->random % 1000000 + 1) / 1e6;
}

static uint64_t exponential_ms(struct sim *s, double mean)
{
    return (uint64_t)(-log(chance(s)) * mean + 0.5);
}

/* Behind all that happen at the same time: each link keeps its order. */
static struct event *schedule(struct sim *s, uint64_t delay_ms, enum event_type type, unsigned node,
                              unsigned worker)
{
    struct event *e = calloc(1, sizeof *e), **at = &s->events;
    BUG_ON(e == NULL);
    e->at_ms = s->now_ms + delay_ms;
    e->type = type;
    e->node = node;
    e->worker = worker;
    while (*at != NULL && (*at)->at_ms <= e->at_ms)
        at = &(*at)->next;
    e->next = *at;
    *at = e;
    return e;
}

static void carry(struct sim *s, enum event_type type, unsigned node, unsigned worker,
                  const struct pool_frame *f)
{
    struct event *e = schedule(s, DELAY_MS, type, node, worker);
    e->f = *f;
    struct slice *id = f->type == POOL_REQUEST  ? &e->f.request.id
                       : f->type == POOL_RETURN ? &e->f.returned.id
                                                : NULL;
    if (id != NULL) {
        memcpy(e->id, id->ptr, id->len);
        *id = slice_of(e->id, id->len);
    }
}

/* ---- nodes, by the letter ---------------------------------------------------------------------
 */

static void node_push_back(struct node *n, unsigned request)
{
    n->waiting[(n->head + n->count++) % REQUESTS] = request;
}

static void node_push_front(struct node *n, unsigned request)
{
    n->head = (n->head + REQUESTS - 1) % REQUESTS;
    n->waiting[n->head] = request;
    n->count++;
}

static void node_give(struct sim *s, unsigned node, unsigned worker)
{
    struct node *n = &s->nodes[node];
    char id[16];
    int len = snprintf(id, sizeof id, "%u", n->waiting[n->head]);
    struct pool_frame f = {.type = POOL_REQUEST,
                           .request = {slice_of(id, (size_t)len), SLICE("u 1 / 2:{},0:,")}};
    n->head = (n->head + 1) % REQUESTS;
    n->count--;
    carry(s, TO_WORKER, node, worker, &f);
}

static void node_want(struct sim *s, unsigned node, unsigned worker, uint32_t count)
{
    struct pool_frame f = {.type = POOL_WANT, .want.count = count};
    s->nodes[node].seats[worker].wants = count;
    carry(s, TO_WORKER, node, worker, &f);
}

static void node_flush(struct sim *s, unsigned node)
{
    struct node *n = &s->nodes[node];
    for (unsigned tried = 0; tried < s->setup->workers && n->count > 0; n->turn++) {
        struct seat *seat = &n->seats[n->turn % s->setup->workers];
        tried = seat->credit > 0 ? 0 : tried + 1;
        if (seat->credit > 0) {
            seat->credit--;
            node_give(s, node, n->turn % s->setup->workers);
        }
    }
    for (unsigned w = 0; w < s->setup->workers; w++)
        if (n->count > 0 && n->seats[w].wants < n->count)
            node_want(s, node, w, n->count);
}

static void node_on_credit(struct sim *s, unsigned node, unsigned worker, uint32_t count)
{
    struct node *n = &s->nodes[node];
    struct seat *seat = &n->seats[worker];
    if (seat->wants == 0) {
        seat->credit = count;
        return;
    }
    seat->wants -= count < seat->wants ? count : seat->wants;
    for (; count > 0 && n->count > 0; count--)
        node_give(s, node, worker);
    if (count > 0)
        node_want(s, node, worker, 0);
}

static void node_hears(struct sim *s, const struct event *e)
{
    struct pool_frame pong = {.type = POOL_PONG};
    switch (e->f.type) {
    case POOL_CREDIT: node_on_credit(s, e->node, e->worker, e->f.credit.count); break;
    case POOL_RETURN:
        s->nodes[e->node].seats[e->worker].credit = 0;
        node_push_front(&s->nodes[e->node], (unsigned)atoi(e->f.returned.id.ptr));
        break;
    case POOL_PING: carry(s, TO_WORKER, e->node, e->worker, &pong); break;
    default: break; /* READY: welcomed already */
    }
    node_flush(s, e->node);
}

/* ---- workers ----------------------------------------------------------------------------------
 */

static int sim_open(struct member_node *n)
{
    (void)n;
    return 0;
}

static void sim_close(struct member_node *n)
{
    (void)n;
}

static bool sim_send(struct member_node *n, const struct pool_frame *f)
{
    struct worker *w = n->member->arg;
    carry(w->sim, TO_NODE, (unsigned)(n->endpoint[0] - 'A'), w->index, f);
    return true;
}

static bool sim_deliver(struct member_node *n, const struct pool_frame *f, bool is_counted)
{
    struct worker *w = n->member->arg;
    struct sim *s = w->sim;
    unsigned request = (unsigned)atoi(f->request.id.ptr);
    double mean_ms = s->setup->service_ms / 1.45;
    member_occupy(n, &s->places[request], f->request.id, is_counted);
    assert_true(w->member.running <= s->setup->capacity);
    assert_int_equal(s->served[request]++, 0);
    s->served_count++;
    s->waited_ms += (double)(s->now_ms - s->arrived_ms[request]);
    uint64_t takes_ms = exponential_ms(s, chance(s) < 0.05 ? mean_ms * 10 : mean_ms);
    schedule(s, takes_ms, FINISHED, 0, w->index)->request = request;
    return true;
}

static void sim_event(struct member *m, const char *text)
{
    (void)m;
    if (strstr(text, "joined") == NULL)
        fail_msg("%s", text); /* nobody is lost here */
}

static const struct member_ops sim_ops = {sim_open, sim_close, sim_send, sim_deliver, sim_event};

static struct member_node *member_node_of(struct member *m, unsigned node)
{
    list_for_each (it, &m->nodes) {
        struct member_node *n = container_of(it, struct member_node, link);
        if (n->endpoint[0] == (char)('A' + node))
            return n;
    }
    return NULL;
}

/* ---- the run ----------------------------------------------------------------------------------
 */

static void handle(struct sim *s, struct event *e)
{
    struct worker *w = &s->workers[e->worker];
    switch (e->type) {
    case TO_WORKER:
        member_on_frame(member_node_of(&w->member, e->node), &e->f, s->now_ms);
        w->needs_turn = true;
        break;
    case TO_NODE: node_hears(s, e); break;
    case ARRIVAL:
        s->arrived_ms[e->request] = s->now_ms;
        node_push_back(&s->nodes[e->node], e->request);
        node_flush(s, e->node);
        break;
    case FINISHED:
        member_done(&w->member, &s->places[e->request]);
        w->needs_turn = true;
        break;
    }
}

/* For how long has this worker had room while a request waited somewhere? A place that is held for
 * a node counts as taken, but not for longer than the way there and back takes. */
static void watch(struct sim *s, struct worker *w, bool waits)
{
    list_for_each (it, &w->member.nodes) {
        struct member_node *n = container_of(it, struct member_node, link);
        assert_true(n->held == 0 || s->now_ms - n->held_ms <= 2 * DELAY_MS);
    }
    if (!waits || w->member.running + w->member.held >= s->setup->capacity) {
        w->idle_since_ms = 0;
        return;
    }
    if (w->idle_since_ms == 0)
        w->idle_since_ms = s->now_ms;
    if (s->now_ms - w->idle_since_ms > s->longest_idle_ms)
        s->longest_idle_ms = s->now_ms - w->idle_since_ms;
}

/* Once all that happens at one time has happened. */
static void end_of_turn(struct sim *s)
{
    bool waits = false;
    for (unsigned i = 0; i < s->setup->nodes; i++)
        waits |= s->nodes[i].count > 0;
    for (unsigned i = 0; i < s->setup->workers; i++) {
        struct worker *w = &s->workers[i];
        if (w->needs_turn || s->now_ms >= member_deadline(&w->member, s->now_ms)) {
            member_tick(&w->member, s->now_ms);
            member_flush(&w->member, s->now_ms);
        }
        w->needs_turn = false;
        watch(s, w, waits);
    }
}

static void schedule_arrivals(struct sim *s)
{
    const struct setup *p = s->setup;
    double rate = p->load * p->workers * p->capacity / p->service_ms;
    double at_ms = 100, weight = p->skew + p->nodes - 1;
    for (unsigned i = 0; i < REQUESTS; i++) {
        at_ms += -log(chance(s)) / rate;
        double pick = chance(s) * weight;
        unsigned node = pick <= p->skew ? 0 : 1 + (unsigned)(pick - p->skew);
        struct event *e = calloc(1, sizeof *e);
        BUG_ON(e == NULL);
        *e = (struct event){.at_ms = (uint64_t)at_ms, .type = ARRIVAL, .request = i};
        e->node = node < p->nodes ? node : p->nodes - 1;
        e->next = s->events; /* the latest first … */
        s->events = e;
    }
    struct event *reversed = NULL; /* … and now the earliest */
    for (struct event *e = s->events, *next; e != NULL; e = next) {
        next = e->next;
        e->next = reversed;
        reversed = e;
    }
    s->events = reversed;
}

static void begin(struct sim *s, const struct setup *setup)
{
    memset(s, 0, sizeof *s);
    s->setup = setup;
    s->random = 2463534242u;
    for (unsigned i = 0; i < REQUESTS; i++)
        list_init(&s->places[i].link);
    schedule_arrivals(s);
    for (unsigned i = 0; i < setup->workers; i++) {
        struct worker *w = &s->workers[i];
        w->sim = s;
        w->index = i;
        w->needs_turn = true;
        member_init(&w->member, &sim_ops, w, "p", "w", "dddddddd-0000-4000-8000-00000000000d",
                    setup->capacity);
        for (unsigned n = 0; n < setup->nodes; n++) {
            char endpoint[2] = {(char)('A' + n), '\0'}, uuid[UUID_LEN + 1];
            snprintf(uuid, sizeof uuid, "aaaaaaaa-0000-4000-8000-%012u", n);
            struct pool_frame f = {.type = POOL_WELCOME,
                                   .welcome = {slice_str(uuid), SLICE(""), HEARTBEAT_MS}};
            member_add(&w->member, slice_str(endpoint), 0);
            member_on_frame(member_node_of(&w->member, n), &f, 0);
        }
    }
}

static void run(struct sim *s)
{
    while (s->events != NULL && s->served_count < REQUESTS) {
        uint64_t next_ms = s->events->at_ms;
        for (unsigned i = 0; i < s->setup->workers; i++) {
            uint64_t due_ms = member_deadline(&s->workers[i].member, s->now_ms);
            next_ms = due_ms < next_ms ? due_ms : next_ms;
        }
        s->now_ms = next_ms;
        while (s->events != NULL && s->events->at_ms <= s->now_ms) {
            struct event *e = s->events;
            s->events = e->next;
            handle(s, e);
            free(e);
        }
        end_of_turn(s);
    }
}

static void end(struct sim *s)
{
    for (struct event *e = s->events, *next; e != NULL; e = next) {
        next = e->next;
        free(e);
    }
    for (unsigned i = 0; i < s->setup->workers; i++)
        member_fini(&s->workers[i].member);
    free(s);
}

static void test_dispatch(void **state)
{
    (void)state;
    static const struct setup setups[] = {
        {"one of each", 1, 1, 1, 0.7, 40, 1},
        {"single places", 8, 4, 1, 0.7, 100, 4},
        {"single places, fast", 8, 4, 1, 0.7, 10, 4},
        {"nearly full", 4, 4, 2, 0.97, 60, 1},
        {"overloaded", 4, 2, 3, 1.5, 30, 2},
        {"large workers", 3, 2, 32, 0.9, 50, 8},
        {"quiet", 8, 8, 1, 0.05, 50, 1},
        {"more workers than nodes", 2, 8, 4, 0.8, 25, 3},
    };
    for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
        struct sim *s = malloc(sizeof *s);
        assert_non_null(s);
        begin(s, &setups[i]);
        run(s);
        uint64_t returned = 0;
        for (unsigned w = 0; w < s->setup->workers; w++)
            returned += s->workers[w].member.returned;
        print_message(
            "  %s: %u served, waited %.1f ms, %.2f returned of each, longest idle %llu ms\n",
            s->setup->name, s->served_count, s->waited_ms / s->served_count,
            (double)returned / s->served_count, (unsigned long long)s->longest_idle_ms);
        assert_int_equal(s->served_count, REQUESTS);
        assert_true(s->longest_idle_ms <= 6 * DELAY_MS);
        end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dispatch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
