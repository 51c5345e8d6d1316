/* One function per verb; the table leads from the number to it. Each answers its client, now or
 * later; a request is borrowed until the function returns. */
#ifndef COORDINATOR_VERBS_H
#define COORDINATOR_VERBS_H

#include "coordinator/coordinator.h"

typedef void verb_fn(struct coordinator *c, const struct client *from,
                     const struct cluster_request *r);

verb_fn *verb_find(enum cluster_verb verb); /* never NULL */

/* verb_admin.c */
verb_fn verb_hello, verb_control, verb_stats;
/* verb_member.c */
verb_fn verb_join, verb_beat, verb_leave, verb_prepared, verb_applied, verb_nodes, verb_pools;
/* verb_commit.c */
verb_fn verb_head, verb_get, verb_diff;
/* verb_push.c */
verb_fn verb_check, verb_push, verb_rollback, verb_abort, verb_promote;
/* verb_order.c */
verb_fn verb_order, verb_orders;
/* Reads the orders from the store. */
void orders_load(struct coordinator *c);
/* Ends those whose time is over; once per beat interval. */
void orders_tick(struct coordinator *c);
/* verb_key.c */
verb_fn verb_key, verb_keys;
/* Reads the keys when that is due: from the directory when it has changed, from the store when it
 * may have. */
void keys_tick(struct coordinator *c);
/* verb_log.c */
verb_fn verb_log, verb_note, verb_watch;
/* verb_tickets.c */
verb_fn verb_tickets;
/* Replaces the keys of session tickets when that is due; once per beat interval. */
void tickets_tick(struct coordinator *c);
/* verb_page.c */
verb_fn verb_page;
/* verb_workers.c */
verb_fn verb_workers;
/* verb_records.c */
verb_fn verb_records;

/* Answers with an error. */
void verb_refuse(struct coordinator *c, const struct client *to, const struct error *e);

/* Sends a finished table. */
void verb_send(struct coordinator *c, const struct client *to, struct buf *b);

/* A client that waits for the store, and what is to be done with the answer. */
struct deferred {
    struct coordinator *coordinator;
    struct client client;
    struct arena arena; /* of what a verb keeps meanwhile */
    void *state;        /* in the arena */
};

/* With `state_size` zeroed bytes of state. NULL: out of memory, and the client was told. */
struct deferred *deferred_create(struct coordinator *c, const struct client *client,
                                 size_t state_size);
void deferred_free(struct deferred *d);
/* Answers with the error and frees. */
void deferred_refuse(struct deferred *d, const struct error *e);

#endif
