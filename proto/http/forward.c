#include "proto/http/forward.h"

#include "proto/base/error.h"
#include "proto/http/fields.h"
#include "proto/http/head_writer.h"

#define NAMED_MAX 16  /* fields that Connection may name */
#define EXTRA_MAX 256 /* our own lines without the slices in them */

#define HOP_BY_HOP                                                                        \
    (FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_KEEP_ALIVE) |                          \
     FIELD_BIT(FIELD_PROXY_CONNECTION) | FIELD_BIT(FIELD_TE) | FIELD_BIT(FIELD_TRAILER) | \
     FIELD_BIT(FIELD_TRANSFER_ENCODING) | FIELD_BIT(FIELD_UPGRADE) |                      \
     FIELD_BIT(FIELD_CONTENT_LENGTH))

#define FORWARDED                                                           \
    (FIELD_BIT(FIELD_X_FORWARDED_FOR) | FIELD_BIT(FIELD_X_FORWARDED_HOST) | \
     FIELD_BIT(FIELD_X_FORWARDED_PROTO) | FIELD_BIT(FIELD_FORWARDED))

/* What is left out: known fields by id, others by name. */
struct dropped {
    uint64_t ids;
    struct slice named[NAMED_MAX];
    size_t named_count;
};

/* Adds what Connection names. False when it names too many. */
static bool drop_named(struct dropped *d, const struct field_list *l)
{
    const struct http_field *f = field_list_get(l, FIELD_CONNECTION);
    for (; f != NULL; f = field_list_next(l, f)) {
        struct slice rest = f->value, name;
        while (fields_next(&rest, &name)) {
            enum field_id id = field_name_id(name);
            if (id != FIELD_OTHER)
                d->ids |= FIELD_BIT(id);
            else if (slice_eq_nocase(name, SLICE("close")))
                continue;
            else if (d->named_count == NAMED_MAX)
                return false;
            else
                d->named[d->named_count++] = name;
        }
    }
    return true;
}

static bool is_dropped(const struct dropped *d, const struct http_field *f)
{
    if ((d->ids & FIELD_BIT(f->id)) != 0)
        return true;
    for (size_t i = 0; i < d->named_count && f->id == FIELD_OTHER; i++)
        if (slice_eq_nocase(f->name, d->named[i]))
            return true;
    return false;
}

/* Behind the CRLF of the field's line; NULL when the line ends in LF alone, which the next server
 * might not take for an end. The head was parsed whole, so there is a line end to find. */
static const char *line_end(const struct http_field *f)
{
    const char *p = f->value.ptr + f->value.len;
    while (*p == ' ' || *p == '\t')
        p++;
    return *p == '\r' ? p + 2 : NULL;
}

/* The lines that are not dropped; neighbours are copied together. */
static void put_fields(struct head_writer *w, const struct field_list *l, const struct dropped *d)
{
    const char *run = "", *run_end = run; /* bytes that wait to be copied */
    for (const struct http_field *f = l->items, *end = f + l->count; f < end; f++) {
        bool keep = !is_dropped(d, f);
        const char *line = keep ? line_end(f) : NULL;
        if (line != NULL && run_end == f->name.ptr) {
            run_end = line;
            continue;
        }
        head_writer_put(w, slice_of(run, (size_t)(run_end - run)));
        run = run_end = "";
        if (line != NULL) {
            run = f->name.ptr;
            run_end = line;
        } else if (keep) {
            head_writer_field(w, f->name, f->value);
        }
    }
    head_writer_put(w, slice_of(run, (size_t)(run_end - run)));
}

size_t forward_request_room(const struct forward_request *f)
{
    const struct request_head *h = f->head;
    return h->len + 2u * h->fields.count + 3 * h->authority.len + 3 * f->fallback.len +
           2 * f->peer.len + 2 * f->scheme.len + EXTRA_MAX;
}

/* RFC 7239 section 6: an IPv6 address in brackets and quotes, and "unknown" where there is none.
 * The host has been read as one, so it holds nothing that would end a quoted string. */
static void put_standard_forwarded(struct head_writer *w, const struct forward_request *f,
                                   struct slice authority)
{
    bool is_v6 = slice_find(f->peer, ':') < f->peer.len,
         is_v4 = !is_v6 && slice_find(f->peer, '.') < f->peer.len;
    head_writer_put(w, is_v6 ? SLICE("Forwarded: for=\"[") : SLICE("Forwarded: for="));
    head_writer_put(w, is_v6 || is_v4 ? f->peer : SLICE("unknown"));
    head_writer_put(w, is_v6 ? SLICE("]\";host=\"") : SLICE(";host=\""));
    head_writer_put(w, authority);
    head_writer_put(w, SLICE("\";proto="));
    head_writer_put(w, f->scheme);
    head_writer_put(w, SLICE("\r\n"));
}

/* A client's own word is kept only where the setting says so, and then stands before ours. */
static void put_forwarded(struct head_writer *w, const struct forward_request *f,
                          struct slice authority)
{
    const struct field_list *l = &f->head->fields;
    bool keeps = f->keeps_forwarded;
    head_writer_field(w, SLICE("X-Forwarded-For"), f->peer);
    if (!keeps || !field_list_has(l, FIELD_X_FORWARDED_PROTO))
        head_writer_field(w, SLICE("X-Forwarded-Proto"), f->scheme);
    if (!keeps || !field_list_has(l, FIELD_X_FORWARDED_HOST))
        head_writer_field(w, SLICE("X-Forwarded-Host"), authority);
    put_standard_forwarded(w, f, authority);
}

size_t forward_request_write(const struct forward_request *f, char *out, size_t room)
{
    const struct request_head *h = f->head;
    struct dropped d = {.ids = HOP_BY_HOP | FIELD_BIT(FIELD_HOST)};
    if (!drop_named(&d, &h->fields))
        return 0;
    if (!f->keeps_forwarded)
        d.ids |= FORWARDED;
    if (h->version_minor == 0)
        d.ids |= FIELD_BIT(FIELD_EXPECT); /* an HTTP/1.0 client expects nothing */
    struct slice authority = h->authority.len > 0 ? h->authority : f->fallback;
    struct head_writer w = head_writer_on(out, room);
    head_writer_put(&w, h->method);
    head_writer_char(&w, ' ');
    head_writer_put(&w, h->uri);
    head_writer_put(&w, SLICE(" HTTP/1.1\r\n"));
    head_writer_field(&w, SLICE("Host"), authority);
    put_fields(&w, &h->fields, &d);
    put_forwarded(&w, f, authority);
    head_writer_put(&w, h->version_minor == 0 ? SLICE("Via: 1.0 mongrel2\r\n")
                                              : SLICE("Via: 1.1 mongrel2\r\n"));
    if (f->websocket)
        head_writer_put(&w, SLICE("Connection: upgrade\r\nUpgrade: websocket\r\n"));
    if (h->chunked)
        head_writer_put(&w, SLICE("Transfer-Encoding: chunked\r\n"));
    else if (h->content_length >= 0)
        head_writer_number_field(&w, SLICE("Content-Length"), (uint64_t)h->content_length);
    head_writer_put(&w, SLICE("\r\n"));
    BUG_ON(w.full);
    return head_writer_bytes(&w).len;
}

size_t forward_response_room(const struct response_head *h)
{
    return h->len + 2u * h->fields.count;
}

size_t forward_response_fields(const struct response_head *h, char *out, size_t room)
{
    struct dropped d = {.ids = HOP_BY_HOP};
    drop_named(&d, &h->fields); /* of too many the first: an upstream is not an attacker */
    struct head_writer w = head_writer_on(out, room);
    put_fields(&w, &h->fields, &d);
    BUG_ON(w.full);
    return head_writer_bytes(&w).len;
}
