/* The page for operators: asks the verbs that m2sh asks, as a client in this process, and renders
 * their answers, at most once a second and only while somebody watches. Who watches: browsers
 * (page_http.h) and nodes, whose dashboards show the same. The curves' figures are gathered always.
 */
#ifndef COORDINATOR_PAGE_H
#define COORDINATOR_PAGE_H

#include "coordinator/page_http.h"
#include "coordinator/requests.h"
#include "proto/view/history.h"
#include "proto/view/worker_watch.h"
#include "proto/wire/cluster_reply.h"

struct coordinator;

enum page_table_id {
    PAGE_NODES,
    PAGE_ORDERS,
    PAGE_LOG,
    PAGE_POOLS,
    PAGE_EVENTS,
    PAGE_TABLES,
    PAGE_WORKERS = PAGE_TABLES, /* not one answer: each node is asked */
};

/* The newest answer to one question. */
struct page_table {
    struct buf bytes;
    struct arena arena;
    struct cluster_reply reply;
    bool is_known;     /* `reply` is a table */
    char problem[256]; /* why it was refused last; "": it was not */
};

struct page {
    struct coordinator *coordinator;
    struct page_http http;
    struct history history;
    struct worker_watch workers;
    struct page_table tables[PAGE_TABLES];
    unsigned awaited;       /* a bit for each question that is open */
    unsigned nodes_awaited; /* of those asked for their workers */
    size_t next_node;       /* whose turn it is */
    uint64_t asked_ms;      /* monotonic; when the round began */
    uint64_t shown_ms;      /* when the content was rendered; 0: never */
    uint64_t wanted_ms;     /* when somebody last asked */
    struct buf content;
    struct list clients; /* that wait for it */
};

void page_init(struct page *p, struct coordinator *c);
/* Serves browsers at `spec` (page_http_open); NULL: the page is for nodes only. */
int page_open(struct page *p, const char *spec, struct error *e);
void page_fini(struct page *p);

/* Once per beat interval. */
void page_tick(struct page *p);

/* An answer to a question of the page has come. */
void page_take_answer(struct page *p, const struct client *to, struct slice message);

/* Answers the client with the content, now if it is of this second, else when there is a new one.
 */
void page_answer(struct page *p, const struct client *to);

#endif
