/* A profile at work: its life (life.h) with the processes, files and timers that it is about. Lives
 * from the scan that finds the profile until the one that misses it; destroying a service touches
 * no process. */
#ifndef DEPLOY_PROCER_SERVICE_H
#define DEPLOY_PROCER_SERVICE_H

#include "deploy/procer/life.h"
#include "deploy/procer/proc.h"
#include "deploy/procer/profile.h"
#include "proto/base/list.h"

#include <ev.h>

struct service_world {
    struct ev_loop *loop; /* the default one: it waits for children */
    struct life_limits limits;
    bool is_changed; /* set when a service has become ready, or waits */
};

struct service {
    struct list link;
    struct service_world *world;
    struct profile *profile;
    struct profile *next; /* a newer one, for after the start that is under way; NULL none */
    struct life life;
    struct proc process; /* what is up */
    pid_t run;           /* our child; 0 none */
    struct ev_child run_end;
    struct ev_io process_end; /* a pidfd */
    struct ev_timer timer;
};

/* Takes the profile. NULL when out of memory. */
struct service *service_create(struct service_world *world, struct profile *p);
void service_destroy(struct service *s); /* leaves its list; NULL is fine */

/* What it depends on is there: an already running process is kept, otherwise `run` is started. */
void service_start(struct service *s);

/* Takes another profile of the same name. */
void service_change(struct service *s, struct profile *p);

/* Tries again what has been given up or is put off. */
void service_try_again(struct service *s);

#endif
