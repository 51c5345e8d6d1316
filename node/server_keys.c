/* The keys of a node: its own, and those that it accepts. Handlers come to the handler port, admins
 * to a control port in the open; the list of both is the coordinators' (node/cluster/key_list.h).
 */

#include "node/backend/pool_worker.h"
#include "node/server_parts.h"
#include "proto/base/log.h"

#define HANDLER_DOMAIN "handler"
#define CONTROL_DOMAIN "control"

static bool admit(void *arg, struct slice domain, const char *key, struct slice address)
{
    static struct log_limit limit;
    struct server *s = arg;
    unsigned roles = slice_eq(domain, SLICE(HANDLER_DOMAIN)) ? ROLE_HANDLER | ROLE_ADMIN
                                                             : ROLE_ADMIN;
    const struct keyring_entry *entry = s->keys.ring != NULL
                                            ? keyring_find(s->keys.ring, slice_str(key))
                                            : NULL;
    if (entry != NULL && (entry->role & roles) != 0)
        return true;
    s->worker.counters.handler_keys_refused++;
    log_limited(&limit, LOG_WARN_LEVEL, "keys",
                "connection refused: the key %s is %s%s socket=%.*s address=%.*s owner=%s", key,
                entry == NULL      ? "not known"
                : entry->role == 0 ? "revoked"
                                   : "that of a ",
                entry != NULL ? cluster_role_name(entry->role) : "", SLICE_ARG(domain),
                SLICE_ARG(address), entry != NULL ? entry->owner : "?");
    return false;
}

int server_open_keys(struct server *s, struct error *e)
{
    struct server_keys *k = &s->keys;
    const char *path = s->options.keys;
    k->handler = (struct link_security){.insecure = s->options.insecure,
                                        .zap_domain = HANDLER_DOMAIN};
    k->control = (struct link_security){.insecure = true, .zap_domain = CONTROL_DOMAIN};
    s->backends.handler_security = &k->handler;
    if (path == NULL)
        return 0;
    if (credentials_load(&k->credentials, path, ROLE_NODE, e) != 0 ||
        zap_open(&k->zap, s->worker.loop.ev, s->worker.zmq, admit, s, e) != 0)
        return -1;
    k->handler.keys = k->control.keys = &k->credentials.keys;
    keyring_init(&k->none);
    k->ring = s->backends.keys = &k->none;
    return 0;
}

void server_accept_keys(struct server *s, const struct keyring *ring)
{
    struct error e;
    s->keys.ring = s->backends.keys = ring;
    if (zap_start(&s->keys.zap, &e) != 0)
        log_error("keys", "%s", e.text);
    pool_port_check_keys(&s->backends);
}

void server_close_keys(struct server *s)
{
    zap_close(&s->keys.zap);
    credentials_wipe(&s->keys.credentials);
}
