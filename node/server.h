/* The server: builds the worker and everything in it, owns it, drains it, stops it. The only file
 * that sees every room of the node. */
#ifndef NODE_SERVER_H
#define NODE_SERVER_H

#include "node/conf/source.h"
#include "proto/base/error.h"

#include <stdbool.h>

struct server;

struct server_options {
    /* a single server */
    const char *config; /* SQLite database, or the module's URL; NULL for a node of a cluster */
    const char *module; /* path of a configuration module; NULL: none */
    struct source_selector which;
    /* a node of a cluster */
    const char *coordinators; /* "SPEC[,SPEC]"; NULL for a single server */
    const char *node_name;
    const char *node_uuid; /* NULL: the one in the state directory, else a new one */
    const char *state_dir;
    /* both */
    const char *bind_addr;    /* overrides the configuration's */
    unsigned port;            /* likewise; 0 none */
    const char *handler_port; /* spec of the pools' socket */
    const char *control;      /* spec of the control port; NULL: the configuration's */
    const char *keys;         /* a node's: directory or certificate; NULL: none */
    bool insecure;
};

/* Builds all and starts to serve. NULL with *e; everything is undone then. */
struct server *server_create(const struct server_options *o, struct error *e);
/* Runs until it is told to stop by a signal, the control port or server_stop. Returns the exit
 * status. */
int server_run(struct server *s);
void server_destroy(struct server *s); /* NULL is fine */

/* The single server's configuration is read again, on a side thread, and put in place; the running
 * one stays when it is no good. Logs are opened again in any case. A reload that is asked for while
 * one is under way follows it. 0: done; -1 with *e: refused; 1: under way, and `done` (unless NULL)
 * is called at its end with NULL or what was wrong. */
typedef void server_reloaded(void *arg, const struct error *e);
int server_reload(struct server *s, server_reloaded *done, void *arg, struct error *e);
/* Begins to drain: no new connections, requests in flight finish, then server_run returns; at the
 * latest after limits.drain_timeout. Called again: at once. */
void server_stop(struct server *s);

#endif
