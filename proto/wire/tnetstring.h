/* Tagged netstrings: `LENGTH:PAYLOAD TAG`, the format of every control and cluster message and of
 * one form of handler request headers.
 *
 * Three layers, none of which holds state beyond its arguments:
 *   reader  a cursor over borrowed bytes, no copy, no allocation: for hot paths;
 *   tree    a parsed value in an arena, strings borrowed from the input: for messages and settings;
 *   writer  functions that append to a buf; lists and dicts are opened, filled and closed.
 *
 * What is accepted is what Mongrel2 accepts, so that an old client is still understood: a length or
 * an integer may have leading zeros, blanks and a `+`; an empty integer is 0; a boolean is told by
 * length and first letter; of equal dict keys the last counts. Two differences, both for safety:
 * nesting is bounded (TNS_DEPTH_MAX), and floats, which Mongrel2 never could parse, are refused in
 * words. What is written is the shortest form, pairs in the order given, so equal calls give equal
 * bytes. */
#ifndef PROTO_WIRE_TNETSTRING_H
#define PROTO_WIRE_TNETSTRING_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lists and dicts inside each other, the outermost counted. */
#define TNS_DEPTH_MAX 64

/* The enumerators are the tags on the wire. */
enum tns_type {
    TNS_STRING = ',',
    TNS_INT = '#',
    TNS_BOOL = '!',
    TNS_NULL = '~',
    TNS_LIST = ']',
    TNS_DICT = '}',
};

/* "string", "integer", … for messages to people. */
const char *tns_type_name(enum tns_type type);

/* ---- reader ------------------------------------------------------------------------------- */

enum tns_status {
    TNS_ITEM, /* an item was read */
    TNS_END,  /* nothing is left */
    TNS_BAD,  /* the bytes at the cursor are no tnetstring; the cursor has not moved */
};

struct tns_reader {
    const char *at;
    const char *end;
    unsigned depth; /* lists and dicts around the cursor */
};

/* One value; `bytes` is its payload, borrowed from the input. The inside of a list or dict has not
 * been looked at: it is checked as it is read. */
struct tns_item {
    enum tns_type type;
    struct slice bytes;
    int64_t integer; /* TNS_INT */
    bool boolean;    /* TNS_BOOL */
};

void tns_reader_init(struct tns_reader *r, struct slice bytes);

/* Reads the next value and moves behind it. */
enum tns_status tns_read(struct tns_reader *r, struct tns_item *item);

/* Reads the next key and value of a dict; an odd element or a key that is no string is TNS_BAD. */
enum tns_status tns_read_pair(struct tns_reader *r, struct slice *key, struct tns_item *item);

/* Places `inner` at the first element of `item`, which must be a list or dict read from `r`.
 * -1 when that would be deeper than TNS_DEPTH_MAX. */
int tns_enter(const struct tns_reader *r, const struct tns_item *item, struct tns_reader *inner);

/* The last value under `key` in the payload of a dict: TNS_ITEM, TNS_END when absent, TNS_BAD when
 * the dict is malformed (all of its pairs are looked at). */
enum tns_status tns_find(struct slice dict, struct slice key, struct tns_item *item);

/* ---- tree --------------------------------------------------------------------------------- */

struct tns_pair;

struct tns_value {
    enum tns_type type;
    union {
        struct slice string; /* borrowed from the input */
        int64_t integer;
        bool boolean;
        struct {
            struct tns_value *items; /* TNS_LIST, in the arena */
            size_t item_count;
        };
        struct {
            struct tns_pair *pairs; /* TNS_DICT, in the arena, order as on the wire */
            size_t pair_count;
        };
    };
};

struct tns_pair {
    struct slice key;
    struct tns_value value;
};

/* What a parse may cost. A tree takes up to ten times the bytes of its input, so both are bounded.
 */
struct tns_limits {
    size_t bytes;  /* of the input */
    size_t values; /* strings, numbers, lists … in all */
};
#define TNS_LIMITS_DEFAULT ((struct tns_limits){64u << 20, 4u << 20})

/* Parses the first value of `bytes` into *out. Strings borrow from `bytes`, arrays live in `a`.
 * *used gets the length of that value; with used NULL, bytes behind it are an error. `limits` NULL
 * means TNS_LIMITS_DEFAULT. ERROR_INVALID with the offset, ERROR_TOO_LARGE, ERROR_NO_MEMORY. */
int tns_parse(struct tns_value *out, struct slice bytes, struct arena *a,
              const struct tns_limits *limits, size_t *used, struct error *e);

/* As tns_parse of a copy of `bytes` kept in the arena: the tree outlives the input. */
int tns_parse_copy(struct tns_value *out, struct slice bytes, struct arena *a,
                   const struct tns_limits *limits, size_t *used, struct error *e);

/* The last value under `key`; NULL when absent or when `dict` is no dict (or NULL). */
const struct tns_value *tns_get(const struct tns_value *dict, const char *key);

/* The value under `key` if it has that type; false leaves *out alone. */
bool tns_get_string(const struct tns_value *dict, const char *key, struct slice *out);
bool tns_get_int(const struct tns_value *dict, const char *key, int64_t *out);
bool tns_get_bool(const struct tns_value *dict, const char *key, bool *out);
/* NULL unless it is a list. */
const struct tns_value *tns_get_list(const struct tns_value *dict, const char *key);
const struct tns_value *tns_get_dict(const struct tns_value *dict, const char *key);

/* ---- writer ------------------------------------------------------------------------------- */

void tns_put_string(struct buf *out, struct slice s);
void tns_put_str(struct buf *out, const char *s);
void tns_put_int(struct buf *out, int64_t n);
void tns_put_bool(struct buf *out, bool b);
void tns_put_null(struct buf *out);
/* Appends the value; a tree deeper than TNS_DEPTH_MAX makes the buf fail. */
void tns_put_value(struct buf *out, const struct tns_value *v);

/* Begins a list or dict; hand the result to the closing call, which puts the length in front.
 *
 *     size_t dict = tns_open(out);
 *     tns_put_str(out, "id"); tns_put_int(out, 7);
 *     tns_close_dict(out, dict);
 */
size_t tns_open(const struct buf *out);
void tns_close_list(struct buf *out, size_t mark);
void tns_close_dict(struct buf *out, size_t mark);
void tns_close_string(struct buf *out, size_t mark); /* whatever was appended becomes a string */

/* A key and its value in one call. */
void tns_put_pair(struct buf *out, const char *key, struct slice value);
void tns_put_pair_str(struct buf *out, const char *key, const char *value);
void tns_put_pair_int(struct buf *out, const char *key, int64_t value);
void tns_put_pair_bool(struct buf *out, const char *key, bool value);

#endif
