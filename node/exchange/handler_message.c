/* One place knows what may be shown to handlers, whatever protocol the client speaks. */

#include "node/exchange/handler_message.h"

#include "node/deliver/flow.h"
#include "node/deliver/registry.h"
#include "node/tls/tls.h"

#include <string.h>
#include <strings.h>

enum { CERTIFICATE_FIELDS = 4 };

/* A client may not pretend to be the server: upload markers are the server's word. */
static bool is_forged(const struct http_field *f)
{
    return f->id == FIELD_OTHER && f->name.len > 10 &&
           strncasecmp(f->name.ptr, "x-mongrel2-", 11) == 0;
}

static size_t take_fields(const struct handler_message *m, struct handler_field *out, size_t room)
{
    size_t count = 0, total = m->fields != NULL ? m->fields->count : 0;
    for (size_t i = 0; i < total && count < room; i++) {
        const struct http_field *f = &m->fields->items[i];
        if ((f->id == FIELD_X_FORWARDED_FOR && !m->keep_xff) || is_forged(f))
            continue;
        out[count++] = (struct handler_field){f->name, f->value};
    }
    return count;
}

void handler_message_init(struct handler_message *m, const struct handler_peer *peer,
                          const struct conn *c, const struct settings *s, struct slice path,
                          struct slice pattern)
{
    *m = (struct handler_message){
        .peer = peer,
        .conn = c,
        .path = path,
        .keep_xff = s->no_clobber_xff,
        .is_whole = true,
    };
    m->keys[HANDLER_KEY_PATTERN] = pattern;
}

void handler_message_of_request(struct handler_message *m, const struct exchange *x,
                                const struct handler_peer *peer)
{
    const struct request_head *h = x->head;
    handler_message_init(m, peer, x->conn, &x->snapshot->settings, h->path, x->route->pattern);
    m->fields = &h->fields;
    m->shows_certificate = true;
    m->keys[HANDLER_KEY_METHOD] = h->method;
    m->keys[HANDLER_KEY_VERSION] = x->version;
    m->keys[HANDLER_KEY_URI] = h->uri;
    if (h->has_query)
        m->keys[HANDLER_KEY_QUERY] = h->query;
    if (h->has_fragment)
        m->keys[HANDLER_KEY_FRAGMENT] = h->fragment;
    if (x->snapshot->settings.flow_control && !x->conn->flow_told) {
        handler_message_add(m, SLICE("DOWNLOAD_CREDITS"), SLICE(FLOW_CREDITS_TEXT));
        x->conn->flow_told = true;
    }
}

void handler_message_add(struct handler_message *m, struct slice name, struct slice value)
{
    BUG_ON(m->extra_count == HANDLER_EXTRAS_MAX);
    m->extras[m->extra_count++] = (struct handler_field){name, value};
}

/* PEER_CERT_SHA1 has the two zeros behind it that Mongrel2 puts there. */
static void add_certificate(struct handler_request *r, struct handler_field *extras,
                            const struct conn *c)
{
    const struct tls_peer *peer = tls_peer(c);
    if (peer == NULL)
        return;
    const struct handler_field of_peer[CERTIFICATE_FIELDS] = {
        {SLICE("PEER_CERT_SHA1"), slice_str(peer->sha1)},
        {SLICE("PEER_CERT_SHA256"), slice_str(peer->sha256)},
        {SLICE("PEER_CERT_SUBJECT"), slice_str(peer->subject)},
        {SLICE("PEER_CERT_VERIFIED"), peer->is_verified ? SLICE("1") : SLICE("0")},
    };
    memcpy(extras + r->extra_count, of_peer, sizeof of_peer);
    r->extra_count += CERTIFICATE_FIELDS;
}

void handler_message_encode(struct buf *out, const struct handler_message *m, size_t body_len)
{
    struct handler_field fields[HANDLER_FIELDS_MAX],
        extras[HANDLER_EXTRAS_MAX + 1 + CERTIFICATE_FIELDS];
    char peer_text[46];
    struct handler_request r = {
        .sender = slice_str(m->peer->ident),
        .conn_id = m->conn->id,
        .path = m->path,
        .fields = fields,
        .extras = extras,
    };
    memcpy(r.keys, m->keys, sizeof r.keys);
    if (m->is_whole) {
        struct slice remote = slice_of(peer_text, conn_peer_text(m->conn, peer_text));
        r.field_count = take_fields(m, fields, HANDLER_FIELDS_MAX);
        r.keys[HANDLER_KEY_PATH] = m->path;
        r.keys[HANDLER_KEY_URL_SCHEME] = conn_is_secure(m->conn) ? SLICE("https") : SLICE("http");
        r.keys[HANDLER_KEY_REMOTE_ADDR] = remote;
        if (!m->keep_xff)
            extras[r.extra_count++] = (struct handler_field){SLICE("x-forwarded-for"), remote};
        if (m->shows_certificate)
            add_certificate(&r, extras, m->conn);
    }
    memcpy(extras + r.extra_count, m->extras, m->extra_count * sizeof *extras);
    r.extra_count += m->extra_count;
    handler_request_encode_head(out, &r, m->peer->format, body_len);
}

int handler_enlist(struct conn *c, struct handler_peer *peer)
{
    const struct worker *w = c->set->owner;
    if (c->id == 0)
        c->handler_closed = false;
    if (registry_add(w->registry, c) != 0)
        return -1;
    if (c->handler != peer) {
        handler_peer_unref(c->handler);
        c->handler = handler_peer_ref(peer);
    }
    return 0;
}
