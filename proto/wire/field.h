/* Dicts of tnetstrings as C structs, told by a table: one row per field gives its name, type,
 * bounds and place in the struct. Decoding is strict (unknown, missing, repeated and mistyped
 * fields are refused, each with a sentence that names it), encoding leaves out what has its
 * default, so that decode(encode(x)) == x and equal structs give equal bytes.
 *
 * Strings in a decoded struct borrow from the input; lists live in the arena. */
#ifndef PROTO_WIRE_FIELD_H
#define PROTO_WIRE_FIELD_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/wire/tnetstring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The C type of each is in brackets. */
enum field_type {
    FIELD_BYTES,   /* [struct slice] any bytes, up to the size of the message */
    FIELD_TEXT,    /* [struct slice] no NUL, at most `max` bytes */
    FIELD_NAME,    /* [struct slice] letters, digits and . _ - : @ only, 1 to 64 of them */
    FIELD_UUID,    /* [struct slice] 36 characters */
    FIELD_HASH,    /* [struct slice] 64 lower-case hexadecimal digits */
    FIELD_INT,     /* [int64_t] from `min` to `max` */
    FIELD_BOOL,    /* [bool] */
    FIELD_WORD,    /* [int] index into `words` */
    FIELD_STRINGS, /* [struct field_strings] each as FIELD_TEXT, at most FIELD_LIST_MAX */
    FIELD_INTS,    /* [struct field_ints] at most FIELD_LIST_MAX, each from 0 */
    FIELD_TABLE,   /* [struct slice] the payload of a list, looked into by whoever knows it */
};

#define FIELD_LIST_MAX 4096
#define FIELD_TEXT_MAX 4096

struct field_strings {
    struct slice *items;
    size_t count;
};

struct field_ints {
    int64_t *items;
    size_t count;
};

struct field {
    const char *name;
    enum field_type type;
    bool is_required;         /* else: empty, `fallback`, false, or words[0] when absent */
    size_t offset;            /* in the struct */
    int64_t min, max;         /* FIELD_INT; both 0: any from 0 on */
    int64_t fallback;         /* FIELD_INT */
    const char *const *words; /* FIELD_WORD; ends with NULL */
    const char *help;         /* one sentence for the reference */
};

/* Sets each field of the struct to its default. */
void field_defaults(void *out, const struct field *fields, size_t count);

/* Reads the pairs of `dict` (the payload of a dict) into the struct. A field called "seq" is passed
 * over: it belongs to the envelope. ERROR_INVALID, ERROR_NO_MEMORY. */
int field_decode(void *out, const struct field *fields, size_t count, struct slice dict,
                 struct arena *a, struct error *e);

/* Appends the pairs (without the dict around them). */
void field_encode(struct buf *out, const struct field *fields, size_t count, const void *in);

bool field_is_name(struct slice s);
bool field_is_hash(struct slice s);

#endif
