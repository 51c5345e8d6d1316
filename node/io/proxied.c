/* The transport of a connection that begins with a PROXY protocol header: reads the header, takes
 * the client's address from it, and gives way to the transport that follows. The header stands in
 * front of everything, also of a TLS handshake, so it has to be read from the socket without a byte
 * too much: what has come is looked at (MSG_PEEK), then as much of it is taken as belongs to the
 * header. Usually that is all in one go and needs no memory; a header in pieces is kept until it is
 * whole. */

#include "node/io/conn.h"
#include "node/io/proxy_header.h"
#include "node/io/transport.h"
#include "proto/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct partial {
    size_t len;  /* of bytes */
    size_t skip; /* bytes of extensions still to come, after the addresses are known */
    struct proxy_header header;
    char bytes[PROXY_HEADER_NEEDED];
};

static void drop_partial(struct conn *c)
{
    free(c->transport_state);
    c->transport_state = NULL;
}

static ssize_t refuse(struct conn *c)
{
    static struct log_limit limit;
    char peer[46];
    conn_peer_text(c, peer);
    log_limited(&limit, LOG_WARN_LEVEL, "io", "closed: no PROXY protocol header peer=%s", peer);
    if (c->set->bad_proxy_headers != NULL)
        (*c->set->bad_proxy_headers)++;
    errno = EPROTO;
    return -1;
}

static ssize_t again(void)
{
    errno = EAGAIN;
    return -1;
}

/* The header is read: the connection is the client's now. */
static ssize_t give_way(struct conn *c, const struct proxy_header *header, void *into, size_t room)
{
    if (header->has_source)
        c->peer = header->source;
    drop_partial(c);
    c->transport = c->set->transport;
    if (c->transport->open != NULL && c->transport->open(c) != 0) {
        errno = ENOMEM;
        return -1;
    }
    return c->transport->read(c, into, room);
}

/* Takes `len` bytes off the socket that are known to be there. */
static bool take(struct conn *c, size_t len)
{
    char sink[PROXY_HEADER_NEEDED];
    return recv(c->io.fd, sink, len, 0) == (ssize_t)len;
}

static ssize_t skip_extensions(struct conn *c, struct partial *p, void *into, size_t room)
{
    char sink[4096];
    ssize_t got = recv(c->io.fd, sink, p->skip < sizeof sink ? p->skip : sizeof sink, 0);
    if (got <= 0)
        return got;
    p->skip -= (size_t)got;
    struct proxy_header header = p->header;
    return p->skip > 0 ? again() : give_way(c, &header, into, room);
}

static struct partial *partial_of(struct conn *c)
{
    if (c->transport_state == NULL)
        c->transport_state = calloc(1, sizeof(struct partial));
    return c->transport_state;
}

static ssize_t keep(struct conn *c, const char *bytes, size_t len)
{
    struct partial *p = partial_of(c);
    if (p == NULL) {
        errno = ENOMEM;
        return -1;
    }
    memcpy(p->bytes, bytes, len);
    p->len = len;
    return again();
}

static ssize_t await_extensions(struct conn *c, const struct proxy_header *header, size_t skip)
{
    struct partial *p = partial_of(c);
    if (p == NULL) {
        errno = ENOMEM;
        return -1;
    }
    p->header = *header;
    p->skip = skip;
    return again();
}

static ssize_t proxied_read(struct conn *c, void *into, size_t room)
{
    struct partial *p = c->transport_state;
    if (p != NULL && p->skip > 0)
        return skip_extensions(c, p, into, room);
    char bytes[PROXY_HEADER_NEEDED];
    size_t before = p != NULL ? p->len : 0;
    if (before > 0)
        memcpy(bytes, p->bytes, before);
    ssize_t got = recv(c->io.fd, bytes + before, sizeof bytes - before, MSG_PEEK);
    if (got <= 0)
        return got;
    size_t have = before + (size_t)got;
    struct proxy_header header;
    enum proxy_header_status status = proxy_header_parse(slice_of(bytes, have), &header);
    if (status == PROXY_HEADER_BAD)
        return refuse(c);
    bool is_all_here = status == PROXY_HEADER_DONE && header.len <= have;
    if (!take(c, (is_all_here ? header.len : have) - before)) {
        errno = ECONNRESET;
        return -1;
    }
    if (status == PROXY_HEADER_MORE)
        return keep(c, bytes, have);
    return is_all_here ? give_way(c, &header, into, room)
                       : await_extensions(c, &header, header.len - have);
}

static bool proxied_is_open(const struct conn *c)
{
    (void)c;
    return false;
}

/* Nothing is said to a connection before we know how to speak on it. */
static ssize_t proxied_write(struct conn *c, const struct iovec *vectors, int count)
{
    (void)c, (void)vectors, (void)count;
    errno = ECONNABORTED;
    return -1;
}

const struct transport_ops transport_proxied = {
    .name = "proxied",
    .is_open = proxied_is_open,
    .read = proxied_read,
    .write = proxied_write,
    .close = drop_partial,
};
