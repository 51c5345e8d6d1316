/* Extended replies: what the node is to do with a connection other than write bytes to it. */

#include "proto/handler/handler.h"

#include "proto/wire/handler_xreply.h"
#include "proto/wire/tnetstring.h"

static int send_xreply(struct m2_handler *h, struct slice node, const uint32_t *ids, size_t count,
                       const struct xreply *x, struct m2_error *e)
{
    struct buf payload = BUF_INIT;
    xreply_encode(&payload, x);
    int rc = payload.failed ? handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.")
                            : handler_reply(h, node, ids, count, true, buf_slice(&payload), e);
    buf_fini(&payload);
    return rc;
}

/* As send_xreply for what concerns connections: none is none. */
static int send_to(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                   const struct xreply *x, struct m2_error *e)
{
    return count == 0 ? 0 : send_xreply(h, slice_in(node), ids, count, x, e);
}

int m2_keep_alive(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                  struct m2_error *e)
{
    struct xreply x = {.kind = XREPLY_CTL, .ctl = {.keep_alive = true}};
    return send_to(h, node, ids, count, &x, e);
}

int m2_credits(struct m2_handler *h, struct m2_slice node, uint32_t id, int64_t bytes,
               struct m2_error *e)
{
    struct xreply x = {.kind = XREPLY_CTL, .ctl = {.has_credits = true, .credits = bytes}};
    return send_to(h, node, &id, 1, &x, e);
}

int m2_cancel(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
              struct m2_error *e)
{
    struct xreply x = {.kind = XREPLY_CTL, .ctl = {.cancel = true}};
    return send_to(h, node, ids, count, &x, e);
}

int m2_sendfile(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                const char *path, struct m2_error *e)
{
    struct xreply x = {.kind = XREPLY_SENDFILE, .sendfile.path = slice_str(path)};
    if (x.sendfile.path.len == 0)
        return handler_fail(e, M2_ERROR_USAGE, "The path of the file is empty.");
    return send_to(h, node, ids, count, &x, e);
}

int m2_ws_send(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
               bool binary, struct m2_slice message, struct m2_error *e)
{
    struct xreply x = {
        .kind = XREPLY_WS,
        .ws = {.what = binary ? XREPLY_WS_BINARY : XREPLY_WS_TEXT, .data = slice_in(message)}};
    return send_to(h, node, ids, count, &x, e);
}

int m2_ws_close(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                unsigned code, const char *reason, struct m2_error *e)
{
    struct xreply x = {.kind = XREPLY_WS,
                       .ws = {.what = XREPLY_WS_CLOSE, .data = slice_str(reason)}};
    if (code < 1000 || code > 4999 || x.ws.data.len > XREPLY_CLOSE_REASON_MAX)
        return handler_fail(e, M2_ERROR_USAGE,
                            "A close code is 1000 to 4999, a reason at most %d bytes long.",
                            XREPLY_CLOSE_REASON_MAX);
    x.ws.code = (uint16_t)code;
    return send_to(h, node, ids, count, &x, e);
}

int m2_extended(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                const char *key, struct m2_slice value, struct m2_error *e)
{
    struct tns_reader r;
    struct tns_item item;
    tns_reader_init(&r, slice_in(value));
    if (tns_read(&r, &item) != TNS_ITEM || r.at != r.end)
        return handler_fail(e, M2_ERROR_USAGE, "The value of an extended reply is one tnetstring.");
    struct buf payload = BUF_INIT;
    size_t list = tns_open(&payload);
    tns_put_str(&payload, key);
    buf_append_slice(&payload, slice_in(value));
    tns_close_list(&payload, list);
    int rc = payload.failed
                 ? handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.")
                 : handler_reply(h, slice_in(node), ids, count, true, buf_slice(&payload), e);
    buf_fini(&payload);
    return rc;
}

/* ---- channels ----------------------------------------------------------------------------- */

static int check_name(struct slice name, struct m2_error *e)
{
    if (name.len > 0 && name.len <= XREPLY_CHANNEL_NAME_MAX)
        return 0;
    return handler_fail(e, M2_ERROR_USAGE, "A channel's name has 1 to %d bytes.",
                        XREPLY_CHANNEL_NAME_MAX);
}

static int membership(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                      enum xreply_channel what, const char *channel, struct m2_error *e)
{
    struct xreply x = {.kind = XREPLY_CHANNEL,
                       .channel = {.what = what, .name = slice_str(channel)}};
    return check_name(x.channel.name, e) != 0 ? -1 : send_to(h, node, ids, count, &x, e);
}

int m2_channel_join(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                    const char *channel, struct m2_error *e)
{
    return membership(h, node, ids, count, XREPLY_JOIN, channel, e);
}

int m2_channel_leave(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                     const char *channel, struct m2_error *e)
{
    return membership(h, node, ids, count, XREPLY_LEAVE, channel, e);
}

/* Names of the nodes that are there, kept by value because the lock is given up in between. */
struct names {
    struct buf list; /* each with a NUL behind it */
};

static void add_name(void *arg, struct slice node)
{
    struct names *names = arg;
    buf_append(&names->list, node.ptr, node.len);
    buf_append_char(&names->list, '\0');
}

/* To the cluster if it is known, else to every node. */
static int send_to_all(struct m2_handler *h, const struct xreply *x, struct m2_error *e)
{
    struct names names = {BUF_INIT};
    pthread_mutex_lock(&h->lock);
    struct slice cluster = slice_str(h->ops->cluster(h));
    if (cluster.len > 0)
        add_name(&names, cluster);
    else
        h->ops->each_node(h, add_name, &names);
    pthread_mutex_unlock(&h->lock);
    int rc = names.list.len > 0
                 ? 0
                 : handler_fail(e, M2_ERROR_UNREACHABLE, "No node is there to send to.");
    for (const char *at = buf_str(&names.list); at < buf_str(&names.list) + names.list.len;) {
        struct slice node = slice_str(at);
        if (send_xreply(h, node, NULL, 0, x, e) != 0)
            rc = -1;
        at += node.len + 1;
    }
    buf_fini(&names.list);
    return rc;
}

int m2_channel_send(struct m2_handler *h, struct m2_slice to, const char *channel,
                    struct m2_slice data, unsigned flags, struct m2_error *e)
{
    struct xreply x = {.kind = XREPLY_CHANNEL,
                       .channel = {.what = XREPLY_SEND,
                                   .name = slice_str(channel),
                                   .data = slice_in(data),
                                   .chunk = (flags & M2_CHANNEL_CHUNK) != 0}};
    if ((flags & M2_CHANNEL_TEXT) != 0)
        x.channel.frame = XREPLY_FRAME_TEXT;
    else if ((flags & M2_CHANNEL_BINARY) != 0)
        x.channel.frame = XREPLY_FRAME_BINARY;
    if (check_name(x.channel.name, e) != 0)
        return -1;
    return to.ptr != NULL ? send_xreply(h, slice_in(to), NULL, 0, &x, e) : send_to_all(h, &x, e);
}
