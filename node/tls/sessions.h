/* TLS sessions kept by id, for clients that take no tickets. Bounded; the oldest go first. Each is
 * bound to a scope: what a session was allowed under one policy for client certificates is worth
 * nothing under another. */
#ifndef NODE_TLS_SESSIONS_H
#define NODE_TLS_SESSIONS_H

#include "proto/base/list.h"
#include "proto/base/map.h"
#include "proto/base/slice.h"

#include <mbedtls/ssl.h>
#include <stdint.h>

#define SESSIONS_MAX        4096 /* kept */
#define SESSION_BYTES_MAX   4096 /* of one; larger ones (client certificates) are not kept */
#define SESSION_LIFETIME_S  (6 * 3600)
#define SESSION_SCOPE_BYTES 32

struct sessions {
    struct map by_id;
    struct list by_age;
    size_t count;
    const int64_t *now_s;
};

void sessions_init(struct sessions *s, const int64_t *now_s); /* borrows the clock */
void sessions_fini(struct sessions *s);

/* Keeps a copy. */
void sessions_put(struct sessions *s, const unsigned char scope[SESSION_SCOPE_BYTES],
                  struct slice id, const mbedtls_ssl_session *session);
/* 0 with *session replaced by the one kept, -1 when there is none for this scope. */
int sessions_get(struct sessions *s, const unsigned char scope[SESSION_SCOPE_BYTES],
                 struct slice id, mbedtls_ssl_session *session);

#endif
