/* One function per key; `ctl` may hold several words, cancel wins. */

#include "node/deliver/xreply.h"

static void apply_ctl(struct conn *c, const struct xreply *x)
{
    if (x->ctl.keep_alive)
        conn_touch(c);
    if (x->ctl.has_credits && !x->ctl.cancel && c->session->credit != NULL)
        c->session->credit(c, x->ctl.credits);
    c->handler_closed |= x->ctl.cancel;
    if (x->ctl.cancel)
        conn_close(c, CONN_HANDLER_CLOSED);
}

struct push xreply_push(const struct xreply *x)
{
    static const enum push_kind kinds[] = {
        [XREPLY_WS_TEXT] = PUSH_TEXT,
        [XREPLY_WS_BINARY] = PUSH_BINARY,
        [XREPLY_WS_CLOSE] = PUSH_CLOSE,
    };
    if (x->kind != XREPLY_WS)
        return (struct push){.bytes = SLICE_EMPTY};
    return (struct push){.kind = kinds[x->ws.what], .close_code = x->ws.code, .bytes = x->ws.data};
}

void xreply_apply(struct conn *c, const struct xreply *x, struct push *push)
{
    if (x != NULL && x->kind == XREPLY_CTL)
        apply_ctl(c, x);
    else if (x != NULL && x->kind == XREPLY_WS && c->session->takes_kinds)
        c->session->push(c, push);
    else
        conn_close(c, CONN_PROTOCOL_ERROR);
}
