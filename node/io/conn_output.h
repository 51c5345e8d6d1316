/* The output of a connection, between conn.c, which decides when, and the socket. The calls of its
 * users, conn_write and its like, are declared in conn.h. Private to node/io. */
#ifndef NODE_IO_CONN_OUTPUT_H
#define NODE_IO_CONN_OUTPUT_H

#include "node/io/conn.h"

/* Hands the kernel what it takes, and calls nobody back: safe at any depth. May close. */
void conn_write_out(struct conn *c);

/* Bytes above which producers wait; they go on below a quarter of it. */
uint64_t conn_high_water(const struct conn *c);

/* The watcher's interest follows the state; libev tells the kernel once per turn at most. In
 * conn.c. */
void conn_update_interest(struct conn *c);

#endif
