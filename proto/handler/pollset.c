/* A socket is read until it has no more (or a batch is used up): then its descriptor is silent and
 * will speak again, so it need not be looked at before. */

#include "proto/handler/pollset.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 256 /* messages read from one socket before the others get their turn */

int pollset_init(struct pollset *set)
{
    *set = (struct pollset){.fd = epoll_create1(EPOLL_CLOEXEC)};
    list_init(&set->touched);
    return set->fd >= 0 ? 0 : -1;
}

void pollset_fini(struct pollset *set)
{
    if (set->fd >= 0)
        close(set->fd);
    free(set->by_fd);
    set->by_fd = NULL;
    set->by_fd_count = 0;
    set->fd = -1;
}

int pollset_add_fd(struct pollset *set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    return epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event);
}

static int remember(struct pollset *set, struct poll_socket *s)
{
    size_t need = (size_t)s->fd + 1;
    if (need > set->by_fd_count) {
        struct poll_socket **grown = realloc(set->by_fd, 2 * need * sizeof *grown);
        if (grown == NULL)
            return -1;
        for (size_t i = set->by_fd_count; i < 2 * need; i++)
            grown[i] = NULL;
        set->by_fd = grown;
        set->by_fd_count = 2 * need;
    }
    set->by_fd[s->fd] = s;
    return 0;
}

int pollset_add(struct pollset *set, struct poll_socket *s, void *zmq, poll_message *on_message,
                void *arg)
{
    size_t size = sizeof s->fd;
    *s = (struct poll_socket){
        .set = set, .zmq = zmq, .fd = -1, .on_message = on_message, .arg = arg};
    list_init(&s->link);
    if (zmq_getsockopt(zmq, ZMQ_FD, &s->fd, &size) != 0 || remember(set, s) != 0 ||
        pollset_add_fd(set, s->fd) != 0) {
        pollset_remove(s);
        return -1;
    }
    pollset_touch(s);
    return 0;
}

void pollset_remove(struct poll_socket *s)
{
    if (s->zmq == NULL)
        return;
    if (s->fd >= 0 && (size_t)s->fd < s->set->by_fd_count) {
        epoll_ctl(s->set->fd, EPOLL_CTL_DEL, s->fd, NULL);
        s->set->by_fd[s->fd] = NULL;
    }
    if (s->set->current == s)
        s->set->current = NULL;
    list_remove(&s->link);
    zmq_close(s->zmq);
    s->zmq = NULL;
}

void pollset_touch(struct poll_socket *s)
{
    if (s->zmq != NULL && list_is_empty(&s->link))
        list_push_back(&s->set->touched, &s->link);
}

static void close_frames(zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_msg_close(&frames[i]);
}

/* All frames of the next message; false when there is none. */
static bool receive(void *zmq, zmq_msg_t frames[POLLSET_FRAMES_MAX], size_t *count)
{
    *count = 0;
    for (bool more = true; more;) {
        zmq_msg_t extra;
        bool kept = *count < POLLSET_FRAMES_MAX;
        zmq_msg_t *to = kept ? &frames[*count] : &extra;
        zmq_msg_init(to);
        if (zmq_msg_recv(to, zmq, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(to);
            close_frames(frames, *count);
            return false;
        }
        more = zmq_msg_more(to);
        if (kept)
            ++*count;
        else
            zmq_msg_close(to);
    }
    return true;
}

static void drain_one(struct pollset *set, struct poll_socket *s)
{
    zmq_msg_t frames[POLLSET_FRAMES_MAX];
    size_t count;
    set->current = s;
    for (int i = 0; i < BATCH; i++) {
        if (!receive(s->zmq, frames, &count)) {
            set->current = NULL;
            return;
        }
        s->on_message(s->arg, frames, count);
        close_frames(frames, count);
        if (set->current == NULL)
            return; /* `s` is gone */
    }
    set->current = NULL;
    pollset_touch(s);
}

void pollset_drain(struct pollset *set)
{
    struct list now = {&now, &now}, *link;
    while ((link = list_pop_front(&set->touched)) != NULL)
        list_push_back(&now, link);
    while ((link = list_pop_front(&now)) != NULL)
        drain_one(set, container_of(link, struct poll_socket, link));
}

bool pollset_has_unread(struct pollset *set)
{
    while (!list_is_empty(&set->touched)) {
        struct poll_socket *s = container_of(set->touched.next, struct poll_socket, link);
        int events = 0;
        size_t size = sizeof events;
        if (zmq_getsockopt(s->zmq, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN))
            return true;
        list_remove(&s->link);
    }
    return false;
}

void pollset_wait(const struct pollset *set, int timeout_ms, struct pollset_events *events)
{
    struct epoll_event ready[sizeof events->fds / sizeof events->fds[0]];
    events->count = epoll_wait(set->fd, ready, (int)(sizeof ready / sizeof ready[0]), timeout_ms);
    for (int i = 0; i < events->count; i++)
        events->fds[i] = ready[i].data.fd;
}

void pollset_take(struct pollset *set, const struct pollset_events *events)
{
    for (int i = 0; i < events->count; i++) {
        int fd = events->fds[i];
        if ((size_t)fd < set->by_fd_count && set->by_fd[fd] != NULL)
            pollset_touch(set->by_fd[fd]);
    }
}

bool pollset_spoke(const struct pollset_events *events, int fd)
{
    for (int i = 0; i < events->count; i++)
        if (events->fds[i] == fd)
            return true;
    return false;
}
