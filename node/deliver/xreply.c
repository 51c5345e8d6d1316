/* One function per key; `ctl` may hold several words, cancel wins. */

#include "node/deliver/xreply.h"

static void apply_ctl(struct conn *c, const struct xreply *x)
{
    if (x->ctl.keep_alive)
        conn_touch(c);
    c->handler_closed |= x->ctl.cancel;
    if (x->ctl.cancel)
        conn_close(c, CONN_HANDLER_CLOSED);
}

void xreply_apply(struct conn *c, const struct xreply *x)
{
    if (x != NULL && x->kind == XREPLY_CTL)
        apply_ctl(c, x);
    else
        conn_close(c, CONN_PROTOCOL_ERROR);
}
