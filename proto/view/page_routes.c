/* The configuration's routes, as far as a page is the place for them. */

#include "proto/model/describe.h"
#include "proto/view/page_parts.h"

#include <inttypes.h>

static void put_route(struct buf *out, const struct model *m, const struct row *route)
{
    struct buf words = BUF_INIT;
    const struct row *host = model_find(m, TABLE_HOST, row_int(route, ROUTE_HOST_ID));
    const struct row *server = host != NULL
                                   ? model_find(m, TABLE_SERVER, row_int(host, HOST_SERVER_ID))
                                   : NULL;
    buf_append_str(out, "<tr><td class=\"text\">");
    if (server != NULL)
        html_put(out, row_text(server, SERVER_NAME));
    buf_append_str(out, "</td><td class=\"text\">");
    if (host != NULL)
        html_put(out, row_text(host, HOST_NAME));
    buf_append_str(out, "</td><th scope=\"row\">");
    html_put(out, row_text(route, ROUTE_PATH));
    buf_append_str(out, "</th><td class=\"text\">");
    const struct row *target = model_target(m, route);
    if (target != NULL)
        describe_row(&words, m, target);
    html_put(out, buf_slice(&words));
    out->failed |= words.failed;
    buf_fini(&words);
    buf_append_str(out, "</td></tr>");
}

void page_put_routes(struct buf *out, const struct page_view *v)
{
    const struct model *m = v->config;
    if (m == NULL)
        return;
    size_t count = model_count(m, TABLE_ROUTE);
    page_section(out, "routes", "Routes", v->is_alone ? "m2sh routes" : "m2sh show -rev N", NULL);
    buf_append_str(out,
                   "<div class=\"wide\"><table><tr><th class=\"text\">server</th><th "
                   "class=\"text\">host</th><th>path</th><th class=\"text\">leads to</th></tr>");
    for (size_t i = 0; i < count && i < PAGE_ROUTES_MAX; i++)
        put_route(out, m, model_row(m, TABLE_ROUTE, i));
    buf_append_str(out, "</table></div>");
    page_put_more(out, count, PAGE_ROUTES_MAX);
    page_section_end(out);
}
