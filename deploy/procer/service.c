/* Two processes may stand for a profile: `run`, our child, and the one that the pid file names,
 * often nobody's child. The profile is down when neither lives. */

#include "deploy/procer/service.h"

#include "deploy/procer/logs.h"
#include "deploy/procer/spawn.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 100, CHECK_MS = 1000 };

static void feed(struct service *s, enum life_event event);

static const char *name_of(const struct service *s)
{
    return s->profile->name;
}

/* --- the process that is up --- */

static void unwatch(struct service *s)
{
    if (s->process_end.fd < 0)
        return;
    ev_io_stop(s->world->loop, &s->process_end);
    close(s->process_end.fd);
    ev_io_set(&s->process_end, -1, 0);
}

static void watch(struct service *s, const struct proc *process)
{
    unwatch(s);
    s->process = *process;
    int fd = proc_watch(process);
    if (fd < 0)
        return; /* asked for every second instead */
    ev_io_set(&s->process_end, fd, EV_READ);
    ev_io_start(s->world->loop, &s->process_end);
}

/* Whether the pid file names a living process, which is watched from then on. */
static bool look(struct service *s)
{
    struct proc found;
    if (proc_read_file(s->profile->pid_path, &found) != PROC_FILE_LIVE)
        return false;
    watch(s, &found);
    return true;
}

/* The process that was up has ended, but the pid file may name another by now: a `run` taken for
 * the program was only slow to put it in the background. */
static bool follow(struct service *s)
{
    pid_t before = s->process.pid;
    if (!look(s))
        return false;
    log_info("procer", "%s: process %d has ended, process %d goes on", name_of(s), (int)before,
             (int)s->process.pid);
    return true;
}

/* `run` is the program itself: it is in the pid file, so that another procer finds it. */
static void claim_run(struct service *s)
{
    struct proc run;
    struct error e;
    if (!proc_find(s->run, &run))
        return; /* its end is about to be told */
    watch(s, &run);
    if (spawn_write_pid_file(s->profile, s->run, &e) != 0)
        log_warn("procer", "%s: %s; another procer will not find it", name_of(s), e.text);
}

/* The process has ended while we thought it up. */
static void check_process(struct service *s)
{
    if (s->life.state != LIFE_UP || proc_is_alive(&s->process) || follow(s))
        return;
    if (s->run > 0 && s->run != s->process.pid) {
        log_warn("procer", "%s: process %d has ended, but its run goes on pid=%d", name_of(s),
                 (int)s->process.pid, (int)s->run);
        claim_run(s);
    } else if (s->run == 0) {
        log_warn("procer", "%s: process %d has ended", name_of(s), (int)s->process.pid);
        feed(s, LIFE_GONE);
    } /* otherwise the end of run tells, with a status */
}

/* --- run --- */

static void remove_stale_pid_file(struct service *s)
{
    struct proc other;
    struct error e;
    if (proc_read_file(s->profile->pid_path, &other) != PROC_FILE_STALE)
        return;
    log_info("procer", "Process %d is not running anymore, so removing PID file %s.",
             (int)other.pid, s->profile->pid_path);
    if (spawn_remove_pid_file(s->profile, &e) != 0)
        log_warn("procer", "%s: %s", name_of(s), e.text);
}

static void spawn(struct service *s)
{
    struct error e;
    remove_stale_pid_file(s);
    int log_fd = logs_open_profile(s->profile, &e);
    pid_t child = log_fd >= 0 ? spawn_run(s->profile, log_fd, &e) : -1;
    if (log_fd >= 0)
        close(log_fd);
    if (child < 0) {
        log_error("procer", "%s: %s", name_of(s), e.text);
        feed(s, LIFE_RUN_FAILED);
        return;
    }
    s->run = child;
    ev_child_set(&s->run_end, child, 0);
    ev_child_start(s->world->loop, &s->run_end);
    log_info("procer", "%s: run started pid=%d uid=%u", name_of(s), (int)child,
             (unsigned)s->profile->uid);
}

static void describe_end(const struct service *s, pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        log_warn("procer", "%s: run was ended by signal %d pid=%d", name_of(s), WTERMSIG(status),
                 (int)pid);
    else if (WEXITSTATUS(status) != 0)
        log_warn("procer", "%s: run ended with status %d pid=%d", name_of(s), WEXITSTATUS(status),
                 (int)pid);
}

static void run_has_ended(struct service *s, int status)
{
    pid_t pid = s->run;
    bool is_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    ev_child_stop(s->world->loop, &s->run_end);
    s->run = 0;
    s->life.run_is_running = false;
    describe_end(s, pid, status);
    if (s->life.state == LIFE_STARTING && look(s))
        feed(s, LIFE_SEEN);
    else if (s->life.state == LIFE_STARTING)
        feed(s, is_well ? LIFE_RUN_DONE : LIFE_RUN_FAILED);
    else if (s->life.state == LIFE_UP && s->process.pid == pid && !follow(s))
        feed(s, is_well ? LIFE_GONE : LIFE_RUN_FAILED);
}

/* --- its life --- */

static void take_next_profile(struct service *s)
{
    if (s->next == NULL || s->life.state == LIFE_STARTING)
        return;
    profile_destroy(s->profile);
    s->profile = s->next;
    s->next = NULL;
    s->life.restart = s->profile->restart;
    s->life.has_pid_file = s->profile->has_pid_file;
}

static void tell(const struct service *s, enum life_state old)
{
    const struct life *l = &s->life;
    if (l->state == LIFE_UP)
        log_info("procer",
                 old == LIFE_WAITING ? "%s was running already pid=%d" : "%s is up pid=%d",
                 name_of(s), (int)s->process.pid);
    else if (l->state == LIFE_RESTING)
        log_warn("procer", "%s: starting it again in %llu ms", name_of(s),
                 (unsigned long long)(l->deadline_ms - l->since_ms));
    else if (l->state == LIFE_FINISHED)
        log_info("procer", "%s is finished", name_of(s));
    else if (l->state == LIFE_FAILED)
        log_error("procer",
                  "%s has failed after %u tries, what depends on it is held; SIGHUP tries again",
                  name_of(s), l->failures);
}

static void arm(struct service *s, uint64_t now_ms)
{
    uint64_t wait_ms = s->life.deadline_ms > now_ms ? s->life.deadline_ms - now_ms : 1;
    ev_timer_stop(s->world->loop, &s->timer);
    if (s->life.state == LIFE_STARTING)
        wait_ms = wait_ms < LOOK_MS ? wait_ms : LOOK_MS;
    else if (s->life.state == LIFE_UP && s->process_end.fd < 0)
        wait_ms = CHECK_MS;
    else if (s->life.deadline_ms == 0)
        return;
    ev_now_update(s->world->loop);
    ev_timer_set(&s->timer, (double)wait_ms / 1000, 0);
    ev_timer_start(s->world->loop, &s->timer);
}

static void feed(struct service *s, enum life_event event)
{
    enum life_state old = s->life.state;
    uint64_t now_ms = clock_monotonic_ms();
    if (old == LIFE_STARTING && event == LIFE_TIME && s->run == 0)
        log_warn("procer", "%s didn't make pidfile %s.", name_of(s), s->profile->pid_path);
    enum life_action action = life_step(&s->life, event, &s->world->limits, now_ms);
    if (action == LIFE_CLAIM)
        claim_run(s);
    if (s->life.state != LIFE_UP)
        unwatch(s);
    if (s->life.state != old)
        tell(s, old);
    take_next_profile(s);
    s->world->is_changed = true;
    arm(s, now_ms);
    if (action == LIFE_SPAWN)
        spawn(s);
}

static void time_has_passed(struct service *s)
{
    uint64_t now_ms = clock_monotonic_ms();
    if (s->life.state == LIFE_UP)
        check_process(s);
    else if (s->life.state == LIFE_STARTING && look(s))
        feed(s, LIFE_SEEN);
    else if (s->life.deadline_ms > 0 && now_ms >= s->life.deadline_ms)
        feed(s, LIFE_TIME);
    if (!ev_is_active(&s->timer))
        arm(s, now_ms);
}

/* --- events --- */

static void on_run_end(struct ev_loop *loop, struct ev_child *w, int events)
{
    (void)loop, (void)events;
    run_has_ended(container_of(w, struct service, run_end), w->rstatus);
}

static void on_process_end(struct ev_loop *loop, struct ev_io *w, int events)
{
    (void)loop, (void)events;
    struct service *s = container_of(w, struct service, process_end);
    unwatch(s); /* it stays readable */
    check_process(s);
    if (!ev_is_active(&s->timer))
        arm(s, clock_monotonic_ms());
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int events)
{
    (void)loop, (void)events;
    time_has_passed(container_of(w, struct service, timer));
}

struct service *service_create(struct service_world *world, struct profile *p)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL) {
        profile_destroy(p);
        return NULL;
    }
    list_init(&s->link);
    s->world = world;
    s->profile = p;
    s->life = (struct life){.restart = p->restart, .has_pid_file = p->has_pid_file};
    ev_init(&s->run_end, on_run_end);
    ev_io_init(&s->process_end, on_process_end, -1, 0);
    ev_timer_init(&s->timer, on_timer, 0, 0);
    world->is_changed = true;
    return s;
}

void service_destroy(struct service *s)
{
    if (s == NULL)
        return;
    list_remove(&s->link);
    unwatch(s);
    ev_child_stop(s->world->loop, &s->run_end);
    ev_timer_stop(s->world->loop, &s->timer);
    profile_destroy(s->profile);
    profile_destroy(s->next);
    free(s);
}

void service_start(struct service *s)
{
    feed(s, look(s) ? LIFE_SEEN : LIFE_START);
}

void service_change(struct service *s, struct profile *p)
{
    log_info("procer", "%s: the profile has changed", name_of(s));
    profile_destroy(s->next);
    s->next = p;
    take_next_profile(s);
    feed(s, LIFE_AGAIN);
}

void service_try_again(struct service *s)
{
    if (s->life.state != LIFE_FINISHED)
        feed(s, LIFE_AGAIN);
}
