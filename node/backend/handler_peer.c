/* The notice is a message like a request, but nobody waits for an answer: it may be dropped. */

#include "node/backend/handler_peer.h"

#include "node/backend/classic.h"
#include "proto/base/buf.h"

#include <stdlib.h>
#include <string.h>

struct handler_peer *handler_peer_create(struct backend *backend, const char *ident,
                                         enum handler_format format, struct error *e)
{
    struct handler_peer *p = calloc(1, sizeof *p);
    if (p != NULL)
        p->ident = strdup(ident);
    if (p == NULL || p->ident == NULL) {
        free(p);
        backend_unref(backend);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    p->refs = 1;
    p->backend = backend;
    p->format = format;
    list_push_back(&backend->peers, &p->link);
    return p;
}

struct handler_peer *handler_peer_ref(struct handler_peer *p)
{
    p->refs++;
    return p;
}

void handler_peer_unref(struct handler_peer *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    list_remove(&p->link);
    if (p->recv_ident != NULL)
        classic_unsubscribe(p->backend, p->recv_ident);
    backend_unref(p->backend);
    free(p->recv_ident);
    free(p->ident);
    free(p);
}

/* Frees `text`. */
static void send_notice(struct handler_peer *p, struct buf *text)
{
    zmq_msg_t message;
    if (!text->failed && zmq_msg_init_size(&message, text->len) == 0) {
        memcpy(zmq_msg_data(&message), text->data, text->len);
        p->backend->ops->notice(p->backend, &message);
    }
    buf_fini(text);
}

void handler_peer_disconnected(struct handler_peer *p, uint32_t conn_id)
{
    struct buf text = BUF_INIT;
    handler_request_disconnect(&text, slice_str(p->ident), conn_id, p->format);
    send_notice(p, &text);
}

void handler_peer_credit(struct handler_peer *p, uint32_t conn_id, uint64_t bytes)
{
    struct buf text = BUF_INIT;
    handler_request_credits(&text, slice_str(p->ident), conn_id, p->format, bytes);
    send_notice(p, &text);
}

void handler_peer_report_unknown(struct backend *backend, uint32_t conn_id)
{
    uint32_t *told = &backend->told_unknown[conn_id % BACKEND_TOLD];
    if (list_is_empty(&backend->peers) || (backend->ops->tells_unknown_once && *told == conn_id))
        return;
    *told = conn_id;
    handler_peer_disconnected(container_of(backend->peers.next, struct handler_peer, link),
                              conn_id);
}
