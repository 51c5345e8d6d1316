/* JSON for scripts, written piece by piece; commas, quotes and escapes are taken care of. One value
 * on one line.
 *
 *     out_json_object(&j); out_json_key(&j, "rows"); out_json_int(&j, 3); out_json_end(&j);
 */
#ifndef M2SH_OUT_OUT_JSON_H
#define M2SH_OUT_OUT_JSON_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define OUT_JSON_DEPTH 32

struct out_json {
    struct buf *out; /* borrowed */
    unsigned depth;
    bool is_object[OUT_JSON_DEPTH];
    bool has_items[OUT_JSON_DEPTH];
    bool after_key;
};

void out_json_init(struct out_json *j, struct buf *out);
void out_json_object(struct out_json *j);
void out_json_array(struct out_json *j);
void out_json_end(struct out_json *j); /* of the innermost object or array */
void out_json_key(struct out_json *j, const char *key);
void out_json_str(struct out_json *j, const char *s); /* NULL writes null */
void out_json_slice(struct out_json *j, struct slice s);
void out_json_int(struct out_json *j, int64_t n);
void out_json_real(struct out_json *j, double d); /* null when it is no number */
void out_json_bool(struct out_json *j, bool b);
void out_json_null(struct out_json *j);

/* A key and its value. */
void out_json_pair_str(struct out_json *j, const char *key, const char *value);
void out_json_pair_int(struct out_json *j, const char *key, int64_t value);
void out_json_pair_bool(struct out_json *j, const char *key, bool value);

#endif
