/* Receiving reads sockets only when the inbox is empty or a timer is due, so that the work of one
 * turn (credits above all) is shared by all requests that came together. */

#include "proto/handler/handler.h"

#include "proto/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SPARE_MAX 256

/* ---- errors ------------------------------------------------------------------------------- */

int handler_fail(struct m2_error *e, enum m2_error_code code, const char *fmt, ...)
{
    if (e == NULL)
        return -1;
    va_list args;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    e->code = code;
    return -1;
}

int handler_fail_from(struct m2_error *e, const struct error *from)
{
    enum m2_error_code code = from->code == ERROR_NO_MEMORY     ? M2_ERROR_NO_MEMORY
                              : from->code == ERROR_IO          ? M2_ERROR_IO
                              : from->code == ERROR_UNREACHABLE ? M2_ERROR_UNREACHABLE
                                                                : M2_ERROR_USAGE;
    return handler_fail(e, code, "%s", from->text);
}

/* ---- life --------------------------------------------------------------------------------- */

static int make_descriptors(struct m2_handler *h)
{
    h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    h->hand_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pollset_init(&h->poll) != 0 || h->wake_fd < 0 || h->hand_fd < 0)
        return -1;
    return pollset_add_fd(&h->poll, h->wake_fd) != 0 || pollset_add_fd(&h->poll, h->hand_fd) != 0
               ? -1
               : 0;
}

static void free_base(struct m2_handler *h)
{
    pollset_fini(&h->poll);
    if (h->wake_fd >= 0)
        close(h->wake_fd);
    if (h->hand_fd >= 0)
        close(h->hand_fd);
    if (h->zmq != NULL)
        zmq_ctx_term(h->zmq);
    buf_fini(&h->head);
    buf_fini(&h->body);
    pthread_mutex_destroy(&h->lock);
}

int handler_init(struct m2_handler *h, const struct handler_ops *ops, struct m2_error *e)
{
    h->ops = ops;
    h->head = h->body = BUF_INIT;
    list_init(&h->inbox);
    list_init(&h->out);
    list_init(&h->spare);
    pthread_mutex_init(&h->lock, NULL);
    h->zmq = zmq_ctx_new();
    if (make_descriptors(h) != 0 || h->zmq == NULL) {
        handler_fail(e, M2_ERROR_IO, "Can't make the handler's descriptors: %s.", strerror(errno));
        free_base(h);
        return -1;
    }
    return 0;
}

static void request_free(struct m2_request *r)
{
    zmq_msg_close(&r->message);
    arena_fini(&r->arena);
    free(r);
}

static void free_list(struct list *requests)
{
    struct list *link;
    while ((link = list_pop_front(requests)) != NULL)
        request_free(container_of(link, struct m2_request, link));
}

void m2_handler_destroy(struct m2_handler **h)
{
    struct m2_handler *self = *h;
    if (self == NULL)
        return;
    *h = NULL;
    self->ops->stop(self);
    self->ops->fini(self);
    free_list(&self->inbox);
    free_list(&self->out);
    free_list(&self->spare);
    free_base(self);
    free(self);
}

void handler_event(struct m2_handler *h, const char *text)
{
    if (h->on_event != NULL)
        h->on_event(h->event_arg, text);
}

void m2_handler_on_event(struct m2_handler *h, void (*line)(void *arg, const char *text), void *arg)
{
    pthread_mutex_lock(&h->lock);
    h->on_event = line;
    h->event_arg = arg;
    pthread_mutex_unlock(&h->lock);
}

uint64_t m2_handler_malformed(struct m2_handler *h)
{
    pthread_mutex_lock(&h->lock);
    uint64_t count = h->malformed;
    pthread_mutex_unlock(&h->lock);
    return count;
}

/* ---- requests ----------------------------------------------------------------------------- */

static struct m2_request *request_get(struct m2_handler *h)
{
    struct list *link = list_pop_front(&h->spare);
    if (link != NULL) {
        h->spare_count--;
        return container_of(link, struct m2_request, link);
    }
    struct m2_request *r = calloc(1, sizeof *r);
    if (r != NULL) {
        list_init(&r->link);
        list_init(&r->place.link);
        arena_init(&r->arena, 2048);
        zmq_msg_init(&r->message);
        r->handler = h;
    }
    return r;
}

static void request_put(struct m2_handler *h, struct m2_request *r)
{
    list_remove(&r->link);
    if (h->spare_count == SPARE_MAX) {
        request_free(r);
        return;
    }
    zmq_msg_close(&r->message);
    zmq_msg_init(&r->message);
    arena_reset(&r->arena);
    r->fields = NULL;
    r->field_count = 0;
    r->is_parsed = false;
    list_push_front(&h->spare, &r->link);
    h->spare_count++;
}

struct m2_request *handler_receive(struct m2_handler *h, zmq_msg_t *message)
{
    struct m2_request *r = request_get(h);
    if (r == NULL || zmq_msg_move(&r->message, message) != 0)
        return NULL;
    struct slice bytes = slice_of(zmq_msg_data(&r->message), zmq_msg_size(&r->message));
    if (handler_message_parse(bytes, &r->parts, NULL) != 0) {
        h->malformed++;
        request_put(h, r);
        return NULL;
    }
    list_push_back(&h->inbox, &r->link);
    return r;
}

static void release(struct m2_request **r, bool give_back)
{
    struct m2_request *self = *r;
    if (self == NULL)
        return;
    struct m2_handler *h = self->handler;
    *r = NULL;
    pthread_mutex_lock(&h->lock);
    h->ops->release(h, self, give_back);
    request_put(h, self);
    pthread_mutex_unlock(&h->lock);
}

void m2_request_done(struct m2_request **r)
{
    release(r, false);
}

void m2_request_give_back(struct m2_request **r)
{
    release(r, true);
}

void handler_give_back_inbox(struct m2_handler *h)
{
    struct list *link;
    while ((link = list_pop_front(&h->inbox)) != NULL) {
        struct m2_request *r = container_of(link, struct m2_request, link);
        h->ops->release(h, r, true);
        request_put(h, r);
    }
}

/* ---- receiving ---------------------------------------------------------------------------- */

void handler_turn(struct m2_handler *h)
{
    pollset_drain(&h->poll);
    uint64_t now_ms = clock_monotonic_ms();
    h->ops->turn(h, now_ms);
    h->due_ms = h->ops->deadline(h, now_ms);
}

static void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one); /* fails only when it is signalled already */
    (void)written;
}

static void consume_fd(int fd)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
}

void m2_wake(struct m2_handler *h)
{
    signal_fd(h->wake_fd);
}

void handler_hand_over(struct m2_handler *h)
{
    if (!list_is_empty(&h->inbox))
        signal_fd(h->hand_fd);
}

/* The next request for the caller; wakes another thread when there is one more for it. */
static struct m2_request *take(struct m2_handler *h)
{
    struct list *link;
    while ((link = list_pop_front(&h->inbox)) != NULL) {
        struct m2_request *r = container_of(link, struct m2_request, link);
        if (h->ops->is_current(h, r)) {
            list_push_back(&h->out, &r->link);
            if (h->sleepers > 0)
                handler_hand_over(h);
            return r;
        }
        h->ops->release(h, r, false);
        request_put(h, r);
    }
    return NULL;
}

/* Milliseconds to sleep: up to `until_ms` (UINT64_MAX: for ever), but not past the next timer. */
static int sleep_ms(struct m2_handler *h, uint64_t now_ms, uint64_t until_ms)
{
    if (!list_is_empty(&h->inbox) || pollset_has_unread(&h->poll))
        return 0;
    uint64_t due_ms = until_ms < h->due_ms ? until_ms : h->due_ms;
    if (due_ms <= now_ms)
        return 0;
    return due_ms - now_ms < INT_MAX ? (int)(due_ms - now_ms) : INT_MAX;
}

enum woken { WOKEN_BY_EVENTS, WOKEN_TO_RETURN };

/* Sleeps without the lock. */
static enum woken sleep_unlocked(struct m2_handler *h, int timeout_ms)
{
    struct pollset_events events;
    h->sleepers++;
    pthread_mutex_unlock(&h->lock);
    pollset_wait(&h->poll, timeout_ms, &events);
    pthread_mutex_lock(&h->lock);
    h->sleepers--;
    if (events.count < 0)
        return WOKEN_TO_RETURN;
    pollset_take(&h->poll, &events);
    if (pollset_spoke(&events, h->hand_fd))
        consume_fd(h->hand_fd);
    if (!pollset_spoke(&events, h->wake_fd))
        return WOKEN_BY_EVENTS;
    consume_fd(h->wake_fd);
    return WOKEN_TO_RETURN;
}

/* The next request, or NULL: with *over when there will be none. The lock is held. */
static struct m2_request *receive(struct m2_handler *h, int timeout_ms, bool *over)
{
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t until_ms = timeout_ms < 0 ? UINT64_MAX : now_ms + (uint64_t)timeout_ms;
    bool has_slept = false;
    for (;; now_ms = clock_monotonic_ms()) {
        if (list_is_empty(&h->inbox) || now_ms >= h->due_ms)
            handler_turn(h);
        struct m2_request *r = take(h);
        if (r != NULL)
            return r;
        *over = h->ops->is_over(h);
        if (*over || (has_slept && now_ms >= until_ms))
            return NULL;
        if (sleep_unlocked(h, sleep_ms(h, now_ms, until_ms)) == WOKEN_TO_RETURN)
            until_ms = 0; /* but first what came at the same time */
        has_slept = true;
    }
}

int m2_recv(struct m2_handler *h, struct m2_request **out, int timeout_ms, struct m2_error *e)
{
    bool over = false;
    pthread_mutex_lock(&h->lock);
    *out = receive(h, timeout_ms, &over);
    pthread_mutex_unlock(&h->lock);
    if (over)
        return handler_fail(e, M2_ERROR_CLOSED, "The worker has left its pool.");
    return *out != NULL ? 1 : 0;
}

int m2_fd(struct m2_handler *h)
{
    return h->poll.fd;
}

int m2_wait_ms(struct m2_handler *h)
{
    pthread_mutex_lock(&h->lock);
    int ms = sleep_ms(h, clock_monotonic_ms(), UINT64_MAX);
    pthread_mutex_unlock(&h->lock);
    return ms;
}
