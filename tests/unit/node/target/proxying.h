/* A node that proxies to upstreams which the test plays, as it plays the client: on real sockets,
 * the loop stepped between. */
#ifndef TESTS_UNIT_NODE_TARGET_PROXYING_H
#define TESTS_UNIT_NODE_TARGET_PROXYING_H

#include "node/target/proxy.h"
#include "proto/base/clock.h"
#include "tests/unit/node/target/serving.h"

#include <arpa/inet.h>

#define UPSTREAMS 3

/* An upstream that says what the test tells it to. */
struct far {
    int listener;
    int conn; /* the one accepted last; -1 */
    unsigned port;
    struct buf received;
};

struct proxying {
    struct serving serving;
    struct far far[UPSTREAMS];
};

static inline void far_open(struct far *f)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    *f = (struct far){.conn = -1, .received = BUF_INIT};
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(f->listener >= 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(f->listener, 8), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&in, &len), 0);
    f->port = ntohs(in.sin_port);
}

static inline void far_hang_up(struct far *f)
{
    if (f->conn >= 0)
        close(f->conn);
    f->conn = -1;
}

static inline void far_close(struct far *f)
{
    far_hang_up(f);
    if (f->listener >= 0)
        close(f->listener);
    buf_fini(&f->received);
}

static inline void settle(struct proxying *p)
{
    for (int i = 0; i < 6; i++)
        loop_step(&p->serving.worker.loop);
}

/* All that has reached the upstream since the last time, on a new connection if there is one. */
static inline struct slice far_hears(struct proxying *p, struct far *f)
{
    char bytes[65536];
    settle(p);
    int fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        far_hang_up(f);
        f->conn = fd;
        settle(p);
    }
    buf_clear(&f->received);
    for (ssize_t got; f->conn >= 0 && (got = read(f->conn, bytes, sizeof bytes)) > 0; settle(p))
        buf_append(&f->received, bytes, (size_t)got);
    return buf_slice(&f->received);
}

static inline void far_says(struct proxying *p, struct far *f, const char *text)
{
    assert_int_equal(write(f->conn, text, strlen(text)), strlen(text));
    settle(p);
}

/* A node that proxies everything to the first `count` upstreams. `more`: other columns. */
static inline void start_with(struct proxying *p, int count, const char *timeout,
                              const char *retries, const char *more)
{
    static const struct target_ops *const kinds[] = {&target_proxy, NULL};
    struct buf upstreams = BUF_INIT;
    buf_append_str(&upstreams, "upstreams=");
    for (int i = 0; i < UPSTREAMS; i++) {
        far_open(&p->far[i]);
        if (i < count)
            buf_printf(&upstreams, " 127.0.0.1:%u", p->far[i].port);
    }
    struct model *m = model_create(NULL);
    fixture_server(m, "main", 6767);
    fixture_row(m, TABLE_HOST, "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_PROXY, buf_str(&upstreams), timeout, retries, "balance=round_robin", more,
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=1", "target_id=1", "target_type=proxy", NULL);
    buf_fini(&upstreams);
    serving_start(&p->serving, m, kinds);
}

static inline void start(struct proxying *p, int count, const char *timeout, const char *retries)
{
    start_with(p, count, timeout, retries, NULL);
}

static inline void stop(struct proxying *p)
{
    assert_int_equal(p->serving.worker.exchanges.in_use, 0);
    serving_stop(&p->serving);
    for (int i = 0; i < UPSTREAMS; i++)
        far_close(&p->far[i]);
}

static inline void begin(struct proxying *p)
{
    start(p, 1, "timeout=60", "retries=1");
}

static inline struct slice ask(struct proxying *p, const char *request)
{
    return serving_ask(&p->serving, slice_str(request), NULL);
}

static inline struct slice client_hears(struct proxying *p, bool *ended)
{
    return serving_receive(&p->serving, ended);
}

static inline void assert_says(struct slice got, const char *want)
{
    if (!slice_eq(got, slice_str(want)))
        fail_msg("got:\n%.*s\ninstead of:\n%s", SLICE_ARG(got), want);
}

#define GET_X "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
#define ADDED                                                                     \
    "X-Forwarded-For: unix\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n" \
    "Forwarded: for=unknown;host=\"h\";proto=http\r\n"
#define SENT_X "GET /x HTTP/1.1\r\nHost: h\r\n" ADDED "Via: 1.1 mongrel2\r\n\r\n"
#define DATED  "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
#define HELLO  "HTTP/1.1 200 OK\r\n" DATED "Server: far\r\nContent-Length: 5\r\n\r\nhello"
#define BAD_GATEWAY                                                                 \
    "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\n" \
    "Content-Length: 11\r\n"

static inline bool is_status(struct slice answer, const char *status_line)
{
    return slice_starts_with(answer, slice_str(status_line));
}

static inline void pass_time(struct proxying *p, unsigned ms)
{
    static uint64_t now_us;
    if (now_us == 0)
        now_us = clock_monotonic_us();
    now_us += ms * 1000ull;
    clock_fake(now_us, 1700000000000);
    settle(p);
    deadlines_advance(&p->serving.worker.deadlines);
    settle(p);
}

#endif
