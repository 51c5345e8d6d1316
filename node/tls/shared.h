/* What TLS keeps beyond a configuration: random bytes, sessions by id and the keys of tickets, so
 * that clients resume across a change of configuration; and the directories that were opened before
 * a chroot. One per loop. */
#ifndef NODE_TLS_SHARED_H
#define NODE_TLS_SHARED_H

#include "node/stats/counters.h"
#include "node/tls/cert_dir.h"
#include "node/tls/sessions.h"
#include "node/tls/tickets.h"
#include "proto/base/freelist.h"

#include <stdbool.h>
#include <stdint.h>

#define TLS_INPUT_BYTES 4096 /* read from a socket at once, beyond what a record still lacks */

struct tls_shared {
    struct random random;
    struct sessions sessions;
    struct tickets tickets;
    struct list dirs; /* of struct cert_dir; held by those who use them */
    struct freelist input_memory;
    struct counters *counters;
    const int64_t *now_s;
    bool found_session; /* by the handshake step that runs */
};

/* `*now_s`, the clock, and the counters are borrowed. NULL with *e. */
struct tls_shared *tls_shared_create(const int64_t *now_s, struct counters *counters,
                                     struct error *e);
void tls_shared_destroy(struct tls_shared *s); /* NULL is fine */

/* The directory of this path, opened if nobody has it open; with a reference for the caller. */
struct cert_dir *tls_shared_dir(struct tls_shared *s, const char *root, const char *path,
                                struct error *e);

/* Has the files of all certificates read again at their next use. */
void tls_shared_forget_files(struct tls_shared *s);

#endif
