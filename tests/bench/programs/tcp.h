/* TCP on loopback, as the measuring programs need it: listen, accept, connect, all with
 * TCP_NODELAY, and an epoll set with a pointer per descriptor. Descriptors belong to the caller.
 * IPv4 and 127.0.0.1 only: nothing here is to be reached from outside. */
#ifndef TESTS_BENCH_PROGRAMS_TCP_H
#define TESTS_BENCH_PROGRAMS_TCP_H

#include "proto/base/error.h"

#include <stdint.h>

/* A non-blocking listening socket on `port` (0: a free one, see tcp_port). -1: ERROR_IO. */
int tcp_listen(uint16_t port, struct error *e);

/* The local port of a socket; 0 when it has none. */
uint16_t tcp_port(int fd);

/* The next waiting connection, non-blocking; -1 when none waits. */
int tcp_accept(int listener);

/* A connected socket, still blocking. -1: ERROR_IO. */
int tcp_connect(uint16_t port, struct error *e);

int tcp_set_nonblocking(int fd, struct error *e);

/* Watches `fd` for EPOLL events (level-triggered); `data` comes back in epoll_event.data.ptr. */
int tcp_watch(int epoll_fd, int fd, uint32_t events, void *data, struct error *e);

/* Changes what is watched. The descriptor must be in the set. */
void tcp_rewatch(int epoll_fd, int fd, uint32_t events, void *data);

#endif
