/* top: what the nodes do now: rates between two looks. On a terminal the screen is drawn anew each
 * time, in a pipe each look is a table of its own. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/node_table.h"
#include "proto/base/clock.h"
#include "proto/base/map.h"

#include <stdlib.h>
#include <unistd.h>

/* What a node had done at the look before. */
struct seen {
    int64_t requests, errors;
    uint64_t at_ms;
};

static double rate(int64_t now, int64_t before, uint64_t passed_ms)
{
    return now > before && passed_ms > 0 ? (double)(now - before) * 1000 / (double)passed_ms : 0;
}

static void put_node(struct out_table *out, const struct node_table *t, size_t row,
                     struct map *past, uint64_t now_ms)
{
    const struct cluster_table *rows = t->rows;
    enum node_word word = node_table_word(t, row);
    struct slice uuid = cluster_table_text(rows, row, "uuid");
    struct seen now = {.requests = cluster_table_int(rows, row, "requests"),
                       .errors = cluster_table_int(rows, row, "errors"),
                       .at_ms = now_ms};
    struct seen *before = map_get(past, uuid);
    bool is_first = before == NULL;
    if (is_first) {
        before = xrealloc(NULL, 1, sizeof *before);
        *before = now;
        map_put(past, uuid, before, NULL);
    }
    uint64_t passed_ms = now_ms - before->at_ms;
    out_table_slice(out, cluster_table_text(rows, row, "node"));
    out_table_styled(out, node_word_style(word), node_word_name(word));
    out_table_int(out, cluster_table_int(rows, row, "connections"));
    out_table_int(out, cluster_table_int(rows, row, "in_flight"));
    out_table_real(out, rate(now.requests, before->requests, passed_ms), 1);
    out_table_real(out, rate(now.errors, before->errors, passed_ms), 1);
    out_table_real(out, (double)cluster_table_int(rows, row, "p50_us") / 1000, 1);
    out_table_real(out, (double)cluster_table_int(rows, row, "p99_us") / 1000, 1);
    *before = now;
}

static enum status look(struct call *c, struct map *past, bool shows)
{
    static const char *const names[] = {"node",      "state",      "connections",
                                        "in_flight", "requests_s", "errors_s",
                                        "p50_ms",    "p99_ms",     NULL};
    struct cluster cl;
    struct node_table t;
    struct out_table out;
    enum status status = node_table_read(&t, &cl, c, NULL);
    if (status != STATUS_DONE)
        return status;
    out_table_init(&out, names);
    for (size_t row = 0; row < t.rows->row_count; row++)
        put_node(&out, &t, row, past, clock_monotonic_ms());
    cluster_close(&cl);
    if (!shows) {
        out_table_fini(&out);
        return STATUS_DONE;
    }
    if (c->term.is_tty && !c->json)
        printf("\033[H\033[2J");
    cmd_print_table(c, &out);
    fflush(stdout);
    return STATUS_DONE;
}

static enum status run(struct call *c)
{
    struct error e;
    struct map past = MAP_INIT;
    int64_t every_s, times;
    if (args_get_int(&c->args, "every", 1, 3600, 2, &every_s, &e) != 0 ||
        args_get_int(&c->args, "n", 1, INT64_MAX, INT64_MAX, &times, &e) != 0)
        return cmd_fail(c, &e);
    enum status status = look(c, &past, false);
    for (int64_t i = 0; status == STATUS_DONE && i < times; i++) {
        sleep((unsigned)every_s);
        status = look(c, &past, true);
    }
    map_fini(&past, free);
    return status;
}

const struct cmd cmd_top = {
    .name = "top",
    .help = "What the nodes do now, again and again.",
    .arguments = "[-every SECONDS] [-n TIMES] [-cluster SPEC]",
    .more =
        "Requests and errors (5xx) per second since the look before; answer times of about the\n"
        "last minute.",
    .options = (const struct args_option[]){{"every", "SECONDS", "Between two looks (2)."},
                                            {"n", "TIMES", "End after so many (never)."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
