#include "coordinator/page.h"

#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/view/page.h"
#include "proto/wire/control_msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRESH_MS = 900,     /* a content is as good as new */
    PATIENCE_MS = 2000, /* a round that takes longer is shown as far as it is */
    WANTED_MS = 5000,   /* a node that asked asks again */
    NODES_A_ROUND = 64,
    LOG_COUNT = 20,
    EVENT_COUNT = 60,
    CLIENTS_MAX = 2000,
};

struct page_client {
    struct list link;
    struct client client;
};

/* ---- rendering ---------------------------------------------------------------------------- */

static void send_content(struct page *p, const struct client *to)
{
    static const char *const headers[] = {"html", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    cluster_table_begin(&w, &b, to->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_string(&b, buf_slice(&p->content));
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(p->coordinator, to, &b);
}

static const struct cluster_table *table_of(const struct page *p, enum page_table_id id)
{
    return p->tables[id].is_known ? &p->tables[id].reply.table : NULL;
}

static const char *problem_of(const struct page *p)
{
    const struct coordinator *c = p->coordinator;
    if (c->store_problem.code != ERROR_NONE)
        return c->store_problem.text;
    return p->tables[PAGE_LOG].problem[0] != '\0' ? p->tables[PAGE_LOG].problem : NULL;
}

static void render(struct page *p)
{
    const struct coordinator *c = p->coordinator;
    char who[128];
    snprintf(who, sizeof who, "coordinator %.100s", c->config.name);
    struct page_view v = {
        .who = who,
        .problem = problem_of(p),
        .head = (int64_t)c->head.at.version,
        .scope = c->head.scope,
        .held = canary_state(&c->canary),
        .nodes = table_of(p, PAGE_NODES),
        .orders = table_of(p, PAGE_ORDERS),
        .log = table_of(p, PAGE_LOG),
        .events = table_of(p, PAGE_EVENTS),
        .pools = table_of(p, PAGE_POOLS),
        .workers = &p->workers,
        .config = c->head.model,
        .history = &p->history,
        .now_ms = clock_wall_ms(),
        .tick_ms = clock_monotonic_ms(),
    };
    buf_clear(&p->content);
    page_put(&p->content, &v);
}

static void show(struct page *p)
{
    struct error e;
    p->awaited = 0;
    render(p);
    p->shown_ms = clock_monotonic_ms();
    if (!p->content.failed)
        page_http_show(&p->http, buf_slice(&p->content));
    for (struct list *link; (link = list_pop_front(&p->clients)) != NULL;) {
        struct page_client *waiting = container_of(link, struct page_client, link);
        if (p->content.failed) {
            error_set(&e, ERROR_NO_MEMORY, "Out of memory.");
            verb_refuse(p->coordinator, &waiting->client, &e);
        } else {
            send_content(p, &waiting->client);
        }
        free(waiting);
    }
}

/* ---- asking ------------------------------------------------------------------------------- */

static void answered(struct page *p, unsigned question)
{
    if ((p->awaited & (1U << question)) == 0)
        return; /* it was not waited for */
    p->awaited &= ~(1U << question);
    if (p->awaited == 0)
        show(p);
}

void page_take_answer(struct page *p, const struct client *to, struct slice message)
{
    struct error e;
    if (to->seq < 0 || to->seq >= PAGE_TABLES)
        return;
    struct page_table *t = &p->tables[to->seq];
    arena_reset(&t->arena);
    buf_clear(&t->bytes);
    buf_append_slice(&t->bytes, message);
    t->problem[0] = '\0';
    t->is_known = !t->bytes.failed &&
                  cluster_reply_decode(&t->reply, buf_slice(&t->bytes), t->bytes.len, &t->arena,
                                       &e) == 0 &&
                  t->reply.kind == REPLY_TABLE;
    if (!t->is_known && !t->bytes.failed && t->reply.kind == REPLY_ERROR)
        snprintf(t->problem, sizeof t->problem, "%.*s", SLICE_ARG(t->reply.text));
    answered(p, (unsigned)to->seq);
}

static void ask(struct page *p, enum page_table_id id, struct cluster_request *r)
{
    struct client own = {.seq = id};
    p->awaited |= 1U << id;
    verb_find(r->verb)(p->coordinator, &own, r);
}

static void ask_verbs(struct page *p)
{
    static const enum cluster_verb plain[] = {[PAGE_NODES] = CLUSTER_NODES,
                                              [PAGE_ORDERS] = CLUSTER_ORDERS,
                                              [PAGE_LOG] = CLUSTER_LOG,
                                              [PAGE_POOLS] = CLUSTER_POOLS,
                                              [PAGE_EVENTS] = CLUSTER_WATCH};
    for (unsigned id = 0; id < PAGE_TABLES; id++) {
        struct cluster_request r;
        cluster_request_init(&r, plain[id]);
        if (id == PAGE_LOG)
            r.log.count = LOG_COUNT;
        if (id == PAGE_EVENTS) {
            r.watch.since = p->coordinator->events.next_id - 1 - EVENT_COUNT;
            r.watch.count = EVENT_COUNT;
        }
        ask(p, (enum page_table_id)id, &r);
    }
}

/* ---- workers ------------------------------------------------------------------------------ */

static void copy(char out[WORKER_WORD_MAX], const struct control_reply *reply, size_t row,
                 const char *column)
{
    const struct tns_value *cell = control_reply_cell(reply, row, column);
    if (cell != NULL && cell->type == TNS_STRING)
        snprintf(out, WORKER_WORD_MAX, "%.*s", SLICE_ARG(cell->string));
}

static int64_t number(const struct control_reply *reply, size_t row, const char *column)
{
    const struct tns_value *cell = control_reply_cell(reply, row, column);
    return cell != NULL && cell->type == TNS_INT ? cell->integer : 0;
}

static void see_workers(struct page *p, const char *node, const struct control_reply *reply)
{
    uint64_t now_ms = clock_monotonic_ms();
    for (size_t row = 0; row < reply->rows->item_count; row++) {
        struct worker_seen s = {.capacity = number(reply, row, "capacity"),
                                .in_flight = number(reply, row, "in_flight"),
                                .pid = number(reply, row, "pid")};
        const struct tns_value *leaving = control_reply_cell(reply, row, "leaving");
        s.leaving = leaving != NULL && leaving->type == TNS_BOOL && leaving->boolean;
        snprintf(s.node, sizeof s.node, "%s", node);
        copy(s.pool, reply, row, "pool");
        copy(s.uuid, reply, row, "worker");
        copy(s.name, reply, row, "name");
        copy(s.host, reply, row, "host");
        worker_watch_see(&p->workers, &s, now_ms);
    }
    worker_watch_node_done(&p->workers, slice_str(node), now_ms);
}

static void on_workers(void *arg, const char *node, struct slice bytes, const struct error *e)
{
    struct page *p = arg;
    struct control_reply reply;
    struct error bad;
    struct arena a;
    arena_init(&a, 0);
    if (e == NULL && control_reply_parse(bytes, &a, NULL, &reply, &bad) == 0 &&
        reply.kind == CONTROL_REPLY_TABLE)
        see_workers(p, node, &reply);
    arena_fini(&a);
    if (--p->nodes_awaited == 0)
        answered(p, PAGE_WORKERS);
}

static bool is_live(void *arg, struct slice node)
{
    return map_get(arg, node) != NULL;
}

/* Of nodes that have gone no worker is remembered. Out of memory: until the next round. */
static void forget_gone(struct page *p)
{
    struct map live = MAP_INIT;
    bool is_whole = true;
    struct members *ms = &p->coordinator->members;
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it)) {
        struct member *m = member_of(it);
        if (member_is_live(m))
            is_whole &= map_put(&live, slice_str(m->name), m, NULL) == 0;
    }
    if (is_whole)
        worker_watch_keep(&p->workers, is_live, &live);
    map_fini(&live, NULL);
}

/* In turn when there are many nodes: the figures are then some seconds old. */
static void ask_workers(struct page *p)
{
    struct coordinator *c = p->coordinator;
    struct buf request = BUF_INIT;
    size_t count = map_count(&c->members.by_uuid), place = 0, asked = 0;
    struct control_request_mark mark = control_request_begin(&request, "workers", CONTROL_NO_SEQ);
    control_request_end(&request, mark);
    forget_gone(p);
    if (p->next_node >= count)
        p->next_node = 0;
    p->awaited |= 1U << PAGE_WORKERS;
    p->nodes_awaited++; /* ours: answers may come while we ask */
    for (struct map_entry *it = map_first(&c->members.by_uuid); it != NULL; it = map_next(it)) {
        const struct member *m = member_of(it);
        if (place++ < p->next_node || asked == NODES_A_ROUND)
            continue;
        asked++;
        p->next_node = place;
        if (!member_is_live(m) || m->pools.count == 0)
            continue;
        p->nodes_awaited++;
        forward_control(&c->forward, m, buf_slice(&request), on_workers, p);
    }
    buf_fini(&request);
    if (--p->nodes_awaited == 0)
        answered(p, PAGE_WORKERS);
}

/* ---- rounds ------------------------------------------------------------------------------- */

/* The last question is asked last, so a round of answers that come at once is shown once. */
static void ask_all(struct page *p)
{
    p->asked_ms = clock_monotonic_ms();
    p->awaited = 1U << PAGE_WORKERS;
    ask_verbs(p);
    ask_workers(p);
}

static void on_want(void *arg)
{
    struct page *p = arg;
    p->wanted_ms = clock_monotonic_ms();
    if (p->awaited == 0 && p->coordinator->is_ready)
        ask_all(p);
}

void page_answer(struct page *p, const struct client *to)
{
    uint64_t now_ms = clock_monotonic_ms();
    struct error e;
    p->wanted_ms = now_ms;
    if (p->shown_ms > 0 && now_ms - p->shown_ms < FRESH_MS && !p->content.failed) {
        send_content(p, to);
        return;
    }
    size_t waiting = 0;
    list_for_each (it, &p->clients)
        waiting++;
    struct page_client *client = waiting < CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;
    if (client == NULL) {
        error_set(&e, ERROR_NO_MEMORY, "Too many wait for the page.");
        verb_refuse(p->coordinator, to, &e);
        return;
    }
    client->client = *to;
    list_push_back(&p->clients, &client->link);
    on_want(p);
}

static void gather(struct page *p)
{
    struct members *ms = &p->coordinator->members;
    struct history_second s = {.requests = (uint32_t)ms->flow.requests,
                               .errors = (uint32_t)ms->flow.errors,
                               .p99_us = (uint32_t)histogram_quantile(&ms->flow.latency, 0.99)};
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it))
        if (member_is_live(member_of(it)))
            s.connections += (uint32_t)member_of(it)->connections;
    memset(&ms->flow, 0, sizeof ms->flow);
    history_add(&p->history, clock_wall_ms(), &s);
}

void page_tick(struct page *p)
{
    uint64_t now_ms = clock_monotonic_ms();
    gather(p);
    if (p->awaited != 0 && now_ms - p->asked_ms >= PATIENCE_MS)
        show(p);
    bool is_wanted = page_http_is_watched(&p->http) ||
                     (p->wanted_ms > 0 && now_ms - p->wanted_ms < WANTED_MS);
    if (is_wanted && p->awaited == 0 && p->coordinator->is_ready)
        ask_all(p);
}

/* ---- life --------------------------------------------------------------------------------- */

void page_init(struct page *p, struct coordinator *c)
{
    p->coordinator = c;
    worker_watch_init(&p->workers);
    list_init(&p->clients);
    p->http.fd = -1;
    for (size_t i = 0; i < PAGE_TABLES; i++)
        arena_init(&p->tables[i].arena, 0);
}

int page_open(struct page *p, const char *spec, struct error *e)
{
    if (spec == NULL)
        return 0;
    return page_http_open(&p->http, p->coordinator->loop, spec,
                          p->coordinator->config.security.insecure, on_want, p, e);
}

void page_fini(struct page *p)
{
    page_http_close(&p->http);
    for (struct list *link; (link = list_pop_front(&p->clients)) != NULL;)
        free(container_of(link, struct page_client, link));
    for (size_t i = 0; i < PAGE_TABLES; i++) {
        arena_fini(&p->tables[i].arena);
        buf_fini(&p->tables[i].bytes);
    }
    worker_watch_fini(&p->workers);
    buf_fini(&p->content);
}
