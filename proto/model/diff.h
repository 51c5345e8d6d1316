/* What makes two configurations different, in the terms of the configuration language.
 *
 * Objects are the same when their identity is, whatever their row numbers: a server by its uuid, a
 * host by its name in its server, a route by its path in its host, a setting by its key, a handler
 * by its pool or endpoints. So a push can be shown to a person, and a commit explained later. */
#ifndef PROTO_MODEL_DIFF_H
#define PROTO_MODEL_DIFF_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/model/model.h"

#include <stddef.h>

enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED };

struct change {
    enum change_kind kind;
    enum table_id table;
    const struct row *before; /* NULL when added */
    const struct row *after;  /* NULL when removed */
    int column;               /* CHANGE_CHANGED: which; -1 when the order changed */
    const char *object;       /* in words: `server "main": host "shop": route "/api"` */
    const char *text;         /* what happened to it: `now leads to Handler pool "b" (was …)` */
};

struct diff {
    const struct change *changes;
    size_t count; /* 0: the configurations are equal */
};

/* Both models are frozen and outlive the result; either may be NULL (nothing configured).
 * ERROR_INVALID as canon_encode, ERROR_NO_MEMORY. */
int diff_make(struct diff **out, const struct model *before, const struct model *after,
              struct error *e);
void diff_destroy(struct diff *d); /* NULL is fine */

/* Appends one line per change: "+ ", "- " or "~ ", the object, a colon and the text. */
void diff_format(const struct diff *d, struct buf *out);

#endif
