/* The model as a Mongrel2 configuration database, read and written.
 *
 * Reading accepts the databases of Mongrel2 1.12 and 1.13 and ours: tables and columns that some of
 * them lack take their defaults. It opens the file read-only and never creates one. Wrong values
 * (NULL, text for a number) come into the model as they are, for check.h to report all at once;
 * what the model cannot hold (a blob, a fraction) ends the reading with the table, row and column.
 *
 * Writing replaces the configuration in one transaction: whoever reads, and whatever is killed,
 * sees the old configuration or the new one. The tables `log` and `statistic` and everything
 * foreign stay. Tables and columns are exactly upstream's unless the model uses additions: then
 * those used stand behind upstream's columns, or in tables of their own. */
#ifndef PROTO_MODEL_MODEL_SQLITE_H
#define PROTO_MODEL_MODEL_SQLITE_H

#include "proto/base/error.h"
#include "proto/model/model.h"
#include "proto/model/model_log.h"

struct sqlite3;

/* Gives a frozen model. ERROR_NOT_FOUND when there is no file, ERROR_INVALID when it is no
 * configuration database, ERROR_TIMEOUT when a writer holds it too long, ERROR_IO. */
int model_sqlite_read(struct model **out, const char *path, struct error *e);

/* The same from an open connection; `name` stands for the file in messages. */
int model_sqlite_read_db(struct model **out, struct sqlite3 *db, const char *name, struct error *e);

/* Writes the configuration, and `entry` (NULL: none) to its log in the same transaction. Makes the
 * file when there is none; a failure leaves what was there, or nothing. ERROR_TIMEOUT when another
 * holds the database too long, ERROR_INVALID for a model that has NULLs in required columns or a
 * database with foreign tables under our names, ERROR_IO. */
int model_sqlite_write(const struct model *m, const char *path, const struct log_entry *entry,
                       struct error *e);

#endif
