/* Makes one representation of a file ready to be sent: reads it when it is small, keeps it open
 * when it is large, and renders the header fields that are the same for every answer. Used by
 * file_cache.c, which decides what to keep and for how long. */
#ifndef NODE_TARGET_FILE_LOAD_H
#define NODE_TARGET_FILE_LOAD_H

#include "node/target/file_cache.h"

/* What goes into the fields besides the file's own. */
struct file_about {
    struct slice type;  /* the Content-Type of what the file holds when decoded */
    bool varies;        /* there are other representations */
    unsigned max_age_s; /* for caches; 0: nothing is said */
};

/* Loads the file `name` (with a NUL) as *v. Returns 0; -1 with errno as file_tree_open, or ENOMEM,
 * and then *v is empty. */
int file_variant_load(struct file_variant *v, struct file_tree *tree, const char *name,
                      enum file_coding coding, const struct file_about *about, size_t small_max);

/* Lets go of what it holds; an empty one is fine. */
void file_variant_unload(struct file_variant *v);

/* Is `st` still the file that the variant was made of? */
bool file_variant_is(const struct file_variant *v, const struct stat *st);

#endif
