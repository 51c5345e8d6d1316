/* Values of header fields that are lists (RFC 9110 section 5.6.1): elements, tokens, weights. All
 * take what is legal and step over empty elements; none allocates. */
#ifndef PROTO_HTTP_FIELDS_H
#define PROTO_HTTP_FIELDS_H

#include "proto/base/slice.h"
#include "proto/http/field_lines.h"

#include <stdbool.h>

/* Takes the next element off *list, trimmed, never empty; commas inside "quoted strings" do not
 * separate. False at the end. */
bool fields_next(struct slice *list, struct slice *element);

/* Is `token` an element of the list (any case)? Parameters (";…") of the elements are not looked
 * at. */
bool fields_has_token(struct slice list, struct slice token);

/* The same over all fields of this id. */
bool fields_any_has_token(const struct field_list *l, enum field_id id, struct slice token);

/* The weight in thousandths (0 … 1000) that an Accept-Encoding like value gives to `coding`
 * (RFC 9110 section 12.5.3): its own element, else that of "*", else -1. A malformed weight counts
 * as 0. */
int fields_weight(struct slice list, struct slice coding);

/* Digits only, no sign, no overflow; -1 when it is not such a number. */
int64_t fields_number(struct slice digits);

#endif
