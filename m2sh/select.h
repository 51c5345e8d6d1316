/* Which servers of a local database a command is about: exactly one of -every, -name N, -host H
 * (the server's default_host) and -uuid U. */
#ifndef M2SH_SELECT_H
#define M2SH_SELECT_H

#include "m2sh/cmd.h"
#include "proto/model/model.h"

#include <stddef.h>

struct selection {
    struct model *model;
    const struct row **servers; /* at least one */
    size_t count;
};

#define OPTIONS_SELECT                                          \
    OPTION_DB, {"every", NULL, "All servers of the database."}, \
        {"name", "NAME", "The server of that name."},           \
        {"host", "HOST", "The server with that default_host."}, \
    {                                                           \
        "uuid", "UUID", "The server with that UUID."            \
    }

/* Reads the database and selects. STATUS_DONE, with a selection to release; else a message was
 * shown: STATUS_USAGE for none or several of the options, or when one of -name, -host, -uuid fits
 * several servers; STATUS_NO when none fits. */
enum status select_servers(struct selection *s, const struct call *c);
void select_release(struct selection *s);

#endif
