/* The verbs of the control port: name, help, function, one row each. */
#ifndef NODE_ADMIN_VERBS_H
#define NODE_ADMIN_VERBS_H

#include "node/admin/control.h"
#include "proto/wire/control_msg.h"

/* What a verb sees. */
struct verb_call {
    struct worker *worker;
    const struct control_ops *ops;
    void *server;
    const struct tns_value *args;
    struct buf *reply;
    control_done *done; /* who can wait for an answer; NULL: nobody can */
    void *done_arg;
    bool is_pending;                    /* out: `done` will be called, there is no reply yet */
    bool stop_control;                  /* out: end the control port after the answer */
    void (*after)(struct verb_call *c); /* out: call when the answer has left */
};

struct verb {
    const char *name;
    const char *help;
    void (*answer)(struct verb_call *c);
};

/* verb_doctor.c */
void verb_doctor(struct verb_call *c);
/* verb_workers.c */
void verb_workers(struct verb_call *c);

/* Writes the reply of something that took a while. */
void verb_put_outcome(struct buf *reply, const struct error *e);

extern const struct verb verb_table[]; /* ended by a NULL name; upstream's first and in its order */

#endif
