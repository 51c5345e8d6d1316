/* A side thread for what blocks (fsync, SQLite): jobs go there in order, their ends come back as
 * events of the loop.
 *
 * A job is embedded in the object of whoever submits it and is his again when `done` is called; it
 * must not touch what the loop's thread touches meanwhile. One thread per evwork. */
#ifndef PROTO_LINK_EVWORK_H
#define PROTO_LINK_EVWORK_H

#include "proto/base/error.h"
#include "proto/base/list.h"

#include <ev.h>

struct evwork;

struct evwork_job {
    void (*run)(struct evwork_job *job);  /* on the side thread */
    void (*done)(struct evwork_job *job); /* on the loop; may submit again or free the job */
    struct list link;                     /* private */
};

/* ERROR_NO_MEMORY. */
int evwork_create(struct evwork **out, struct ev_loop *loop, struct error *e);

void evwork_submit(struct evwork *w, struct evwork_job *job);

/* Waits until every job submitted so far has run and its `done` was called (on this thread).
 * Blocks: for the end of a program. */
void evwork_drain(struct evwork *w);

/* Drains, then ends the thread. NULL is fine. */
void evwork_destroy(struct evwork **w);

#endif
