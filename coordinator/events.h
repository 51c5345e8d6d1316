/* What has happened, in order: the newest thousand events, and who waits for the next.
 *
 * Ids grow by one from a number taken from the wall clock at start, so that they also grow over a
 * restart and a reader can go on where it was. */
#ifndef COORDINATOR_EVENTS_H
#define COORDINATOR_EVENTS_H

#include "coordinator/requests.h"
#include "proto/base/list.h"

#include <stdint.h>

#define EVENTS_KEPT 1000

struct event {
    int64_t id; /* 0: not used yet */
    int64_t when_ms;
    int64_t version; /* of the commit concerned; 0 none */
    char kind[24];   /* "node", "push", "commit", "note", "coordinator" */
    char node[65];   /* its name; "" none */
    char text[400];
};

struct events {
    struct event *ring; /* EVENTS_KEPT of them; id modulo EVENTS_KEPT is the place */
    int64_t next_id;
    struct list waiters;
    struct requests *requests; /* where answers go */
};

/* ERROR_NO_MEMORY. */
int events_init(struct events *ev, struct requests *requests, struct error *e);
void events_fini(struct events *ev);

/* Keeps an event, logs it, answers who waits. */
void events_add(struct events *ev, const char *kind, const char *node, int64_t version,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Answers a `watch`, now or when there is something or its time is over. */
void events_watch(struct events *ev, const struct client *client, const struct cluster_watch *w);

/* Time has passed: answers who has waited long enough. */
void events_tick(struct events *ev, uint64_t now_ms);

#endif
