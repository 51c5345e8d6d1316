/* HTTP load: a fixed number of kept-alive connections to one port of this machine, each with one
 * request in flight, for a fixed time. Checks the status and the length of every answer; counts
 * answers, bytes, latency and the CPU time of the server between the end of the warm-up and the
 * end. Prints one line of JSON.
 *
 * Built to be cheaper than every server it drives: one thread, level-triggered epoll without a
 * change in steady state, one write and one read per small answer, bodies dropped in the kernel
 * (MSG_TRUNC). So the server is the bottleneck when it has one core and this has another. */

#include "proto/base/args.h"
#include "proto/base/clock.h"
#include "proto/base/histogram.h"
#include "tests/bench/programs/response.h"
#include "tests/bench/programs/tcp.h"
#include "tests/bench/programs/usage.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX  16384           /* with the first part of the body */
#define SKIP_MAX  (1u << 20)      /* bytes of a body dropped per call */
#define STALL_US  (2 * 1000000ul) /* a connection that is silent for so long has stalled */
#define GIVE_UP   1000            /* broken connections after which the run ends */
#define BY_BYTES  65536           /* answers from this size on are counted by bytes, see report() */
#define PATHS_MAX 1000000

struct client {
    int fd;
    size_t have;        /* bytes in head[] */
    uint64_t body_left; /* 0 while the head is incomplete */
    uint64_t since_us;  /* the request was sent */
    uint64_t moved_us;  /* last time anything arrived */
    char head[HEAD_MAX];
};

struct request {
    char *bytes;
    size_t len;
};

struct load {
    uint16_t port;
    unsigned connections;
    uint64_t length; /* expected */
    uint64_t requests_max;
    uint64_t warmup_us, measure_us;
    struct request *requests; /* one per path */
    unsigned request_count;
    uint32_t random;

    struct usage_watch watch;
    struct usage before, after;
    struct client *clients;
    int epoll_fd;
    bool measuring;
    uint64_t now_us;

    uint64_t done, done_ever, body_bytes;
    uint64_t closed, bad_status, bad_length, stalled;
    struct histogram latency;
};

static const struct args_option options[] = {
    {"port", "N", "Port of the server on 127.0.0.1."},
    {"connections", "N", "Connections held open, each with one request in flight (64)."},
    {"warmup_ms", "N", "Time before counting starts (200)."},
    {"measure_ms", "N", "Time that counts (1000)."},
    {"requests", "N", "End after so many answers, warm-up included (0: no bound)."},
    {"path", "TEXT", "Path to ask for; {} in it stands for a number (/)."},
    {"paths", "N", "How many numbers {} runs over, from 0, in random order (1: only the last)."},
    {"last", "N", "The number that {} stands for when -paths is 1 (0)."},
    {"length", "N", "Content-Length that every answer must have."},
    {"pids", "LIST", "Processes of the server, with commas, whose CPU time is counted."},
    {"core", "N", "Core of the server, to notice others on it (-1: do not look)."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

static int build_request(struct request *r, const char *path, unsigned number, struct error *e)
{
    struct buf b = BUF_INIT;
    const char *mark = strstr(path, "{}");
    buf_append_str(&b, "GET ");
    if (mark != NULL) {
        buf_append(&b, path, (size_t)(mark - path));
        buf_append_uint(&b, number);
        path = mark + 2;
    }
    buf_append_str(&b, path);
    buf_append_str(&b, " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n");
    r->len = b.len;
    r->bytes = buf_take(&b);
    return r->bytes != NULL ? 0 : error_set(e, ERROR_NO_MEMORY, "There is no memory for requests.");
}

static int build_requests(struct load *l, const struct args *a, struct error *e)
{
    const char *path = args_get(a, "path", "/");
    int64_t paths, last;
    if (args_get_int(a, "paths", 1, PATHS_MAX, 1, &paths, e) < 0 ||
        args_get_int(a, "last", 0, PATHS_MAX, 0, &last, e) < 0)
        return -1;
    l->request_count = (unsigned)paths;
    l->requests = calloc(l->request_count, sizeof(*l->requests));
    if (l->requests == NULL)
        return error_set(e, ERROR_NO_MEMORY, "There is no memory for requests.");
    for (unsigned i = 0; i < l->request_count; i++)
        if (build_request(&l->requests[i], path, paths == 1 ? (unsigned)last : i, e) < 0)
            return -1;
    return 0;
}

static const struct request *next_request(struct load *l)
{
    if (l->request_count == 1)
        return &l->requests[0];
    l->random = l->random * 1664525u + 1013904223u;
    return &l->requests[((uint64_t)l->random * l->request_count) >> 32];
}

static int send_request(struct load *l, struct client *c)
{
    const struct request *r = next_request(l);
    c->have = 0;
    c->body_left = 0;
    c->since_us = c->moved_us = clock_monotonic_us();
    /* One small request on an idle connection: a partial write cannot happen to a live peer. */
    return send(c->fd, r->bytes, r->len, MSG_NOSIGNAL) == (ssize_t)r->len ? 0 : -1;
}

static int open_client(struct load *l, struct client *c, struct error *e)
{
    c->fd = tcp_connect(l->port, e);
    if (c->fd < 0 || tcp_set_nonblocking(c->fd, e) < 0 ||
        tcp_watch(l->epoll_fd, c->fd, EPOLLIN, c, e) < 0)
        return -1;
    return 0;
}

/* The server has closed the connection, or its answer cannot be trusted: a new one. */
static int reopen(struct load *l, struct client *c, struct error *e)
{
    close(c->fd);
    c->fd = -1;
    if (l->closed + l->bad_status + l->bad_length > GIVE_UP)
        return error_set(e, ERROR_REFUSED, "More than %d connections were closed or bad.", GIVE_UP);
    if (open_client(l, c, e) < 0)
        return -1;
    return send_request(l, c) < 0 ? error_set_errno(e, "A request could not be sent") : 0;
}

static int complete(struct load *l, struct client *c, struct error *e)
{
    l->done_ever++;
    if (l->measuring) {
        l->done++;
        histogram_add(&l->latency, clock_monotonic_us() - c->since_us);
    }
    if (send_request(l, c) == 0)
        return 0;
    l->closed++;
    return reopen(l, c, e);
}

static int count_body(struct load *l, struct client *c, uint64_t bytes, struct error *e)
{
    c->body_left -= bytes;
    if (l->measuring)
        l->body_bytes += bytes;
    return c->body_left == 0 ? complete(l, c, e) : 0;
}

static int on_head(struct load *l, struct client *c, struct error *e)
{
    struct response r;
    enum response_result result = response_read(c->head, c->have, &r);
    if (result == RESPONSE_MORE && c->have < HEAD_MAX)
        return 0;
    if (result != RESPONSE_DONE || r.status != 200) {
        l->bad_status++;
        return reopen(l, c, e);
    }
    if (r.length < 0 || (uint64_t)r.length != l->length || c->have - r.head_len > l->length) {
        l->bad_length++;
        return reopen(l, c, e);
    }
    uint64_t first = c->have - r.head_len;
    c->body_left = l->length;
    return count_body(l, c, first, e);
}

static int on_readable(struct load *l, struct client *c, struct error *e)
{
    ssize_t n;
    if (c->body_left > 0)
        n = recv(c->fd, NULL, c->body_left < SKIP_MAX ? c->body_left : SKIP_MAX, MSG_TRUNC);
    else
        n = recv(c->fd, c->head + c->have, HEAD_MAX - c->have, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        l->closed++;
        return reopen(l, c, e);
    }
    c->moved_us = l->now_us;
    if (c->body_left > 0)
        return count_body(l, c, (uint64_t)n, e);
    c->have += (size_t)n;
    return on_head(l, c, e);
}

static uint64_t count_stalled(const struct load *l)
{
    uint64_t stalled = 0;
    for (unsigned i = 0; i < l->connections; i++)
        stalled += l->now_us > l->clients[i].moved_us + STALL_US;
    return stalled;
}

static void start_measuring(struct load *l)
{
    usage_read(&l->watch, &l->before);
    l->measuring = true;
}

/* The time is over (a little later when nothing was counted yet, as happens to a very short run on
 * a busy machine), the number of requests is reached, or every connection has stalled. */
static bool is_over(const struct load *l, uint64_t started_us)
{
    uint64_t end_us = started_us + l->warmup_us + l->measure_us;
    if (l->requests_max > 0 && l->done_ever >= l->requests_max)
        return true;
    if (l->now_us >= end_us && (l->done > 0 || l->body_bytes > 0 || l->now_us >= end_us + STALL_US))
        return true;
    return count_stalled(l) == l->connections;
}

static int run(struct load *l, struct error *e)
{
    struct epoll_event events[256];
    uint64_t started_us = clock_monotonic_us(), check_us = 0;
    if (l->warmup_us == 0)
        start_measuring(l);
    for (;;) {
        int n = epoll_wait(l->epoll_fd, events, 256, 20);
        l->now_us = clock_monotonic_us();
        for (int i = 0; i < n; i++)
            if (on_readable(l, events[i].data.ptr, e) < 0)
                return -1;
        if (!l->measuring && l->now_us - started_us >= l->warmup_us)
            start_measuring(l);
        if (n == 0 || l->now_us >= check_us) {
            if (is_over(l, started_us))
                break;
            check_us = l->now_us + 1000;
        }
    }
    if (!l->measuring)
        start_measuring(l);
    usage_read(&l->watch, &l->after);
    l->stalled = count_stalled(l);
    return 0;
}

static int open_all(struct load *l, struct error *e)
{
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->clients = calloc(l->connections, sizeof(*l->clients));
    if (l->epoll_fd < 0 || l->clients == NULL)
        return error_set_errno(e, "The connections could not be set up");
    for (unsigned i = 0; i < l->connections; i++)
        if (open_client(l, &l->clients[i], e) < 0)
            return -1;
    for (unsigned i = 0; i < l->connections; i++)
        if (send_request(l, &l->clients[i]) < 0)
            return error_set_errno(e, "The first request could not be sent");
    return 0;
}

/* Of large answers a run has few, and many are half done when it begins and ends: their share is
 * counted, by bytes. */
static void report(const struct load *l)
{
    double operations = l->length >= BY_BYTES ? (double)l->body_bytes / (double)l->length
                                              : (double)l->done;
    printf("{");
    usage_print(stdout, &l->watch, &l->before, &l->after);
    printf("\"operations\":%.2f,", operations);
    printf("\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",", histogram_quantile(&l->latency, 0.5),
           histogram_quantile(&l->latency, 0.99));
    printf("\"closed\":%" PRIu64 ",\"bad_status\":%" PRIu64 ",\"bad_length\":%" PRIu64
           ",\"stalled\":%" PRIu64 "}\n",
           l->closed, l->bad_status, l->bad_length, l->stalled);
}

static int configure(struct load *l, const struct args *a, struct error *e)
{
    int64_t port, connections, warmup, measure, requests, length, core;
    if (args_get_int(a, "port", 1, 65535, 0, &port, e) < 0 ||
        args_get_int(a, "connections", 1, 100000, 64, &connections, e) < 0 ||
        args_get_int(a, "warmup_ms", 0, 600000, 200, &warmup, e) < 0 ||
        args_get_int(a, "measure_ms", 1, 600000, 1000, &measure, e) < 0 ||
        args_get_int(a, "requests", 0, INT64_MAX, 0, &requests, e) < 0 ||
        args_get_int(a, "length", 0, INT64_MAX, 0, &length, e) < 0 ||
        args_get_int(a, "core", -1, 4095, -1, &core, e) < 0)
        return -1;
    l->port = (uint16_t)port;
    l->connections = (unsigned)connections;
    l->warmup_us = (uint64_t)warmup * 1000;
    l->measure_us = (uint64_t)measure * 1000;
    l->requests_max = (uint64_t)requests;
    l->length = (uint64_t)length;
    l->random = 1;
    if (usage_watch_init(&l->watch, args_get(a, "pids", ""), (int)core, e) < 0)
        return -1;
    return build_requests(l, a, e);
}

int main(int argc, char **argv)
{
    static struct load l; /* zero; lives as long as the process, which frees nothing at its end */
    struct args a;
    struct error e;
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || configure(&l, &a, &e) < 0) {
        fprintf(stderr, "load: %s\n", e.text);
        return 2;
    }
    if (open_all(&l, &e) < 0 || run(&l, &e) < 0) {
        fprintf(stderr, "load: %s\n", e.text);
        return 1;
    }
    report(&l);
    return 0;
}
