/* Each section has an id: the browser replaces those that differ. */

#include "proto/view/page.h"

#include "proto/view/moment.h"
#include "proto/view/node_word.h"
#include "proto/view/page_parts.h"
#include "proto/view/problems.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

extern const char page_html[]; /* page.html */

static const char content_mark[] = "<!--content-->";

void page_section(struct buf *out, const char *id, const char *title, const char *command,
                  const char *other)
{
    buf_printf(out, "<section id=\"%s\"><h2>%s ", id, title);
    html_put_command(out, command);
    if (other != NULL) {
        buf_append_char(out, ' ');
        html_put_command(out, other);
    }
    buf_append_str(out, "</h2>");
}

void page_section_end(struct buf *out)
{
    buf_append_str(out, "</section>");
}

void page_put_more(struct buf *out, size_t count, size_t shown)
{
    if (count > shown)
        buf_printf(out, "<p>And %zu more.</p>", count - shown);
}

/* ---- the headline ------------------------------------------------------------------------- */

static void put_headline(struct buf *out, const struct page_view *v, const struct problems *p)
{
    bool is_held = v->held != NULL && v->held[0] != '\0';
    if (p->count > 0) {
        buf_printf(out, "%zu thing%s wrong: ", p->count, p->count == 1 ? " is" : "s are");
        html_put_str(out, p->list[0].text);
    } else if (v->is_alone) {
        buf_append_str(out, "All is well: this server serves its configuration");
    } else {
        buf_printf(out, "All is well: %zu node%s serve%s ", p->nodes, p->nodes == 1 ? "" : "s",
                   p->nodes == 1 ? "s" : "");
        problems_put_served(out, v->head, is_held);
    }
    buf_append_char(out, '.');
}

static void put_problems(struct buf *out, const struct page_view *v, const struct problems *p)
{
    bool is_bad = p->count > 0 && node_word_is_bad(p->list[0].rank);
    buf_printf(out, "<header id=\"verdict\" class=\"%s\"><h1>",
               p->count == 0 ? "good"
               : is_bad      ? "bad"
                             : "warn");
    put_headline(out, v, p);
    buf_append_str(out, "</h1>");
    if (p->count > 0) {
        buf_append_str(out, "<ul>");
        for (size_t i = 0; i < p->count && i < PAGE_PROBLEMS_MAX; i++) {
            buf_append_str(out, "<li>");
            html_put_str(out, p->list[i].text);
            buf_append_char(out, ' ');
            html_put_command(out, p->list[i].command);
            buf_append_str(out, "</li>");
        }
        buf_append_str(out, "</ul>");
        page_put_more(out, p->count, PAGE_PROBLEMS_MAX);
    }
    buf_append_str(out, "<p>As ");
    html_put_str(out, v->who);
    buf_append_str(out, " sees it ");
    html_put_command(out, v->is_alone ? "m2sh control" : "m2sh status");
    buf_append_str(out, "</p></header>");
}

/* Pools that nobody serves are no matter of nodes. */
static void judge_pools(struct problems *p, const struct page_digest *d, bool is_alone)
{
    char command[128];
    for (struct map_entry *it = map_first(&d->pools); it != NULL; it = map_next(it)) {
        struct slice pool = map_key(it);
        if (((const struct page_pool *)map_value(it))->workers > 0)
            continue;
        if (is_alone)
            snprintf(command, sizeof command, "m2sh control -cmd workers");
        else
            snprintf(command, sizeof command, "m2sh workers -pool %.*s", SLICE_ARG(pool));
        problems_add(p, NODE_LOST, command, "pool %.*s has no worker", SLICE_ARG(pool));
    }
}

/* ---- the revision ------------------------------------------------------------------------- */

static void put_author(struct buf *out, const struct cluster_table *t, size_t row)
{
    char when[MOMENT_LEN + 1], age[MOMENT_AGE_LEN + 1];
    int64_t when_ms = cluster_table_int(t, row, "when_ms");
    moment_format(when_ms, when);
    moment_age(when_ms, age);
    html_put(out, cluster_table_text(t, row, "who"));
    buf_append_char(out, '@');
    html_put(out, cluster_table_text(t, row, "where"));
    buf_printf(out, ", <time title=\"%s UTC\">%s</time>", when, age);
}

static void put_commit(struct buf *out, const struct cluster_table *log)
{
    for (size_t row = 0; log != NULL && row < log->row_count; row++) {
        if (!slice_eq(cluster_table_text(log, row, "kind"), SLICE("commit")))
            continue;
        struct slice effect = cluster_table_text(log, row, "effect");
        buf_append_str(out, "<p class=\"why\">");
        html_put(out, cluster_table_text(log, row, "why"));
        buf_append_str(out, "</p><p>");
        put_author(out, log, row);
        buf_append_str(out, "</p>");
        if (effect.len > 0) {
            buf_append_str(out, "<p>Effect: ");
            html_put(out, effect);
            buf_append_str(out, "</p>");
        }
        return;
    }
}

static void put_orders(struct buf *out, const struct page_view *v)
{
    const struct cluster_table *t = v->orders;
    for (size_t row = 0; t != NULL && row < t->row_count; row++) {
        bool drain = slice_eq(cluster_table_text(t, row, "order"), SLICE("drain"));
        char command[128];
        struct slice target = cluster_table_text(t, row, "target");
        int64_t expires_ms = cluster_table_int(t, row, "expires_ms");
        snprintf(command, sizeof command, "m2sh %s %.*s", drain ? "undrain -node" : "resume -pool",
                 SLICE_ARG(target));
        buf_printf(out, "<p class=\"warn\">%s ", drain ? "Node" : "Pool");
        html_put(out, target);
        buf_printf(out, " is %s by order of ", drain ? "drained" : "paused");
        put_author(out, t, row);
        buf_append_str(out, ": ");
        html_put(out, cluster_table_text(t, row, "why"));
        if (expires_ms > 0)
            buf_printf(out, ", %" PRId64 " s left", (expires_ms - v->now_ms) / 1000);
        buf_append_char(out, ' ');
        html_put_command(out, command);
        buf_append_str(out, "</p>");
    }
}

static void put_revision(struct buf *out, const struct page_view *v, const struct problems *p)
{
    if (v->is_alone || v->nodes == NULL)
        return;
    buf_printf(out, "<section id=\"revision\"><h2>Revision %" PRId64 " ", v->head);
    html_put_command(out, "m2sh log");
    buf_append_str(out, "</h2>");
    put_commit(out, v->log);
    buf_printf(
        out,
        "<p><meter min=\"0\" max=\"%zu\" value=\"%zu\"></meter> <b title=\"m2sh status\">%zu "
        "of %zu</b> nodes serve ",
        p->nodes > 0 ? p->nodes : 1, p->synced, p->synced, p->nodes);
    problems_put_served(out, v->head, v->held != NULL && v->held[0] != '\0');
    buf_append_str(out, ".</p>");
    if (v->held != NULL && v->held[0] != '\0') {
        buf_printf(out, "<p class=\"warn\">Revision %" PRId64 " is held at its canary, ", v->head);
        html_put_str(out, v->scope);
        buf_append_str(out, ". ");
        html_put_str(out, v->held);
        buf_printf(out,
                   " <code>m2sh promote -rev %" PRId64 "</code> <code>m2sh abort -rev %" PRId64
                   " -why TEXT</code></p>",
                   v->head, v->head);
    }
    put_orders(out, v);
    page_section_end(out);
}

/* ---- nodes -------------------------------------------------------------------------------- */

static const char *word_class(enum node_word word)
{
    return word == NODE_SYNCED ? "good" : node_word_is_bad(word) ? "bad" : "warn";
}

static void put_int(struct buf *out, const struct cluster_table *t, size_t row, const char *column)
{
    buf_printf(out, "<td title=\"m2sh nodes\">%" PRId64 "</td>", cluster_table_int(t, row, column));
}

static void put_scaled(struct buf *out, const struct cluster_table *t, size_t row,
                       const char *column)
{
    buf_printf(out, "<td title=\"m2sh nodes\">%.1f</td>",
               (double)cluster_table_int(t, row, column) / 1000);
}

static void put_node(struct buf *out, const struct page_view *v, size_t row)
{
    const struct cluster_table *t = v->nodes;
    enum node_word word = node_word_of(t, row, v->head);
    const char *shown = v->is_alone && word == NODE_SYNCED ? "SERVES" : node_word_name(word);
    buf_append_str(out, "<tr><th scope=\"row\">");
    html_put(out, cluster_table_text(t, row, "node"));
    buf_printf(out, "</th><td class=\"%s\">%s</td>", word_class(word), shown);
    put_int(out, t, row, "version");
    buf_append_str(out, "<td class=\"text\">");
    html_put(out, cluster_table_text(t, row, "addresses"));
    buf_append_str(out, "</td>");
    put_int(out, t, row, "connections");
    put_int(out, t, row, "in_flight");
    put_int(out, t, row, "requests");
    put_int(out, t, row, "errors");
    put_scaled(out, t, row, "p50_us");
    put_scaled(out, t, row, "p99_us");
    put_scaled(out, t, row, "age_ms");
    buf_append_str(out, "<td class=\"text\">");
    html_put(out, cluster_table_text(t, row, "error"));
    buf_append_str(out, "</td></tr>");
}

/* The worst first, as far as there is room. */
static void put_node_rows(struct buf *out, const struct page_view *v)
{
    size_t put = 0;
    for (int word = NODE_DIVERGED; word >= NODE_SYNCED; word--)
        for (size_t row = 0; row < v->nodes->row_count && put < PAGE_NODES_MAX; row++)
            if ((int)node_word_of(v->nodes, row, v->head) == word) {
                put_node(out, v, row);
                put++;
            }
}

static void put_nodes(struct buf *out, const struct page_view *v)
{
    if (v->nodes == NULL)
        return;
    page_section(out, "nodes", v->is_alone ? "Server" : "Nodes",
                 v->is_alone ? "m2sh control" : "m2sh nodes", NULL);
    buf_append_str(
        out, "<div class=\"wide\"><table><tr><th>node</th><th class=\"text\">state</th><th>revision"
             "</th><th class=\"text\">addresses</th><th>connections</th><th>in flight"
             "</th><th>requests</th><th>errors</th><th>p50 ms</th><th>p99 ms</th>"
             "<th>heard s</th><th class=\"text\">problem</th></tr>");
    put_node_rows(out, v);
    buf_append_str(out, "</table></div>");
    page_put_more(out, v->nodes->row_count, PAGE_NODES_MAX);
    page_section_end(out);
}

/* ---- the whole ---------------------------------------------------------------------------- */

void page_put(struct buf *out, const struct page_view *v)
{
    struct problems p;
    struct page_digest d;
    struct arena a;
    arena_init(&a, 0);
    problems_init(&p, &a);
    page_digest_init(&d, v, &a);
    if (v->problem != NULL)
        problems_add(&p, NODE_DIVERGED, v->is_alone ? "m2sh doctor" : "m2sh status", "%s",
                     v->problem);
    if (v->nodes != NULL) /* a single server has no revisions, so it lacks none */
        problems_of_nodes(&p, v->nodes, v->is_alone ? 1 : v->head);
    judge_pools(&p, &d, v->is_alone);
    problems_sort(&p);
    put_problems(out, v, &p);
    put_revision(out, v, &p);
    page_put_time(out, v);
    put_nodes(out, v);
    page_put_workers(out, v, &d);
    page_put_routes(out, v);
    out->failed |= p.failed || d.failed;
    page_digest_fini(&d);
    arena_fini(&a);
}

void page_put_document(struct buf *out, struct slice content)
{
    const char *mark = strstr(page_html, content_mark);
    buf_append(out, page_html, (size_t)(mark - page_html));
    buf_append_slice(out, content);
    buf_append_str(out, mark + strlen(content_mark));
}

void page_put_event(struct buf *out, struct slice content)
{
    buf_append_str(out, "data: ");
    buf_append_slice(out, content);
    buf_append_str(out, "\n\n");
}
