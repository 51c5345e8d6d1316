/* The coordinator: what its parts are and how they hang together. It keeps nothing that matters in
 * memory: the history is in the store, the members report again within seconds.
 *
 * One per process, on one loop. The verbs (verbs.h) are functions over this struct. */
#ifndef COORDINATOR_COORDINATOR_H
#define COORDINATOR_COORDINATOR_H

#include "coordinator/access.h"
#include "coordinator/canary_run.h"
#include "coordinator/chain_check.h"
#include "coordinator/effect.h"
#include "coordinator/events.h"
#include "coordinator/forward.h"
#include "coordinator/leader.h"
#include "coordinator/members.h"
#include "coordinator/orders.h"
#include "coordinator/outcome.h"
#include "coordinator/page.h"
#include "coordinator/publish.h"
#include "coordinator/push.h"
#include "coordinator/requests.h"
#include "coordinator/store/store.h"
#include "coordinator/ticket_keys.h"
#include "proto/model/model.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct coordinator_config {
    const char *store;   /* URL */
    const char *listen;  /* requests */
    const char *publish; /* updates */
    const char *http;    /* HOST:PORT of the page; NULL: it is not served here */
    const char
        *advertise; /* host by which others reach this machine, when listen has none; or NULL */
    const char *name;
    struct link_security security;
    const char *keys_dir;  /* of the certificates that are accepted; with security.keys */
    int64_t settle_ms;     /* how long nodes may report before the first push after a start */
    int64_t lease_ms;      /* 0: LEASE_TTL_MS */
    int64_t ticket_keys_s; /* how long a key of TLS session tickets is used; 0: none are given */
    size_t message_max;    /* 0: CLUSTER_MESSAGE_MAX */
};

/* The head in the forms in which it is asked for. */
struct head {
    struct store_head at;
    char config_hash[CANON_HASH_LEN + 1];
    char *scope;         /* of struct commit; NULL at version 0 */
    struct buf record;   /* as commit_encode wrote it, with its configuration; empty at version 0 */
    struct model *model; /* NULL at version 0 */
};

struct coordinator_counters {
    uint64_t beats, joins, joins_refused, pushes, pushes_applied, pushes_failed, fetches;
};

struct coordinator {
    struct ev_loop *loop;
    void *zmq;
    struct coordinator_config config;
    char boot[UUID_LEN + 1]; /* of this process */
    char cluster[UUID_LEN + 1];
    char requests_at[ENDPOINT_MAX]; /* as others are told */
    char updates_at[ENDPOINT_MAX];
    struct store *store;
    struct leader leader;
    struct head head;
    struct publisher publisher;
    struct requests requests;
    struct link_security requests_security, updates_security;
    struct access access;
    struct ticket_keys ticket_keys;
    struct members members;
    struct events events;
    struct forward forward;
    struct orders orders;
    struct coordinator_counters counters;
    struct page page;
    ev_timer tick;       /* every beat interval */
    ev_timer pools_tick; /* soon after the directory has changed */
    ev_timer push_tick;  /* while there is a push */
    struct push *push;   /* NULL: none is running */
    struct client push_client;
    struct push_options push_options;
    struct canary canary;
    struct model *push_model;          /* of the push; a reference */
    struct outcome outcome;            /* of the last push that this coordinator ended well */
    struct effect effect;              /* of its commit, while that is watched */
    uint64_t settled_ms;               /* from then on the members are known */
    bool loading;                      /* the head is being read */
    bool is_stale;                     /* the head must be read (again) */
    uint64_t found;                    /* the version that is being read */
    struct chain_check chain;          /* of what lies between the head and it */
    struct error store_problem;        /* why the head could not be read; ERROR_NONE: it could */
    bool orders_loading, orders_stale; /* as loading and is_stale, of the orders */
    bool keys_loading, keys_stale;     /* the same, of the keys */
    uint64_t keys_read_ms;             /* monotonic */
    char order_ending[ORDER_KEY_MAX];  /* is being removed because its time is over; "": none */
    bool told_settled;
    bool is_ready; /* requests are taken */
    void (*on_ready)(void *arg);
    void *ready_arg;
    struct error failure; /* why it could not start; the loop was left */
};

/* Opens the store, binds the sockets. ERROR_USAGE, ERROR_DENIED, ERROR_EXISTS, ERROR_CONFLICT (the
 * store's history is damaged), ERROR_IO. */
int coordinator_create(struct coordinator **out, struct ev_loop *loop,
                       const struct coordinator_config *config, struct error *e);

/* Reads the head and begins; `on_ready` is called once requests are taken. When the head cannot be
 * read the loop is broken and `failure` tells why. */
void coordinator_start(struct coordinator *c, void (*on_ready)(void *arg), void *arg);

/* Finishes what the store was asked for, then lets go of everything. NULL is fine. */
void coordinator_destroy(struct coordinator **c);

/* Have the nodes had their time to report after a start? */
bool coordinator_is_settled(const struct coordinator *c);

/* A key was revoked: whoever hears the updates with it is cut off. */
void coordinator_cut_updates(struct coordinator *c);

/* Publishes the beat now: something in it has changed. */
void coordinator_beat(struct coordinator *c);

/* Begins a push on behalf of a client, who gets the reports and the verdict; the commit is sealed
 * on top of the head, `model` is its configuration. ERROR_CONFLICT when one is running,
 * ERROR_NO_MEMORY. */
int coordinator_push(struct coordinator *c, const struct client *client,
                     const struct commit *commit, struct model *model,
                     const struct push_options *options, struct error *e);

/* The version that this node is to serve: the head's, or while that is held at a canary to which it
 * does not belong, the one before. */
uint64_t coordinator_version_for(const struct coordinator *c, struct slice node);

/* Is this coordinator the leader? If not, refuses on its behalf, naming the leader. */
bool coordinator_leads(struct coordinator *c, const struct client *client);

#endif
