/* Flow control of replies (download.flow_control): a handler may have so many bytes on the way to a
 * connection, more close it, and is told of each reply when it has been written. Below the
 * protocols: what counts is what goes out, in base64 or framed. */
#ifndef NODE_DELIVER_FLOW_H
#define NODE_DELIVER_FLOW_H

#include "node/io/conn.h"

#define FLOW_CREDITS      102400 /* bytes that may wait for one connection */
#define FLOW_CREDITS_TEXT "102400"

/* Accounts for what a reply has put into the queue since conn_output_total was `before`. May close
 * the connection. */
void flow_account(struct conn *c, uint64_t before);

#endif
