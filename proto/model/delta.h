/* The difference between two configurations as bytes, so that a small change of a large
 * configuration travels as a small message. Whoever applies it proves the result by its hash. */
#ifndef PROTO_MODEL_DELTA_H
#define PROTO_MODEL_DELTA_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/canon.h"
#include "proto/model/model.h"

/* Appends the delta from one frozen model to another, one tnetstring. ERROR_INVALID as
 * canon_encode, ERROR_NO_MEMORY. */
int delta_make(const struct model *before, const struct model *after, struct buf *out,
               struct error *e);

struct delta_result {
    struct model *model; /* frozen; a reference */
    struct buf canonical;
    char hash[CANON_HASH_LEN + 1]; /* of the canonical bytes */
};

/* Applies a delta. `base_hash` is the hash of the base's canonical bytes, NULL when it is not
 * known. ERROR_CONFLICT when it was made for another configuration than `base`, ERROR_INVALID when
 * it is malformed or the result's hash is not the promised one; nothing is given then. */
int delta_apply(const struct model *base, const char *base_hash, struct slice delta,
                struct delta_result *out, struct error *e);
void delta_result_fini(struct delta_result *r); /* of zeroes is fine */

#endif
