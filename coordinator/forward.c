/* The node answers with our seq; whoever waits is found by it. */

#include "coordinator/forward.h"

#include "proto/base/clock.h"
#include "proto/wire/cluster_reply.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 5000 };

struct waiting {
    struct list link;
    int64_t seq;
    forward_done *done;
    void *arg;
    uint64_t deadline_ms;
    char node[65];
};

void forward_init(struct forward *f, struct requests *requests)
{
    *f = (struct forward){.requests = requests, .next_seq = 1};
    list_init(&f->waiting);
}

static void fail(forward_done *done, void *arg, const char *node, enum error_code code,
                 const char *why)
{
    struct error e;
    error_set_object(&e, code, node, "Node %s %s", node, why);
    done(arg, node, SLICE_EMPTY, &e);
}

static void give_up(struct waiting *w, enum error_code code, const char *why)
{
    list_remove(&w->link);
    fail(w->done, w->arg, w->node, code, why);
    free(w);
}

void forward_fini(struct forward *f)
{
    if (f->requests == NULL)
        return;
    while (!list_is_empty(&f->waiting))
        give_up(container_of(f->waiting.next, struct waiting, link), ERROR_UNREACHABLE,
                "was asked, but the coordinator is stopping.");
}

void forward_control(struct forward *f, const struct member *to, struct slice request,
                     forward_done *done, void *arg)
{
    struct cluster_request r;
    struct buf b = BUF_INIT;
    struct waiting *w = calloc(1, sizeof *w);
    cluster_request_init(&r, CLUSTER_CONTROL);
    r.seq = f->next_seq++;
    r.control.node = slice_str(to->uuid);
    r.control.request = request;
    cluster_request_encode(&b, &r);
    bool failed = w == NULL || b.failed;
    bool sent = !failed && requests_send_peer(f->requests, &to->peer, buf_slice(&b));
    buf_fini(&b);
    if (!sent) {
        free(w);
        if (failed)
            fail(done, arg, to->name, ERROR_NO_MEMORY, "was not asked: out of memory.");
        else
            fail(done, arg, to->name, ERROR_UNREACHABLE, "is not connected to the coordinator.");
        return;
    }
    *w = (struct waiting){
        .seq = r.seq, .done = done, .arg = arg, .deadline_ms = clock_monotonic_ms() + WAIT_MS};
    snprintf(w->node, sizeof w->node, "%s", to->name);
    list_push_back(&f->waiting, &w->link);
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

void forward_answer(struct forward *f, struct slice message)
{
    struct cluster_reply reply;
    struct error e;
    struct arena a;
    arena_init(&a, 0);
    struct waiting *w = NULL;
    if (cluster_reply_decode(&reply, message, CLUSTER_MESSAGE_MAX, &a, NULL) == 0)
        w = find(f, reply.seq);
    if (w != NULL) {
        list_remove(&w->link);
        if (reply.kind == REPLY_ERROR) {
            cluster_reply_error(&reply, &e);
            w->done(w->arg, w->node, SLICE_EMPTY, &e);
        } else {
            w->done(w->arg, w->node, cluster_table_text(&reply.table, 0, "reply"), NULL);
        }
        free(w);
    }
    arena_fini(&a);
}

void forward_tick(struct forward *f, uint64_t now_ms)
{
    list_for_each_safe (it, &f->waiting) {
        struct waiting *w = container_of(it, struct waiting, link);
        if (now_ms >= w->deadline_ms)
            give_up(w, ERROR_TIMEOUT, "has not answered in five seconds.");
    }
}
