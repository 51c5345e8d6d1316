#include "proto/base/buf.h"
#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"
#include "proto/wire/pool_frame.h"
#include "tests/unit/proto/handler/peer.h"

#include <signal.h>
#include <sys/time.h>

#define NODE    "34f9ceee-cd52-4b7f-b197-88bf2f0ec378"
#define OTHER   "54c6755b-9628-40a4-9a2d-cc82a816345e"
#define CLUSTER "cccccccc-0000-4000-8000-00000000000c"

/* A node's handler port, spoken by hand. */
struct port {
    void *router;
    char endpoint[ENDPOINT_LEN];
    char route[64]; /* of the worker */
    size_t route_len;
};

struct world {
    void *context;
    struct port a, b;
    struct m2_handler *h;
};

static void port_open(struct port *p, void *context)
{
    p->router = peer_bind(context, ZMQ_ROUTER, p->endpoint);
}

static void begin(struct world *w, unsigned capacity, bool thread)
{
    struct m2_worker_options options = {
        .pool = "chat", .capacity = capacity, .name = "chat-1", .no_thread = !thread};
    struct m2_error e;
    memset(w, 0, sizeof *w);
    w->context = zmq_ctx_new();
    port_open(&w->a, w->context);
    port_open(&w->b, w->context);
    assert_int_equal(m2_worker_create(&w->h, &options, &e), 0);
}

static void answer_pings(struct port *p);

/* An orderly end: the worker leaves and hears that its nodes know. */
static void end(struct world *w)
{
    struct m2_request *r;
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    if (w->h != NULL)
        m2_worker_leave(w->h);
    while (w->h != NULL && m2_recv(w->h, &r, 1, NULL) == 0) {
        answer_pings(&w->a);
        answer_pings(&w->b);
        assert_true(clock_monotonic_ms() < until_ms);
    }
    m2_handler_destroy(&w->h);
    zmq_close(w->a.router);
    zmq_close(w->b.router);
    zmq_ctx_term(w->context);
}

/* ---- what the node says and hears --------------------------------------------------------------
 */

/* The next message of the worker that is none of the heartbeat; `h` NULL: it is not driven. */
static void hear(struct port *p, struct m2_handler *h, struct peer_message *m, struct pool_frame *f)
{
    do {
        struct slice frames[PEER_FRAMES];
        peer_recv(p->router, h, m);
        assert_true(m->lens[0] <= sizeof p->route);
        memcpy(p->route, m->bytes[0], m->lens[0]);
        p->route_len = m->lens[0];
        for (size_t i = 1; i < m->count; i++)
            frames[i - 1] = peer_frame(m, i);
        assert_int_equal(pool_frame_decode(frames, m->count - 1, f), POOL_FRAME_OK);
    } while (f->type == POOL_PING || f->type == POOL_PONG);
}

static void say(struct port *p, const struct pool_frame *f)
{
    struct slice frames[POOL_FRAMES_MAX + 1] = {slice_of(p->route, p->route_len)};
    struct buf scratch = BUF_INIT;
    size_t count = pool_frame_encode(f, frames + 1, &scratch);
    peer_send(p->router, frames, count + 1);
    buf_fini(&scratch);
}

/* The worker's pings that have come. */
static void answer_pings(struct port *p)
{
    struct pool_frame pong = {.type = POOL_PONG};
    struct peer_message m;
    while (peer_try(p->router, &m)) {
        if (!slice_eq(peer_frame(&m, 1), SLICE("PING")))
            continue;
        memcpy(p->route, m.bytes[0], m.lens[0]);
        p->route_len = m.lens[0];
        say(p, &pong);
    }
}

static void expect_type(struct port *p, struct m2_handler *h, enum pool_frame_type type,
                        struct pool_frame *f, struct peer_message *m)
{
    hear(p, h, m, f);
    if (f->type != type)
        fail_msg("heard %s, not %s", pool_frame_name(f->type), pool_frame_name(type));
}

/* Until all that was said to the worker has been heard: by a ping, whose answer comes last. */
static void settle(struct port *p, struct m2_handler *h)
{
    struct pool_frame ping = {.type = POOL_PING};
    struct peer_message m;
    say(p, &ping);
    do
        peer_recv(p->router, h, &m);
    while (!slice_eq(peer_frame(&m, 1), SLICE("PONG")));
}

static void expect_credit(struct port *p, struct m2_handler *h, uint32_t count)
{
    struct peer_message m;
    struct pool_frame f;
    expect_type(p, h, POOL_CREDIT, &f, &m);
    assert_int_equal(f.credit.count, count);
}

static void expect_reply(struct port *p, struct m2_handler *h, const char *bytes)
{
    struct peer_message m;
    struct pool_frame f;
    expect_type(p, h, POOL_REPLY, &f, &m);
    if (!slice_eq(f.reply.message, slice_str(bytes)))
        fail_msg("got %.*s", SLICE_ARG(f.reply.message));
}

static void welcome(struct port *p, const char *node, const char *cluster, uint32_t heartbeat_ms)
{
    struct pool_frame f = {.type = POOL_WELCOME,
                           .welcome = {slice_str(node), slice_str(cluster), heartbeat_ms}};
    say(p, &f);
}

static void request(struct port *p, const char *node, const char *id, unsigned conn_id)
{
    struct buf message = BUF_INIT;
    buf_printf(&message, "%s %u /x 16:{\"METHOD\":\"GET\"},0:,", node, conn_id);
    struct pool_frame f = {.type = POOL_REQUEST, .request = {slice_str(id), buf_slice(&message)}};
    say(p, &f);
    buf_fini(&message);
}

static void want(struct port *p, uint32_t count)
{
    struct pool_frame f = {.type = POOL_WANT, .want.count = count};
    say(p, &f);
}

/* Adds the node and goes through READY and WELCOME; long heartbeats, so that they keep silent. */
static void join(struct world *w, struct port *p, const char *node, unsigned capacity)
{
    struct peer_message m;
    struct pool_frame f;
    assert_int_equal(m2_worker_add_node(w->h, p->endpoint, NULL), 0);
    expect_type(p, w->h, POOL_READY, &f, &m);
    assert_true(slice_eq(f.ready.pool, SLICE("chat")));
    assert_true(slice_eq(f.ready.name, SLICE("chat-1")));
    assert_int_equal(f.ready.capacity, capacity);
    welcome(p, node, CLUSTER, 60000);
    expect_credit(p, w->h, capacity);
}

/* ---- the life of requests -----------------------------------------------------------------------
 */

static void test_request_and_reply(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1, false);
    join(&w, &w.a, NODE, 1);
    assert_int_equal(m2_worker_joined(w.h), 1);
    request(&w.a, NODE, "17", 7);
    struct m2_request *r = peer_request(w.h, w.a.router);
    assert_true(peer_eq(m2_request_sender(r), NODE));
    assert_int_equal(m2_request_conn_id(r), 7);
    m2_reply_http(w.h, r, 200, "OK", NULL, 0, m2_text("hi"), NULL);
    expect_reply(&w.a, NULL, NODE " 1:7, HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    m2_request_done(&r);
    expect_credit(&w.a, w.h, 1);
    end(&w);
}

static void test_full_worker_hands_back_and_holds_the_place(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct pool_frame f;
    begin(&w, 1, false);
    join(&w, &w.a, NODE, 1);
    join(&w, &w.b, OTHER, 1);
    request(&w.a, NODE, "1", 7);
    struct m2_request *r = peer_request(w.h, w.a.router);
    request(&w.b, OTHER, "2", 8);
    expect_type(&w.b, w.h, POOL_RETURN, &f, &m);
    assert_true(slice_eq(f.returned.id, SLICE("2")));
    want(&w.b, 1);
    settle(&w.b, w.h);
    m2_request_done(&r);
    expect_credit(&w.b, w.h, 1); /* its place is held */
    request(&w.b, OTHER, "3", 8);
    r = peer_request(w.h, w.b.router);
    assert_true(peer_eq(m2_request_sender(r), OTHER));
    m2_request_give_back(&r);
    expect_type(&w.b, w.h, POOL_RETURN, &f, &m);
    assert_true(slice_eq(f.returned.id, SLICE("3")));
    end(&w);
}

static void test_many_at_once_share_one_credit(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    struct world w;
    struct m2_request *r[COUNT];
    begin(&w, COUNT, false);
    join(&w, &w.a, NODE, COUNT);
    for (int i = 0; i < COUNT; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        request(&w.a, NODE, id, (unsigned)i);
    }
    for (int i = 0; i < COUNT; i++) {
        r[i] = peer_request(w.h, w.a.router);
        assert_int_equal(m2_request_conn_id(r[i]), i); /* in order */
    }
    for (int i = 0; i < COUNT; i++)
        m2_request_done(&r[i]);
    expect_credit(&w.a, w.h, COUNT);
    end(&w);
}

static void test_replies_to_any_node(void **state)
{
    (void)state;
    struct world w;
    struct m2_error e;
    uint32_t ids[] = {1, 2};
    begin(&w, 1, false);
    join(&w, &w.a, NODE, 1);
    join(&w, &w.b, OTHER, 1);
    m2_deliver(w.h, m2_text(OTHER), ids, 2, m2_text("to b"), NULL);
    expect_reply(&w.b, NULL, OTHER " 3:1 2, to b");
    m2_channel_send(w.h, m2_text(NULL), "lobby", m2_text("x"), 0, NULL);
    struct peer_message m;
    struct pool_frame f;
    expect_type(&w.a, w.h, POOL_REPLY, &f, &m);
    assert_true(slice_starts_with(f.reply.message, SLICE(CLUSTER " 1:X, ")));
    expect_type(&w.b, w.h, POOL_REPLY, &f, &m);
    assert_true(slice_starts_with(f.reply.message, SLICE(CLUSTER " 1:X, ")));
    assert_int_equal(m2_deliver(w.h, m2_text("nobody"), ids, 2, m2_text("x"), &e), -1);
    assert_int_equal(e.code, M2_ERROR_UNREACHABLE);
    end(&w);
}

/* ---- nodes come and go
 * ---------------------------------------------------------------------------- */

static void test_node_is_restarted(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct pool_frame f = {.type = POOL_REFUSED,
                           .refused.error = SLICE("You are not known here: begin with READY.")};
    begin(&w, 1, false);
    join(&w, &w.a, NODE, 1);
    request(&w.a, NODE, "1", 7);
    struct m2_request *r = peer_request(w.h, w.a.router);
    say(&w.a, &f);
    expect_type(&w.a, w.h, POOL_READY, &f, &m); /* on a new connection */
    struct m2_error e;
    assert_int_equal(m2_reply(w.h, r, m2_text("too late"), &e), -1);
    assert_int_equal(e.code, M2_ERROR_UNREACHABLE);
    welcome(&w.a, NODE, CLUSTER, 60000);
    settle(&w.a, w.h);
    assert_int_equal(m2_worker_joined(w.h), 1);
    assert_int_equal(m2_reply_http(w.h, r, 200, "", NULL, 0, m2_text("x"), &e), -1);
    assert_int_equal(e.code, M2_ERROR_UNREACHABLE); /* another worker has it by now */
    m2_request_done(&r);
    expect_credit(&w.a, w.h, 1);
    end(&w);
}

/* The second request waits in the inbox while the handler is busy and its node is restarted. */
static void test_requests_of_a_lost_node_are_not_shown(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct m2_request *r, *none;
    struct pool_frame f;
    begin(&w, 2, true);
    assert_int_equal(m2_worker_add_node(w.h, w.a.endpoint, NULL), 0);
    expect_type(&w.a, w.h, POOL_READY, &f, &m);
    welcome(&w.a, NODE, "", 200);
    expect_credit(&w.a, w.h, 2);
    request(&w.a, NODE, "1", 7);
    request(&w.a, NODE, "2", 8);
    r = peer_request(w.h, w.a.router);
    f = (struct pool_frame){.type = POOL_REFUSED, .refused.error = SLICE("begin anew")};
    say(&w.a, &f);
    expect_type(&w.a, NULL, POOL_READY, &f, &m); /* the keeper has heard it */
    assert_int_equal(m2_recv(w.h, &none, 0, NULL), 0);
    m2_request_done(&r);
    end(&w);
}

static void test_silent_node(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct pool_frame f;
    begin(&w, 1, false);
    assert_int_equal(m2_worker_add_node(w.h, w.a.endpoint, NULL), 0);
    expect_type(&w.a, w.h, POOL_READY, &f, &m);
    welcome(&w.a, NODE, "", 20);
    expect_credit(&w.a, w.h, 1);
    expect_type(&w.a, w.h, POOL_READY, &f, &m); /* after 60 ms of silence */
    assert_int_equal(m2_worker_joined(w.h), 0);
    end(&w);
}

static void test_leaving(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct pool_frame f;
    struct m2_error e;
    struct m2_request *none;
    begin(&w, 2, false);
    join(&w, &w.a, NODE, 2);
    request(&w.a, NODE, "1", 7);
    request(&w.a, NODE, "2", 8);
    struct m2_request *r = peer_request(w.h, w.a.router);
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (m2_wait_ms(w.h) != 0 && clock_monotonic_ms() < until_ms)
        ; /* until the second one waits in the inbox, or to be read */
    m2_worker_leave(w.h);
    bool returned = false, bye = false;
    while (!returned || !bye) {
        hear(&w.a, w.h, &m, &f);
        returned |= f.type == POOL_RETURN && slice_eq(f.returned.id, SLICE("2"));
        bye |= f.type == POOL_BYE;
    }
    assert_int_equal(m2_recv(w.h, &none, 0, &e), 0); /* one is running */
    m2_reply(w.h, r, m2_text("last"), NULL);
    expect_reply(&w.a, NULL, NODE " 1:7, last");
    m2_request_done(&r);
    assert_int_equal(m2_recv(w.h, &none, 0, &e), 0); /* does the node know? */
    request(&w.a, NODE, "3", 9);                     /* said before it heard */
    expect_type(&w.a, w.h, POOL_RETURN, &f, &m);
    f = (struct pool_frame){.type = POOL_PONG};
    say(&w.a, &f);
    assert_int_equal(m2_recv(w.h, &none, -1, &e), -1);
    assert_int_equal(e.code, M2_ERROR_CLOSED);
    end(&w);
}

static void test_what_is_sent_last_arrives(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct pool_frame f;
    begin(&w, 1, false);
    join(&w, &w.a, NODE, 1);
    request(&w.a, NODE, "1", 7);
    struct m2_request *r = peer_request(w.h, w.a.router);
    m2_reply(w.h, r, m2_text("last"), NULL);
    m2_request_done(&r);
    m2_handler_destroy(&w.h); /* nobody answers the ping: it takes a second */
    expect_reply(&w.a, NULL, NODE " 1:7, last");
    expect_type(&w.a, NULL, POOL_BYE, &f, &m);
    end(&w);
}

/* ---- the keeper
 * ----------------------------------------------------------------------------------- */

/* Nobody calls m2_recv: the worker joins, stays, and hands back what it has no place for. */
static void test_keeper_keeps_a_busy_worker_alive(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct pool_frame f;
    begin(&w, 1, true);
    assert_int_equal(m2_worker_add_node(w.h, w.a.endpoint, NULL), 0);
    expect_type(&w.a, NULL, POOL_READY, &f, &m);
    welcome(&w.a, NODE, "", 20);
    expect_credit(&w.a, NULL, 1);
    request(&w.a, NODE, "1", 7);
    request(&w.a, NODE, "2", 8);
    struct pool_frame ping = {.type = POOL_PING};
    struct slice frames[PEER_FRAMES];
    unsigned pongs = 0;
    bool returned = false;
    for (int i = 0; i < 20 || !returned; i++) { /* ten times as long as silence would be borne */
        say(&w.a, &ping);
        peer_recv(w.a.router, NULL, &m);
        for (size_t k = 1; k < m.count; k++)
            frames[k - 1] = peer_frame(&m, k);
        assert_int_equal(pool_frame_decode(frames, m.count - 1, &f), POOL_FRAME_OK);
        pongs += f.type == POOL_PONG;
        if (f.type == POOL_PING)
            say(&w.a, &(struct pool_frame){.type = POOL_PONG});
        returned |= f.type == POOL_RETURN && slice_eq(f.returned.id, SLICE("2"));
        assert_int_not_equal(f.type, POOL_READY); /* it would have lost us */
    }
    assert_true(pongs > 0);
    struct m2_request *r;
    assert_int_equal(m2_recv(w.h, &r, 0, NULL), 1); /* it was put into the inbox meanwhile */
    m2_request_done(&r);
    end(&w);
}

static void on_alarm(int number)
{
    (void)number;
}

/* The keeper takes no signals, so one always ends the wait of the thread that receives. */
static void test_a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct world w;
    struct m2_request *r;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval soon = {.it_value = {.tv_usec = 10000}, .it_interval = {.tv_usec = 10000}};
    struct itimerval never = {.it_value = {0}};
    begin(&w, 1, true);
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(m2_recv(w.h, &r, -1, NULL), 0);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    end(&w);
}

/* A loop that sleeps on m2_fd is woken for what the keeper has read. */
static void test_keeper_wakes_a_foreign_loop(void **state)
{
    (void)state;
    struct world w;
    struct peer_message m;
    struct pool_frame f;
    struct m2_request *r;
    begin(&w, 1, true);
    assert_int_equal(m2_worker_add_node(w.h, w.a.endpoint, NULL), 0);
    expect_type(&w.a, NULL, POOL_READY, &f, &m);
    welcome(&w.a, NODE, "", 20);
    expect_credit(&w.a, NULL, 1);
    request(&w.a, NODE, "1", 7);
    zmq_pollitem_t item = {.fd = m2_fd(w.h), .events = ZMQ_POLLIN};
    int got = 0;
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (got == 0 && clock_monotonic_ms() < until_ms) {
        assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
        got = m2_recv(w.h, &r, 0, NULL);
    }
    assert_int_equal(got, 1);
    m2_request_done(&r);
    end(&w);
}

/* ---- discovery
 * ------------------------------------------------------------------------------------ */

struct coordinator {
    void *router, *updates;
    char endpoint[ENDPOINT_LEN], publish[ENDPOINT_LEN];
};

static void put_text(struct buf *out, const char *text)
{
    tns_put_str(out, text);
}

static void answer(struct coordinator *c, const struct peer_message *m, const char *const *headers,
                   const char *const *cells)
{
    struct cluster_request request_asked;
    struct cluster_table_writer t;
    struct arena a;
    struct error e;
    struct buf out = BUF_INIT;
    arena_init(&a, 0);
    assert_int_equal(cluster_request_decode(&request_asked, peer_frame(m, 1), 1 << 20, &a, &e), 0);
    cluster_table_begin(&t, &out, request_asked.seq, NULL, headers);
    cluster_row_begin(&t);
    for (; *cells != NULL; cells++)
        put_text(&out, *cells);
    cluster_row_end(&t);
    cluster_table_end(&t);
    struct slice frames[] = {peer_frame(m, 0), buf_slice(&out)};
    peer_send(c->router, frames, 2);
    buf_fini(&out);
    arena_fini(&a);
}

/* `["pool", {"pool": "chat", "headers": [...], "rows": [[…], […]]}]` on the topic. */
static void publish(struct coordinator *c, const char *const *endpoints)
{
    struct buf out = BUF_INIT;
    size_t list = tns_open(&out);
    put_text(&out, "pool");
    size_t dict = tns_open(&out);
    tns_put_pair_str(&out, "pool", "chat");
    put_text(&out, "headers");
    size_t inner = tns_open(&out);
    put_text(&out, "endpoint");
    tns_close_list(&out, inner);
    put_text(&out, "rows");
    inner = tns_open(&out);
    for (; *endpoints != NULL; endpoints++) {
        size_t row = tns_open(&out);
        put_text(&out, *endpoints);
        tns_close_list(&out, row);
    }
    tns_close_list(&out, inner);
    tns_close_dict(&out, dict);
    tns_close_list(&out, list);
    struct slice frames[] = {SLICE("pool.chat"), buf_slice(&out)};
    peer_send(c->updates, frames, 2);
    buf_fini(&out);
}

static void test_nodes_are_found_through_the_coordinator(void **state)
{
    (void)state;
    static const char *const hello[] = {"cluster", "updates", NULL};
    static const char *const pools[] = {"pool", "node", "uuid", "endpoint", NULL};
    struct world w = {.context = zmq_ctx_new()};
    struct coordinator c;
    struct peer_message m;
    struct pool_frame f;
    struct m2_error e;
    c.router = peer_bind(w.context, ZMQ_ROUTER, c.endpoint);
    c.updates = peer_bind(w.context, ZMQ_XPUB, c.publish);
    port_open(&w.a, w.context);
    port_open(&w.b, w.context);
    struct m2_worker_options options = {
        .pool = "chat", .coordinators = c.endpoint, .no_thread = true};
    assert_int_equal(m2_worker_create(&w.h, &options, &e), 0);

    peer_recv(c.router, w.h, &m);
    answer(&c, &m, hello, (const char *[]){CLUSTER, c.publish, NULL});
    peer_recv(c.router, w.h, &m);
    answer(&c, &m, pools, (const char *[]){"chat", "web1", NODE, w.a.endpoint, NULL});
    expect_type(&w.a, w.h, POOL_READY, &f, &m);
    welcome(&w.a, NODE, CLUSTER, 60000);
    expect_credit(&w.a, w.h, 1);

    peer_recv(c.updates, w.h, &m); /* it has subscribed */
    assert_true(slice_eq(peer_frame(&m, 0), SLICE("\001pool.chat")));
    publish(&c, (const char *[]){w.a.endpoint, w.b.endpoint, NULL});
    expect_type(&w.b, w.h, POOL_READY, &f, &m);
    welcome(&w.b, OTHER, CLUSTER, 60000);
    expect_credit(&w.b, w.h, 1);
    assert_int_equal(m2_worker_joined(w.h), 2);

    zmq_close(c.router);
    zmq_close(c.updates);
    end(&w);
}

/* ---- usage
 * ---------------------------------------------------------------------------------------- */

static void test_options(void **state)
{
    (void)state;
    static const struct m2_worker_options wrong[] = {
        {.pool = NULL},
        {.pool = ""},
        {.pool = "a", .capacity = 1000001},
        {.pool = "a", .uuid = "me"},
        {.pool = "a", .coordinators = ""},
        {.pool = "a", .coordinators = "10.0.0.1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct m2_handler *h;
        struct m2_error e = {M2_ERROR_NONE, ""};
        assert_int_equal(m2_worker_create(&h, &wrong[i], &e), -1);
        assert_null(h);
        assert_int_equal(e.code, M2_ERROR_USAGE);
    }
    struct world w;
    struct m2_error e;
    begin(&w, 1, false);
    assert_int_equal(m2_worker_add_node(w.h, "nonsense", &e), -1);
    assert_int_equal(m2_worker_add_node(w.h, NULL, &e), -1);
    assert_int_equal(m2_classic_connect(w.h, w.a.endpoint, w.b.endpoint, &e), -1);
    m2_worker_remove_node(w.h, w.a.endpoint);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_reply),
        cmocka_unit_test(test_full_worker_hands_back_and_holds_the_place),
        cmocka_unit_test(test_many_at_once_share_one_credit),
        cmocka_unit_test(test_replies_to_any_node),
        cmocka_unit_test(test_node_is_restarted),
        cmocka_unit_test(test_requests_of_a_lost_node_are_not_shown),
        cmocka_unit_test(test_silent_node),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_what_is_sent_last_arrives),
        cmocka_unit_test(test_keeper_keeps_a_busy_worker_alive),
        cmocka_unit_test(test_a_signal_ends_the_wait),
        cmocka_unit_test(test_keeper_wakes_a_foreign_loop),
        cmocka_unit_test(test_nodes_are_found_through_the_coordinator),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
