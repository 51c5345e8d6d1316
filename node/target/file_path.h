/* From the raw path of a request to the name of a file below a directory: percent-decoded, without
 * empty, "." and ".." segments (RFC 3986 section 5.2.4), so that one file has one name however it
 * is asked for. Pure; what the name leads to (symbolic links!) is file_tree.h's to contain. */
#ifndef NODE_TARGET_FILE_PATH_H
#define NODE_TARGET_FILE_PATH_H

#include "proto/base/slice.h"

#include <stdbool.h>

enum file_path_result {
    FILE_PATH_OK,
    FILE_PATH_MALFORMED, /* an escape that is none, or a NUL */
    FILE_PATH_OUTSIDE,   /* ".." above the top */
};

struct file_path {
    struct slice name; /* "a/b.txt", never with a slash at either end; empty: the top itself */
    bool is_directory; /* asked for with a slash (or "." or "..") at the end, or the top */
};

/* Resolves `raw`, with or without a leading slash. `room` holds raw.len bytes; the name borrows
 * from it, or from `raw` when there was nothing to change. */
enum file_path_result file_path_resolve(struct slice raw, char *room, struct file_path *out);

#endif
