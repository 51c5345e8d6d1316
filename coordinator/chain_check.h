/* Follows the chain of commits in a store downwards, from its head to a commit that is known, or to
 * the first of all: is what was acknowledged still there, and does every commit fit the next?
 *
 * A store that was restored from a backup, edited, or that has failed over to a replica which had
 * not got everything is found out here. Reads in pages; one check at a time. */
#ifndef COORDINATOR_CHAIN_CHECK_H
#define COORDINATOR_CHAIN_CHECK_H

#include "coordinator/store/store.h"

struct chain_check {
    struct store *store;
    struct store_head known;       /* version 0: everything is to be checked */
    uint64_t next;                 /* the version that must come now */
    char hash[CANON_HASH_LEN + 1]; /* and its hash */
    void (*done)(void *arg, const struct error *e);
    void *arg;
};

/* From `head` down to `known`. `done` is called once, later: with code ERROR_NONE, ERROR_CONFLICT
 * (the chain does not hold, or does not lead to `known`), or why the store could not be read. -1:
 * it will not be called. */
int chain_check_start(struct chain_check *k, struct store *store, const struct store_head *head,
                      const struct store_head *known,
                      void (*done)(void *arg, const struct error *e), void *arg, struct error *e);

#endif
