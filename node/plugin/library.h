/* A shared object in memory: a private copy of its file, with variables of its own, so that the
 * same plug-in can be loaded several times, and a file that changes on disk changes nothing that
 * runs. */
#ifndef NODE_PLUGIN_LIBRARY_H
#define NODE_PLUGIN_LIBRARY_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Which file it was. */
struct library_file {
    uint64_t device, inode;
    int64_t size, changed_ns;
};

struct library {
    void *handle;
    int fd; /* the copy; kept open, because the loader tells objects apart by their names. -1 */
    struct library_file file;
};

/* Loads it. Errors: there is no such file, it is no shared object, it was made for another version
 * of the plug-in interface; the object is the path. */
int library_open(struct library *l, const char *path, struct error *e);
void library_close(struct library *l); /* one that was not opened, too */

/* The function of this name; NULL with *e unless it `may_be_missing`. */
void (*library_function(const struct library *l, const char *path, const char *name,
                        bool may_be_missing, struct error *e))(void);

/* Is the file at `path` still the one that was loaded? True also when there is none any more:
 * behind a chroot the plug-ins of the start are out of sight. */
bool library_is_current(const struct library *l, const char *path);

#endif
