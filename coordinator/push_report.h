/* What a push tells the one who pushed: its progress reports and its last answer, as
 * docs/reference/cluster-protocol.md lists them. Part of push.c in everything but its subject:
 * formatting; the struct is shown here for the two of them. */
#ifndef COORDINATOR_PUSH_REPORT_H
#define COORDINATOR_PUSH_REPORT_H

#include "coordinator/policy.h"
#include "coordinator/push.h"
#include "proto/base/arena.h"
#include "proto/base/map.h"

enum voter_answer { VOTER_SILENT, VOTER_READY, VOTER_REFUSED };

/* A node that is asked; in the push's arena. */
struct voter {
    const char *uuid, *name;
    enum voter_answer answer;
    bool is_applied;                  /* it runs the commit */
    bool is_saved;                    /* and has it on its disk */
    struct slice code, object, error; /* of a refusal */
};

struct push {
    enum push_state state;
    struct push_options options;
    const struct push_env *env;
    void *arg;
    struct arena arena;
    struct commit commit;
    struct map voters; /* uuid -> struct voter */
    struct policy_count count;
    size_t applied, failed; /* of the ready ones; failed: running, but not on disk */
    bool storing;           /* the store has the append */
    uint64_t started_ms, since_ms, deadline_ms, give_up_ms;
    struct error error;
};

void push_report_waiting(struct push *p, const char *text);
void push_report_checked(struct push *p);
void push_report_answer(struct push *p, const char *progress, const struct voter *v, bool ok);
void push_report_decided(struct push *p, const char *decision);
void push_report_stored(struct push *p);
void push_report_end(struct push *p, const struct push_result *r);

#endif
