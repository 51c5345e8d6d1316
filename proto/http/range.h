/* Byte ranges (RFC 9110 section 14): what a Range field asks of a representation of known size. */
#ifndef PROTO_HTTP_RANGE_H
#define PROTO_HTTP_RANGE_H

#include "proto/base/slice.h"

#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 16 /* more are not worth serving: the field is ignored (section 14.2) */
#define RANGE_GAP  80 /* ranges this close are sent as one: a part's head would cost as much */

struct byte_range {
    uint64_t first;
    uint64_t last; /* inclusive, < size */
};

/* Reads `value` ("bytes=0-99,-5"). Returns how many ranges are to be sent, overlapping and close
 * ones put together, in the order asked for; 0: ignore the field and send the whole (another unit,
 * not valid, too many); -1: none can be satisfied, 416. */
int range_parse(struct slice value, uint64_t size, struct byte_range ranges[RANGES_MAX]);

#define RANGE_CONTENT_MAX 80

/* Writes the value of Content-Range: "bytes 0-99/1234", or "bytes *" "/1234" when r is NULL (with
 * 416). Returns the length. */
size_t range_content(const struct byte_range *r, uint64_t size, char out[RANGE_CONTENT_MAX]);

#endif
