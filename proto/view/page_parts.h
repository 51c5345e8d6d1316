/* The parts of the page, a file each. */
#ifndef PROTO_VIEW_PAGE_PARTS_H
#define PROTO_VIEW_PAGE_PARTS_H

#include "proto/view/html.h"
#include "proto/view/page.h"

/* "<section id=ID><h2>TITLE <code>COMMAND</code> <code>OTHER</code></h2>"; `other` may be NULL. */
void page_section(struct buf *out, const char *id, const char *title, const char *command,
                  const char *other);
void page_section_end(struct buf *out);

/* page_time.c: the curves, and under them on the same axis what happened. */
void page_put_time(struct buf *out, const struct page_view *v);
/* page_workers.c: pools and who serves them. */
void page_put_workers(struct buf *out, const struct page_view *v);
/* page_routes.c */
void page_put_routes(struct buf *out, const struct page_view *v);

#endif
