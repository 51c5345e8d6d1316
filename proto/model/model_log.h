/* The deployment log of a configuration database: who did what, where, when, how and why. The one
 * table that a load keeps. */
#ifndef PROTO_MODEL_MODEL_LOG_H
#define PROTO_MODEL_MODEL_LOG_H

#include "proto/base/arena.h"
#include "proto/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct sqlite3;

/* Strings are borrowed. A NULL is stored as NULL. */
struct log_entry {
    int64_t id; /* when read */
    const char *who;
    const char *what; /* the command */
    const char *location;
    const char *happened_at; /* "2026-11-22 19:10:54", UTC; NULL when appending: now */
    const char *how;
    const char *why;
};

/* Appends one entry; makes the table in a database that lacks it, never the database.
 * ERROR_NOT_FOUND, ERROR_TIMEOUT, ERROR_INVALID, ERROR_IO. */
int model_log_append(const char *path, const struct log_entry *entry, struct error *e);

/* Makes the table in an open database that lacks it. */
int model_log_make_table(struct sqlite3 *db, const char *name, struct error *e);

/* Appends in the transaction of an open connection. */
int model_log_append_db(struct sqlite3 *db, const char *name, const struct log_entry *entry,
                        struct error *e);

/* Reads the newest `limit` entries (0: all) into the arena, oldest first; a database without the
 * table has none. Errors as above. */
int model_log_read(struct log_entry **out, size_t *count, const char *path, size_t limit,
                   struct arena *a, struct error *e);

#endif
