/* A commit: one immutable version of the whole configuration with who, where, when, how and why.
 *
 * Commits form a chain: `hash` covers the parent's hash, so that a store that was rolled back,
 * edited or merged is found out. What is hashed is the canonical record: the tnetstring dict of
 * version, parent, config, who, where, when, how, why, in that order, where `config` is the SHA-256
 * of the configuration's canonical bytes; a chain can thus be verified without the configurations.
 * `scope` is not covered: it widens while a commit is rolled out.
 *
 * The struct owns nothing; strings are borrowed from whoever filled it, after commit_decode from
 * its arena. */
#ifndef PROTO_MODEL_COMMIT_H
#define PROTO_MODEL_COMMIT_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/canon.h"

#include <stdbool.h>
#include <stdint.h>

/* The parent of version 1. */
#define COMMIT_NO_PARENT "0000000000000000000000000000000000000000000000000000000000000000"

struct commit {
    uint64_t version; /* 1, 2, 3 … without gaps */
    char parent[CANON_HASH_LEN + 1];
    char hash[CANON_HASH_LEN + 1];
    char config_hash[CANON_HASH_LEN + 1];
    struct slice config; /* canonical bytes; empty: only the record is at hand */
    struct slice who, where, how, why;
    int64_t when_ms;    /* wall clock, milliseconds since the Unix epoch */
    struct slice scope; /* "all", or node names separated by spaces */
};

/* Fills config_hash and hash; version, parent, config and the five w's are set. ERROR_NO_MEMORY. */
int commit_seal(struct commit *c, struct error *e);

/* Does the hash fit the record, and the configuration (when it is there) its hash?
 * ERROR_CONFLICT with what does not fit. */
int commit_verify(const struct commit *c, struct error *e);

/* Is `c` the successor of `parent` (NULL: the first of all)? ERROR_CONFLICT. */
int commit_follows(const struct commit *c, const struct commit *parent, struct error *e);

/* Is a commit of this scope meant for the node of this name? */
bool commit_is_meant_for(struct slice scope, struct slice node);
/* For all nodes, not only for a canary. */
bool commit_is_for_all(struct slice scope);

/* Appends the commit as one tnetstring dict; without `config` when that is empty. */
void commit_encode(const struct commit *c, struct buf *out);

/* Reads what commit_encode wrote. Refuses unknown, repeated or missing keys and values of the wrong
 * type or shape (ERROR_INVALID); does not verify. Copies into the arena. */
int commit_decode(struct commit *out, struct slice bytes, struct arena *a, struct error *e);

#endif
