/* Every row is drawn over the same ten minutes in the same width, so that what stands above one
 * another happened at the same time. */

#include "proto/view/moment.h"
#include "proto/view/page_parts.h"

#include <inttypes.h>
#include <string.h>

enum { STEP_S = 5, STEPS = HISTORY_SECONDS / STEP_S, HEIGHT = 40 };

struct curve {
    const char *name, *unit, *command;
    double (*value)(const struct history_second *sum, size_t seconds);
};

static double requests_s(const struct history_second *sum, size_t seconds)
{
    return (double)sum->requests / (double)seconds;
}

static double errors_s(const struct history_second *sum, size_t seconds)
{
    return (double)sum->errors / (double)seconds;
}

static double p99_ms(const struct history_second *sum, size_t seconds)
{
    (void)seconds;
    return (double)sum->p99_us / 1000;
}

static double connections(const struct history_second *sum, size_t seconds)
{
    (void)seconds;
    return sum->connections;
}

static const struct curve curves[] = {
    {"requests", "/s", "m2sh top", requests_s},
    {"errors", "/s", "m2sh top", errors_s},
    {"p99", " ms", "m2sh top", p99_ms},
    {"connections", "", "m2sh top", connections},
};

/* Commits, notes and events on one list, newest first. */
struct moment_line {
    const struct cluster_table *table;
    size_t row;
};

struct lines {
    const struct cluster_table *log, *events;
    size_t log_row, event_row;
};

/* What the log has is no event again. */
static bool is_in_log(const struct cluster_table *events, size_t row)
{
    struct slice kind = cluster_table_text(events, row, "kind");
    return slice_eq(kind, SLICE("note")) || slice_eq(kind, SLICE("commit"));
}

static size_t rows(const struct cluster_table *t)
{
    return t != NULL ? t->row_count : 0;
}

/* The log comes newest first, events the oldest first. */
static bool next_line(struct lines *l, struct moment_line *out)
{
    while (l->event_row > 0 && is_in_log(l->events, l->event_row - 1))
        l->event_row--;
    bool has_log = l->log_row < rows(l->log);
    bool has_event = l->event_row > 0;
    int64_t log_ms = has_log ? cluster_table_int(l->log, l->log_row, "when_ms") : INT64_MIN;
    int64_t event_ms = has_event ? cluster_table_int(l->events, l->event_row - 1, "when_ms")
                                 : INT64_MIN;
    if (!has_log && !has_event)
        return false;
    if (has_log && (!has_event || log_ms >= event_ms))
        *out = (struct moment_line){l->log, l->log_row++};
    else
        *out = (struct moment_line){l->events, --l->event_row};
    return true;
}

static struct lines lines_of(const struct page_view *v)
{
    return (struct lines){v->log, v->events, 0, rows(v->events)};
}

/* Its text, without its time. */
static void put_words(struct buf *out, const struct moment_line *l)
{
    const struct cluster_table *t = l->table;
    struct slice kind = cluster_table_text(t, l->row, "kind");
    struct slice node = cluster_table_text(t, l->row, "node");
    if (slice_eq(kind, SLICE("commit")))
        buf_printf(out, "revision %" PRId64 ": ", cluster_table_int(t, l->row, "version"));
    if (cluster_table_column(t, "who") >= 0) {
        html_put(out, cluster_table_text(t, l->row, "why"));
        struct slice what = cluster_table_text(t, l->row, "what");
        if (what.len > 0) {
            buf_append_str(out, " (");
            html_put(out, what);
            buf_append_char(out, ')');
        }
        buf_append_str(out, " – ");
        html_put(out, cluster_table_text(t, l->row, "who"));
        return;
    }
    if (node.len > 0) {
        html_put(out, node);
        buf_append_str(out, ": ");
    }
    html_put(out, cluster_table_text(t, l->row, "text"));
}

static void put_marks(struct buf *out, const struct page_view *v, int64_t from_s, bool tells)
{
    struct lines l = lines_of(v);
    struct moment_line line;
    while (next_line(&l, &line)) {
        double x = (double)cluster_table_int(line.table, line.row, "when_ms") / 1000 -
                   (double)from_s;
        if (x < 0 || x > HISTORY_SECONDS)
            continue;
        buf_append_str(out, "<line class=\"");
        html_put(out, cluster_table_text(line.table, line.row, "kind"));
        buf_printf(out, "\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\"", x, x, HEIGHT);
        if (tells) {
            buf_append_str(out, "><title>");
            put_words(out, &line);
            buf_append_str(out, "</title></line>");
        } else {
            buf_append_str(out, "/>");
        }
    }
}

static void put_svg(struct buf *out, const char *label)
{
    buf_printf(out,
               "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
               "aria-label=\"%s over the last ten minutes\">",
               HISTORY_SECONDS, HEIGHT, label);
}

static void put_line(struct buf *out, const double *values, const bool *known, double most)
{
    bool down = false;
    buf_append_str(out, "<path d=\"");
    for (size_t i = 0; i < STEPS; i++) {
        double y = HEIGHT - 1 - (HEIGHT - 4) * (most > 0 ? values[i] / most : 0);
        if (known[i])
            buf_printf(out, "%c%zu %.1f", down ? 'L' : 'M', i * STEP_S + STEP_S / 2, y);
        down = known[i];
    }
    buf_append_str(out, "\"/>");
}

static void put_curve(struct buf *out, const struct page_view *v, const struct curve *c,
                      int64_t from_s)
{
    double values[STEPS], most = 0, last = 0;
    bool known[STEPS];
    for (size_t i = 0; i < STEPS; i++) {
        struct history_second sum;
        size_t seconds = history_sum(v->history, from_s + (int64_t)i * STEP_S, STEP_S, &sum);
        known[i] = seconds > 0;
        values[i] = seconds > 0 ? c->value(&sum, seconds) : 0;
        most = values[i] > most ? values[i] : most;
        last = known[i] ? values[i] : last;
    }
    buf_printf(out, "<tr><th scope=\"row\">%s</th><td>", c->name);
    put_svg(out, c->name);
    put_marks(out, v, from_s, false);
    put_line(out, values, known, most);
    buf_printf(out,
               "</svg></td><td title=\"%s\"><b>%.1f</b>%s</td><td title=\"%s\">%.1f%s</td></tr>",
               c->command, last, c->unit, c->command, most, c->unit);
}

static void put_list(struct buf *out, const struct page_view *v)
{
    struct lines l = lines_of(v);
    struct moment_line line;
    char when[MOMENT_LEN + 1];
    buf_append_str(out, "<ol>");
    for (size_t i = 0; i < PAGE_LINES_MAX && next_line(&l, &line); i++) {
        moment_format(cluster_table_int(line.table, line.row, "when_ms"), when);
        buf_append_str(out, "<li class=\"");
        html_put(out, cluster_table_text(line.table, line.row, "kind"));
        buf_printf(out, "\"><time title=\"%s UTC\">%s</time> ", when, when + strlen("2026-11-22 "));
        put_words(out, &line);
        buf_append_str(out, "</li>");
    }
    buf_append_str(out, "</ol>");
}

void page_put_time(struct buf *out, const struct page_view *v)
{
    int64_t from_s = v->now_ms / 1000 - HISTORY_SECONDS;
    if (v->history == NULL)
        return;
    page_section(out, "time", "The last ten minutes", v->is_alone ? "m2sh control" : "m2sh top",
                 NULL);
    buf_append_str(out, "<table class=\"curves\"><tr><th></th><th><span class=\"axis\"><span>"
                        "ten minutes ago</span><span>now</span></span></th>"
                        "<th>latest</th><th>most</th></tr>");
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        put_curve(out, v, &curves[i], from_s);
    if (v->log != NULL || v->events != NULL) {
        buf_append_str(out, "<tr><th scope=\"row\">events</th><td class=\"marks\">");
        put_svg(out, "commits, notes and events");
        put_marks(out, v, from_s, true);
        buf_append_str(out, "</svg></td><td colspan=\"2\"><code>m2sh events</code></td></tr>");
    }
    buf_append_str(out, "</table>");
    put_list(out, v);
    page_section_end(out);
}
