/* Target "proxy": another HTTP server answers, over HTTP/1.1 on connections that are kept and
 * shared (backend/upstream.h). Bodies stream both ways, each side held back by the other; heads are
 * made anew (http/forward.h).
 *
 * What goes wrong before an answer has begun: a request that may be repeated and whose body has not
 * been touched goes to the next upstream, or again to the same on a fresh connection; otherwise
 * 502, or 504 when the time is over. After that the client's connection is cut, so that it sees
 * that the answer is not whole. */
#ifndef NODE_TARGET_PROXY_H
#define NODE_TARGET_PROXY_H

#include "node/conf/target.h"

extern const struct target_ops target_proxy;

#endif
