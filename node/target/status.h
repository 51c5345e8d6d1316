/* Target "status": the node about itself. health: 200 or, while it drains, 503, for load balancers;
 * metrics: Prometheus text; status: JSON; dashboard: a page. */
#ifndef NODE_TARGET_STATUS_H
#define NODE_TARGET_STATUS_H

#include "node/conf/target.h"

extern const struct target_ops target_status;

#endif
