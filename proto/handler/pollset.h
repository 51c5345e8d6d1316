/* ZeroMQ sockets behind one epoll descriptor.
 *
 * The descriptor of a ZeroMQ socket says only that something happened since the socket was last
 * used, so after every use it has to be looked at once more before anybody sleeps. A socket that
 * was used or whose descriptor spoke is "touched"; only those are looked at. Not thread-safe,
 * except that pollset_wait may run in one thread while others use the sockets under their own lock.
 */
#ifndef PROTO_HANDLER_POLLSET_H
#define PROTO_HANDLER_POLLSET_H

#include "proto/base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <zmq.h>

#define POLLSET_FRAMES_MAX 8 /* of one message; further ones are dropped */

struct poll_socket;

struct pollset {
    int fd; /* epoll */
    struct list touched;
    struct poll_socket *current; /* being drained; NULL when it was removed meanwhile */
    struct poll_socket **by_fd;
    size_t by_fd_count;
};

/* One message; the callee may take frames by zmq_msg_move. It may add and remove sockets. */
typedef void poll_message(void *arg, zmq_msg_t *frames, size_t count);

struct poll_socket {
    struct list link; /* in touched */
    struct pollset *set;
    void *zmq;
    int fd;
    poll_message *on_message;
    void *arg;
};

int pollset_init(struct pollset *set);
void pollset_fini(struct pollset *set); /* after all sockets were removed */

/* Any other descriptor: pollset_wait returns when it is readable. */
int pollset_add_fd(struct pollset *set, int fd);

/* Takes the socket, also when it fails (-1). */
int pollset_add(struct pollset *set, struct poll_socket *s, void *zmq, poll_message *on_message,
                void *arg);
void pollset_remove(struct poll_socket *s); /* closes it; fine when it was never added */
void pollset_touch(struct poll_socket *s);

/* Reads what touched sockets have, a batch from each. */
void pollset_drain(struct pollset *set);

/* Whether a touched socket has something to read; those that have nothing are touched no more. */
bool pollset_has_unread(struct pollset *set);

/* Descriptors that spoke in one pollset_wait. They are numbers, because the sockets may be gone
 * when pollset_take is called. */
struct pollset_events {
    int fds[64];
    int count; /* -1: a signal came */
};
void pollset_wait(const struct pollset *set, int timeout_ms, struct pollset_events *events);
void pollset_take(struct pollset *set, const struct pollset_events *events); /* touches them */
bool pollset_spoke(const struct pollset_events *events, int fd);

#endif
