/* Who may start is looked at once before each wait of the loop, whenever a service has changed. */

#include "deploy/procer/keeper.h"

#include "deploy/procer/logs.h"
#include "deploy/procer/order.h"
#include "deploy/procer/service.h"
#include "proto/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNALS = 3 };
static const int signals[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

struct keeper {
    const char *folder;
    const char *own_log;
    struct service_world world;
    struct list services;
    struct ev_prepare before_wait;
    struct ev_signal on_signals[SIGNALS];
};

static void report(const char *name, const char *problem)
{
    log_error("procer", "%s: %s", name, problem);
}

static struct service *find(const struct keeper *k, const char *name)
{
    list_for_each (it, &k->services) {
        struct service *s = container_of(it, struct service, link);
        if (strcmp(s->profile->name, name) == 0)
            return s;
    }
    return NULL;
}

/* --- who may start --- */

/* An unknown name is reported by order_check, and not waited for. */
static bool may_start(const struct keeper *k, const struct service *s)
{
    for (char **name = s->profile->depends; *name != NULL; name++) {
        const struct service *other = find(k, *name);
        if (other != NULL && !life_is_ready(&other->life))
            return false;
    }
    return true;
}

static void start_what_may(struct keeper *k)
{
    while (k->world.is_changed) {
        k->world.is_changed = false;
        list_for_each (it, &k->services) {
            struct service *s = container_of(it, struct service, link);
            if (s->life.state == LIFE_WAITING && may_start(k, s))
                service_start(s);
        }
    }
}

static void on_before_wait(struct ev_loop *loop, struct ev_prepare *w, int events)
{
    (void)loop, (void)events;
    start_what_may(container_of(w, struct keeper, before_wait));
}

/* --- the folder --- */

static void take_profile(struct keeper *k, struct profile *p)
{
    struct service *s = find(k, p->name);
    if (s == NULL) {
        s = service_create(&k->world, p);
        if (s != NULL)
            list_push_back(&k->services, &s->link);
    } else if (profile_is_equal(s->next != NULL ? s->next : s->profile, p)) {
        profile_destroy(p);
        service_try_again(s);
    } else {
        service_change(s, p);
    }
}

static void drop_missing(struct keeper *k, const struct profiles *found)
{
    list_for_each_safe (it, &k->services) {
        struct service *s = container_of(it, struct service, link);
        if (profiles_find(found, s->profile->name) != NULL)
            continue;
        log_info("procer", "%s: the profile is gone, its processes are left alone",
                 s->profile->name);
        service_destroy(s);
    }
}

int keeper_scan(struct keeper *k, struct error *e)
{
    struct profiles found;
    if (profiles_scan(&found, k->folder, report, e) != 0)
        return -1;
    order_check(&found, report);
    drop_missing(k, &found);
    for (size_t i = 0; i < found.count; i++)
        take_profile(k, found.all[i]);
    found.count = 0; /* the services have them */
    profiles_fini(&found);
    k->world.is_changed = true;
    return 0;
}

/* --- signals --- */

static void hang_up(struct keeper *k)
{
    struct error e;
    if (k->own_log != NULL && logs_open_own(k->own_log, &e) != 0)
        log_error("procer", "%s", e.text);
    if (keeper_scan(k, &e) != 0)
        log_error("procer", "%s", e.text);
    else
        log_info("procer", "the profiles are read again");
}

static void on_signal(struct ev_loop *loop, struct ev_signal *w, int events)
{
    (void)events;
    if (w->signum == SIGHUP)
        hang_up(w->data);
    else
        ev_break(loop, EVBREAK_ALL);
}

struct keeper *keeper_create(const char *folder, const char *own_log,
                             const struct life_limits *limits, struct error *e)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (k == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    list_init(&k->services);
    k->folder = folder;
    k->own_log = own_log;
    k->world = (struct service_world){.loop = ev_default_loop(EVFLAG_NOENV), .limits = *limits};
    ev_prepare_init(&k->before_wait, on_before_wait);
    ev_prepare_start(k->world.loop, &k->before_wait);
    for (int i = 0; i < SIGNALS; i++) {
        ev_signal_init(&k->on_signals[i], on_signal, signals[i]);
        k->on_signals[i].data = k;
        ev_signal_start(k->world.loop, &k->on_signals[i]);
    }
    return k;
}

void keeper_run(struct keeper *k)
{
    ev_run(k->world.loop, 0);
    log_info("procer", "Exiting as requested from procer.");
}

void keeper_destroy(struct keeper *k)
{
    if (k == NULL)
        return;
    list_for_each_safe (it, &k->services)
        service_destroy(container_of(it, struct service, link));
    ev_prepare_stop(k->world.loop, &k->before_wait);
    for (int i = 0; i < SIGNALS; i++)
        ev_signal_stop(k->world.loop, &k->on_signals[i]);
    free(k);
}
