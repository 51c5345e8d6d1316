/* Memory for m2sh, which may simply end when there is none: it is a short-lived program that keeps
 * no state of its own. Each function prints a sentence and exits with status 9 instead of returning
 * NULL. */
#ifndef M2SH_BASE_XALLOC_H
#define M2SH_BASE_XALLOC_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stddef.h>

void *xarena_alloc(struct arena *a, size_t size); /* zeroed */
char *xarena_strdup(struct arena *a, const char *s);
struct slice xarena_slice(struct arena *a, struct slice s); /* NUL-terminated copy */
char *xarena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void *xrealloc(void *p, size_t count, size_t size); /* as reallocarray; p may be NULL */
char *xstrdup(const char *s);

/* Ends the program when an append to `b` was dropped for lack of memory; returns its text. */
const char *xbuf_str(const struct buf *b);

void xalloc_die(void) __attribute__((noreturn));

#endif
