/* A worker serves a pool on several nodes: a line for each worker says on how many. */

#include "proto/view/page_parts.h"

#include <inttypes.h>
#include <string.h>

struct standing {
    size_t there, known; /* nodes */
    int64_t capacity, in_flight;
    uint64_t lost_ms; /* since when it is missing on the last of them */
    bool leaving;
};

static bool is_same(const struct worker_seen *a, const struct worker_seen *b)
{
    return strcmp(a->pool, b->pool) == 0 && strcmp(a->uuid, b->uuid) == 0;
}

/* Of this worker and pool over all nodes. False: an earlier entry has told already. */
static bool add_up(const struct worker_watch *w, const struct map_entry *of, struct standing *out)
{
    const struct worker_seen *wanted = worker_seen_of(of);
    *out = (struct standing){.known = 0};
    for (struct map_entry *it = map_first(&w->by_key); it != NULL; it = map_next(it)) {
        const struct worker_seen *s = worker_seen_of(it);
        if (!is_same(s, wanted))
            continue;
        if (out->known == 0 && it != of)
            return false;
        out->known++;
        out->leaving |= s->leaving;
        if (s->lost_ms > 0) {
            out->lost_ms = s->lost_ms > out->lost_ms ? s->lost_ms : out->lost_ms;
            continue;
        }
        out->there++;
        out->capacity += s->capacity;
        out->in_flight += s->in_flight;
    }
    return true;
}

static void put_state(struct buf *out, const struct standing *s, uint64_t now_ms)
{
    if (s->there == 0)
        buf_printf(out, "<td class=\"bad\">LOST %" PRIu64 " s ago</td>",
                   (now_ms - s->lost_ms) / 1000);
    else if (s->there < s->known)
        buf_append_str(out, "<td class=\"warn\">MISSING</td>");
    else if (s->leaving)
        buf_append_str(out, "<td class=\"warn\">LEAVING</td>");
    else
        buf_append_str(out, "<td class=\"good\">JOINED</td>");
}

static void put_worker(struct buf *out, const struct worker_seen *w, const struct standing *s,
                       uint64_t now_ms)
{
    buf_append_str(out, "<tr><th scope=\"row\">");
    html_put_str(out, w->pool);
    buf_append_str(out, "</th><td class=\"text\">");
    html_put_str(out, w->name[0] != '\0' ? w->name : w->uuid);
    buf_append_str(out, "</td>");
    put_state(out, s, now_ms);
    buf_printf(out,
               "<td title=\"m2sh workers\">%zu of %zu</td><td title=\"m2sh workers\">%" PRId64
               "</td><td title=\"m2sh workers\">%" PRId64 "</td><td class=\"text\">",
               s->there, s->known, s->in_flight, s->capacity);
    html_put_str(out, w->host);
    buf_printf(out, "</td><td title=\"m2sh workers\">%" PRId64 "</td></tr>", w->pid);
}

static void put_empty_pools(struct buf *out, const struct page_view *v)
{
    const struct cluster_table *t = v->pools;
    for (size_t row = 0; t != NULL && row < t->row_count; row++) {
        struct slice pool = cluster_table_text(t, row, "pool");
        bool told = false;
        for (size_t i = 0; i < row && !told; i++)
            told = slice_eq(cluster_table_text(t, i, "pool"), pool);
        for (struct map_entry *it = map_first(&v->workers->by_key); it != NULL && !told;
             it = map_next(it))
            told = slice_eq(slice_str(worker_seen_of(it)->pool), pool);
        if (told)
            continue;
        buf_append_str(out, "<tr><th scope=\"row\">");
        html_put(out, pool);
        buf_append_str(out, "</th><td></td><td class=\"bad\">NO WORKER</td><td></td><td></td><td>"
                            "</td><td></td><td></td></tr>");
    }
}

void page_put_workers(struct buf *out, const struct page_view *v)
{
    struct standing s;
    if (v->workers == NULL ||
        (map_first(&v->workers->by_key) == NULL && (v->pools == NULL || v->pools->row_count == 0)))
        return;
    page_section(out, "pools", "Pools", v->is_alone ? "m2sh control" : "m2sh pools",
                 v->is_alone ? NULL : "m2sh workers -pool P");
    buf_append_str(out,
                   "<div class=\"wide\"><table><tr><th>pool</th><th class=\"text\">worker</th>"
                   "<th class=\"text\">state</th><th>nodes</th><th>in flight</th><th>capacity</th>"
                   "<th class=\"text\">host</th><th>pid</th></tr>");
    for (struct map_entry *it = map_first(&v->workers->by_key); it != NULL; it = map_next(it))
        if (add_up(v->workers, it, &s))
            put_worker(out, worker_seen_of(it), &s, v->tick_ms);
    put_empty_pools(out, v);
    buf_append_str(out, "</table></div>");
    page_section_end(out);
}
