/* The deflater works at the fastest level: this is done in the loop, between two clients. */

#include "proto/http/ws_deflate.h"

#include "proto/http/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    WINDOW_BITS = 15,
    MEMORY_LEVEL = 8,
    INFLATE_STEP = 16384, /* the output grows by at least this much */
};

/* -- negotiation ------------------------------------------------------------------------------- */

/* What one offer says; each parameter once (section 7.1). */
struct offer {
    bool server_takeover, client_takeover, server_bits, client_bits;
    uint8_t bits;
};

/* "8" to "15" in digits without leading zeros (section 7.1.2.1); 0 when it is not. */
static uint8_t window_bits(struct slice value)
{
    int64_t n = value.len > 0 && value.ptr[0] != '0' ? fields_number(value) : -1;
    return n >= 8 && n <= 15 ? (uint8_t)n : 0;
}

static bool once(bool *seen)
{
    bool first = !*seen;
    *seen = true;
    return first;
}

static bool take_parameter(struct offer *o, struct slice name, bool has_value, struct slice value)
{
    if (slice_eq(name, SLICE("server_no_context_takeover")))
        return !has_value && once(&o->server_takeover);
    if (slice_eq(name, SLICE("client_no_context_takeover")))
        return !has_value && once(&o->client_takeover);
    if (slice_eq(name, SLICE("client_max_window_bits")))
        return (!has_value || window_bits(value) != 0) && once(&o->client_bits);
    if (!slice_eq(name, SLICE("server_max_window_bits")))
        return false;
    o->bits = window_bits(value);
    return has_value && o->bits != 0 && once(&o->server_bits);
}

static struct slice unquoted(struct slice s)
{
    bool quoted = s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"';
    return quoted ? slice_of(s.ptr + 1, s.len - 2) : s;
}

/* `permessage-deflate *( ";" name [ "=" value ] )` with nothing that we do not know. */
static bool read_offer(struct slice element, struct offer *o)
{
    *o = (struct offer){.bits = WINDOW_BITS};
    size_t end = slice_find(element, ';');
    if (!slice_eq(slice_trim(slice_of(element.ptr, end)), SLICE("permessage-deflate")))
        return false;
    while (end < element.len) {
        element = slice_from(element, end + 1);
        end = slice_find(element, ';');
        struct slice parameter = slice_of(element.ptr, end);
        size_t equals = slice_find(parameter, '=');
        bool has_value = equals < parameter.len;
        struct slice value = has_value ? slice_from(parameter, equals + 1) : SLICE_EMPTY;
        if (!take_parameter(o, slice_trim(slice_of(parameter.ptr, equals)), has_value,
                            unquoted(slice_trim(value))))
            return false;
    }
    return true;
}

bool ws_deflate_negotiate(const struct field_list *l, struct ws_deflate_terms *terms)
{
    const struct http_field *f = field_list_get(l, FIELD_SEC_WEBSOCKET_EXTENSIONS);
    for (; f != NULL; f = field_list_next(l, f)) {
        struct slice rest = f->value, element;
        struct offer offer;
        while (fields_next(&rest, &element)) {
            if (!read_offer(element, &offer))
                continue;
            *terms = (struct ws_deflate_terms){offer.bits, offer.server_bits};
            return true;
        }
    }
    return false;
}

void ws_deflate_answer(const struct ws_deflate_terms *terms, char out[WS_DEFLATE_ANSWER])
{
    int len = snprintf(
        out, WS_DEFLATE_ANSWER,
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    if (terms->names_server_bits)
        snprintf(out + len, WS_DEFLATE_ANSWER - (size_t)len, "; server_max_window_bits=%u",
                 terms->server_bits);
}

/* -- messages ---------------------------------------------------------------------------------- */

struct ws_deflate {
    z_stream out, in;
    bool out_ready, in_ready;
};

static const unsigned char tail[4] = {0x00, 0x00, 0xff, 0xff};

struct ws_deflate *ws_deflate_create(void)
{
    return calloc(1, sizeof(struct ws_deflate));
}

void ws_deflate_destroy(struct ws_deflate *d)
{
    if (d == NULL)
        return;
    if (d->out_ready)
        deflateEnd(&d->out);
    if (d->in_ready)
        inflateEnd(&d->in);
    free(d);
}

static bool deflate_ready(struct ws_deflate *d)
{
    if (d->out_ready)
        return deflateReset(&d->out) == Z_OK;
    d->out_ready = deflateInit2(&d->out, Z_BEST_SPEED, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
                                Z_DEFAULT_STRATEGY) == Z_OK;
    return d->out_ready;
}

static bool inflate_ready(struct ws_deflate *d)
{
    if (d->in_ready)
        return inflateReset(&d->in) == Z_OK;
    d->in_ready = inflateInit2(&d->in, -WINDOW_BITS) == Z_OK;
    return d->in_ready;
}

/* Output that is not shorter is of no use, so there is no room for it. */
bool ws_deflate_message(struct ws_deflate *d, struct slice message, struct buf *out)
{
    if (message.len < WS_DEFLATE_LEAST || message.len > UINT32_MAX || !deflate_ready(d) ||
        buf_reserve(out, message.len) != 0)
        return false;
    z_stream *z = &d->out;
    z->next_in = (unsigned char *)(uintptr_t)message.ptr;
    z->avail_in = (uInt)message.len;
    z->next_out = (unsigned char *)out->data + out->len;
    z->avail_out = (uInt)message.len;
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in > 0 || z->avail_out == 0)
        return false;
    out->len += message.len - z->avail_out - sizeof tail;
    out->data[out->len] = '\0';
    return true;
}

/* One step of output; false at the end of the input, or when *result says why not. */
static bool inflate_step(z_stream *z, size_t most, size_t *total, struct buf *out,
                         enum ws_inflate *result)
{
    size_t room = most - *total < INFLATE_STEP ? most - *total + 1 : INFLATE_STEP;
    *result = WS_INFLATE_NO_MEMORY;
    if (buf_reserve(out, room) != 0)
        return false;
    z->next_out = (unsigned char *)out->data + out->len;
    z->avail_out = (uInt)room;
    int status = inflate(z, Z_SYNC_FLUSH);
    out->len += room - z->avail_out;
    out->data[out->len] = '\0';
    *total += room - z->avail_out;
    *result = *total > most ? WS_INFLATE_TOO_LARGE
              : status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR ? WS_INFLATE_DONE
              : status == Z_MEM_ERROR ? WS_INFLATE_NO_MEMORY
                                      : WS_INFLATE_BAD;
    /* A block may say it is the last; what follows begins anew (section 7.2.3.4). */
    if (status == Z_STREAM_END)
        inflateReset(z);
    return *result == WS_INFLATE_DONE && (z->avail_in > 0 || z->avail_out == 0);
}

static enum ws_inflate inflate_all(z_stream *z, const void *bytes, size_t len, size_t most,
                                   size_t *total, struct buf *out)
{
    enum ws_inflate result;
    z->next_in = (unsigned char *)(uintptr_t)bytes;
    z->avail_in = (uInt)len;
    while (inflate_step(z, most, total, out, &result))
        ;
    return result;
}

enum ws_inflate ws_inflate_message(struct ws_deflate *d, struct slice bytes, size_t most,
                                   struct buf *out)
{
    enum { BETWEEN_BLOCKS = 128 }; /* in data_type, see zlib's inflate */
    size_t total = 0;
    if (bytes.len == 0)
        return WS_INFLATE_DONE;
    if (bytes.len > UINT32_MAX)
        return WS_INFLATE_TOO_LARGE;
    if (!inflate_ready(d))
        return WS_INFLATE_NO_MEMORY;
    enum ws_inflate result = inflate_all(&d->in, bytes.ptr, bytes.len, most, &total, out);
    if (result == WS_INFLATE_DONE)
        result = inflate_all(&d->in, tail, sizeof tail, most, &total, out);
    if (result == WS_INFLATE_DONE && (d->in.data_type & BETWEEN_BLOCKS) == 0)
        return WS_INFLATE_BAD; /* it breaks off inside a block */
    return result;
}
