/* One line of an access log, in either of its formats: Mongrel2's tnetstring list (host, address,
 * port, time, method, path, version, status, size), or the JSON object that the setting
 * access_log.format asks for. */
#ifndef M2SH_ACCESS_LINE_H
#define M2SH_ACCESS_LINE_H

#include "proto/base/arena.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct access_line {
    struct slice host, address, method, path, version; /* borrow the line or the arena */
    int64_t port;
    int64_t time; /* seconds since the Unix epoch */
    int64_t status, size;
};

/* false: the line is malformed. */
bool access_line_parse(struct access_line *out, struct slice line, struct arena *a);

#endif
