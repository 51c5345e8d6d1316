/* Host names to addresses without blocking the loop: getaddrinfo(3) runs on a side thread, made
 * with the first name that is asked for. Nothing is remembered here. */
#ifndef NODE_IO_RESOLVE_H
#define NODE_IO_RESOLVE_H

#include "node/io/dial.h"
#include "proto/link/evwork.h"

#define RESOLVE_MOST 8 /* addresses of one name */

struct resolver {
    struct loop *loop;
    struct evwork *work; /* NULL before the first name */
};

void resolver_init(struct resolver *r, struct loop *loop);
void resolver_fini(struct resolver *r); /* waits for the name that is being asked for */

struct resolve;

/* What was found: `count` addresses, or 0 and a sentence. Borrowed until return. */
typedef void resolve_done(void *arg, const struct dial_address *found, int count, const char *why);

/* Asks for "name:port"; `done(arg, …)` is called from the loop. NULL when out of memory. */
struct resolve *resolve_start(struct resolver *r, const char *spec, resolve_done *done, void *arg);
/* `done` will not be called. NULL is fine. */
void resolve_cancel(struct resolve *q);

#endif
