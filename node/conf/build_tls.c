/* What TLS keeps beyond configurations is made when the first one asks for it. */

#include "node/conf/build_tls.h"

#include "node/tls/context.h"
#include "node/worker.h"
#include "proto/model/settings.h"

#include <stdio.h>

int build_tls(struct tls_context **out, const struct model *m, const struct row *server,
              struct worker *w, struct error *e)
{
    *out = NULL;
    if (row_int(server, SERVER_USE_SSL) != 1)
        return 0;
    struct tls_options o = {
        .root = w->root != NULL ? w->root : "",
        .certdir = setting_text(m, SETTING_CERTDIR),
        .uuid = row_str(server, SERVER_UUID),
        .ca_chain = setting_text(m, SETTING_SSL_CA_CHAIN),
        .ciphers = setting_text(m, SETTING_SSL_CIPHERS),
        .verify = setting_bool(m, SETTING_SSL_VERIFY_REQUIRED)   ? TLS_VERIFY_REQUIRED
                  : setting_bool(m, SETTING_SSL_VERIFY_OPTIONAL) ? TLS_VERIFY_OPTIONAL
                                                                 : TLS_VERIFY_NONE,
        .file_piece = (size_t)setting_int(m, SETTING_LIMITS_DIR_SEND_BUFFER),
    };
    if (w->tls == NULL)
        w->tls = tls_shared_create(&w->loop.wall_s, &w->counters, e);
    if (w->tls != NULL)
        *out = tls_context_create(w->tls, &o, e);
    if (*out == NULL)
        snprintf(e->object, sizeof e->object, "server \"%s\"", row_str(server, SERVER_NAME));
    return *out != NULL ? 0 : -1;
}
