/* "Did you mean …?": the known word nearest to one that is not known. Candidates are offered one by
 * one; the nearest within a distance that a slip of the hand explains is kept. */
#ifndef M2SH_BASE_SUGGEST_H
#define M2SH_BASE_SUGGEST_H

#include "proto/base/slice.h"

struct suggest {
    struct slice word; /* borrowed */
    struct slice best; /* borrowed from the candidates; empty: none is near */
    unsigned distance; /* of best; starts as the first distance that is too far */
};

void suggest_init(struct suggest *s, struct slice word);
void suggest_offer(struct suggest *s, struct slice candidate);

/* Letters changed, added, left out or swapped with a neighbour between the two, without regard to
 * case; words longer than 63 bytes are as far as their length. */
unsigned suggest_distance(struct slice a, struct slice b);

#endif
