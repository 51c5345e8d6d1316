/* A key is the number of the connection, then the node. */

#include "deploy/gateway/flights.h"

#include <string.h>

enum { NODE_MOST = 64 };

struct key {
    char bytes[sizeof(uint32_t) + NODE_MOST];
    size_t len;
};

static struct slice key_of(struct key *k, struct m2_slice node, uint32_t conn_id)
{
    size_t len = node.len < NODE_MOST ? node.len : NODE_MOST;
    memcpy(k->bytes, &conn_id, sizeof conn_id);
    if (len > 0)
        memcpy(k->bytes + sizeof conn_id, node.ptr, len);
    return slice_of(k->bytes, sizeof conn_id + len);
}

void flights_init(struct flights *f)
{
    f->by_conn = MAP_INIT;
}

void flights_fini(struct flights *f)
{
    map_fini(&f->by_conn, NULL);
}

int flights_add(struct flights *f, struct m2_request *r, struct m2_request **older)
{
    struct key k;
    void *old = NULL;
    struct slice key = key_of(&k, m2_request_sender(r), m2_request_conn_id(r));
    int result = map_put(&f->by_conn, key, r, &old);
    *older = old;
    return result;
}

struct m2_request *flights_take(struct flights *f, struct m2_slice node, uint32_t conn_id)
{
    struct key k;
    return map_remove(&f->by_conn, key_of(&k, node, conn_id));
}

struct m2_request *flights_take_any(struct flights *f)
{
    struct map_entry *first = map_first(&f->by_conn);
    if (first == NULL)
        return NULL;
    struct m2_request *r = map_value(first);
    return flights_take(f, m2_request_sender(r), m2_request_conn_id(r));
}

size_t flights_count(const struct flights *f)
{
    return map_count(&f->by_conn);
}
