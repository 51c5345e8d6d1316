/* Header field lines, as requests and responses share them: parsed into an array that the caller
 * provides, found by id without searching. Strict RFC 9112 section 5: no folding, no white space
 * before the colon, no control bytes, no bare CR; a line may end in LF alone (section 2.2).
 *
 * Slices borrow the bytes that were parsed. */
#ifndef PROTO_HTTP_FIELD_LINES_H
#define PROTO_HTTP_FIELD_LINES_H

#include "proto/base/slice.h"
#include "proto/http/field_name.h"
#include "proto/http/parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELDS_USUAL 64    /* enough for nearly every head */
#define FIELDS_MOST  16384 /* no array may be larger */

struct http_field {
    struct slice name;  /* as sent; the bytes behind it are the colon and the value's line */
    struct slice value; /* without white space at both ends */
    enum field_id id;
};

struct field_list {
    struct http_field *items; /* the caller's */
    uint16_t count;
    uint16_t capacity;
    uint64_t present;               /* FIELD_BIT of each known id that occurs */
    uint64_t repeated;              /* … that occurs more than once */
    uint16_t first[FIELD_ID_COUNT]; /* index of the first of each; valid where present */
};

void field_list_init(struct field_list *l, struct http_field *items, size_t capacity);

/* Moves the fields to a larger array. */
void field_list_move(struct field_list *l, struct http_field *items, size_t capacity);

static inline bool field_list_has(const struct field_list *l, enum field_id id)
{
    return (l->present & FIELD_BIT(id)) != 0;
}

/* The first field of a known id, or NULL. */
static inline const struct http_field *field_list_get(const struct field_list *l, enum field_id id)
{
    return field_list_has(l, id) ? &l->items[l->first[id]] : NULL;
}

/* Its value; the empty slice (ptr "") when absent. */
static inline struct slice field_list_value(const struct field_list *l, enum field_id id)
{
    return field_list_has(l, id) ? l->items[l->first[id]].value : SLICE_EMPTY;
}

/* The next field of the same id after `f`, or NULL. Costs nothing when the id is not repeated. */
const struct http_field *field_list_next(const struct field_list *l, const struct http_field *f);

/* The first field of this name (any case), known id or not; NULL when absent. */
const struct http_field *field_list_find(const struct field_list *l, struct slice name);

/* Parses lines from *at up to the empty line that ends the section. Adds each complete line to `l`;
 * *at is moved behind the lines that were taken.
 * PARSE_DONE: *at is behind the empty line. PARSE_MORE: a line is incomplete. PARSE_FULL: the array
 * is full and `max` is larger; move and call again. PARSE_BAD: *fault, *at at the offending byte.
 */
enum parse_result field_lines_parse(struct field_list *l, const char **at, const char *end,
                                    size_t max, enum parse_fault *fault);

#endif
