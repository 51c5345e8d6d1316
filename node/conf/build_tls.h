/* The TLS of a configuration: from its settings to a context. */
#ifndef NODE_CONF_BUILD_TLS_H
#define NODE_CONF_BUILD_TLS_H

#include "proto/base/error.h"
#include "proto/model/model.h"

struct tls_context;
struct worker;

/* Makes the context of a server with use_ssl, with a reference; *out is NULL for one without. Reads
 * the certificates that are not known yet. */
int build_tls(struct tls_context **out, const struct model *m, const struct row *server,
              struct worker *w, struct error *e);

#endif
