/* Requests to a coordinator, in blocking form: for programs that do one thing at a time (m2sh).
 *
 * Knows a list of coordinators and uses whichever answers: one that cannot be reached is passed
 * over, one that names a leader is left for the leader. A request that only reads is asked again of
 * the next coordinator when the connection breaks; one that changes something is never sent twice.
 * Not for use within a loop (see caller_ev.h). */
#ifndef PROTO_LINK_CALLER_H
#define PROTO_LINK_CALLER_H

#include "proto/base/error.h"
#include "proto/link/endpoint.h"
#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"

#include <stdbool.h>

struct caller;

struct caller_options {
    const char *coordinators;      /* "tcp://a:6780,tcp://b:6780"; borrowed only for the call */
    struct link_security security; /* its keys must outlive the caller */
    int connect_timeout_ms;        /* for each coordinator; 0: 1000 */
    int silence_ms;                /* longest wait for the next answer of a request; 0: 10000 */
};

/* ERROR_USAGE for a bad specification; connects to nobody yet. */
int caller_create(struct caller **out, const struct caller_options *options, struct error *e);
void caller_destroy(struct caller **c); /* NULL is fine */

/* Called for each progress report, in order; it borrows the report until it returns. */
typedef void caller_progress(void *arg, const struct cluster_reply *report);

/* Sends a request (its seq is set here) and waits for its last answer, which *reply borrows from
 * the caller until the next call. Returns 0 with a REPLY_TABLE. Returns -1 with *e filled from the
 * coordinator's refusal, *reply then being that REPLY_ERROR with its details; or with *reply NULL:
 * ERROR_UNREACHABLE (nobody there, or the connection broke before the answer), ERROR_TIMEOUT,
 * ERROR_INVALID (an answer that makes no sense). `on_progress` may be NULL. */
int caller_call(struct caller *c, struct cluster_request *request, caller_progress *on_progress,
                void *arg, const struct cluster_reply **reply, struct error *e);

/* As caller_call with another bound on silence for this one request. */
int caller_call_within(struct caller *c, struct cluster_request *request, int silence_ms,
                       caller_progress *on_progress, void *arg, const struct cluster_reply **reply,
                       struct error *e);

/* The coordinator that answered last; "" before the first. */
const char *caller_coordinator(const struct caller *c);

#endif
