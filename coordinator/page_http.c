/* One request per connection. A connection is in one state at a time, and its state says what the
 * next event means; the timer of each bounds how long it may stay there without progress. */

#include "coordinator/page_http.h"

#include "proto/base/log.h"
#include "proto/http/fields.h"
#include "proto/http/request_head.h"
#include "proto/http/status_code.h"
#include "proto/view/page.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 8192, BACKLOG = 128 };
#define HEAD_S    10.0 /* for the whole head */
#define STALLED_S 20.0 /* without a byte taken, while there are some */
#define LINGER_S  2.0  /* for the client's end after ours */
#define PAUSE_S   0.1  /* after EMFILE: long enough not to spin */

enum conn_state {
    CONN_READING,   /* the head */
    CONN_WAITING,   /* for a content, to be answered with the document */
    CONN_STREAMING, /* every content */
    CONN_ENDING,    /* the answer is being written, then ours is the end */
    CONN_LINGERING, /* all is written: reads away what comes, so that no reset overtakes the answer
                     */
};

struct page_conn {
    struct list link;
    struct page_http *http;
    enum conn_state state;
    int fd;
    ev_io readable, writable;
    ev_timer timer;
    bool is_head; /* HEAD: no body */
    struct buf out;
    size_t sent; /* of out */
    size_t in_len;
    char in[HEAD_MAX];
};

/* ---- life --------------------------------------------------------------------------------- */

static void conn_free(struct page_conn *c)
{
    struct ev_loop *loop = c->http->loop;
    ev_io_stop(loop, &c->readable);
    ev_io_stop(loop, &c->writable);
    ev_timer_stop(loop, &c->timer);
    close(c->fd);
    buf_fini(&c->out);
    list_remove(&c->link);
    c->http->conn_count--;
    free(c);
}

static void enter(struct page_conn *c, enum conn_state state, double seconds)
{
    c->state = state;
    c->timer.repeat = seconds;
    ev_timer_again(c->http->loop, &c->timer);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Writes what waits. False: the connection is gone. */
static bool flush(struct page_conn *c)
{
    struct ev_loop *loop = c->http->loop;
    while (c->sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            ev_io_start(loop, &c->writable);
            return true;
        }
        if (n < 0) {
            conn_free(c);
            return false;
        }
        c->sent += (size_t)n;
        ev_timer_again(loop, &c->timer);
    }
    ev_io_stop(loop, &c->writable);
    buf_clear(&c->out);
    c->sent = 0;
    if (c->state == CONN_ENDING) {
        shutdown(c->fd, SHUT_WR);
        ev_io_start(loop, &c->readable);
        enter(c, CONN_LINGERING, LINGER_S);
    }
    return true;
}

static void answer(struct page_conn *c, int status, const char *fields, struct slice body)
{
    struct slice reason = status_code_reason(status);
    buf_printf(&c->out, "HTTP/1.1 %d %.*s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n",
               status, SLICE_ARG(reason), fields, body.len);
    if (!c->is_head)
        buf_append_slice(&c->out, body);
    if (c->out.failed) {
        conn_free(c);
        return;
    }
    enter(c, CONN_ENDING, STALLED_S);
    flush(c);
}

static void refuse(struct page_conn *c, int status, const char *fields)
{
    char text[64], all[256];
    int len = snprintf(text, sizeof text, "%.*s\n", SLICE_ARG(status_code_reason(status)));
    snprintf(all, sizeof all, "Content-Type: text/plain\r\n%s", fields);
    answer(c, status, all, slice_of(text, (size_t)len));
}

static void stream(struct page_conn *c)
{
    struct page_http *h = c->http;
    buf_append_str(&c->out, "HTTP/1.1 200 OK\r\n" PAGE_EVENT_FIELDS "Connection: close\r\n\r\n");
    enter(c, c->is_head ? CONN_ENDING : CONN_STREAMING, STALLED_S);
    if (flush(c) && c->state == CONN_STREAMING)
        h->want(h->arg); /* may end the connection */
}

/* ---- reading ------------------------------------------------------------------------------ */

static void serve(struct page_conn *c, const struct request_head *h)
{
    const struct http_field *accept = field_list_find(&h->fields, SLICE("Accept"));
    c->is_head = h->method_id == METHOD_HEAD;
    if (h->method_id != METHOD_GET && !c->is_head) {
        refuse(c, 405, "Allow: GET, HEAD\r\n");
    } else if (!slice_eq(h->path, SLICE("/"))) {
        refuse(c, 404, "");
    } else if (accept != NULL && fields_has_token(accept->value, SLICE("text/event-stream"))) {
        stream(c);
    } else {
        enter(c, CONN_WAITING, STALLED_S);
        c->http->want(c->http->arg);
    }
}

static void parse(struct page_conn *c)
{
    struct request_head h;
    struct http_field fields[FIELDS_USUAL];
    struct request_limits limits = {.head_bytes = HEAD_MAX, .fields = FIELDS_USUAL};
    request_head_init(&h, fields, FIELDS_USUAL);
    switch (request_head_parse(&h, c->in, c->in_len, &limits)) {
    case PARSE_DONE: serve(c, &h); return;
    case PARSE_MORE:
        if (c->in_len == HEAD_MAX)
            refuse(c, 431, "");
        return;
    case PARSE_FULL: refuse(c, 431, ""); return;
    default: refuse(c, parse_fault_status(h.fault), ""); return;
    }
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
    struct page_conn *c = container_of(w, struct page_conn, readable);
    char away[4096];
    bool reads = c->state == CONN_READING;
    char *to = reads ? c->in + c->in_len : away;
    size_t room = reads ? HEAD_MAX - c->in_len : sizeof away;
    (void)revents;
    ssize_t n = recv(c->fd, to, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n == 0 && (c->state == CONN_WAITING || c->state == CONN_ENDING)) {
        ev_io_stop(loop, w); /* it has ended its direction and waits for the answer */
        return;
    }
    if (n <= 0) {
        conn_free(c);
        return;
    }
    if (reads) {
        c->in_len += (size_t)n;
        parse(c);
    }
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop, (void)revents;
    flush(container_of(w, struct page_conn, writable));
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct page_conn *c = container_of(w, struct page_conn, timer);
    (void)loop, (void)revents;
    if (c->state == CONN_WAITING)
        refuse(c, 503, "Retry-After: 5\r\n");
    else if (c->state == CONN_STREAMING && c->out.len == 0)
        return; /* nothing to say, or a content is on its way */
    else
        conn_free(c);
}

/* ---- accepting ---------------------------------------------------------------------------- */

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)revents;
    ev_io_start(loop, &container_of(w, struct page_http, pause)->accepting);
}

/* Errors of one connection are its own; errors of the process pause. */
static void accept_failed(struct page_http *h)
{
    static struct log_limit limit;
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
        return;
    log_limited(&limit, LOG_WARN_LEVEL, "page", "can't accept: %s", strerror(errno));
    ev_io_stop(h->loop, &h->accepting);
    ev_timer_set(&h->pause, PAUSE_S, 0.0);
    ev_timer_start(h->loop, &h->pause);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
    static struct log_limit limit;
    struct page_http *h = container_of(w, struct page_http, accepting);
    (void)revents;
    int fd = accept4(h->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        accept_failed(h);
        return;
    }
    struct page_conn *c = h->conn_count < PAGE_HTTP_CONNS_MAX ? calloc(1, sizeof *c) : NULL;
    if (c == NULL) {
        log_limited(&limit, LOG_WARN_LEVEL, "page", "a connection is closed: %zu are open",
                    h->conn_count);
        close(fd);
        return;
    }
    c->http = h;
    c->fd = fd;
    list_push_back(&h->conns, &c->link);
    h->conn_count++;
    ev_io_init(&c->readable, on_readable, fd, EV_READ);
    ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
    ev_init(&c->timer, on_timer);
    ev_io_start(loop, &c->readable);
    enter(c, CONN_READING, HEAD_S);
}

/* ---- open and close ----------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *a)
{
    const struct sockaddr_in *in = (const void *)a;
    const struct sockaddr_in6 *in6 = (const void *)a;
    return a->sa_family == AF_INET ? ntohl(in->sin_addr.s_addr) >> 24 == 127
                                   : IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static int resolve(const char *spec, struct addrinfo **out, struct error *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST};
    char host[PAGE_HTTP_AT_MAX];
    const char *colon = strrchr(spec, ':');
    if (colon == NULL || colon == spec || (size_t)(colon - spec) >= sizeof host)
        return error_set(e, ERROR_USAGE, "-http takes HOST:PORT, not \"%s\".", spec);
    snprintf(host, sizeof host, "%.*s", (int)(colon - spec), spec);
    char *name = host;
    size_t len = strlen(host);
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        name++;
    } else if (strcmp(host, "localhost") == 0) {
        snprintf(host, sizeof host, "127.0.0.1");
    }
    int result = getaddrinfo(name, colon + 1, &hints, out);
    return result == 0 ? 0
                       : error_set(e, ERROR_USAGE,
                                   "-http takes the address and port of an interface, not \"%s\": "
                                   "%s.",
                                   spec, gai_strerror(result));
}

/* As bound: the port may have been 0. */
static void describe(struct page_http *h)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    if (getsockname(h->fd, (struct sockaddr *)&a, &len) == 0)
        getnameinfo((struct sockaddr *)&a, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(h->at, sizeof h->at, strchr(host, ':') != NULL ? "[%.50s]:%.8s" : "%.50s:%.8s", host,
             port);
}

static int bind_to(struct page_http *h, const struct addrinfo *a, const char *spec, struct error *e)
{
    int on = 1;
    h->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (h->fd < 0 || setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(h->fd, a->ai_addr, a->ai_addrlen) != 0 || listen(h->fd, BACKLOG) != 0)
        return error_set(e, ERROR_IO, "Cannot listen on %s for the page: %s.", spec,
                         strerror(errno));
    return 0;
}

int page_http_open(struct page_http *h, struct ev_loop *loop, const char *spec, bool insecure,
                   void (*want)(void *arg), void *arg, struct error *e)
{
    struct addrinfo *a;
    *h = (struct page_http){.loop = loop, .fd = -1, .want = want, .arg = arg};
    list_init(&h->conns);
    ev_init(&h->pause, on_pause_over);
    if (resolve(spec, &a, e) != 0)
        return -1;
    int result = !insecure && !is_loopback(a->ai_addr)
                     ? error_set(e, ERROR_DENIED,
                                 "The page would be open to everybody who reaches %s: listen on "
                                 "this machine only, behind a server that asks who it is, or say "
                                 "-insecure.",
                                 spec)
                     : bind_to(h, a, spec, e);
    freeaddrinfo(a);
    if (result != 0) {
        page_http_close(h);
        return -1;
    }
    describe(h);
    ev_io_init(&h->accepting, on_accept, h->fd, EV_READ);
    ev_io_start(loop, &h->accepting);
    return 0;
}

void page_http_close(struct page_http *h)
{
    if (h->loop == NULL)
        return;
    list_for_each_safe (it, &h->conns)
        conn_free(container_of(it, struct page_conn, link));
    ev_io_stop(h->loop, &h->accepting);
    ev_timer_stop(h->loop, &h->pause);
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
    h->loop = NULL;
}

/* ---- showing ------------------------------------------------------------------------------ */

bool page_http_is_watched(const struct page_http *h)
{
    if (h->loop == NULL)
        return false;
    list_for_each (it, &h->conns) {
        enum conn_state state = container_of(it, struct page_conn, link)->state;
        if (state == CONN_WAITING || state == CONN_STREAMING)
            return true;
    }
    return false;
}

static void push(struct page_conn *c, struct slice event)
{
    if (c->out.len > 0) /* it has not read the one before */
        return;
    buf_append_slice(&c->out, event);
    if (c->out.failed) {
        conn_free(c);
        return;
    }
    enter(c, CONN_STREAMING, STALLED_S);
    flush(c);
}

void page_http_show(struct page_http *h, struct slice content)
{
    struct buf document = BUF_INIT, event = BUF_INIT;
    if (!page_http_is_watched(h))
        return;
    page_put_document(&document, content);
    page_put_event(&event, content);
    list_for_each_safe (it, &h->conns) {
        struct page_conn *c = container_of(it, struct page_conn, link);
        if (c->state == CONN_WAITING && !document.failed)
            answer(c, 200, PAGE_FIELDS, buf_slice(&document));
        else if (c->state == CONN_STREAMING && !event.failed)
            push(c, buf_slice(&event));
    }
    buf_fini(&document);
    buf_fini(&event);
}
