/* HTTP dates (RFC 9110 section 5.6.7), always GMT: the time zone of the machine has no part in
 * them. Times are seconds since the epoch on the wall clock. */
#ifndef PROTO_HTTP_DATE_H
#define PROTO_HTTP_DATE_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define DATE_LEN 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes the preferred form and a NUL. Years 0 … 9999; others are written as these. */
void date_format(int64_t wall_s, char out[DATE_LEN + 1]);

/* Reads any of the three forms:
 *     Sun, 06 Nov 1994 08:49:37 GMT
 *     Sunday, 06-Nov-94 08:49:37 GMT      the year is the last that is at most 50 years ahead of
 * now Sun Nov  6 08:49:37 1994 Strict in everything but the day of the week, which need not fit the
 * date. */
bool date_parse(struct slice text, int64_t now_wall_s, int64_t *wall_s);

#endif
