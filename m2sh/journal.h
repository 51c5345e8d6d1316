/* The deployment log of a local database: each command that changes something leaves a row with
 * what came of it. */
#ifndef M2SH_JOURNAL_H
#define M2SH_JOURNAL_H

#include "m2sh/cmd.h"
#include "proto/model/model_log.h"

/* Who and where of an entry point into it. */
struct journal_author {
    char who[128];
    char where[256];
};

/* An entry by whoever runs m2sh, now. Borrows its arguments. */
struct log_entry journal_entry(struct journal_author *author, const char *what, const char *how,
                               const char *why);

/* Adds a row to the log of `db`. A log that cannot be written is a warning and no failure: the
 * thing itself was done. */
void journal_add(const struct call *c, const char *db, const char *what, const char *why);

#endif
