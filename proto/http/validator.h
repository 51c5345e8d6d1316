/* Entity tags and preconditions (RFC 9110 sections 8.8 and 13): what a request with If-Match,
 * If-None-Match, If-Modified-Since, If-Unmodified-Since or If-Range gets, given the tag and the
 * time of what it asks for. */
#ifndef PROTO_HTTP_VALIDATOR_H
#define PROTO_HTTP_VALIDATOR_H

#include "proto/base/slice.h"
#include "proto/http/field_lines.h"
#include "proto/http/request_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is served now. `etag` is strong and has its quotes; empty: there is none. */
struct validators {
    struct slice etag;
    int64_t modified_wall_s; /* -1: not known */
};

enum validator_verdict {
    VALIDATOR_PROCEED,
    VALIDATOR_NOT_MODIFIED, /* 304 */
    VALIDATOR_FAILED,       /* 412 */
};

/* Evaluates the preconditions in the order of RFC 9110 section 13.2.2; what they are about exists.
 * Tags may also come without quotes, as Mongrel2 1.x sent them. An If-Modified-Since in the future
 * is ignored, as Mongrel2 does: a wrong clock gets the whole answer. */
enum validator_verdict validator_check(const struct field_list *l, enum method_id method,
                                       const struct validators *v, int64_t now_wall_s);

/* May the Range of this request be served? False: If-Range says that the client holds something
 * else, the whole is to be sent (section 13.1.5). True when there is no If-Range. */
bool validator_if_range(const struct field_list *l, const struct validators *v, int64_t now_wall_s);

#define VALIDATOR_ETAG_MAX 64

/* Writes the strong tag of a file, quoted: "MTIME-SIZE" in hex, as Mongrel2's but for the quotes,
 * and "-NANOSECONDS" where the file system has them; then `suffix` for another representation of
 * the same file ("gz"; at most 8 bytes). The inode is left out so that the copies of a file on the
 * nodes of a cluster have the same tag. Returns the length. */
size_t validator_etag(int64_t mtime_s, long mtime_ns, uint64_t size, struct slice suffix,
                      char out[VALIDATOR_ETAG_MAX]);

#endif
