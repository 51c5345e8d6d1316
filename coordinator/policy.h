/* How many nodes must be ready for a push to go on: a pure function of counts. */
#ifndef COORDINATOR_POLICY_H
#define COORDINATOR_POLICY_H

#include "proto/wire/cluster_msg.h"

#include <stdbool.h>
#include <stddef.h>

struct policy_count {
    size_t nodes; /* that were asked and have not left since */
    size_t ready;
    size_t refused;
    bool is_over; /* the time for answers is over: who has not answered is silent */
};

enum policy_verdict { POLICY_WAIT, POLICY_YES, POLICY_NO };

/* Decides as soon as no further answer can change it. Without nodes everything is agreed. */
enum policy_verdict policy_decide(enum cluster_policy policy, const struct policy_count *c);

#endif
