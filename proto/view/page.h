/* The page for operators: what `m2sh status`, `nodes`, `workers`, `log`, `events` and `top` say, in
 * one HTML file without outside resources.
 *
 * The server renders everything; the browser's part is to put the newest rendering in place, which
 * comes as server-sent events. Without JavaScript the page loads itself again. Only that renderer
 * knows HTML: a coordinator and a node that stands alone fill the same struct. */
#ifndef PROTO_VIEW_PAGE_H
#define PROTO_VIEW_PAGE_H

#include "proto/base/buf.h"
#include "proto/model/model.h"
#include "proto/view/history.h"
#include "proto/view/worker_watch.h"
#include "proto/wire/cluster_reply.h"

#include <stdint.h>

/* More are counted, not shown. */
#define PAGE_ROUTES_MAX   200
#define PAGE_NODES_MAX    200 /* the worst */
#define PAGE_WORKERS_MAX  200
#define PAGE_PROBLEMS_MAX 20
#define PAGE_LINES_MAX    15 /* of the time line, written out */

/* What is shown. Tables are those that the cluster protocol's verbs answer; one that is not known
 * is NULL, and its section is left out. */
struct page_view {
    const char *who;     /* who says so: "coordinator main", "node one" */
    const char *problem; /* why all this may be old; NULL: it is not */
    int64_t head;        /* version; 0: no commit */
    const char *scope;   /* of the head; NULL: all nodes */
    const char *held;    /* where a canary stands; NULL or "": there is none */
    bool is_alone;       /* one server, no cluster: there are no revisions */
    const struct cluster_table *nodes, *orders, *log, *events, *pools;
    const struct worker_watch *workers;
    const struct model *config; /* whose routes are listed */
    const struct history *history;
    int64_t now_ms;   /* wall */
    uint64_t tick_ms; /* the clock of `workers` */
};

/* Appends the content: one line of HTML. */
void page_put(struct buf *out, const struct page_view *v);

/* Appends the whole document around a content. */
void page_put_document(struct buf *out, struct slice content);

/* Appends the content as a server-sent event (HTML Living Standard, section 9.2). */
void page_put_event(struct buf *out, struct slice content);

/* Header fields, each with its line end, of the document and of the stream of events. */
#define PAGE_FIELDS                                                                             \
    "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"                     \
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src "       \
    "'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " \
    "frame-ancestors 'self'\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: "            \
    "no-referrer\r\n"
#define PAGE_EVENT_FIELDS \
    "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"

#endif
