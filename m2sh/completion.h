/* What the Tab key offers: words that fit the beginning of the word under the cursor. Pure. */
#ifndef M2SH_COMPLETION_H
#define M2SH_COMPLETION_H

#include "proto/base/arena.h"
#include "proto/base/slice.h"

#include <stddef.h>

struct completion {
    const char **words; /* in the arena, sorted as offered; none of them twice */
    size_t count;
    struct slice begun; /* the part of the word that is typed; borrows the line */
    struct slice added; /* what all of the words add to it; may be empty */
};

/* For the shell: the first word is a command, words that begin with '-' its options. `before` is
 * the line up to the cursor. */
void completion_of_command(struct completion *c, struct slice before, struct arena *a);

/* For the control port: the first word is one of its commands. */
void completion_of_control(struct completion *c, struct slice before, struct arena *a);

#endif
