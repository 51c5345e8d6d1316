/* The parts of the page, a file each. */
#ifndef PROTO_VIEW_PAGE_PARTS_H
#define PROTO_VIEW_PAGE_PARTS_H

#include "proto/view/html.h"
#include "proto/view/page.h"
#include "proto/view/page_digest.h"

/* "<section id=ID><h2>TITLE <code>COMMAND</code> <code>OTHER</code></h2>"; `other` may be NULL. */
void page_section(struct buf *out, const char *id, const char *title, const char *command,
                  const char *other);
void page_section_end(struct buf *out);
/* "And 5 more." when not all of `count` are shown. */
void page_put_more(struct buf *out, size_t count, size_t shown);

/* page_time.c: the curves, and under them on the same axis what happened. */
void page_put_time(struct buf *out, const struct page_view *v);
/* page_workers.c: pools and who serves them. */
void page_put_workers(struct buf *out, const struct page_view *v, const struct page_digest *d);
/* page_routes.c */
void page_put_routes(struct buf *out, const struct page_view *v);

#endif
