/* There is always an answer: a deployment is not left out of the log because a container has no
 * login session. */

#include "m2sh/identity.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void identity_user(char *out, size_t size)
{
    const char *env = getenv("LOGNAME");
    if (getlogin_r(out, size) == 0 && out[0] != '\0')
        return;
    const struct passwd *pw = getpwuid(getuid());
    if (env != NULL && env[0] != '\0')
        snprintf(out, size, "%s", env);
    else if (pw != NULL)
        snprintf(out, size, "%s", pw->pw_name);
    else
        snprintf(out, size, "%u", (unsigned)getuid());
}

void identity_host(char *out, size_t size)
{
    if (gethostname(out, size) != 0)
        snprintf(out, size, "localhost");
    out[size - 1] = '\0';
}
