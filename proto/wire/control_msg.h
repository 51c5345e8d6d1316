/* Control port and coordinator messages: one tnetstring each.
 *
 *     request  [verb, {args}]
 *     table    {"headers": [NAME, ...], "rows": [[value, ...], ...]}
 *     error    {"code": NAME, "error": SENTENCE}
 *
 * Between cluster programs the args hold a `seq` that the reply repeats behind its other keys; the
 * control port of a node knows no seq, as upstream. Texts of upstream's errors are kept exactly. */
#ifndef PROTO_WIRE_CONTROL_MSG_H
#define PROTO_WIRE_CONTROL_MSG_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/wire/tnetstring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No seq; every seq on the wire is at least 0. */
#define CONTROL_NO_SEQ (-1)

/* Mongrel2's errors. */
enum control_error {
    CONTROL_INVALID_REQUEST,
    CONTROL_INVALID_DATA,
    CONTROL_CALLBACK_NOT_FOUND,
    CONTROL_INVALID_ARGUMENT,
    CONTROL_SIGNAL_FAILED,
    CONTROL_NOT_CONNECTED,
    CONTROL_CALLBACK_RETURN,
    CONTROL_ERRORS,
    CONTROL_OK = CONTROL_ERRORS
};

/* ---- requests ----------------------------------------------------------------------------- */

struct control_request {
    struct slice verb;
    struct tns_value args; /* TNS_DICT */
    int64_t seq;           /* from the args; CONTROL_NO_SEQ when absent or no number */
};

/* Reads a request. Elements behind the two and bytes behind the list are ignored, as upstream.
 * CONTROL_OK, or the error that upstream answers. Strings are borrowed from `bytes`. */
enum control_error control_request_parse(struct slice bytes, struct arena *a,
                                         const struct tns_limits *limits,
                                         struct control_request *out);

/* Begins a request; append the args as pairs, then call control_request_end with the result. */
struct control_request_mark {
    size_t list;
    size_t dict;
};
struct control_request_mark control_request_begin(struct buf *out, const char *verb, int64_t seq);
void control_request_end(struct buf *out, struct control_request_mark mark);

/* ---- replies: writing --------------------------------------------------------------------- */

/* `code` and `text` as a reply; `code` NULL leaves it out, as upstream once does. */
void control_put_error(struct buf *out, const char *code, const char *text, int64_t seq);

/* One of upstream's. */
void control_put_known_error(struct buf *out, enum control_error error);

/* What went wrong in the world, as a reply: error_code_name and the sentence, with the object in
 * front of it. */
void control_put_world_error(struct buf *out, const struct error *e, int64_t seq);

/* A table under construction:
 *
 *     struct control_table t;
 *     control_table_begin(&t, out, "id", "name", NULL);
 *     control_row_begin(&t); tns_put_int(out, 7); tns_put_str(out, "x"); control_row_end(&t);
 *     control_table_end(&t, seq);
 */
struct control_table {
    struct buf *out;
    size_t dict, rows, row;
};
void control_table_begin(struct control_table *t, struct buf *out, const char *header, ...)
    __attribute__((sentinel));
void control_row_begin(struct control_table *t);
void control_row_end(struct control_table *t);
void control_table_end(struct control_table *t, int64_t seq);

/* ---- replies: reading --------------------------------------------------------------------- */

enum control_reply_kind { CONTROL_REPLY_TABLE, CONTROL_REPLY_ERROR, CONTROL_REPLY_OTHER };

/* Strings are borrowed from the bytes, the rest lives in the arena. */
struct control_reply {
    enum control_reply_kind kind;
    struct tns_value whole;                 /* TNS_DICT: everything */
    int64_t seq;                            /* CONTROL_NO_SEQ when absent */
    const struct tns_value *headers, *rows; /* of a table: lists; each row is a list */
    struct slice code, error;               /* of an error; code may be empty */
};

/* ERROR_INVALID when the bytes are no dict, or a table is not made of lists. */
int control_reply_parse(struct slice bytes, struct arena *a, const struct tns_limits *limits,
                        struct control_reply *out, struct error *e);

/* Index of a column; -1 when there is none of that name. */
int control_reply_column(const struct control_reply *r, const char *name);

/* The cell; NULL when row or column is not there. */
const struct tns_value *control_reply_cell(const struct control_reply *r, size_t row,
                                           const char *column);

#endif
