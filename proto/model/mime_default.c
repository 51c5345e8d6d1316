/* The table is text in the order of its extensions, so that a look-up is a binary search and a
 * change of the list reads as a change of lines. */

#include "proto/model/mime_default.h"

#include <stdlib.h>

#define MIME(extension, mimetype) {extension, mimetype},
const struct mime_default mime_defaults[] = {
#include "proto/model/mime_default.def"
};
#undef MIME

const size_t mime_default_count = sizeof mime_defaults / sizeof *mime_defaults;

static int compare(const void *key, const void *entry)
{
    const struct slice *k = key;
    struct slice own = slice_str(((const struct mime_default *)entry)->extension);
    int order = memcmp(k->ptr, own.ptr, k->len < own.len ? k->len : own.len);
    return order != 0 ? order : (k->len > own.len) - (k->len < own.len);
}

const char *mime_default_find(struct slice extension)
{
    const struct mime_default *found = bsearch(&extension, mime_defaults, mime_default_count,
                                               sizeof *mime_defaults, compare);
    return found != NULL ? found->mimetype : NULL;
}

int mime_default_add(struct model *m, struct error *e)
{
    for (size_t i = 0; i < mime_default_count; i++) {
        struct row *r = model_add(m, TABLE_MIMETYPE, e);
        if (r == NULL)
            return -1;
        /* the table outlives every model: no copies */
        r->values[MIMETYPE_EXTENSION] = (struct value){VALUE_TEXT, 0,
                                                       slice_str(mime_defaults[i].extension)};
        r->values[MIMETYPE_MIMETYPE] = (struct value){VALUE_TEXT, 0,
                                                      slice_str(mime_defaults[i].mimetype)};
    }
    return 0;
}

static struct row *find_row(struct model *m, struct slice extension)
{
    for (size_t i = 0; i < model_count(m, TABLE_MIMETYPE); i++) {
        struct row *r = model_row_edit(m, TABLE_MIMETYPE, i);
        if (slice_eq(row_text(r, MIMETYPE_EXTENSION), extension))
            return r;
    }
    return NULL;
}

int mime_default_override(struct model *m, struct slice extension, struct slice mimetype,
                          struct row **row, struct error *e)
{
    struct row *r = find_row(m, extension);
    if (r == NULL) {
        r = model_add(m, TABLE_MIMETYPE, e);
        if (r == NULL || row_set_text(m, r, MIMETYPE_EXTENSION, extension, e) < 0)
            return -1;
    }
    if (row != NULL)
        *row = r;
    return row_set_text(m, r, MIMETYPE_MIMETYPE, mimetype, e);
}
