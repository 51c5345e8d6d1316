/* Who is at work and where, for the deployment log. */
#ifndef M2SH_IDENTITY_H
#define M2SH_IDENTITY_H

#include <stddef.h>

/* The login name: of the session, else $LOGNAME, else of the user id, else the id in digits. */
void identity_user(char *out, size_t size);

/* The machine's name. */
void identity_host(char *out, size_t size);

#endif
