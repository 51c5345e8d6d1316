/* A profile whose `run` ends well and leaves nothing to look for (no `pid_file`, no `restart`) had
 * only something to do: it is finished, not failed. */

#include "deploy/procer/life.h"

#include "proto/base/error.h"

#include <stddef.h>

const struct life_limits life_default_limits = {
    .front_ms = 2000,
    .pid_file_ms = 5000,
    .delay_ms = 1000,
    .max_delay_ms = 60000,
    .stable_ms = 10000,
    .tries = 10,
};

static const char *const names[LIFE_STATES] = {"waiting", "starting", "up",
                                               "resting", "finished", "failed"};

struct turn {
    struct life *life;
    const struct life_limits *limits;
    uint64_t now_ms;
};

static enum life_action enter(const struct turn *t, enum life_state state, uint64_t wait_ms)
{
    t->life->state = state;
    t->life->since_ms = t->now_ms;
    t->life->deadline_ms = wait_ms > 0 ? t->now_ms + wait_ms : 0;
    return LIFE_NOTHING;
}

static enum life_action start(const struct turn *t)
{
    t->life->run_is_running = true;
    enter(t, LIFE_STARTING, t->limits->front_ms);
    return LIFE_SPAWN;
}

static enum life_action be_up(const struct turn *t)
{
    return enter(t, LIFE_UP, 0);
}

static uint64_t pause_ms(const struct turn *t)
{
    uint64_t pause = t->limits->delay_ms;
    for (unsigned i = 1; i < t->life->failures && pause < t->limits->max_delay_ms; i++)
        pause *= 2;
    return pause < t->limits->max_delay_ms ? pause : t->limits->max_delay_ms;
}

static enum life_action fail(const struct turn *t)
{
    t->life->failures++;
    bool is_enough = t->limits->tries > 0 && t->life->failures >= t->limits->tries;
    if (!t->life->restart || is_enough)
        return enter(t, LIFE_FAILED, 0);
    return enter(t, LIFE_RESTING, pause_ms(t));
}

static enum life_action run_done(const struct turn *t)
{
    t->life->run_is_running = false;
    if (!t->life->has_pid_file && !t->life->restart)
        return enter(t, LIFE_FINISHED, 0);
    if (!t->life->has_pid_file)
        return fail(t);
    t->life->deadline_ms = t->now_ms + t->limits->pid_file_ms;
    return LIFE_NOTHING;
}

static enum life_action run_failed(const struct turn *t)
{
    t->life->run_is_running = false;
    return fail(t);
}

static enum life_action start_is_over(const struct turn *t)
{
    if (!t->life->run_is_running)
        return fail(t);
    be_up(t);
    return LIFE_CLAIM;
}

static enum life_action gone(const struct turn *t)
{
    if (!t->life->restart)
        return enter(t, LIFE_FINISHED, 0);
    if (t->now_ms - t->life->since_ms < t->limits->stable_ms)
        return fail(t);
    t->life->failures = 0;
    return enter(t, LIFE_RESTING, pause_ms(t));
}

static enum life_action gone_badly(const struct turn *t)
{
    return t->life->restart ? gone(t) : fail(t);
}

static enum life_action wait(const struct turn *t)
{
    return enter(t, LIFE_WAITING, 0);
}

static enum life_action try_again(const struct turn *t)
{
    t->life->failures = 0;
    return wait(t);
}

/* A process that somebody else has brought up is seen before a start and kept like any other. */
static enum life_action (*const table[LIFE_STATES][LIFE_EVENTS])(const struct turn *) = {
    [LIFE_WAITING] = {[LIFE_START] = start, [LIFE_SEEN] = be_up},
    [LIFE_STARTING] = {[LIFE_SEEN] = be_up,
                       [LIFE_RUN_DONE] = run_done,
                       [LIFE_RUN_FAILED] = run_failed,
                       [LIFE_TIME] = start_is_over},
    [LIFE_UP] = {[LIFE_GONE] = gone, [LIFE_RUN_FAILED] = gone_badly},
    [LIFE_RESTING] = {[LIFE_TIME] = wait, [LIFE_AGAIN] = try_again},
    [LIFE_FINISHED] = {[LIFE_AGAIN] = try_again},
    [LIFE_FAILED] = {[LIFE_AGAIN] = try_again},
};

enum life_action life_step(struct life *l, enum life_event event, const struct life_limits *limits,
                           uint64_t now_ms)
{
    BUG_ON(l->state >= LIFE_STATES || event >= LIFE_EVENTS);
    struct turn t = {l, limits, now_ms};
    return table[l->state][event] != NULL ? table[l->state][event](&t) : LIFE_NOTHING;
}

const char *life_state_name(enum life_state state)
{
    return names[state];
}

bool life_is_ready(const struct life *l)
{
    return l->state == LIFE_UP || l->state == LIFE_FINISHED;
}
