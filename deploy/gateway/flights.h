/* The requests that handlers have and have not answered yet, by node and connection. Each is given
 * up by the caller after it was taken out. */
#ifndef DEPLOY_GATEWAY_FLIGHTS_H
#define DEPLOY_GATEWAY_FLIGHTS_H

#include "proto/base/map.h"
#include "proto/handler/m2handler.h"

#include <stddef.h>
#include <stdint.h>

struct flights {
    struct map by_conn; /* of struct m2_request */
};

void flights_init(struct flights *f);
void flights_fini(struct flights *f); /* of what has been emptied */

/* Keeps a request. *older gets the one that its connection had before, or NULL. -1: out of memory.
 */
int flights_add(struct flights *f, struct m2_request *r, struct m2_request **older);
/* The request of this connection, which is out then; NULL when there is none. */
struct m2_request *flights_take(struct flights *f, struct m2_slice node, uint32_t conn_id);
/* Any of them, likewise. */
struct m2_request *flights_take_any(struct flights *f);
size_t flights_count(const struct flights *f);

#endif
