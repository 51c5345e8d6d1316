/* The node answers with our seq, the client with its own; the table in between is the answer's own
 * form, so only the seq is exchanged. */

#include "coordinator/forward.h"

#include "proto/base/clock.h"
#include "proto/wire/cluster_reply.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 5000 };

struct waiting {
    struct list link;
    int64_t seq;
    struct client client;
    uint64_t deadline_ms;
    char node[65];
};

void forward_init(struct forward *f, struct requests *requests)
{
    *f = (struct forward){.requests = requests, .next_seq = 1};
    list_init(&f->waiting);
}

void forward_fini(struct forward *f)
{
    if (f->requests == NULL)
        return;
    for (struct list *link; (link = list_pop_front(&f->waiting)) != NULL;)
        free(container_of(link, struct waiting, link));
}

static void refuse(struct forward *f, const struct client *client, enum error_code code,
                   const char *node, const char *why)
{
    struct error e;
    error_set_object(&e, code, node, "Node %s %s", node, why);
    requests_send_error(f->requests, client, &e, NULL);
}

void forward_control(struct forward *f, const struct client *client, const struct member *to,
                     struct slice request)
{
    struct cluster_request r;
    struct buf b = BUF_INIT;
    struct waiting *w = calloc(1, sizeof *w);
    cluster_request_init(&r, CLUSTER_CONTROL);
    r.seq = f->next_seq++;
    r.control.node = slice_str(to->uuid);
    r.control.request = request;
    cluster_request_encode(&b, &r);
    if (w == NULL || b.failed) {
        refuse(f, client, ERROR_NO_MEMORY, to->name, "was not asked: out of memory.");
        free(w);
    } else if (!requests_send_peer(f->requests, &to->peer, buf_slice(&b))) {
        refuse(f, client, ERROR_UNREACHABLE, to->name, "is not connected to the coordinator.");
        free(w);
    } else {
        *w = (struct waiting){
            .seq = r.seq, .client = *client, .deadline_ms = clock_monotonic_ms() + WAIT_MS};
        snprintf(w->node, sizeof w->node, "%s", to->name);
        list_push_back(&f->waiting, &w->link);
    }
    buf_fini(&b);
}

static struct waiting *find(struct forward *f, int64_t seq)
{
    list_for_each (it, &f->waiting) {
        struct waiting *w = container_of(it, struct waiting, link);
        if (w->seq == seq)
            return w;
    }
    return NULL;
}

static void pass_on(struct forward *f, const struct waiting *w, const struct cluster_reply *reply)
{
    static const char *const headers[] = {"reply", NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer t;
    struct error e;
    if (reply->kind == REPLY_ERROR) {
        cluster_reply_error(reply, &e);
        cluster_error_put(&b, w->client.seq, &e, NULL);
    } else {
        cluster_table_begin(&t, &b, w->client.seq, NULL, headers);
        cluster_row_begin(&t);
        tns_put_string(&b, cluster_table_text(&reply->table, 0, "reply"));
        cluster_row_end(&t);
        cluster_table_end(&t);
    }
    if (!b.failed)
        requests_send(f->requests, &w->client, buf_slice(&b));
    buf_fini(&b);
}

void forward_answer(struct forward *f, struct slice message)
{
    struct cluster_reply reply;
    struct arena a;
    arena_init(&a, 0);
    struct waiting *w = NULL;
    if (cluster_reply_decode(&reply, message, CLUSTER_MESSAGE_MAX, &a, NULL) == 0)
        w = find(f, reply.seq);
    if (w != NULL) {
        pass_on(f, w, &reply);
        list_remove(&w->link);
        free(w);
    }
    arena_fini(&a);
}

void forward_tick(struct forward *f, uint64_t now_ms)
{
    list_for_each_safe (it, &f->waiting) {
        struct waiting *w = container_of(it, struct waiting, link);
        if (now_ms < w->deadline_ms)
            continue;
        refuse(f, &w->client, ERROR_TIMEOUT, w->node, "has not answered in five seconds.");
        list_remove(&w->link);
        free(w);
    }
}
