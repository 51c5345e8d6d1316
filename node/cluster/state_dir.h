/* A node's state directory: its lock, its UUID, and where its files lie. One process per directory.
 */
#ifndef NODE_CLUSTER_STATE_DIR_H
#define NODE_CLUSTER_STATE_DIR_H

#include "proto/base/error.h"

#include <stddef.h>

struct buf;

#define STATE_PATH_MAX 4096

struct state_dir {
    int lock_fd;
    char path[STATE_PATH_MAX - 64];
    char uuid[37];
};

/* Makes the directory if it is missing (0700), locks it, reads its UUID or makes one. `uuid` (NULL:
 * none) overrides and is kept from then on. ERROR_EXISTS when another process holds it,
 * ERROR_INVALID, ERROR_IO. */
int state_dir_open(struct state_dir *d, const char *path, const char *uuid, struct error *e);
void state_dir_close(struct state_dir *d);

/* Reads a UUID from a file of the directory; -1, and "", when there is none. */
int state_dir_read_uuid(const struct state_dir *d, const char *name, char out[37]);

/* "PATH/NAME" */
void state_dir_file(const struct state_dir *d, const char *name, char out[STATE_PATH_MAX]);

/* Appends a whole file of at most `most` bytes; nothing when there is none. ERROR_IO,
 * ERROR_TOO_LARGE, ERROR_NO_MEMORY. */
int state_dir_read(const struct state_dir *d, const char *name, size_t most, struct buf *out,
                   struct error *e);

/* Writes a whole file so that after a crash there is the old or the new: temporary file, fsync,
 * rename, fsync of the directory. Safe on a side thread. ERROR_IO. */
int state_dir_write(const struct state_dir *d, const char *name, const void *bytes, size_t len,
                    struct error *e);

#endif
