/* The environment is read once and kept: process-wide by nature, as the log is. */

#include "proto/base/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool failpoint_armed;
static const char *armed; /* "name=action,name=action" */

void failpoint_init(void)
{
    armed = getenv("M2_FAILPOINTS");
    failpoint_armed = armed != NULL && armed[0] != '\0';
}

/* The action of `name`, NULL when it has none. */
static const char *find(const char *name)
{
    size_t len = strlen(name);
    for (const char *at = armed; at != NULL && *at != '\0';) {
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return at + len + 1;
        at = strchr(at, ',');
        if (at != NULL)
            at++;
    }
    return NULL;
}

void failpoint_hit(const char *name)
{
    const char *action = find(name);
    if (action == NULL)
        return;
    if (strncmp(action, "kill", 4) == 0)
        raise(SIGKILL);
    if (strncmp(action, "stop", 4) == 0)
        raise(SIGSTOP);
}
