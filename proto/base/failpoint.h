/* Places where a test may make a program die, to prove what it leaves behind.
 *
 * `M2_FAILPOINTS=push.stored=kill,fetch.done=stop` in the environment arms them: `kill` is SIGKILL
 * at that moment (nothing is flushed, no handler runs), `stop` is SIGSTOP. Without the variable a
 * failpoint costs one test of a flag. Names begin with the program's part: push. and store. in the
 * coordinator, node. in the agent; tests/system/test_a_coordinator_dies.py goes through them. */
#ifndef PROTO_BASE_FAILPOINT_H
#define PROTO_BASE_FAILPOINT_H

#include <stdbool.h>

/* Reads the environment; once, from main. */
void failpoint_init(void);

extern bool failpoint_armed;
void failpoint_hit(const char *name);
int failpoint_error(const char *name);

#define FAILPOINT(name)          \
    do {                         \
        if (failpoint_armed)     \
            failpoint_hit(name); \
    } while (0)

/* The errno that the call here is to fail with: of an action in words, as in
 * `upload.write=ENOSPC`. 0: none. */
#define FAILPOINT_ERROR(name) (failpoint_armed ? failpoint_error(name) : 0)

#endif
