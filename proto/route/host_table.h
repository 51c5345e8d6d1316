/* The hosts of one server: from the name in a request to a host.
 *
 * The `matching` of a host is cut behind its last `)`: up to there a pattern (pattern.h) for the
 * beginning of the name, which it must cover whole; after it a suffix, taken literally. What that
 * means depends on `host.matching`:
 *
 *     labels    (default) letters in either case; a plain host `example.test` is itself and every
 *               name below it (`www.example.test`), in whole labels, so neither
 *               `notexample.test` nor `test`. The longest suffix is asked first, all hosts that
 *               share it in the order of the configuration, then the next shorter one; `(.+)` alone
 *               fits every name. A dot at either end, and brackets around an IPv6 address, mean
 *               nothing.
 *     upstream  as Mongrel2 does it: bytes; any name that ends in the suffix, and any that is
 *               itself the end of it; of several hosts with one suffix only the first; no shorter
 *               suffix after the longest has failed; nothing without a suffix is ever found.
 *
 * The caller has taken the name from the Host field: no port. Lookup and memory: as a table of
 * routes.
 *
 * A table lives in the arena it was built in and is never written again. Targets are opaque. */
#ifndef PROTO_ROUTE_HOST_TABLE_H
#define PROTO_ROUTE_HOST_TABLE_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stddef.h>

#define HOST_NAME_MAX_LEN 255 /* longer names get the default host */

enum host_matching { HOST_MATCHING_LABELS, HOST_MATCHING_UPSTREAM };

struct host_table;

struct host_row {
    struct slice matching; /* e.g. "example.test", "([a-z]+).shard.test" */
    void *target;          /* borrowed, never looked into */
};

/* Builds the table of rows[0..count). `fallback` is the default host, given for every name that no
 * row fits, and for the empty one. The rows are copied. Returns 0; -1 with ERROR_INVALID, naming
 * the host, for a malformed pattern or a `matching` longer than a name, or ERROR_NO_MEMORY, and
 * then *out is NULL. */
int host_table_build(struct host_table **out, const struct host_row *rows, size_t count,
                     void *fallback, enum host_matching mode, struct arena *a, struct error *e);

/* The target of a name. Never fails. */
void *host_table_find(const struct host_table *t, struct slice name);

/* Cuts a `matching`; both parts borrow from it. Without a pattern *pattern is empty. */
void host_split(struct slice matching, struct slice *pattern, struct slice *suffix);

/* Says whether a table could be built with this `matching`. Returns 0, or -1 with ERROR_INVALID. */
int host_check(struct slice matching, struct error *e);

/* The mode of the word "labels" or "upstream"; -1 when it is another. */
int host_matching_from_name(struct slice name);

#endif
