/* The content types that a configuration has unless it says otherwise. */
#ifndef PROTO_MODEL_MIME_DEFAULT_H
#define PROTO_MODEL_MIME_DEFAULT_H

#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#include <stddef.h>

struct mime_default {
    const char *extension; /* lower case, with its dot */
    const char *mimetype;
};

/* Sorted by extension. */
extern const struct mime_default mime_defaults[];
extern const size_t mime_default_count;

/* NULL when the extension has no default. */
const char *mime_default_find(struct slice extension);

/* Adds a row for each default to a model without mimetype rows. ERROR_NO_MEMORY. */
int mime_default_add(struct model *m, struct error *e);

/* Sets the type of an extension: changes its row or adds one; *row (unless NULL) gets it.
 * ERROR_NO_MEMORY. */
int mime_default_override(struct model *m, struct slice extension, struct slice mimetype,
                          struct row **row, struct error *e);

#endif
