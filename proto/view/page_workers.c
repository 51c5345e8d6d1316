/* A worker serves a pool on several nodes: a line for each worker says on how many. */

#include "proto/view/page_parts.h"

#include <inttypes.h>

static void put_state(struct buf *out, const struct page_worker *w, uint64_t now_ms)
{
    if (w->there == 0)
        buf_printf(out, "<td class=\"bad\">LOST %" PRIu64 " s ago</td>",
                   (now_ms - w->lost_ms) / 1000);
    else if (w->there < w->known)
        buf_append_str(out, "<td class=\"warn\">MISSING</td>");
    else if (w->leaving)
        buf_append_str(out, "<td class=\"warn\">LEAVING</td>");
    else
        buf_append_str(out, "<td class=\"good\">JOINED</td>");
}

static void put_worker(struct buf *out, const struct page_worker *w, uint64_t now_ms)
{
    const struct worker_seen *s = w->first;
    buf_append_str(out, "<tr><th scope=\"row\">");
    html_put_str(out, s->pool);
    buf_append_str(out, "</th><td class=\"text\">");
    html_put_str(out, s->name[0] != '\0' ? s->name : s->uuid);
    buf_append_str(out, "</td>");
    put_state(out, w, now_ms);
    buf_printf(out,
               "<td title=\"m2sh workers\">%zu of %zu</td><td title=\"m2sh workers\">%" PRId64
               "</td><td title=\"m2sh workers\">%" PRId64 "</td><td class=\"text\">",
               w->there, w->known, w->in_flight, w->capacity);
    html_put_str(out, s->host);
    buf_printf(out, "</td><td title=\"m2sh workers\">%" PRId64 "</td></tr>", s->pid);
}

/* Pools that nobody has ever served come first, and are few. */
static void put_empty_pools(struct buf *out, const struct page_digest *d)
{
    for (struct map_entry *it = map_first(&d->pools); it != NULL; it = map_next(it)) {
        const struct page_pool *pool = map_value(it);
        if (pool->workers + pool->lost > 0)
            continue;
        buf_append_str(out, "<tr><th scope=\"row\">");
        html_put(out, map_key(it));
        buf_append_str(out, "</th><td></td><td class=\"bad\">NO WORKER</td><td></td><td></td><td>"
                            "</td><td></td><td></td></tr>");
    }
}

void page_put_workers(struct buf *out, const struct page_view *v, const struct page_digest *d)
{
    size_t count = 0;
    if (map_first(&d->pools) == NULL)
        return;
    page_section(out, "pools", "Pools", v->is_alone ? "m2sh control" : "m2sh pools",
                 v->is_alone ? NULL : "m2sh workers -pool P");
    buf_append_str(out,
                   "<div class=\"wide\"><table><tr><th>pool</th><th class=\"text\">worker</th>"
                   "<th class=\"text\">state</th><th>nodes</th><th>in flight</th><th>capacity</th>"
                   "<th class=\"text\">host</th><th>pid</th></tr>");
    put_empty_pools(out, d);
    for (struct map_entry *it = map_first(&d->workers); it != NULL && count < PAGE_WORKERS_MAX;
         it = map_next(it), count++)
        put_worker(out, map_value(it), v->tick_ms);
    buf_append_str(out, "</table></div>");
    page_put_more(out, map_count(&d->workers), PAGE_WORKERS_MAX);
    page_section_end(out);
}
