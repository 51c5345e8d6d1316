/* A command's way to the coordinator: which one, as whom, and one call after the other.
 *
 * Commands that exist for a database too work on the cluster when -cluster is given, or
 * M2SH_CLUSTER is set and -db is not given. */
#ifndef M2SH_CLUSTER_H
#define M2SH_CLUSTER_H

#include "m2sh/cmd.h"
#include "m2sh/identity.h"
#include "proto/link/caller.h"
#include "proto/link/credentials.h"
#include "proto/wire/cluster_msg.h"

#include <stdbool.h>

#define CLUSTER_DEFAULT "tcp://127.0.0.1:6780"

#define OPTIONS_CLUSTER                                                                    \
    {"cluster", "SPEC[,SPEC]", "Coordinators ($M2SH_CLUSTER, else " CLUSTER_DEFAULT ")."}, \
        {"insecure", NULL, "Talk to a coordinator elsewhere without keys."},               \
    {                                                                                      \
        "keys", "DIR|CERT", "CURVE keys, or one of them ($M2SH_KEYS)."                     \
    }

/* For a command with both scopes: is it about the cluster? */
bool cluster_is_meant(const struct call *c);

struct cluster {
    const struct call *call; /* borrowed */
    struct caller *caller;
    struct credentials credentials; /* with keys */
    bool has_keys;
    char user[128], host[256];
};

/* The list of coordinators that is meant. */
const char *cluster_coordinators(const struct call *c);

/* Connects at the first call; *cl must not be moved until cluster_close. ERROR_USAGE (a bad
 * specification) and what credentials_load says. */
int cluster_open(struct cluster *cl, const struct call *c, struct error *e);
/* As cluster_open, with other coordinators than the call's. */
int cluster_open_at(struct cluster *cl, const struct call *c, const char *coordinators,
                    struct error *e);
/* As cluster_open, for commands that change something: connected to the coordinator that leads. One
 * that is about to take over is waited for, 10 s at most, and a line says so. ERROR_USAGE,
 * ERROR_UNREACHABLE (nobody answers, or nobody leads). */
int cluster_open_leader(struct cluster *cl, const struct call *c, struct error *e);
void cluster_close(struct cluster *cl);

/* The author of what is done now; borrows from `cl` and the call. `why` may be NULL. */
struct cluster_author cluster_author(const struct cluster *cl, const char *why);

/* Opens, sends, waits; the answer is borrowed from the cluster until the next call. STATUS_DONE, or
 * the failure was shown and the cluster is closed. */
enum status cluster_ask(struct cluster *cl, const struct call *c, struct cluster_request *request,
                        const struct cluster_reply **reply);

/* A whole command: asks, and prints the answer, as JSON or by `print`. */
enum status cluster_show(const struct call *c, struct cluster_request *request,
                         void (*print)(const struct call *c, const struct cluster_table *t));

/* As cluster_ask on an open cluster; closes it only on failure. */
enum status cluster_ask_again(struct cluster *cl, struct cluster_request *request, int silence_ms,
                              caller_progress *on_progress, void *arg,
                              const struct cluster_reply **reply);

/* All columns of an answer as a list of objects, into `j` or as the command's output. */
void cluster_put_json(const struct cluster_table *t, struct out_json *j);
void cluster_print_json(const struct cluster_table *t);

/* Column `name` of a row, with NUL, in the arena. */
const char *cluster_text(const struct cluster_table *t, size_t row, const char *name,
                         struct arena *a);

#endif
