/* The question is an object of its own, because the side thread may still be asking when nobody
 * wants to know any more. */

#include "node/io/resolve.h"

#include "proto/base/list.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
    struct evwork_job job;
    char host[256];
    char port[8];
    struct dial_address found[RESOLVE_MOST];
    int count;
    const char *why;
    resolve_done *done; /* NULL: cancelled */
    void *arg;
};

void resolver_init(struct resolver *r, struct loop *loop)
{
    *r = (struct resolver){.loop = loop};
}

void resolver_fini(struct resolver *r)
{
    evwork_destroy(&r->work);
}

/* On the side thread. */
static void run(struct evwork_job *job)
{
    struct resolve *q = container_of(job, struct resolve, job);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    int error = getaddrinfo(q->host, q->port, &hints, &all);
    q->why = error != 0 ? gai_strerror(error) : "it has no address";
    for (struct addrinfo *a = all; a != NULL && q->count < RESOLVE_MOST; a = a->ai_next) {
        if (a->ai_addrlen > sizeof q->found[0].sa)
            continue;
        memcpy(&q->found[q->count].sa, a->ai_addr, a->ai_addrlen);
        q->found[q->count++].len = a->ai_addrlen;
    }
    if (all != NULL)
        freeaddrinfo(all);
}

static void finished(struct evwork_job *job)
{
    struct resolve *q = container_of(job, struct resolve, job);
    if (q->done != NULL)
        q->done(q->arg, q->found, q->count, q->why);
    free(q);
}

struct resolve *resolve_start(struct resolver *r, const char *spec, resolve_done *done, void *arg)
{
    struct error e;
    if (r->work == NULL && evwork_create(&r->work, r->loop->ev, &e) != 0)
        return NULL;
    struct resolve *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    const char *colon = strrchr(spec, ':');
    snprintf(q->host, sizeof q->host, "%.*s", (int)(colon - spec), spec);
    snprintf(q->port, sizeof q->port, "%s", colon + 1);
    q->job = (struct evwork_job){.run = run, .done = finished};
    q->done = done;
    q->arg = arg;
    evwork_submit(r->work, &q->job);
    return q;
}

void resolve_cancel(struct resolve *q)
{
    if (q != NULL)
        q->done = NULL;
}
