/* A whole coordinator over a memory store, asked through its sockets: what it does when it is not
 * the leader, when the store fails, and when the history is another. */

#include "coordinator/coordinator.h"
#include "coordinator/store/store_memory.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/model/canon.h"
#include "proto/wire/cluster_reply.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OTHER "bbbbbbbb-0000-4000-8000-000000000002"

struct scene {
    struct ev_loop *loop;
    struct coordinator *c;
    void *dealer;
    struct buf config;
    uint64_t mono_ms;
    bool stored; /* by append_directly */
    /* the last answer */
    struct arena arena;
    char bytes[100000];
    struct cluster_reply reply;
};

static void on_ready(void *arg)
{
    (void)arg;
}

/* A configuration that passes the check; `text` tells it from others. */
static void make_config(struct scene *s, const char *text)
{
    static const struct {
        int column;
        const char *text;
    } columns[] = {{SERVER_UUID, "f400bf85-4538-4f7a-8908-67e313d515c2"},
                   {SERVER_ACCESS_LOG, "/a.log"},
                   {SERVER_ERROR_LOG, "/e.log"},
                   {SERVER_CHROOT, "./"},
                   {SERVER_PID_FILE, "/p.pid"},
                   {SERVER_DEFAULT_HOST, "localhost"},
                   {SERVER_NAME, "main"}};
    struct model *m = model_create(NULL);
    struct row *server = model_add(m, TABLE_SERVER, NULL);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        row_set_text(m, server, (size_t)columns[i].column, slice_str(columns[i].text), NULL);
    row_set_int(server, SERVER_PORT, 6767);
    struct row *host = model_add(m, TABLE_HOST, NULL);
    row_set_int(host, HOST_SERVER_ID, row_id(server));
    row_set_text(m, host, HOST_NAME, SLICE("localhost"), NULL);
    row_set_text(m, host, HOST_MATCHING, SLICE("localhost"), NULL);
    struct row *dir = model_add(m, TABLE_DIRECTORY, NULL);
    row_set_text(m, dir, DIRECTORY_BASE, SLICE("www/"), NULL);
    row_set_text(m, dir, DIRECTORY_INDEX_FILE, SLICE("index.html"), NULL);
    row_set_text(m, dir, DIRECTORY_DEFAULT_CTYPE, slice_str(text), NULL);
    struct row *route = model_add(m, TABLE_ROUTE, NULL);
    row_set_text(m, route, ROUTE_PATH, SLICE("/"), NULL);
    row_set_int(route, ROUTE_HOST_ID, row_id(host));
    row_set_int(route, ROUTE_TARGET_ID, row_id(dir));
    row_set_text(m, route, ROUTE_TARGET_TYPE, SLICE("dir"), NULL);
    assert_int_equal(model_freeze(m, NULL), 0);
    buf_clear(&s->config);
    assert_int_equal(canon_encode(m, &s->config, NULL), 0);
    model_unref(m);
}

static void set_clock(struct scene *s, uint64_t mono_ms)
{
    s->mono_ms = mono_ms;
    clock_fake(mono_ms * 1000, 1700000000000 + (int64_t)mono_ms);
}

static void setup(struct scene *s)
{
    struct coordinator_config config = {.store = "memory:",
                                        .listen = "inproc://requests",
                                        .publish = "inproc://updates",
                                        .name = "c1",
                                        .settle_ms = 0};
    struct error e;
    memset(s, 0, sizeof *s);
    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    arena_init(&s->arena, 0);
    set_clock(s, 100000);
    s->loop = ev_loop_new(EVFLAG_AUTO);
    if (coordinator_create(&s->c, s->loop, &config, &e) != 0)
        fail_msg("%s", e.text);
    coordinator_start(s->c, on_ready, NULL);
    while (!s->c->is_ready || !s->c->leader.is_leader)
        ev_run(s->loop, EVRUN_ONCE);
    s->dealer = zmq_socket(s->c->zmq, ZMQ_DEALER);
    int none = 0;
    zmq_setsockopt(s->dealer, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(s->dealer, "inproc://requests"), 0);
    make_config(s, "text/one");
}

static void teardown(struct scene *s)
{
    zmq_close(s->dealer);
    coordinator_destroy(&s->c);
    ev_loop_destroy(s->loop);
    arena_fini(&s->arena);
    buf_fini(&s->config);
    clock_fake_stop();
}

static bool receive(struct scene *s)
{
    int len = zmq_recv(s->dealer, s->bytes, sizeof s->bytes, ZMQ_DONTWAIT);
    if (len < 0)
        return false;
    arena_reset(&s->arena);
    assert_int_equal(cluster_reply_decode(&s->reply, slice_of(s->bytes, (size_t)len),
                                          sizeof s->bytes, &s->arena, NULL),
                     0);
    return s->reply.kind != REPLY_PROGRESS;
}

static void ask(struct scene *s, struct cluster_request *r)
{
    struct buf b = BUF_INIT;
    r->seq = 1;
    cluster_request_encode(&b, r);
    assert_int_equal(zmq_send(s->dealer, b.data, b.len, 0), b.len);
    buf_fini(&b);
}

static void call(struct scene *s, struct cluster_request *r)
{
    ask(s, r);
    while (!receive(s))
        ev_run(s->loop, EVRUN_ONCE);
}

static struct cluster_request push_request(struct scene *s)
{
    struct cluster_request r;
    cluster_request_init(&r, CLUSTER_PUSH);
    r.push.config = buf_slice(&s->config);
    r.push.author.who = r.push.author.where = SLICE("me");
    r.push.timeout_ms = 1000;
    return r;
}

static void push(struct scene *s, const char *text)
{
    make_config(s, text);
    struct cluster_request r = push_request(s);
    call(s, &r);
}

static void assert_code(const struct scene *s, const char *code)
{
    if (!slice_eq(s->reply.code, slice_str(code)))
        fail_msg("the answer is %.*s: %.*s", SLICE_ARG(s->reply.code), SLICE_ARG(s->reply.text));
}

static void assert_verdict(const struct scene *s, const char *verdict)
{
    assert_code(s, "");
    assert_true(slice_eq(cluster_table_text(&s->reply.table, 0, "verdict"), slice_str(verdict)));
}

static void on_stored(void *arg, const struct store_result *r)
{
    assert_int_equal(r->error.code, ERROR_NONE);
    ((struct scene *)arg)->stored = true;
}

static void wait_stored(struct scene *s)
{
    while (!s->stored)
        ev_run(s->loop, EVRUN_ONCE);
    s->stored = false;
}

/* Another coordinator takes the lease of the same store. */
static void depose(struct scene *s)
{
    set_clock(s, s->mono_ms + LEASE_TTL_MS + 1);
    assert_int_equal(store_lease(s->c->store, OTHER, "tcp://other:1", 100000, on_stored, s, NULL),
                     0);
    wait_stored(s);
}

static void learn_of_the_other(struct scene *s)
{
    leader_tick(&s->c->leader, s->mono_ms);
    while (s->c->leader.is_leader || s->c->leader.asking)
        ev_run(s->loop, EVRUN_ONCE);
}

/* What the other coordinator adds to the history. */
static void append_directly(struct scene *s, int64_t token)
{
    struct commit c = {.version = s->c->head.at.version + 1,
                       .config = buf_slice(&s->config),
                       .who = SLICE("other"),
                       .where = SLICE("x"),
                       .scope = SLICE("all")};
    memcpy(c.parent, s->c->head.at.hash, sizeof c.parent);
    assert_int_equal(commit_seal(&c, NULL), 0);
    assert_int_equal(store_append(s->c->store, &c, token, on_stored, s, NULL), 0);
    wait_stored(s);
}

static void test_pushes_and_reads(void **state)
{
    (void)state;
    struct scene s;
    struct cluster_request r;
    setup(&s);
    push(&s, "text/one");
    assert_verdict(&s, "applied");
    push(&s, "text/one");
    assert_verdict(&s, "unchanged");
    push(&s, "text/two");
    cluster_request_init(&r, CLUSTER_LOG);
    call(&s, &r);
    assert_int_equal(s.reply.table.row_count, 2);
    cluster_request_init(&r, CLUSTER_DIFF);
    r.diff.from = 1;
    r.diff.to = 2;
    call(&s, &r);
    assert_true(s.reply.table.row_count > 0);
    r.diff.to = 9;
    call(&s, &r);
    assert_code(&s, "NOT_FOUND");
    r.diff.config = SLICE("garbage");
    call(&s, &r);
    assert_code(&s, "INVALID");
    cluster_request_init(&r, CLUSTER_GET);
    r.get.have = 1;
    r.get.have_hash = SLICE(COMMIT_NO_PARENT);
    call(&s, &r);
    assert_code(&s, "CONFLICT");
    teardown(&s);
}

static void test_who_does_not_lead_names_the_leader(void **state)
{
    (void)state;
    struct scene s;
    struct cluster_request r;
    setup(&s);
    push(&s, "text/one");
    depose(&s);
    push(&s, "text/two"); /* it does not know yet; the store does */
    assert_code(&s, "CONFLICT");
    learn_of_the_other(&s);
    push(&s, "text/two");
    assert_code(&s, "REFUSED");
    assert_true(slice_eq(s.reply.leader, SLICE("tcp://other:1")));
    cluster_request_init(&r, CLUSTER_HEAD);
    call(&s, &r);
    assert_int_equal(cluster_table_int(&s.reply.table, 0, "version"), 1);
    cluster_request_init(&r, CLUSTER_HELLO);
    r.hello.protocol = 1;
    r.hello.program = SLICE("test");
    call(&s, &r);
    assert_true(slice_eq(cluster_table_text(&s.reply.table, 0, "leader"), SLICE("tcp://other:1")));
    teardown(&s);
}

static void test_a_standby_follows_the_history(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    push(&s, "text/one");
    depose(&s);
    learn_of_the_other(&s);
    int64_t token = 1700000000 + (int64_t)s.mono_ms / 1000;
    make_config(&s, "text/two");
    append_directly(&s, token);
    while (s.c->head.at.version < 2)
        ev_run(s.loop, EVRUN_ONCE); /* by the tick, once a second */
    assert_int_equal(s.c->head.at.version, 2);
    /* the other is gone: it leads again, on top of what was added */
    set_clock(&s, s.mono_ms + 200000);
    while (!s.c->leader.is_leader || s.c->is_stale || s.c->loading)
        ev_run(s.loop, EVRUN_ONCE);
    push(&s, "text/three");
    assert_verdict(&s, "applied");
    assert_int_equal(cluster_table_int(&s.reply.table, 0, "version"), 3);
    teardown(&s);
}

static void join(struct scene *s)
{
    struct cluster_request r;
    cluster_request_init(&r, CLUSTER_JOIN);
    r.join.uuid = r.join.boot = SLICE(OTHER);
    r.join.name = SLICE("web-1");
    r.join.server = r.join.host = r.join.program = SLICE("x");
    call(s, &r);
    assert_code(s, "");
}

static void test_the_loss_of_the_lease_takes_a_push_back(void **state)
{
    (void)state;
    struct scene s;
    struct cluster_request r;
    setup(&s);
    join(&s);
    r = push_request(&s);
    r.push.timeout_ms = 3600000;
    ask(&s, &r); /* the node will never answer */
    while (s.c->push == NULL || push_state(s.c->push) != PUSH_PREPARE)
        ev_run(s.loop, EVRUN_ONCE);
    depose(&s);
    learn_of_the_other(&s);
    while (!receive(&s))
        ev_run(s.loop, EVRUN_ONCE);
    assert_code(&s, "REFUSED");
    assert_non_null(memmem(s.reply.text.ptr, s.reply.text.len, "lost its lease", 14));
    teardown(&s);
}

static void test_a_store_whose_answer_is_lost(void **state)
{
    (void)state;
    struct scene s;
    struct cluster_request r;
    setup(&s);
    store_memory_fail_append(s.c->store, ERROR_TIMEOUT, true);
    r = push_request(&s);
    ask(&s, &r);
    while (!receive(&s)) {
        ev_run(s.loop, EVRUN_ONCE);
        set_clock(&s, s.mono_ms + 20);
    }
    assert_verdict(&s, "applied");
    store_memory_fail_append(s.c->store, ERROR_REFUSED, false);
    push(&s, "text/two");
    assert_code(&s, "IO");
    assert_int_equal(s.c->head.at.version, 1);
    teardown(&s);
}

static void test_a_store_that_falls_silent(void **state)
{
    (void)state;
    struct scene s;
    struct cluster_request r;
    setup(&s);
    push(&s, "text/one");
    store_memory_fail_append(s.c->store, ERROR_TIMEOUT, false);
    make_config(&s, "text/two");
    r = push_request(&s);
    ask(&s, &r);
    while (s.c->push == NULL || push_state(s.c->push) != PUSH_RESOLVE)
        ev_run(s.loop, EVRUN_ONCE);
    store_memory_hold(s.c->store, true);
    set_clock(&s, s.mono_ms + 600); /* it asks again, and gets no answer for as long as it waits */
    while (!push_is_storing(s.c->push))
        ev_run(s.loop, EVRUN_ONCE);
    push(&s, "text/three");
    assert_code(&s, "CONFLICT"); /* one push at a time, also then */
    store_memory_hold(s.c->store, false);
    while (!receive(&s))
        ev_run(s.loop, EVRUN_ONCE);
    assert_verdict(&s, "applied");
    assert_int_equal(s.c->head.at.version, 2);
    teardown(&s);
}

static void test_an_end_in_the_middle_of_a_push(void **state)
{
    (void)state;
    struct scene s;
    struct cluster_request r;
    setup(&s);
    store_memory_hold(s.c->store, true);
    r = push_request(&s);
    ask(&s, &r);
    while (s.c->push == NULL || push_state(s.c->push) != PUSH_STORE)
        ev_run(s.loop, EVRUN_ONCE);
    teardown(&s); /* the append is finished, nothing is lost or freed twice */
    setup(&s);
    join(&s);
    r = push_request(&s);
    ask(&s, &r);
    while (s.c->push == NULL || push_state(s.c->push) != PUSH_PREPARE)
        ev_run(s.loop, EVRUN_ONCE);
    teardown(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pushes_and_reads),
        cmocka_unit_test(test_who_does_not_lead_names_the_leader),
        cmocka_unit_test(test_a_standby_follows_the_history),
        cmocka_unit_test(test_the_loss_of_the_lease_takes_a_push_back),
        cmocka_unit_test(test_a_store_whose_answer_is_lost),
        cmocka_unit_test(test_a_store_that_falls_silent),
        cmocka_unit_test(test_an_end_in_the_middle_of_a_push),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
