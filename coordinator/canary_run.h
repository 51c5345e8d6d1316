/* A commit that is held at its canary: watched, judged, gone on with, taken back. Part of
 * coordinator.c.
 *
 * The commit is the head, with the chosen nodes as its scope; the others serve its parent, and know
 * that they do. Going on is a new commit with the same content for all, taking back is one with the
 * parent's: history only grows, and whoever reads it knows what is held. A coordinator that has not
 * begun the canary itself has no figures, and leaves the decision to people. */
#ifndef COORDINATOR_CANARY_RUN_H
#define COORDINATOR_CANARY_RUN_H

#include "coordinator/canary.h"
#include "coordinator/push.h"
#include "coordinator/requests.h"

struct coordinator;

enum canary_phase {
    CANARY_NONE,    /* the head is for all */
    CANARY_WATCHED, /* until ends_ms */
    CANARY_WAITS,   /* for a person */
    CANARY_ENDING,  /* the commit that ends it is being pushed */
};

struct canary {
    enum canary_phase phase;
    uint64_t ends_ms;
    int64_t hold_s;
    enum cluster_policy policy; /* of the push, and of the one that goes on */
    int64_t timeout_ms;
    struct client client;            /* who pushed and waits for the end; peer.len 0: nobody */
    char why[EFFECT_TEXT_MAX + 100]; /* it waits: a sentence */
};

/* The head has changed: is it one that is held? */
void canary_head_changed(struct coordinator *c);

/* The push of a canary has ended well: its nodes are watched from now on. */
void canary_begin(struct coordinator *c, const struct push_options *options);

/* Once a second. */
void canary_tick(struct coordinator *c);

/* The push that was to end it has ended. */
void canary_push_ended(struct coordinator *c, const struct push_result *r);

/* People decide. */
void canary_promote(struct coordinator *c, const struct client *by,
                    const struct cluster_author *author);
void canary_take_back(struct coordinator *c, const struct client *by,
                      const struct cluster_author *author);

/* A sentence about where it stands; "": nothing is held. */
const char *canary_state(const struct canary *k);

/* Why nothing else may be pushed; false: nothing is held. */
bool canary_refuses(const struct coordinator *c, struct error *e);

#endif
