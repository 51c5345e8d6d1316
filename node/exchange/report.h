/* What the node says of itself, for the Status targets and the control port alike: metrics in
 * Prometheus text, state as JSON. */
#ifndef NODE_EXCHANGE_REPORT_H
#define NODE_EXCHANGE_REPORT_H

#include "node/worker.h"
#include "proto/base/buf.h"

void report_metrics(struct worker *w, struct buf *out);
void report_json(struct worker *w, struct buf *out);

#endif
