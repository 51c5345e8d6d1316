/* Which connection has which id. Ids are what handlers call listeners by: 32 bits, given when a
 * connection first needs one, never 0. They start at a random point and count up, so that a reply
 * meant for an earlier life of the node meets nobody (or is found out), and wrap after 2^32
 * connections. */
#ifndef NODE_DELIVER_REGISTRY_H
#define NODE_DELIVER_REGISTRY_H

#include "node/io/conn.h"
#include "proto/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct registry;

/* `first_id`: 0 picks a random one. NULL when out of memory. */
struct registry *registry_create(uint32_t first_id, struct error *e);
void registry_destroy(struct registry *r);

/* Gives c an id unless it has one. 0, or -1 when out of memory. */
int registry_add(struct registry *r, struct conn *c);
/* The connection of an id that is open, or NULL. */
struct conn *registry_find(const struct registry *r, uint32_t id);
/* Forgets c's id; fine when it has none. */
void registry_remove(struct registry *r, struct conn *c);
size_t registry_count(const struct registry *r);

#endif
