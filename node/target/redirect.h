/* Target "redirect": answers with a Location. `to` is taken as it is; a `to` that ends in `*` gets
 * the rest of the request's URI behind the route's prefix in its place. */
#ifndef NODE_TARGET_REDIRECT_H
#define NODE_TARGET_REDIRECT_H

#include "node/conf/target.h"

extern const struct target_ops target_redirect;

#endif
