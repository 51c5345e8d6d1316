/* The target "dir": files below a directory, for GET and HEAD. How a name is made of a path is in
 * file_path.h, what may be opened in file_tree.h, what is kept ready in file_cache.h; here is the
 * HTTP: which representation, conditions, ranges, redirects, and what is answered when there is no
 * file. */
#ifndef NODE_TARGET_DIR_H
#define NODE_TARGET_DIR_H

#include "node/conf/target.h"

extern const struct target_ops target_dir;

#endif
