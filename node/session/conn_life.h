/* What the sessions of all protocols share: how long a silent connection may stay, and the counts
 * at its end. */
#ifndef NODE_SESSION_CONN_LIFE_H
#define NODE_SESSION_CONN_LIFE_H

#include "node/conf/snapshot.h"
#include "node/exchange/exchange.h"
#include "node/io/conn.h"

#include <stdbool.h>

/* The sweep of upstream's manual (chapter on expert settings), per connection: each of three tests
 * that fails (min_ping, min_read_rate, min_write_rate) adds one point, and more points than
 * kill_limit close. */
bool conn_life_is_idle_too_long(const struct conn *c, const struct settings *s);

/* Whether enough of the tests are in use to close any connection. */
bool conn_life_is_swept(const struct settings *s);

/* Seconds until the sweep may find something: to the next tick, or, while it takes the ping test to
 * close, until that may fail. */
unsigned conn_life_sweep_in_s(const struct conn *c, const struct settings *s);

/* Seconds left of a limit that runs since then. */
static inline unsigned conn_life_left_s(uint32_t since_s, unsigned limit_s, uint32_t now_s)
{
    return now_s - since_s < limit_s ? limit_s - (now_s - since_s) : 0;
}

/* From session->closed: counts the end of the connection. */
void conn_life_count_closed(const struct conn *c);

/* How an exchange ends that the end of its connection cuts off. */
enum exchange_end conn_life_exchange_end(const struct conn *c);

#endif
