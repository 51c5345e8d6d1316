/* What to do with a profile next: a table, state × event, without processes, files or clock.
 * service.c tells it what happened and does what it says.
 *
 *     WAITING   its dependencies are not all up
 *     STARTING  `run` was started; no living process is known yet
 *     UP        its process lives
 *     RESTING   a pause before the next start
 *     FINISHED  it was up, or had only something to do, and is not to be started again
 *     FAILED    it does not come up; tried again when procer gets SIGHUP */
#ifndef DEPLOY_PROCER_LIFE_H
#define DEPLOY_PROCER_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum life_state {
    LIFE_WAITING,
    LIFE_STARTING,
    LIFE_UP,
    LIFE_RESTING,
    LIFE_FINISHED,
    LIFE_FAILED,
    LIFE_STATES
};

enum life_event {
    LIFE_START,      /* all it depends on is up, and it is not running */
    LIFE_SEEN,       /* its pid file names a living process */
    LIFE_RUN_DONE,   /* `run` ended well; no living process is known */
    LIFE_RUN_FAILED, /* `run` ended badly, or could not be started; same. Also when it was up */
    LIFE_GONE,       /* the process of a profile that was up has ended */
    LIFE_TIME,       /* the deadline has passed */
    LIFE_AGAIN,      /* somebody asks to try again */
    LIFE_EVENTS
};

enum life_action {
    LIFE_NOTHING,
    LIFE_SPAWN, /* start `run` */
    LIFE_CLAIM, /* `run` stays in front: it is the program, write its pid file */
};

struct life_limits {
    uint64_t front_ms;     /* a `run` that runs longer without a pid file is the program itself */
    uint64_t pid_file_ms;  /* how long after the end of `run` the pid file may appear */
    uint64_t delay_ms;     /* before a restart; doubled with each failure in a row */
    uint64_t max_delay_ms; /* the most that it is doubled to */
    uint64_t stable_ms;    /* up for this long: earlier failures are forgotten */
    unsigned tries;        /* failures in a row after which it is FAILED; 0: never */
};
extern const struct life_limits life_default_limits;

struct life {
    enum life_state state;
    bool restart;         /* of the profile */
    bool has_pid_file;    /* of the profile */
    bool run_is_running;  /* kept by service.c */
    unsigned failures;    /* in a row */
    uint64_t since_ms;    /* when it came into this state */
    uint64_t deadline_ms; /* when LIFE_TIME is due; 0 never */
};

/* An event that means nothing in this state changes nothing. */
enum life_action life_step(struct life *l, enum life_event event, const struct life_limits *limits,
                           uint64_t now_ms);
const char *life_state_name(enum life_state state);

/* Whether dependants may start. */
bool life_is_ready(const struct life *l);

#endif
