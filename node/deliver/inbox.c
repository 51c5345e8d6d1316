/* A short reply to one listener, the usual case, is copied into its output block; anything else
 * shares the ZeroMQ message, which is kept until the last listener has been written to. */

#include "node/deliver/inbox.h"

#include "node/deliver/fanout.h"
#include "node/deliver/flow.h"
#include "node/deliver/xreply.h"
#include "node/io/payload.h"
#include "proto/base/log.h"
#include "proto/wire/handler_reply.h"

#include <ctype.h>
#include <stdlib.h>

enum { COPY_MOST = 2048, SHOWN_BYTES = 60 };

struct message_payload {
    struct payload base;
    zmq_msg_t message;
};

static void release_message(struct payload *p)
{
    struct message_payload *m = container_of(p, struct message_payload, base);
    zmq_msg_close(&m->message);
    free(m);
}

/* Moves the message into a payload. A moved short message lies inside zmq_msg_t itself, so the
 * bytes are found again after the move. NULL when out of memory (the message is then still the
 * caller's). */
static struct payload *payload_of_message(zmq_msg_t *message)
{
    struct message_payload *m = malloc(sizeof *m);
    if (m == NULL)
        return NULL;
    zmq_msg_init(&m->message);
    zmq_msg_move(&m->message, message);
    m->base = (struct payload){
        .bytes = zmq_msg_data(&m->message),
        .len = zmq_msg_size(&m->message),
        .refs = 1,
        .release = release_message,
    };
    return &m->base;
}

static void log_malformed(struct slice bytes, const char *sender_name, const char *why)
{
    static struct log_limit limit;
    char shown[SHOWN_BYTES + 1];
    size_t len = bytes.len < SHOWN_BYTES ? bytes.len : SHOWN_BYTES;
    for (size_t i = 0; i < len; i++)
        shown[i] = isprint((unsigned char)bytes.ptr[i]) ? bytes.ptr[i] : '.';
    shown[len] = '\0';
    log_limited(&limit, LOG_WARN_LEVEL, "handler",
                "dropped a malformed reply: %s from=\"%s\" bytes=%zu \"%s\"", why, sender_name,
                bytes.len, shown);
}

/* A connection that only waits for its last bytes to leave takes no more: its sender is told as if
 * it were closed. */
static bool is_gone(const struct conn *c)
{
    return c == NULL || conn_is_closing(c) || c->close_when_flushed;
}

static void let_go(struct push *p)
{
    payload_unref(p->base64);
    payload_unref(p->ws_deflated[0]);
    payload_unref(p->ws_deflated[1]);
}

static bool deliver(struct inbox *in, const struct handler_reply *reply, struct payload *shared,
                    const struct inbox_sender *from)
{
    struct push push = {.bytes = reply->payload,
                        .payload = shared,
                        .raw_payload = from->raw_payload,
                        .nul = from->nul};
    struct slice ids = reply->ids;
    for (uint32_t id; handler_reply_next(&ids, &id);) {
        struct conn *c = registry_find(in->registry, id);
        if (is_gone(c)) {
            in->counters->handler_unknown_targets++;
            from->unknown(from->arg, id);
            continue;
        }
        in->counters->handler_deliveries++;
        uint64_t before = conn_output_total(c);
        c->session->push(c, &push);
        if (in->flow_control)
            flow_account(c, before);
    }
    let_go(&push);
    return true;
}

static bool is_for_plugin(const struct xreply *x)
{
    return x->kind == XREPLY_SENDFILE || x->kind == XREPLY_OTHER;
}

static void change_membership(struct inbox *in, struct conn *c, const struct xreply *x)
{
    static struct log_limit limit;
    if (x->channel.what == XREPLY_LEAVE)
        channels_leave(in->channels, c, x->channel.name);
    else if (channels_join(in->channels, c, x->channel.name) != 0)
        log_limited(&limit, LOG_WARN_LEVEL, "handler",
                    "connection %u is in %d channels already, or memory is out: it does not join "
                    "another",
                    c->id, CHANNELS_MOST);
}

/* A send names no connections; if it does, they do not matter. */
static void send_to_channel(struct inbox *in, const struct xreply *x, struct payload *shared,
                            const struct inbox_sender *from)
{
    const struct push plain = {
        .payload = shared, .raw_payload = from->raw_payload, .nul = from->nul};
    in->counters->channel_sends++;
    in->counters->handler_deliveries += fanout(in, x, &plain);
}

static bool deliver_extended(struct inbox *in, const struct handler_reply *reply,
                             struct payload *shared, const struct inbox_sender *from)
{
    struct xreply x;
    enum xreply_status status = xreply_parse(reply->payload, &x);
    if (status == XREPLY_MALFORMED) {
        in->counters->handler_replies_bad++;
        log_malformed(reply->payload, from->name, "the extended part makes no sense");
        return false;
    }
    if (status == XREPLY_OK && x.kind == XREPLY_CHANNEL && x.channel.what == XREPLY_SEND) {
        send_to_channel(in, &x, shared, from);
        return true;
    }
    struct push push = xreply_push(&x);
    push.payload = shared;
    struct slice ids = reply->ids;
    for (uint32_t id; handler_reply_next(&ids, &id);) {
        struct conn *c = registry_find(in->registry, id);
        bool cancels = x.kind == XREPLY_CTL && x.ctl.cancel; /* also what is being flushed */
        if (is_gone(c) && !(cancels && c != NULL && !conn_is_closing(c))) {
            if (!cancels)
                from->unknown(from->arg, id);
            continue;
        }
        uint64_t before = conn_output_total(c);
        if (in->plugin != NULL && is_for_plugin(&x))
            in->plugin(c, x.key, reply->payload);
        else if (status == XREPLY_OK && x.kind == XREPLY_CHANNEL)
            change_membership(in, c, &x);
        else
            xreply_apply(c, status == XREPLY_OK ? &x : NULL, &push);
        if (in->flow_control)
            flow_account(c, before);
    }
    let_go(&push);
    return true;
}

/* NULL: it is. */
static const char *why_not_for_us(const struct inbox *in, const struct handler_reply *r)
{
    if (in->node == NULL || slice_eq(r->sender, slice_str(in->node)))
        return NULL;
    if (in->cluster[0] == '\0' || !slice_eq(r->sender, slice_str(in->cluster)))
        return "it is for another node";
    return r->ids.len > 0 ? "it names connections, but of no node" : NULL;
}

bool inbox_take(struct inbox *in, zmq_msg_t *message, const struct inbox_sender *from)
{
    struct slice bytes = slice_of(zmq_msg_data(message), zmq_msg_size(message));
    struct handler_reply reply;
    in->counters->handler_replies++;
    enum handler_reply_status status = handler_reply_parse(bytes, in->max_targets, &reply);
    if (status != HANDLER_REPLY_OK) {
        in->counters->handler_replies_bad++;
        log_malformed(bytes, from->name, handler_reply_status_text(status));
        return false;
    }
    const char *why = why_not_for_us(in, &reply);
    if (why != NULL) {
        in->counters->handler_replies_bad++;
        log_malformed(bytes, from->name, why);
        return false;
    }
    struct payload *shared = NULL;
    if (reply.payload.len > COPY_MOST) {
        size_t ids_at = (size_t)(reply.ids.ptr - bytes.ptr),
               payload_at = (size_t)(reply.payload.ptr - bytes.ptr);
        shared = payload_of_message(message);
        if (shared != NULL) {
            reply.ids.ptr = shared->bytes + ids_at;
            reply.payload.ptr = shared->bytes + payload_at;
        }
    }
    bool good = reply.extended ? deliver_extended(in, &reply, shared, from)
                               : deliver(in, &reply, shared, from);
    payload_unref(shared);
    return good;
}
