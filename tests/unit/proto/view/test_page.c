/* What the page says of a cluster: the worst thing first, nothing that is not known, and nothing
 * from outside as HTML. */

#include "proto/view/html.h"
#include "proto/view/page.h"
#include "proto/wire/tnetstring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS ((int64_t)1795000000000)

struct scene {
    struct arena arena;
    struct history history;
    struct worker_watch workers;
    struct page_view view;
    struct buf out;
};

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    arena_init(&s.arena, 0);
    worker_watch_init(&s.workers);
    s.view = (struct page_view){.who = "coordinator main",
                                .head = 7,
                                .scope = "all",
                                .held = "",
                                .history = &s.history,
                                .workers = &s.workers,
                                .now_ms = NOW_MS,
                                .tick_ms = 60000};
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    worker_watch_fini(&s->workers);
    arena_fini(&s->arena);
    buf_fini(&s->out);
    return 0;
}

/* A table of strings and numbers as the protocol brings it: cells are text, "#5" is the number 5.
 */
static const struct cluster_table *table(struct scene *s, const char *const *headers,
                                         const char *const *cells)
{
    struct cluster_reply *reply = arena_zalloc(&s->arena, sizeof *reply);
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error e;
    size_t columns = 0;
    while (headers[columns] != NULL)
        columns++;
    cluster_table_begin(&w, &b, 1, NULL, headers);
    for (size_t i = 0; cells[i] != NULL; i++) {
        if (i % columns == 0)
            cluster_row_begin(&w);
        if (cells[i][0] == '#')
            tns_put_int(&b, atoll(cells[i] + 1));
        else
            tns_put_str(&b, cells[i]);
        if (i % columns == columns - 1)
            cluster_row_end(&w);
    }
    cluster_table_end(&w);
    struct slice bytes = arena_slice(&s->arena, buf_slice(&b));
    buf_fini(&b);
    assert_int_equal(cluster_reply_decode(reply, bytes, bytes.len, &s->arena, &e), 0);
    return &reply->table;
}

static const char *const node_headers[] = {"node",   "state",  "version", "wanted",
                                           "age_ms", "p99_us", "error",   NULL};
static const char *const log_headers[] = {"kind", "version", "who",    "where", "when_ms",
                                          "why",  "what",    "effect", NULL};
static const char *const event_headers[] = {"id",      "when_ms", "kind", "node",
                                            "version", "text",    NULL};
static const char *const pool_headers[] = {"pool", "node", NULL};

static const char *render(struct scene *s)
{
    buf_clear(&s->out);
    page_put(&s->out, &s->view);
    assert_false(s->out.failed);
    assert_null(strchr(buf_str(&s->out), '\n')); /* it goes into one event */
    return buf_str(&s->out);
}

static void says(const char *html, const char *wanted)
{
    if (strstr(html, wanted) == NULL)
        fail_msg("\"%s\" is not in %s", wanted, html);
}

static void test_all_is_well(void **state)
{
    struct scene *s = *state;
    s->view.nodes = table(s, node_headers,
                          (const char *const[]){"alpha", "ready", "#7", "#7", "#400", "#1500", "",
                                                "beta", "ready", "#7", "#7", "#300", "#900", "",
                                                NULL});
    const char *html = render(s);
    says(html, "class=\"good\"><h1>All is well: 2 nodes serve revision 7.</h1>");
    says(html, "<b title=\"m2sh status\">2 of 2</b> nodes serve revision 7.");
    says(html, "<td title=\"m2sh nodes\">1.5</td>");
    assert_null(strstr(html, "id=\"pools\""));
    assert_null(strstr(html, "id=\"routes\""));
}

static void test_the_worst_comes_first(void **state)
{
    struct scene *s = *state;
    s->view.nodes = table(s, node_headers,
                          (const char *const[]){"alpha", "ready", "#6",    "#7",    "#1", "#1",
                                                "",      "beta",  "gone",  "#7",    "#7", "#12000",
                                                "#1",    "",      "gamma", "ready", "#7", "#7",
                                                "#1",    "#1",    "",      NULL});
    const char *html = render(s);
    says(html, "class=\"bad\"><h1>2 things are wrong: node beta has not been heard of for 12 s; it "
               "had revision 7.</h1>");
    says(html, "<code>m2sh nodes -node beta</code>");
    says(html, "node alpha is ready at revision 6");
    says(html, "1 of 3</b> nodes serve");
    says(html, "<td class=\"bad\">LOST</td>");
    says(html, "<td class=\"warn\">BEHIND</td>");
}

static void test_nobody_and_nothing(void **state)
{
    struct scene *s = *state;
    s->view.head = 0;
    s->view.nodes = table(s, node_headers, (const char *const[]){NULL});
    const char *html = render(s);
    says(html, "2 things are wrong: no node has joined");
    says(html, "<code>m2sh push -config FILE -why TEXT</code>");
}

static void test_what_is_not_known_is_left_out(void **state)
{
    struct scene *s = *state;
    s->view = (struct page_view){.who = "coordinator main",
                                 .problem = "the store does not answer."};
    const char *html = render(s);
    says(html, "1 thing is wrong: the store does not answer.</h1>"); /* one full stop */
    assert_null(strstr(html, "<section"));
}

static void test_a_pool_without_workers(void **state)
{
    struct scene *s = *state;
    struct worker_seen w = {
        .pool = "api", .node = "alpha", .uuid = "u1", .name = "ann", .capacity = 4};
    s->view.nodes = table(
        s, node_headers, (const char *const[]){"alpha", "ready", "#7", "#7", "#4", "#1", "", NULL});
    s->view.pools = table(s, pool_headers,
                          (const char *const[]){"api", "alpha", "api", "beta", NULL});
    const char *html = render(s);
    says(html, "1 thing is wrong: pool api has no worker.");
    says(html, "<code>m2sh workers -pool api</code>");
    says(html, "NO WORKER");
    worker_watch_see(&s->workers, &w, 1000);
    snprintf(w.node, sizeof w.node, "beta");
    worker_watch_see(&s->workers, &w, 1000);
    html = render(s);
    says(html, "All is well");
    says(html, "JOINED</td><td title=\"m2sh workers\">2 of 2</td>");
    worker_watch_node_done(&s->workers, SLICE("beta"), 2000);
    says(render(s), "MISSING</td><td title=\"m2sh workers\">1 of 2</td>");
    worker_watch_node_done(&s->workers, SLICE("alpha"), 10000);
    html = render(s);
    says(html, "<td class=\"bad\">LOST 50 s ago</td>");
    says(html, "pool api has no worker");
}

static void test_one_time_line(void **state)
{
    struct scene *s = *state;
    s->view.nodes = table(s, node_headers, (const char *const[]){NULL});
    s->view.log = table(s, log_headers, (const char *const[]){"commit",
                                                              "#7",
                                                              "alice",
                                                              "ops",
                                                              "#1794999990000",
                                                              "faster tea",
                                                              "",
                                                              "60 s: 12 requests",
                                                              "note",
                                                              "#0",
                                                              "bob",
                                                              "ops",
                                                              "#1794999980000",
                                                              "who knows",
                                                              "a look",
                                                              "",
                                                              "commit",
                                                              "#6",
                                                              "alice",
                                                              "ops",
                                                              "#1794000000000",
                                                              "long ago",
                                                              "",
                                                              "",
                                                              NULL});
    s->view.events = table(s, event_headers,
                           (const char *const[]){"#1", "#1794999980000", "note", "", "#6",
                                                 "bob: a look", "#2", "#1794999985000", "node",
                                                 "alpha", "#6", "ready -> suspect", NULL});
    const char *html = render(s);
    says(html, "<p class=\"why\">faster tea</p>");
    says(html, "Effect: 60 s: 12 requests");
    const char *commit = strstr(html, "revision 7: faster tea – alice</li>");
    const char *event = strstr(html, "alpha: ready -&gt; suspect</li>");
    const char *note = strstr(html, "who knows (a look) – bob</li>");
    assert_non_null(commit);
    assert_non_null(event);
    assert_non_null(note);
    assert_true(commit < event && event < note);
    assert_null(strstr(html, "bob: a look")); /* the log has it */
    says(html, "<line class=\"commit\" x1=\"590.0\" x2=\"590.0\"");
    says(html, "<line class=\"node\" x1=\"585.0\" x2=\"585.0\"");
    says(html, "revision 6: long ago"); /* in the list, not on the axis */
    assert_null(strstr(html, "x1=\"-"));
}

static void test_curves(void **state)
{
    struct scene *s = *state;
    for (int64_t i = 0; i < 10; i++) {
        struct history_second second = {
            .requests = 20, .errors = 5, .p99_us = 2500, .connections = 3};
        history_add(&s->history, NOW_MS - 10000 + i * 1000, &second);
    }
    const char *html = render(s);
    says(html, "<b>20.0</b>/s");
    says(html, "<b>5.0</b>/s");
    says(html, "<b>2.5</b> ms");
    says(html, "<path d=\"M592 3.0L597 3.0\"/>");
}

static void test_held_orders_and_hostile_text(void **state)
{
    struct scene *s = *state;
    s->view.held = "It waits.";
    s->view.scope = "alpha";
    s->view.nodes = table(
        s, node_headers,
        (const char *const[]){"<b>\"&'\n", "ready", "#7", "#7", "#4", "#1", "</td><script>", NULL});
    s->view.orders = table(s,
                           (const char *const[]){"order", "target", "who", "where", "why",
                                                 "when_ms", "expires_ms", NULL},
                           (const char *const[]){"pause", "api", "eve", "x", "<i>",
                                                 "#1794999990000", "#1795000030000", NULL});
    const char *html = render(s);
    says(html,
         "Revision 7 is held at its canary, alpha. It waits. <code>m2sh promote -rev 7</code>");
    says(html, "Pool api is paused by order of eve@x");
    says(html, "&lt;i&gt;, 30 s left <code>m2sh resume -pool api</code>");
    says(html, "<th scope=\"row\">&lt;b&gt;&quot;&amp;&#39; </th>");
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<i>"));
    says(html, "1 node serves what is meant for them.");
}

static void test_the_document_and_the_event(void **state)
{
    struct scene *s = *state;
    page_put_document(&s->out, SLICE("CONTENT"));
    says(buf_str(&s->out), "<main>CONTENT</main>");
    says(buf_str(&s->out), "<!doctype html>");
    says(buf_str(&s->out), "</html>");
    buf_clear(&s->out);
    page_put_event(&s->out, SLICE("CONTENT"));
    assert_string_equal(buf_str(&s->out), "data: CONTENT\n\n");
}

/* A thousand nodes are no page: the worst are. */
static void test_much_is_counted(void **state)
{
    struct scene *s = *state;
    enum { NODES = PAGE_NODES_MAX + 50 };
    static char names[NODES][16];
    const char **cells = arena_zalloc(&s->arena, (NODES * 7 + 1) * sizeof *cells);
    for (size_t i = 0; i < NODES; i++) {
        const char *row[] = {names[i], i < 230 ? "ready" : "gone", "#7", "#7", "#1", "#1", ""};
        snprintf(names[i], sizeof names[i], "node-%zu", i);
        memcpy(cells + i * 7, row, sizeof row);
    }
    s->view.nodes = table(s, node_headers, cells);
    const char *html = render(s);
    says(html, "20 things are wrong: node node-230 has not been heard of");
    says(html, "<th scope=\"row\">node-249</th><td class=\"bad\">LOST</td>");
    says(html, "<th scope=\"row\">node-0</th>");
    assert_null(strstr(html, "<th scope=\"row\">node-229</th>"));
    says(html, "<p>And 50 more.</p></section>");
    snprintf(names[0], sizeof names[0], "worse");
    cells[1] = "nacked";
    s->view.nodes = table(s, node_headers, cells);
    html = render(s);
    says(html, "21 things are wrong");
    says(html, "</ul><p>And 1 more.</p>");
}

static void test_every_byte_is_text(void **state)
{
    struct scene *s = *state;
    char all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    html_put(&s->out, slice_of(all, sizeof all));
    for (size_t i = 0; i < s->out.len; i++) {
        unsigned char c = (unsigned char)s->out.data[i];
        assert_false(c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '"' || c == '\'');
    }
    buf_clear(&s->out);
    html_put_str(&s->out, NULL);
    assert_int_equal(s->out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_is_well, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_worst_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_and_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_known_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pool_without_workers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_time_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_curves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_held_orders_and_hostile_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_document_and_the_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_much_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_byte_is_text, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
