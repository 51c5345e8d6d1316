/* One function per key reads its value; a new key is one function and one row of the table. */

#include "proto/wire/handler_xreply.h"

#include "proto/base/error.h"

#include <string.h>

static bool is_dict(const struct xreply *x)
{
    return x->value.type == TNS_DICT;
}

/* A walk over the pairs of the value. */
struct pairs {
    struct tns_reader reader;
    struct slice key;
    struct tns_item item;
    bool bad; /* the walk ended at malformed bytes */
};

static void pairs_begin(struct pairs *p, const struct xreply *x)
{
    tns_reader_init(&p->reader, x->value.bytes);
    p->bad = false;
}

static bool pairs_next(struct pairs *p)
{
    enum tns_status status = tns_read_pair(&p->reader, &p->key, &p->item);
    p->bad = status == TNS_BAD;
    return status == TNS_ITEM;
}

static enum xreply_status read_ctl(struct xreply *x)
{
    bool credits_bad = false;
    if (!is_dict(x))
        return XREPLY_BAD_VALUE;
    struct pairs p;
    pairs_begin(&p, x);
    while (pairs_next(&p)) {
        if (slice_eq(p.key, SLICE("keep-alive"))) {
            x->ctl.keep_alive = true;
        } else if (slice_eq(p.key, SLICE("cancel"))) {
            x->ctl.cancel = true;
        } else if (slice_eq(p.key, SLICE("credits"))) {
            x->ctl.has_credits = true;
            x->ctl.credits = p.item.integer;
            credits_bad = p.item.type != TNS_INT;
        }
    }
    if (p.bad)
        return XREPLY_MALFORMED;
    return credits_bad ? XREPLY_BAD_VALUE : XREPLY_OK;
}

static enum xreply_status read_sendfile(struct xreply *x)
{
    if (x->value.type != TNS_STRING || x->value.bytes.len == 0)
        return XREPLY_BAD_VALUE;
    x->sendfile.path = x->value.bytes;
    return XREPLY_OK;
}

static enum xreply_status read_ws(struct xreply *x)
{
    unsigned whats = 0;
    bool good = true;
    struct slice reason = SLICE_EMPTY;
    if (!is_dict(x))
        return XREPLY_BAD_VALUE;
    struct pairs p;
    pairs_begin(&p, x);
    while (pairs_next(&p)) {
        if (slice_eq(p.key, SLICE("text")) || slice_eq(p.key, SLICE("binary"))) {
            whats++;
            x->ws.what = p.key.len == 4 ? XREPLY_WS_TEXT : XREPLY_WS_BINARY;
            x->ws.data = p.item.bytes;
            good &= p.item.type == TNS_STRING;
        } else if (slice_eq(p.key, SLICE("close"))) {
            whats++;
            x->ws.what = XREPLY_WS_CLOSE;
            good &= p.item.type == TNS_INT && p.item.integer >= 1000 && p.item.integer <= 4999;
            x->ws.code = good ? (uint16_t)p.item.integer : 0;
        } else if (slice_eq(p.key, SLICE("reason"))) {
            reason = p.item.bytes;
            good &= p.item.type == TNS_STRING && reason.len <= XREPLY_CLOSE_REASON_MAX;
        }
    }
    if (p.bad)
        return XREPLY_MALFORMED;
    if (x->ws.what == XREPLY_WS_CLOSE)
        x->ws.data = reason;
    return good && whats == 1 ? XREPLY_OK : XREPLY_BAD_VALUE;
}

static bool read_frame(const struct tns_item *it, enum xreply_frame *frame)
{
    *frame = slice_eq(it->bytes, SLICE("text")) ? XREPLY_FRAME_TEXT : XREPLY_FRAME_BINARY;
    return it->type == TNS_STRING &&
           (*frame == XREPLY_FRAME_TEXT || slice_eq(it->bytes, SLICE("binary")));
}

static bool read_flag(const struct tns_item *it, bool *flag)
{
    *flag = it->type == TNS_BOOL ? it->boolean : it->integer != 0;
    return it->type == TNS_BOOL || it->type == TNS_INT;
}

static enum xreply_status read_channel(struct xreply *x)
{
    unsigned whats = 0;
    bool good = true, has_data = false;
    if (!is_dict(x))
        return XREPLY_BAD_VALUE;
    struct pairs p;
    pairs_begin(&p, x);
    while (pairs_next(&p)) {
        bool join = slice_eq(p.key, SLICE("join")), leave = slice_eq(p.key, SLICE("leave"));
        if (join || leave || slice_eq(p.key, SLICE("send"))) {
            whats++;
            x->channel.what = join ? XREPLY_JOIN : leave ? XREPLY_LEAVE : XREPLY_SEND;
            x->channel.name = p.item.bytes;
            good &= p.item.type == TNS_STRING && p.item.bytes.len > 0 &&
                    p.item.bytes.len <= XREPLY_CHANNEL_NAME_MAX;
        } else if (slice_eq(p.key, SLICE("data"))) {
            has_data = p.item.type == TNS_STRING;
            good &= has_data;
            x->channel.data = p.item.bytes;
        } else if (slice_eq(p.key, SLICE("frame"))) {
            good &= read_frame(&p.item, &x->channel.frame);
        } else if (slice_eq(p.key, SLICE("chunk"))) {
            good &= read_flag(&p.item, &x->channel.chunk);
        }
    }
    if (p.bad)
        return XREPLY_MALFORMED;
    return good && whats == 1 && has_data == (x->channel.what == XREPLY_SEND) ? XREPLY_OK
                                                                              : XREPLY_BAD_VALUE;
}

static const struct {
    struct slice key;
    enum xreply_kind kind;
    enum xreply_status (*read)(struct xreply *x);
} kinds[] = {
    {SLICE("ctl"), XREPLY_CTL, read_ctl},
    {SLICE("sendfile"), XREPLY_SENDFILE, read_sendfile},
    {SLICE("ws"), XREPLY_WS, read_ws},
    {SLICE("channel"), XREPLY_CHANNEL, read_channel},
};

enum xreply_status xreply_parse(struct slice payload, struct xreply *out)
{
    struct tns_reader r, list;
    struct tns_item item;
    memset(out, 0, sizeof *out);
    out->kind = XREPLY_OTHER;
    tns_reader_init(&r, payload);
    if (tns_read(&r, &item) != TNS_ITEM || r.at != r.end || item.type != TNS_LIST ||
        tns_enter(&r, &item, &list) != 0)
        return XREPLY_MALFORMED;
    if (tns_read(&list, &item) != TNS_ITEM || item.type != TNS_STRING)
        return XREPLY_MALFORMED;
    out->key = item.bytes;
    if (tns_read(&list, &out->value) != TNS_ITEM || list.at != list.end)
        return XREPLY_MALFORMED;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_eq(out->key, kinds[i].key)) {
            out->kind = kinds[i].kind;
            return kinds[i].read(out);
        }
    return XREPLY_OK;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void put_ctl(struct buf *out, const struct xreply *x)
{
    size_t dict = tns_open(out);
    if (x->ctl.keep_alive)
        tns_put_pair_bool(out, "keep-alive", true);
    if (x->ctl.has_credits)
        tns_put_pair_int(out, "credits", x->ctl.credits);
    if (x->ctl.cancel)
        tns_put_pair_bool(out, "cancel", true);
    tns_close_dict(out, dict);
}

static void put_ws(struct buf *out, const struct xreply *x)
{
    size_t dict = tns_open(out);
    if (x->ws.what == XREPLY_WS_CLOSE) {
        tns_put_pair_int(out, "close", x->ws.code);
        if (x->ws.data.len > 0)
            tns_put_pair(out, "reason", x->ws.data);
    } else {
        tns_put_pair(out, x->ws.what == XREPLY_WS_TEXT ? "text" : "binary", x->ws.data);
    }
    tns_close_dict(out, dict);
}

static void put_channel(struct buf *out, const struct xreply *x)
{
    static const char *const words[] = {
        [XREPLY_JOIN] = "join", [XREPLY_LEAVE] = "leave", [XREPLY_SEND] = "send"};
    size_t dict = tns_open(out);
    tns_put_pair(out, words[x->channel.what], x->channel.name);
    if (x->channel.what == XREPLY_SEND) {
        tns_put_pair(out, "data", x->channel.data);
        if (x->channel.frame != XREPLY_FRAME_NONE)
            tns_put_pair_str(out, "frame",
                             x->channel.frame == XREPLY_FRAME_TEXT ? "text" : "binary");
        if (x->channel.chunk)
            tns_put_pair_int(out, "chunk", 1);
    }
    tns_close_dict(out, dict);
}

void xreply_encode(struct buf *out, const struct xreply *x)
{
    size_t list = tns_open(out);
    switch (x->kind) {
    case XREPLY_CTL:
        tns_put_str(out, "ctl");
        put_ctl(out, x);
        break;
    case XREPLY_SENDFILE:
        tns_put_str(out, "sendfile");
        tns_put_string(out, x->sendfile.path);
        break;
    case XREPLY_WS:
        tns_put_str(out, "ws");
        put_ws(out, x);
        break;
    case XREPLY_CHANNEL:
        tns_put_str(out, "channel");
        put_channel(out, x);
        break;
    case XREPLY_OTHER: BUG_ON(x->kind == XREPLY_OTHER);
    }
    tns_close_list(out, list);
}
