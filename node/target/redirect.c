/* The Location line is made with the target unless a part of the request goes into it. */

#include "node/target/redirect.h"

#include "node/exchange/exchange.h"
#include "node/exchange/reply.h"

#include <stdlib.h>

struct redirect_target {
    struct target base;
    int status;
    bool takes_rest;
    struct buf line; /* "Location: …" without its end when takes_rest */
};

static struct redirect_target *of(struct target *t)
{
    return container_of(t, struct redirect_target, base);
}

static void redirect_destroy(struct target *t)
{
    buf_fini(&of(t)->line);
    free(of(t));
}

static int redirect_create(struct target **out, const struct row *row, struct snapshot_build *b,
                           struct error *e)
{
    (void)b;
    struct redirect_target *t = calloc(1, sizeof *t);
    if (t == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    struct slice to = row_text(row, REDIRECT_TO);
    t->base.ops = &target_redirect;
    t->status = (int)row_int(row, REDIRECT_STATUS);
    t->takes_rest = slice_ends_with(to, SLICE("*"));
    if (t->takes_rest)
        to.len--;
    buf_append_str(&t->line, "Location: ");
    buf_append_slice(&t->line, to);
    if (!t->takes_rest)
        buf_append_str(&t->line, "\r\n");
    *out = &t->base;
    if (!t->line.failed)
        return 0;
    redirect_destroy(&t->base);
    return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

static void redirect_start(struct target *t, struct exchange *x)
{
    struct redirect_target *r = of(t);
    if (!r->takes_rest) {
        reply_whole(x, r->status, buf_slice(&r->line), SLICE_EMPTY);
        return;
    }
    struct slice uri = x->head->uri;
    size_t skip = x->route->prefix_len < uri.len ? x->route->prefix_len : uri.len;
    struct buf *line = &x->worker->scratch;
    buf_clear(line);
    buf_append_slice(line, buf_slice(&r->line));
    buf_append_slice(line, slice_from(uri, skip));
    buf_append_str(line, "\r\n");
    if (line->failed)
        reply_error(x, 503, SLICE_EMPTY);
    else
        reply_whole(x, r->status, buf_slice(line), SLICE_EMPTY);
}

const struct target_ops target_redirect = {
    .kind = "redirect",
    .table = TABLE_REDIRECT,
    .create = redirect_create,
    .destroy = redirect_destroy,
    .start = redirect_start,
};
