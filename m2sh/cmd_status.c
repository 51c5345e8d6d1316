/* status: the cluster on one screen. What is worst comes first, in words, with the command that
 * deals with it; exit status 1 when anything is wrong. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/coordinators.h"
#include "m2sh/node_table.h"
#include "proto/base/clock.h"
#include "proto/view/moment.h"
#include "proto/view/problems.h"

struct report {
    struct node_table nodes;
    struct coordinators coordinators;
    struct arena arena;
    struct problems problems;
};

static void judge_coordinators(struct report *r)
{
    const struct coordinators *cs = &r->coordinators;
    bool led = false;
    for (size_t i = 0; i < cs->count; i++) {
        const struct coordinator_view *v = &cs->list[i];
        led = led || v->leads;
        if (!v->answers)
            problems_add(&r->problems, NODE_SUSPECT, "mongrel2-coordinator -store URL -listen SPEC",
                         "the coordinator at %s is missing: %s", v->spec, v->problem);
        else if (v->problem[0] != '\0')
            problems_add(&r->problems, NODE_LOST,
                         xarena_printf(&r->arena, "m2sh events -cluster %s", v->spec),
                         "coordinator %s cannot push: %s", v->name, v->problem);
    }
    if (!led)
        problems_add(&r->problems, NODE_LOST, "m2sh status",
                     "no coordinator leads, so nothing can be pushed");
}

static void judge(struct report *r)
{
    problems_init(&r->problems, &r->arena);
    judge_coordinators(r);
    problems_of_nodes(&r->problems, r->nodes.rows, r->nodes.head);
    problems_sort(&r->problems);
    if (r->problems.failed)
        xalloc_die();
}

static void put_served(const struct node_table *t, struct buf *out)
{
    buf_append_char(out, ' ');
    problems_put_served(out, t->head, t->held[0] != '\0');
    buf_append_str(out, ".\n");
}

static void put_headline(const struct report *r, const struct out_term *term, struct buf *out)
{
    size_t rows = r->nodes.rows->row_count;
    if (r->problems.count == 0) {
        buf_printf(out, "%sAll is well:%s %zu node%s serve%s", out_term_begin(term, OUT_GOOD),
                   out_term_end(term, OUT_GOOD), rows, rows == 1 ? "" : "s", rows == 1 ? "s" : "");
        put_served(&r->nodes, out);
        return;
    }
    const struct problem *worst = &r->problems.list[0];
    buf_printf(out, "%s%zu thing%s wrong:%s %s.\n", out_term_begin(term, OUT_BAD),
               r->problems.count, r->problems.count == 1 ? " is" : "s are",
               out_term_end(term, OUT_BAD), worst->text);
    for (size_t i = 0; i < r->problems.count; i++)
        buf_printf(out, "  %s\n      %s\n", r->problems.list[i].text, r->problems.list[i].command);
    buf_printf(out, "%zu of %zu nodes serve", r->problems.synced, rows);
    put_served(&r->nodes, out);
}

/* The newest commit: who, when, why. */
static void put_commit(const struct cluster_table *t, struct buf *out)
{
    char when[MOMENT_LEN + 1], age[MOMENT_AGE_LEN + 1];
    for (size_t row = 0; row < t->row_count; row++) {
        if (!slice_eq(cluster_table_text(t, row, "kind"), SLICE("commit")))
            continue;
        int64_t when_ms = cluster_table_int(t, row, "when_ms");
        moment_format(when_ms, when);
        moment_age(when_ms, age);
        buf_printf(out, "Revision %lld: %.*s (%.*s@%.*s, %s, %s)\n",
                   (long long)cluster_table_int(t, row, "version"),
                   SLICE_ARG(cluster_table_text(t, row, "why")),
                   SLICE_ARG(cluster_table_text(t, row, "who")),
                   SLICE_ARG(cluster_table_text(t, row, "where")), when, age);
        return;
    }
}

/* What persons have ordered, and how each is undone. */
static void put_orders(const struct cluster_table *t, struct buf *out)
{
    char age[MOMENT_AGE_LEN + 1];
    for (size_t row = 0; row < t->row_count; row++) {
        bool drain = slice_eq(cluster_table_text(t, row, "order"), SLICE("drain"));
        struct slice target = cluster_table_text(t, row, "target");
        int64_t expires_ms = cluster_table_int(t, row, "expires_ms");
        moment_age(cluster_table_int(t, row, "when_ms"), age);
        buf_printf(out, "%s %.*s is %s by order of %.*s (%.*s, %s", drain ? "Node" : "Pool",
                   SLICE_ARG(target), drain ? "drained" : "paused",
                   SLICE_ARG(cluster_table_text(t, row, "who")),
                   SLICE_ARG(cluster_table_text(t, row, "why")), age);
        if (expires_ms > 0)
            buf_printf(out, ", %lld s left", (long long)(expires_ms - clock_wall_ms()) / 1000);
        buf_printf(out, ")\n      m2sh %s %.*s\n", drain ? "undrain -node" : "resume -pool",
                   SLICE_ARG(target));
    }
}

static void put_coordinators_json(const struct coordinators *cs, struct out_json *j)
{
    out_json_key(j, "coordinators");
    out_json_array(j);
    for (size_t i = 0; i < cs->count; i++) {
        const struct coordinator_view *v = &cs->list[i];
        out_json_object(j);
        out_json_pair_str(j, "at", v->spec);
        out_json_pair_str(j, "name", v->name);
        out_json_pair_bool(j, "answers", v->answers);
        out_json_pair_bool(j, "leads", v->leads);
        out_json_pair_str(j, "problem", v->problem);
        out_json_end(j);
    }
    out_json_end(j);
}

static enum status print_json(const struct report *r, struct cluster *cl)
{
    struct cluster_request request;
    const struct cluster_reply *reply;
    struct buf out = BUF_INIT;
    struct out_json j;
    enum status status;
    out_json_init(&j, &out);
    out_json_object(&j);
    out_json_pair_bool(&j, "well", r->problems.count == 0);
    out_json_pair_int(&j, "head", r->nodes.head);
    out_json_pair_int(&j, "nodes", (int64_t)r->nodes.rows->row_count);
    out_json_pair_int(&j, "synced", (int64_t)r->problems.synced);
    out_json_pair_str(&j, "held", r->nodes.held);
    out_json_pair_str(&j, "scope", r->nodes.scope);
    out_json_key(&j, "problems");
    out_json_array(&j);
    for (size_t i = 0; i < r->problems.count; i++) {
        out_json_object(&j);
        out_json_pair_str(&j, "text", r->problems.list[i].text);
        out_json_pair_str(&j, "command", r->problems.list[i].command);
        out_json_end(&j);
    }
    out_json_end(&j);
    put_coordinators_json(&r->coordinators, &j);
    cluster_request_init(&request, CLUSTER_ORDERS);
    status = cluster_ask_again(cl, &request, 10000, NULL, NULL, &reply);
    if (status == STATUS_DONE) {
        out_json_key(&j, "orders");
        cluster_put_json(&reply->table, &j);
        cluster_request_init(&request, CLUSTER_LOG);
        request.log.count = 10;
        status = cluster_ask_again(cl, &request, 10000, NULL, NULL, &reply);
    }
    if (status == STATUS_DONE) {
        out_json_key(&j, "log");
        cluster_put_json(&reply->table, &j);
        out_json_end(&j);
        buf_append_char(&out, '\n');
        cmd_print(&out);
    }
    buf_fini(&out);
    return status;
}

/* A head that not all nodes are meant to serve, yet or ever. */
static void put_held(const struct node_table *t, struct buf *out)
{
    if (t->held[0] != '\0')
        buf_printf(out,
                   "Revision %lld is held at its canary, %s. %s\n"
                   "      m2sh promote -rev %lld\n      m2sh abort -rev %lld -why TEXT\n",
                   (long long)t->head, t->scope, t->held, (long long)t->head, (long long)t->head);
}

static enum status print_text(const struct report *r, struct cluster *cl, const struct call *c)
{
    struct cluster_request request;
    const struct cluster_reply *reply;
    struct buf out = BUF_INIT;
    put_headline(r, &c->term, &out);
    put_held(&r->nodes, &out);
    cluster_request_init(&request, CLUSTER_ORDERS);
    enum status status = cluster_ask_again(cl, &request, 10000, NULL, NULL, &reply);
    if (status == STATUS_DONE) {
        put_orders(&reply->table, &out);
        cluster_request_init(&request, CLUSTER_LOG);
        request.log.count = 10;
        status = cluster_ask_again(cl, &request, 10000, NULL, NULL, &reply);
    }
    if (status == STATUS_DONE)
        put_commit(&reply->table, &out);
    coordinators_put(&r->coordinators, &out);
    cmd_print(&out);
    return status;
}

/* Judges, then asks for more: that answer takes the place of the nodes'. */
static enum status report(struct report *r, struct cluster *cl, const struct call *c)
{
    struct error e;
    if (coordinators_read(&r->coordinators, c, &r->arena, &e) != 0) {
        cluster_close(cl);
        return cmd_fail(c, &e);
    }
    judge(r);
    struct cluster_table rows = {.row_count = r->nodes.rows->row_count};
    r->nodes.rows = &rows;
    enum status status = c->json ? print_json(r, cl) : print_text(r, cl, c);
    if (status != STATUS_DONE)
        return status;
    cluster_close(cl);
    return r->problems.count > 0 ? STATUS_NO : STATUS_DONE;
}

static enum status run(struct call *c)
{
    struct cluster cl;
    struct report r = {.problems = {.count = 0}};
    enum status status = node_table_read(&r.nodes, &cl, c, NULL);
    if (status != STATUS_DONE)
        return status;
    arena_init(&r.arena, 0);
    status = report(&r, &cl, c);
    arena_fini(&r.arena);
    return status;
}

const struct cmd cmd_status = {
    .name = "status",
    .help = "The cluster on one screen.",
    .arguments = "[-cluster SPEC]",
    .more = "Exit status 0: all nodes serve the head; 1: something is wrong, the worst first.",
    .options = (const struct args_option[]){OPTIONS_CLUSTER, OPTION_END},
    .run = run,
};
