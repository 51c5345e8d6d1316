/* Answers of the cluster protocol: a table, a progress report (a table too, more will follow) or an
 * error, each with the seq of its request.
 *
 *     {"seq": 7, "headers": ["version", …], "rows": [[42, …], …]}
 *     {"seq": 7, "progress": "prepared", "headers": […], "rows": […]}
 *     {"seq": 7, "code": "CONFLICT", "error": "a sentence that says what to do",
 *      "object": "route /api", "leader": "tcp://…", "headers": […], "rows": […]}
 *
 * In an error all but code and error may be absent; the rows then are the details. Cells are
 * strings, integers, booleans or null. The control port answers in the same form, without seq. A
 * decoded reply borrows from its bytes and from the arena. */
#ifndef PROTO_WIRE_CLUSTER_REPLY_H
#define PROTO_WIRE_CLUSTER_REPLY_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/wire/tnetstring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bound of the memory that the cells of one reply may take. */
#define CLUSTER_TABLE_BYTES_MAX ((size_t)256 << 20)

enum cluster_reply_kind { REPLY_TABLE, REPLY_PROGRESS, REPLY_ERROR };

struct cluster_table {
    struct slice *headers;
    size_t column_count;
    struct tns_value *cells; /* row by row */
    size_t row_count;
};

struct cluster_reply {
    enum cluster_reply_kind kind;
    int64_t seq;
    struct slice progress; /* REPLY_PROGRESS: its word */
    struct slice code;     /* REPLY_ERROR */
    struct slice text;     /* REPLY_ERROR: the sentence */
    struct slice object;   /* REPLY_ERROR; may be empty */
    struct slice leader;   /* REPLY_ERROR: ask there instead; may be empty */
    struct cluster_table table;
};

/* ---- reading ------------------------------------------------------------------------------ */

/* Decodes one reply. Fields it does not know are passed over (a newer coordinator may say more);
 * anything else that is off is ERROR_INVALID. ERROR_TOO_LARGE, ERROR_NO_MEMORY. */
int cluster_reply_decode(struct cluster_reply *out, struct slice bytes, size_t max, struct arena *a,
                         struct error *e);

/* Headers and rows out of their list payloads; both may be empty. Used for updates too. */
int cluster_table_decode(struct cluster_table *out, struct slice headers, struct slice rows,
                         struct arena *a, struct error *e);

/* Fills *e from a reply of kind REPLY_ERROR; returns -1. */
int cluster_reply_error(const struct cluster_reply *r, struct error *e);

/* Index of the column of this name; -1 when there is none. */
int cluster_table_column(const struct cluster_table *t, const char *name);

/* The cell in the column of this name: empty or 0 when there is no such column, no such row, or the
 * cell is of another type. */
struct slice cluster_table_text(const struct cluster_table *t, size_t row, const char *column);
int64_t cluster_table_int(const struct cluster_table *t, size_t row, const char *column);
bool cluster_table_bool(const struct cluster_table *t, size_t row, const char *column);

/* ---- writing ------------------------------------------------------------------------------ */

/* Begins a reply; fill rows, then end it. The columns of a row are put in the order of the headers
 * with tns_put_string, tns_put_int, tns_put_bool or tns_put_null.
 *
 *     struct cluster_table_writer w;
 *     static const char *const headers[] = {"version", "hash", NULL};
 *     cluster_table_begin(&w, out, seq, NULL, headers);
 *     cluster_row_begin(&w); tns_put_int(out, 42); tns_put_str(out, hash); cluster_row_end(&w);
 *     cluster_table_end(&w);
 */
struct cluster_table_writer {
    struct buf *out;
    size_t dict, rows, row;
};

/* `seq` below 0: none is written. `progress` NULL: the last answer. */
void cluster_table_begin(struct cluster_table_writer *w, struct buf *out, int64_t seq,
                         const char *progress, const char *const *headers);
/* As cluster_table_begin, for an error with details. */
void cluster_error_begin(struct cluster_table_writer *w, struct buf *out, int64_t seq,
                         const struct error *e, const char *const *headers);
void cluster_row_begin(struct cluster_table_writer *w);
void cluster_row_end(struct cluster_table_writer *w);
void cluster_table_end(struct cluster_table_writer *w);

/* A whole error reply without details; `leader` may be NULL. */
void cluster_error_put(struct buf *out, int64_t seq, const struct error *e, const char *leader);

#endif
