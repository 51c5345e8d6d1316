/* Fan-out: one sender, many listeners on streaming HTTP connections, both played here, so that it
 * is known when a message has reached everyone and the next may go. At most -in_flight messages are
 * on their way at a time. Counts deliveries, the time from sending to the last listener, and the
 * CPU time of the server. Prints one line of JSON.
 *
 * Two kinds of sender: a classic Mongrel2 handler over libzmq (-send_spec, -recv_spec; each message
 * names up to -targets listeners), or a publisher that POSTs to a path of the server (-publish),
 * one connection per message in flight. */

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
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define IN_FLIGHT_MAX 16
#define STALL_US      (2 * 1000000ul) /* no delivery for so long: the run ends as stalled */
#define SETUP_US      (10 * 1000000ul)
#define HEAD          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"

enum role { LISTENER, PUBLISHER };

/* What epoll watches begins with its role. */
struct listener {
    enum role role;
    int fd; /* -1: the server has closed it */
    bool streaming;
    unsigned matched; /* how much of the end of the head the last bytes were */
    uint64_t bytes;   /* of messages */
    char id[24];      /* connection id, for the handler */
};

struct publisher {
    enum role role;
    int fd;
    bool busy;
    size_t have;
    char answer[2048];
};

struct fanout {
    uint16_t port;
    const char *path;
    unsigned listeners_count, in_flight, targets;
    size_t size; /* bytes on the wire per message and listener */
    uint64_t warmup_us, measure_us;

    void *requests, *replies; /* handler */
    struct buf uuid;          /* of the server, as its requests say */
    const char *publish;      /* path; NULL: handler */
    struct buf post;          /* the request of a publisher */
    struct publisher publishers[IN_FLIGHT_MAX];

    struct usage_watch watch;
    struct usage before, after;
    struct listener *listeners;
    int epoll_fd;
    unsigned streaming, closed;
    uint64_t now_us, moved_us;
    bool measuring;

    uint64_t sent, done;                    /* messages */
    unsigned reached[IN_FLIGHT_MAX];        /* listeners that have message n, at n % max */
    uint64_t sent_at_us[IN_FLIGHT_MAX];     /* likewise */
    uint64_t deliveries, messages, refused; /* while measuring */
    struct histogram latency;
};

static const struct args_option options[] = {
    {"port", "N", "Port of the server on 127.0.0.1."},
    {"path", "TEXT", "Where listeners listen (/fan)."},
    {"listeners", "N", "How many (100)."},
    {"in_flight", "N", "Messages on their way at a time (1)."},
    {"size", "N", "Bytes of a message, per listener (128)."},
    {"warmup_ms", "N", "Time before counting starts (200)."},
    {"measure_ms", "N", "Time that counts (1000)."},
    {"send_spec", "SPEC", "Handler: where the server's PUSH socket is bound."},
    {"recv_spec", "SPEC", "Handler: where the server's SUB socket is bound."},
    {"targets", "N", "Handler: listeners named in one message (128)."},
    {"publish", "PATH", "Publisher: where to POST messages."},
    {"separator", "N", "Publisher: bytes that the server puts behind a message (0)."},
    {"pids", "LIST", "Processes of the server, with commas, whose CPU time is counted."},
    {"core", "N", "Core of the server, to notice others on it (-1: do not look)."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

/* --- the sender as a handler --- */

static int zmq_failed(struct error *e, const char *what)
{
    return error_set(e, ERROR_IO, "%s: %s.", what, zmq_strerror(zmq_errno()));
}

static int open_handler(struct fanout *f, const struct args *a, struct error *e)
{
    int unbounded = 0, linger = 0, wait_ms = SETUP_US / 1000;
    char subscription[256];
    void *context = zmq_ctx_new();
    f->requests = zmq_socket(context, ZMQ_PULL);
    f->replies = zmq_socket(context, ZMQ_XPUB);
    if (f->requests == NULL || f->replies == NULL)
        return zmq_failed(e, "There are no ZeroMQ sockets");
    zmq_setsockopt(f->replies, ZMQ_SNDHWM, &unbounded, sizeof(int));
    zmq_setsockopt(f->replies, ZMQ_LINGER, &linger, sizeof(int));
    zmq_setsockopt(f->replies, ZMQ_RCVTIMEO, &wait_ms, sizeof(int));
    zmq_setsockopt(f->requests, ZMQ_RCVTIMEO, &wait_ms, sizeof(int));
    if (zmq_connect(f->requests, args_get(a, "send_spec", "")) != 0 ||
        zmq_connect(f->replies, args_get(a, "recv_spec", "")) != 0)
        return zmq_failed(e, "The server's handler sockets cannot be connected to");
    if (zmq_recv(f->replies, subscription, sizeof(subscription), 0) < 0)
        return zmq_failed(e, "The server did not subscribe");
    return 0;
}

/* "UUID ID PATH …": remembers both words. Ids come in any order; listeners are all alike. Returns 0
 * for a notice (path "@*"): those of the listeners of an earlier run may still arrive. */
static int take_request(struct fanout *f, struct listener *l, struct error *e)
{
    char bytes[4096];
    int len = zmq_recv(f->requests, bytes, sizeof(bytes), 0);
    if (len < 0)
        return zmq_failed(e, "No request came from the server");
    struct slice request = slice_of(bytes,
                                    (size_t)len < sizeof(bytes) ? (size_t)len : sizeof(bytes));
    size_t uuid_len = slice_find(request, ' ');
    struct slice rest = slice_from(request, uuid_len < request.len ? uuid_len + 1 : request.len);
    size_t id_len = slice_find(rest, ' ');
    if (id_len == 0 || id_len >= sizeof(l->id) || id_len + 1 >= rest.len)
        return error_set(e, ERROR_INVALID, "The server sent a message that is no request.");
    if (rest.ptr[id_len + 1] == '@')
        return 0;
    memcpy(l->id, rest.ptr, id_len);
    l->id[id_len] = '\0';
    buf_clear(&f->uuid);
    buf_append(&f->uuid, request.ptr, uuid_len);
    return 1;
}

static int send_to(struct fanout *f, unsigned first, unsigned count, struct slice payload,
                   struct error *e)
{
    struct buf ids = BUF_INIT, m = BUF_INIT;
    for (unsigned i = first; i < first + count; i++) {
        if (i > first)
            buf_append_char(&ids, ' ');
        buf_append_str(&ids, f->listeners[i].id);
    }
    buf_append_slice(&m, buf_slice(&f->uuid));
    buf_printf(&m, " %zu:%s, ", ids.len, buf_str(&ids));
    buf_append_slice(&m, payload);
    int result = zmq_send(f->replies, m.data, m.len, 0);
    buf_fini(&ids);
    buf_fini(&m);
    return result < 0 ? zmq_failed(e, "A message could not be sent") : 0;
}

static int send_by_handler(struct fanout *f, struct slice payload, struct error *e)
{
    for (unsigned i = 0; i < f->listeners_count; i += f->targets) {
        unsigned left = f->listeners_count - i;
        if (send_to(f, i, left < f->targets ? left : f->targets, payload, e) < 0)
            return -1;
    }
    return 0;
}

static int greet_listeners(struct fanout *f, struct error *e)
{
    for (unsigned i = 0; i < f->listeners_count;) {
        int taken = take_request(f, &f->listeners[i], e);
        if (taken < 0)
            return -1;
        i += (unsigned)taken;
    }
    return send_by_handler(f, SLICE(HEAD), e);
}

/* --- the sender as a publisher --- */

static int open_publishers(struct fanout *f, size_t separator, struct error *e)
{
    size_t len = f->size - separator;
    buf_printf(&f->post,
               "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
               "Content-Length: %zu\r\n\r\n",
               f->publish, len);
    for (size_t i = 0; i < len; i++)
        buf_append_char(&f->post, 'm');
    for (unsigned i = 0; i < f->in_flight; i++) {
        struct publisher *p = &f->publishers[i];
        p->role = PUBLISHER;
        p->fd = tcp_connect(f->port, e);
        if (p->fd < 0 || tcp_set_nonblocking(p->fd, e) < 0 ||
            tcp_watch(f->epoll_fd, p->fd, EPOLLIN, p, e) < 0)
            return -1;
    }
    return 0;
}

static struct publisher *idle_publisher(struct fanout *f)
{
    for (unsigned i = 0; i < f->in_flight; i++)
        if (!f->publishers[i].busy)
            return &f->publishers[i];
    return NULL;
}

static int send_by_publisher(struct fanout *f, struct error *e)
{
    struct publisher *p = idle_publisher(f);
    BUG_ON(p == NULL);
    p->busy = true;
    p->have = 0;
    if (send(p->fd, f->post.data, f->post.len, 0) != (ssize_t)f->post.len)
        return error_set_errno(e, "A message could not be published");
    return 0;
}

static int on_published(struct fanout *f, struct publisher *p, struct error *e)
{
    struct response r;
    ssize_t n = recv(p->fd, p->answer + p->have, sizeof(p->answer) - p->have, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return error_set(e, ERROR_REFUSED, "The server closed a publisher's connection.");
    p->have += (size_t)n;
    if (response_read(p->answer, p->have, &r) != RESPONSE_DONE ||
        p->have < r.head_len + (size_t)(r.length > 0 ? r.length : 0))
        return 0;
    f->refused += r.status >= 300;
    p->busy = false;
    return 0;
}

/* --- the listeners --- */

static int open_listeners(struct fanout *f, struct error *e)
{
    char request[512];
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       f->path);
    f->listeners = calloc(f->listeners_count, sizeof(*f->listeners));
    if (f->listeners == NULL)
        return error_set(e, ERROR_NO_MEMORY, "There is no memory for listeners.");
    for (unsigned i = 0; i < f->listeners_count; i++) {
        struct listener *l = &f->listeners[i];
        l->fd = tcp_connect(f->port, e);
        if (l->fd < 0 || tcp_set_nonblocking(l->fd, e) < 0 ||
            tcp_watch(f->epoll_fd, l->fd, EPOLLIN, l, e) < 0)
            return -1;
        if (send(l->fd, request, (size_t)len, 0) != len)
            return error_set_errno(e, "A listener could not ask");
    }
    return 0;
}

/* Bytes behind the end of the head, if it ends in these. */
static size_t skip_head(struct listener *l, const char *bytes, size_t len)
{
    static const char end[] = "\r\n\r\n";
    for (size_t i = 0; i < len; i++) {
        l->matched = bytes[i] == end[l->matched] ? l->matched + 1 : bytes[i] == '\r';
        if (l->matched == 4) {
            l->streaming = true;
            return len - i - 1;
        }
    }
    return 0;
}

static void count_message(struct fanout *f, uint64_t number)
{
    unsigned slot = (unsigned)(number % IN_FLIGHT_MAX);
    if (f->measuring)
        f->deliveries++;
    if (++f->reached[slot] < f->listeners_count)
        return;
    f->done++;
    if (f->measuring) {
        f->messages++;
        histogram_add(&f->latency, f->now_us - f->sent_at_us[slot]);
    }
}

static void on_bytes(struct fanout *f, struct listener *l, const char *bytes, size_t len)
{
    if (!l->streaming) {
        len = skip_head(l, bytes, len);
        f->streaming += l->streaming;
    }
    uint64_t before = l->bytes / f->size;
    l->bytes += len;
    for (uint64_t n = before; n < l->bytes / f->size && n < f->sent; n++)
        count_message(f, n);
}

static void on_listener(struct fanout *f, struct listener *l)
{
    static char bytes[65536];
    ssize_t n = recv(l->fd, bytes, sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    f->moved_us = f->now_us;
    if (n > 0) {
        on_bytes(f, l, bytes, (size_t)n);
        return;
    }
    close(l->fd);
    l->fd = -1;
    f->closed++;
}

/* --- the run --- */

static int turn(struct fanout *f, struct error *e)
{
    struct epoll_event events[512];
    int n = epoll_wait(f->epoll_fd, events, 512, 20);
    f->now_us = clock_monotonic_us();
    for (int i = 0; i < n; i++) {
        const enum role *role = events[i].data.ptr;
        if (*role == LISTENER)
            on_listener(f, events[i].data.ptr);
        else if (on_published(f, events[i].data.ptr, e) < 0)
            return -1;
    }
    return 0;
}

static int send_message(struct fanout *f, struct slice payload, struct error *e)
{
    unsigned slot = (unsigned)(f->sent % IN_FLIGHT_MAX);
    f->reached[slot] = 0;
    f->sent_at_us[slot] = clock_monotonic_us();
    f->sent++;
    return f->publish != NULL ? send_by_publisher(f, e) : send_by_handler(f, payload, e);
}

static int wait_for_streams(struct fanout *f, struct error *e)
{
    uint64_t deadline_us = clock_monotonic_us() + SETUP_US;
    while (f->streaming < f->listeners_count) {
        if (clock_monotonic_us() > deadline_us || f->closed > 0)
            return error_set(e, ERROR_TIMEOUT, "%u of %u listeners got a response, %u were closed.",
                             f->streaming, f->listeners_count, f->closed);
        if (turn(f, e) < 0)
            return -1;
    }
    return 0;
}

static bool may_send(struct fanout *f)
{
    return f->sent - f->done < f->in_flight && (f->publish == NULL || idle_publisher(f) != NULL);
}

static void start_measuring(struct fanout *f)
{
    usage_read(&f->watch, &f->before);
    f->measuring = true;
}

static int run(struct fanout *f, struct slice payload, struct error *e)
{
    uint64_t started_us = clock_monotonic_us();
    f->moved_us = started_us;
    if (f->warmup_us == 0)
        start_measuring(f);
    for (;;) {
        while (may_send(f))
            if (send_message(f, payload, e) < 0)
                return -1;
        if (turn(f, e) < 0)
            return -1;
        if (!f->measuring && f->now_us - started_us >= f->warmup_us)
            start_measuring(f);
        if (f->closed > 0 || f->now_us > f->moved_us + STALL_US)
            break;
        /* A little later when nothing was counted yet, as happens to a very short run. */
        if (f->now_us - started_us >= f->warmup_us + f->measure_us && f->deliveries > 0)
            break;
    }
    if (!f->measuring)
        start_measuring(f);
    usage_read(&f->watch, &f->after);
    return 0;
}

static void report(const struct fanout *f)
{
    printf("{");
    usage_print(stdout, &f->watch, &f->before, &f->after);
    printf("\"operations\":%" PRIu64 ",\"messages\":%" PRIu64 ",", f->deliveries, f->messages);
    printf("\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",", histogram_quantile(&f->latency, 0.5),
           histogram_quantile(&f->latency, 0.99));
    printf("\"closed\":%u,\"refused\":%" PRIu64 ",\"stalled\":%d}\n", f->closed, f->refused,
           f->now_us > f->moved_us + STALL_US);
}

static int configure(struct fanout *f, const struct args *a, struct error *e)
{
    int64_t port, listeners, in_flight, size, warmup, measure, targets, core;
    if (args_get_int(a, "port", 1, 65535, 0, &port, e) < 0 ||
        args_get_int(a, "listeners", 1, 100000, 100, &listeners, e) < 0 ||
        args_get_int(a, "in_flight", 1, IN_FLIGHT_MAX, 1, &in_flight, e) < 0 ||
        args_get_int(a, "size", 1, 65536, 128, &size, e) < 0 ||
        args_get_int(a, "warmup_ms", 0, 600000, 200, &warmup, e) < 0 ||
        args_get_int(a, "measure_ms", 1, 600000, 1000, &measure, e) < 0 ||
        args_get_int(a, "targets", 1, 100000, 128, &targets, e) < 0 ||
        args_get_int(a, "core", -1, 4095, -1, &core, e) < 0)
        return -1;
    f->port = (uint16_t)port;
    f->path = args_get(a, "path", "/fan");
    f->publish = args_get(a, "publish", NULL);
    f->listeners_count = (unsigned)listeners;
    f->in_flight = (unsigned)in_flight;
    f->targets = (unsigned)targets;
    f->size = (size_t)size;
    f->warmup_us = (uint64_t)warmup * 1000;
    f->measure_us = (uint64_t)measure * 1000;
    return usage_watch_init(&f->watch, args_get(a, "pids", ""), (int)core, e);
}

static int set_up(struct fanout *f, const struct args *a, struct error *e)
{
    int64_t separator;
    f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (args_get_int(a, "separator", 0, (int64_t)f->size - 1, 0, &separator, e) < 0)
        return -1;
    if (f->publish != NULL) {
        if (open_listeners(f, e) < 0 || open_publishers(f, (size_t)separator, e) < 0)
            return -1;
    } else if (open_handler(f, a, e) < 0 || open_listeners(f, e) < 0 || greet_listeners(f, e) < 0)
        return -1;
    return wait_for_streams(f, e);
}

int main(int argc, char **argv)
{
    static struct fanout f; /* zero; lives as long as the process */
    struct args a;
    struct error e;
    struct buf payload = BUF_INIT;
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || configure(&f, &a, &e) < 0) {
        fprintf(stderr, "fanout: %s\n", e.text);
        return 2;
    }
    for (size_t i = 0; i < f.size; i++)
        buf_append_char(&payload, 'm');
    if (set_up(&f, &a, &e) < 0 || run(&f, buf_slice(&payload), &e) < 0) {
        fprintf(stderr, "fanout: %s\n", e.text);
        return 1;
    }
    report(&f);
    return 0;
}
