/* The coordinator's page over HTTP: GET / is the document, or, for who accepts text/event-stream,
 * its content again and again. Nothing else is served, nothing can be changed.
 *
 * It knows nothing of the content: `want` asks for a new one, page_http_show brings it. Slow
 * readers skip contents, those that do not read at all are cut off. */
#ifndef COORDINATOR_PAGE_HTTP_H
#define COORDINATOR_PAGE_HTTP_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/list.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#define PAGE_HTTP_CONNS_MAX 256
#define PAGE_HTTP_AT_MAX    80

struct page_http {
    struct ev_loop *loop;
    int fd;                    /* -1: not open */
    char at[PAGE_HTTP_AT_MAX]; /* "127.0.0.1:6790", as bound */
    ev_io accepting;
    ev_timer pause; /* of accepting, while there is no descriptor left */
    struct list conns;
    size_t conn_count;
    void (*want)(void *arg);
    void *arg;
};

/* `spec` is HOST:PORT, the host an address ("127.0.0.1:6790", "[::1]:0") or "localhost". Beyond
 * this machine only when `insecure`: everybody who reaches it reads it. ERROR_USAGE, ERROR_DENIED,
 * ERROR_IO. `want` is called when somebody waits for a content. */
int page_http_open(struct page_http *h, struct ev_loop *loop, const char *spec, bool insecure,
                   void (*want)(void *arg), void *arg, struct error *e);
void page_http_close(struct page_http *h); /* fine when not open */

/* Is there anybody who wants to see the next content? */
bool page_http_is_watched(const struct page_http *h);

/* The newest content: goes to all who wait for it and all who watch. */
void page_http_show(struct page_http *h, struct slice content);

#endif
