#include "coordinator/access.h"

#include "proto/base/log.h"
#include "proto/wire/cluster_update.h"

#include <string.h>

/* ---- connections -------------------------------------------------------------------------- */

static bool admit(void *arg, struct slice domain, const char *key, struct slice address)
{
    static struct log_limit limit;
    struct access *a = arg;
    const struct keyring_entry *entry = keyring_find(&a->keys.ring, slice_str(key));
    if (entry != NULL && (entry->role & ROLE_ANY) != 0)
        return true;
    log_limited(&limit, LOG_WARN_LEVEL, "access",
                "connection refused: the key %s is %s socket=%.*s address=%.*s owner=%s", key,
                entry != NULL ? "revoked" : "not known", SLICE_ARG(domain), SLICE_ARG(address),
                entry != NULL ? entry->owner : "?");
    return false;
}

static void on_failed(void *arg, const char *why)
{
    static struct log_limit limit;
    (void)arg;
    log_limited(&limit, LOG_WARN_LEVEL, "access", "connection refused: %s", why);
}

int access_open(struct access *a, struct ev_loop *loop, void *zmq, bool has_keys, struct error *e)
{
    keys_init(&a->keys);
    a->has_keys = has_keys;
    return has_keys ? zap_open(&a->zap, loop, zmq, admit, a, e) : 0;
}

int access_begin(struct access *a, struct error *e)
{
    return zap_start(&a->zap, e);
}

static int watch(struct access *a, size_t which, struct ev_loop *loop, void *zmq, void *socket,
                 struct error *e)
{
    uint64_t failed = a->handshakes[which].failed;
    int result = handshakes_watch(&a->handshakes[which], loop, zmq, socket, HANDSHAKES_SERVER,
                                  on_failed, a, e);
    a->handshakes[which].failed = failed;
    return result;
}

int access_watch(struct access *a, struct ev_loop *loop, void *zmq, void *requests, void *updates,
                 struct error *e)
{
    if (!a->has_keys)
        return 0;
    if (watch(a, 0, loop, zmq, requests, e) != 0)
        return -1;
    return watch(a, 1, loop, zmq, updates, e);
}

void access_unwatch_updates(struct access *a)
{
    handshakes_close(&a->handshakes[1]);
}

int access_watch_updates(struct access *a, struct ev_loop *loop, void *zmq, void *updates,
                         struct error *e)
{
    return watch(a, 1, loop, zmq, updates, e);
}

void access_unwatch(struct access *a)
{
    handshakes_close(&a->handshakes[0]);
    handshakes_close(&a->handshakes[1]);
}

void access_close(struct access *a)
{
    zap_close(&a->zap);
    keys_fini(&a->keys);
}

/* ---- requests ----------------------------------------------------------------------------- */

static struct cluster_author *author_of(struct cluster_request *r)
{
    switch (r->verb) {
    case CLUSTER_PUSH:
    case CLUSTER_ROLLBACK: return &r->push.author;
    case CLUSTER_PROMOTE:
    case CLUSTER_ABORT: return &r->decide.author;
    case CLUSTER_ORDER: return &r->order.author;
    case CLUSTER_NOTE: return &r->note.author;
    case CLUSTER_KEY: return &r->key.author;
    default: return NULL;
    }
}

static int deny(struct access *a, const struct client *from, const char *verb,
                const struct keyring_entry *entry, struct error *e)
{
    static struct log_limit limit;
    a->denied++;
    if (entry == NULL || entry->role == 0)
        error_set(e, ERROR_DENIED, "This key is no longer accepted.");
    else
        error_set(e, ERROR_DENIED, "The key of %s is that of a %s, and may not ask for \"%s\".",
                  entry->owner, cluster_role_name(entry->role), verb);
    log_limited(&limit, LOG_WARN_LEVEL, "access", "denied: %s key=%s", e->text, from->key);
    return -1;
}

int access_check(struct access *a, const struct client *from, struct cluster_request *r,
                 struct error *e)
{
    const struct cluster_verb_info *info = cluster_verb(r->verb);
    if (!a->has_keys)
        return 0;
    const struct keyring_entry *entry = keyring_find(&a->keys.ring, slice_str(from->key));
    if (entry == NULL || (entry->role & info->roles) == 0)
        return deny(a, from, info->name, entry, e);
    struct cluster_author *author = author_of(r);
    if (author != NULL)
        author->who = slice_str(entry->owner);
    return 0;
}

bool access_is_own(const struct access *a, const struct client *from, const char *key)
{
    return !a->has_keys || strcmp(from->key, key) == 0 ||
           keyring_allows(&a->keys.ring, slice_str(from->key), ROLE_ADMIN);
}

bool access_may_answer(const struct access *a, const struct client *from)
{
    return !a->has_keys ||
           keyring_allows(&a->keys.ring, slice_str(from->key), ROLE_NODE | ROLE_ADMIN);
}

bool access_may_hear(struct access *a, struct slice key, struct slice topic)
{
    static struct log_limit limit;
    unsigned roles = slice_starts_with(topic, SLICE(CLUSTER_TOPIC_POOL))
                         ? ROLE_ANY
                         : ROLE_ANY & ~(unsigned)ROLE_HANDLER;
    const struct keyring_entry *entry = keyring_find(&a->keys.ring, key);
    if (entry != NULL && (entry->role & roles) != 0)
        return true;
    a->denied++;
    log_limited(&limit, LOG_WARN_LEVEL, "access", "denied: %s may not subscribe to \"%.*s\"",
                entry != NULL ? entry->owner : "a key that was revoked",
                (int)(topic.len < 40 ? topic.len : 40), topic.ptr);
    return false;
}
