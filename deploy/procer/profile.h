/* A profile as its directory says it: what to keep running, and how. A plain value; what becomes of
 * it is service.h. The format is Mongrel2's, see procer(8). */
#ifndef DEPLOY_PROCER_PROFILE_H
#define DEPLOY_PROCER_PROFILE_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct profile {
    char *name;
    char *run;         /* absolute path of the program to start */
    char *pid_file;    /* as written, for PROCER_PIDFILE */
    char *pid_path;    /* absolute */
    char **depends;    /* ends with NULL */
    bool has_pid_file; /* false: `run` stays in front, and its pid file is NAME/run.pid */
    bool restart;
    uid_t uid; /* owner of the directory, whom `run` runs as */
    gid_t gid;
};

struct profiles {
    struct profile **all; /* by name */
    size_t count;
};

/* Reads the profile in the directory `name` of `folder` (absolute). NULL with *e. The caller
 * destroys it. */
struct profile *profile_read(const char *folder, const char *name, struct error *e);
void profile_destroy(struct profile *p); /* NULL is fine */

/* Whether both say the same. */
bool profile_is_equal(const struct profile *a, const struct profile *b);

/* Every directory in `folder` whose name begins with a letter or a digit; links are not followed.
 * A profile that cannot be read is reported and left out. -1 when the folder cannot be read. */
int profiles_scan(struct profiles *out, const char *folder,
                  void (*report)(const char *name, const char *problem), struct error *e);
/* NULL when there is none. */
struct profile *profiles_find(const struct profiles *all, const char *name);
void profiles_fini(struct profiles *all);

#endif
