/* The environment is read once and kept: process-wide by nature, as the log is. */

#include "proto/base/failpoint.h"

#include <errno.h>
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

int failpoint_error(const char *name)
{
    static const struct {
        const char *word;
        int number;
    } errors[] = {{"EDQUOT", EDQUOT}, {"EIO", EIO}, {"ENOSPC", ENOSPC}};
    const char *action = find(name);
    for (size_t i = 0; action != NULL && i < sizeof errors / sizeof errors[0]; i++)
        if (strncmp(action, errors[i].word, strlen(errors[i].word)) == 0)
            return errors[i].number;
    return 0;
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
