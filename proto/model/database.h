/* An SQLite connection as this room uses it: opened without surprises, its errors turned into
 * sentences. Not a layer over SQL; callers prepare and step statements themselves. */
#ifndef PROTO_MODEL_DATABASE_H
#define PROTO_MODEL_DATABASE_H

#include "proto/base/error.h"

#include <stdbool.h>

struct sqlite3;
struct sqlite3_stmt;

enum database_mode {
    DATABASE_READ,   /* the file must exist and is not changed */
    DATABASE_WRITE,  /* the file must exist */
    DATABASE_CREATE, /* the file may be made */
};

#define DATABASE_BUSY_MS 5000 /* how long a writer waits for another */

/* Opens; waits DATABASE_BUSY_MS for locks; every commit is on disk when it returns. A file left by
 * a writer that was killed is recovered, also for reading when the file may be written.
 * ERROR_NOT_FOUND, ERROR_INVALID (no database), ERROR_TIMEOUT, ERROR_DENIED, ERROR_IO. */
int database_open(struct sqlite3 **out, const char *path, enum database_mode mode, struct error *e);
void database_close(struct sqlite3 *db); /* NULL is fine; rolls back an open transaction */

/* Fills *e from the connection's last error; returns -1. `name` is the file, `doing` a phrase such
 * as "read table route of". */
int database_error(struct sqlite3 *db, const char *name, const char *doing, struct error *e);

int database_exec(struct sqlite3 *db, const char *name, const char *sql, struct error *e);

int database_prepare(struct sqlite3_stmt **out, struct sqlite3 *db, const char *name,
                     const char *sql, struct error *e);

/* Is there a table or view of that name? 1, 0, or -1. */
int database_has_table(struct sqlite3 *db, const char *name, const char *table, struct error *e);

#endif
