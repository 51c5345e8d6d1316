/* Putting a configuration in place: keep, add or drop the listener, then one pointer store. Two
 * halves, because a cluster decides in between: prepare does all that can fail, activate cannot
 * fail, discard leaves everything as it was.
 *
 * Requests in flight finish on the snapshot they began with. A listener whose address stays is
 * kept; a new address is bound in prepare and accepts from activate on; the old socket then closes,
 * its connections live on. */
#ifndef NODE_CONF_SWAP_H
#define NODE_CONF_SWAP_H

#include "node/conf/snapshot.h"
#include "node/io/listener.h"

struct live {
    struct worker *worker;
    struct listener *listener; /* NULL before the first swap */
    const struct session_ops *session;
    const struct target_ops *const *kinds;
    const char *bind_addr;        /* overrides the server's; NULL: none */
    unsigned port;                /* overrides the server's; 0: none */
    struct listen_fds *inherited; /* NULL: none */
    bool reuse_port;
    bool accepting;
};

struct prepared;

/* Binds the listener of this server row ahead of the first swap, while we are privileged; it
 * accepts from the first activate on. */
int swap_listen(struct live *live, const struct row *server, bool tcp_keepalive, struct error *e);

/* `version` and `hash` are those of the commit (0 and "" for a single server). */
int swap_prepare(struct live *live, struct model *m, const struct row *server, uint64_t version,
                 const char *hash, struct prepared **out, struct error *e);
void swap_activate(struct live *live, struct prepared *p); /* takes p */
void swap_discard(struct prepared *p);                     /* takes p; NULL is fine */

/* Connections that this swap would close: none, by construction; for `diff`. The snapshot prepared.
 */
const struct snapshot *swap_snapshot(const struct prepared *p);

/* The server drains: its socket is closed, so that new clients go elsewhere at once instead of
 * waiting in the kernel's queue for an answer that will not come. */
void swap_stop_listening(struct live *live);

/* Stops accepting and lets go of the current snapshot. */
void swap_stop(struct live *live);

#endif
