/* What each coordinator of the list says of itself: asked one by one, not whichever answers. */
#ifndef M2SH_COORDINATORS_H
#define M2SH_COORDINATORS_H

#include "m2sh/cmd.h"

#include <stdbool.h>
#include <stddef.h>

struct coordinator_view {
    const char *spec;
    const char *name;    /* "" when it does not answer */
    const char *problem; /* "" when it has none: why it does not answer, or why it cannot push */
    bool answers, leads;
};

struct coordinators {
    struct coordinator_view *list;
    size_t count;
};

/* Asks all; the result lies in the arena. ERROR_USAGE for a bad list. */
int coordinators_read(struct coordinators *out, const struct call *c, struct arena *a,
                      struct error *e);

/* "main leads, spare and third stand by." with a word in front and a line end. */
void coordinators_put(const struct coordinators *cs, struct buf *out);

#endif
