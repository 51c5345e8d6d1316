/* The response half of a proxied request: reads what the upstream says and relays it to the client.
 * Decides nothing about attempts or connections: it reports events to proxy.c. */
#ifndef NODE_TARGET_PROXY_RESPONSE_H
#define NODE_TARGET_PROXY_RESPONSE_H

#include "node/backend/upstream.h"
#include "node/exchange/exchange.h"
#include "proto/http/body.h"
#include "proto/http/response_head.h"

#include <stdbool.h>

struct response_box; /* a head that comes in pieces */

struct proxy_response {
    struct exchange *x;
    struct upstream_use use;
    struct response_box *box; /* in the exchange's arena; NULL: no piece of a head yet */
    struct body body;
    bool has_bytes;    /* the upstream has said something */
    bool is_relaying;  /* the final head has been passed on */
    bool keeps_alive;  /* the upstream would go on */
    bool until_close;  /* the body ends with the connection */
    bool asks_upgrade; /* the request was a WebSocket handshake: 101 may come */
    bool is_tunnel;    /* it came: bytes both ways */
    bool request_sent; /* head and body are on their way to the upstream */
};

enum proxy_event {
    PROXY_WAIT,     /* all is read; more has to come */
    PROXY_HELD,     /* the client is behind: reading has stopped until target->more */
    PROXY_CONTINUE, /* 100: the upstream waits for the body; read on */
    PROXY_SWITCHED, /* 101 was relayed: the connection is a tunnel now; read on */
    PROXY_AGAIN,    /* another interim response was relayed; read on */
    PROXY_DONE,     /* the answer is whole */
    PROXY_CLOSED,   /* the connection ended before an answer began */
    PROXY_BAD,      /* no HTTP, or cut off */
};

/* Reads all there is in use.conn's input. */
enum proxy_event proxy_response_read(struct proxy_response *r);

/* The upstream has ended its direction. */
enum proxy_event proxy_response_end(struct proxy_response *r);

/* After PROXY_DONE: may the connection serve others? */
bool proxy_response_keeps_connection(const struct proxy_response *r);

#endif
