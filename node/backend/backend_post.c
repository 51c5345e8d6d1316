/* A post is a request with nobody behind it. It reports once to its poster, when it leaves the node
 * or is refused; a pool keeps it for a while longer, because a worker may hand it back. */

#include "node/backend/backend_post.h"

#include <stdlib.h>

struct post {
    struct backend_request request;
    struct backend_poster *poster; /* NULL once it has reported, or the connection has gone */
    struct list link;              /* in poster->waiting */
};

static const bool never_answered = false;

static struct post *of(struct backend_request *r)
{
    return container_of(r, struct post, request);
}

static void report(struct post *post, int status)
{
    struct backend_poster *p = post->poster;
    if (p == NULL)
        return;
    post->poster = NULL;
    list_remove(&post->link);
    p->count--;
    p->settled(p, status);
}

static void post_failed(struct backend_request *r, int status)
{
    report(of(r), status);
    free(of(r));
}

void backend_post_left(struct backend_request *r)
{
    report(of(r), 0);
}

void backend_post_delivered(struct backend_request *r)
{
    report(of(r), 0);
    zmq_msg_close(&r->message);
    free(of(r));
}

void backend_poster_init(struct backend_poster *p,
                         void (*settled)(struct backend_poster *p, int status))
{
    list_init(&p->waiting);
    p->count = 0;
    p->settled = settled;
}

void backend_poster_fini(struct backend_poster *p)
{
    if (p->settled == NULL)
        return;
    for (struct list *it; (it = list_pop_front(&p->waiting)) != NULL;)
        container_of(it, struct post, link)->poster = NULL;
    p->count = 0;
}

int backend_post(struct backend *b, struct backend_poster *poster, uint32_t conn_id,
                 zmq_msg_t *message)
{
    struct post *post = calloc(1, sizeof *post);
    if (post == NULL) {
        zmq_msg_close(message);
        return -1;
    }
    backend_request_init(&post->request, post_failed);
    zmq_msg_move(&post->request.message, message);
    zmq_msg_close(message);
    post->request.one_way = true;
    post->request.answer_begun = &never_answered;
    post->request.conn_id = conn_id;
    post->poster = poster;
    if (poster != NULL) {
        list_push_back(&poster->waiting, &post->link);
        poster->count++;
    }
    b->ops->send(b, &post->request);
    return 0;
}
