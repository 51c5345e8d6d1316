/* Owned bytes that grow. Always NUL-terminated behind `len`, so that `data` can be used as a C
 * string when it holds text.
 *
 * Appending never has to be checked one by one: when memory runs out (or `max` is passed) the buf
 * turns `failed`, keeps what it had, and ignores further appends; check once at the end. */
#ifndef PROTO_BASE_BUF_H
#define PROTO_BASE_BUF_H

#include "proto/base/slice.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* never NULL after the first append; NULL-safe through buf_slice/buf_str */
    size_t len;
    size_t cap;  /* bytes allocated */
    size_t max;  /* 0: no bound */
    bool failed; /* an append was dropped */
};

#define BUF_INIT ((struct buf){NULL, 0, 0, 0, false})

void buf_fini(struct buf *b);  /* frees the bytes; the buf is empty and usable again */
void buf_clear(struct buf *b); /* forgets the content and the failure, keeps the memory */
int buf_reserve(struct buf *b, size_t more); /* room for `more` bytes; 0, or -1 and failed */

void buf_append(struct buf *b, const void *bytes, size_t len);
void buf_append_slice(struct buf *b, struct slice s);
void buf_append_str(struct buf *b, const char *s);
void buf_append_char(struct buf *b, char c);
void buf_append_uint(struct buf *b, uint64_t n); /* decimal */
void buf_append_int(struct buf *b, int64_t n);   /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Drops the first `len` bytes (at most b->len) by moving the rest down. */
void buf_consume(struct buf *b, size_t len);

/* Gives the bytes (NUL-terminated) to the caller, who frees them; NULL when failed. Empties b. */
char *buf_take(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return b->data != NULL ? slice_of(b->data, b->len) : SLICE_EMPTY;
}

/* The content as a C string; "" when empty. */
static inline const char *buf_str(const struct buf *b)
{
    return b->data != NULL ? b->data : "";
}

#endif
