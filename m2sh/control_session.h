/* A conversation with a control port: one command given, or one per line from a person or a pipe.
 * How a request gets there (a socket on this machine, the coordinator) is the caller's. */
#ifndef M2SH_CONTROL_SESSION_H
#define M2SH_CONTROL_SESSION_H

#include "m2sh/cmd.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

struct control_session {
    struct call *call;
    const char *name; /* of the server or node, for the prompt */
    const char *db;   /* whose deployment log gets a row for what changes something; NULL none */
    /* Sends a request and gets its answer; an error with the code that fits. */
    int (*ask)(void *arg, struct slice request, struct buf *reply, struct error *e);
    void *arg;
};

/* Runs the command, or with NULL the lines of standard input. The status of the last that failed.
 */
enum status control_session_run(const struct control_session *s, const char *command);

#endif
