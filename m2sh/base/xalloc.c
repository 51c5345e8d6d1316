/* One place that gives up, so that no caller has a path for it. */

#include "m2sh/base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void xalloc_die(void)
{
    fputs("m2sh: Out of memory.\n", stderr);
    exit(9);
}

static void *need(void *p)
{
    if (p == NULL)
        xalloc_die();
    return p;
}

void *xarena_alloc(struct arena *a, size_t size)
{
    return need(arena_zalloc(a, size));
}

char *xarena_strdup(struct arena *a, const char *s)
{
    return need(arena_strdup(a, s));
}

struct slice xarena_slice(struct arena *a, struct slice s)
{
    return slice_of(need(arena_strndup(a, s.ptr, s.len)), s.len);
}

char *xarena_printf(struct arena *a, const char *fmt, ...)
{
    struct buf b = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&b, fmt, args);
    va_end(args);
    char *copy = xarena_strdup(a, xbuf_str(&b));
    buf_fini(&b);
    return copy;
}

void *xrealloc(void *p, size_t count, size_t size)
{
    return need(reallocarray(p, count, size));
}

char *xstrdup(const char *s)
{
    return need(strdup(s));
}

const char *xbuf_str(const struct buf *b)
{
    if (b->failed)
        xalloc_die();
    return buf_str(b);
}
