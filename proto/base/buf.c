/* Doubling growth; one spare byte is always kept for the terminating NUL. */

#include "proto/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){NULL, 0, 0, b->max, false};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t more)
{
    if (b->failed)
        return -1;
    if (more < b->cap - b->len && b->cap > 0)
        return 0;
    size_t need = b->len + more + 1;
    if (need <= more || (b->max > 0 && need - 1 > b->max)) {
        b->failed = true;
        return -1;
    }
    size_t cap = b->cap > 0 ? b->cap : 64;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (b->max > 0 && cap > b->max + 1)
        cap = b->max + 1; /* so that the quick test above keeps the bound too */
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        b->failed = true;
        return -1;
    }
    if (b->data == NULL)
        data[0] = '\0';
    b->data = data;
    b->cap = cap;
    return 0;
}

void buf_append(struct buf *b, const void *bytes, size_t len)
{
    if (buf_reserve(b, len) != 0)
        return;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.ptr, s.len);
}

void buf_append_str(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

void buf_append_char(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_append_uint(struct buf *b, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_append(b, digits + at, sizeof digits - at);
}

void buf_append_int(struct buf *b, int64_t n)
{
    if (n < 0)
        buf_append_char(b, '-');
    buf_append_uint(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    if (len < 0)
        b->failed = true;
    else if (buf_reserve(b, (size_t)len) == 0) {
        vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

void buf_consume(struct buf *b, size_t len)
{
    if (len >= b->len)
        len = b->len;
    if (len == 0)
        return;
    b->len -= len;
    memmove(b->data, b->data + len, b->len);
    b->data[b->len] = '\0';
}

char *buf_take(struct buf *b)
{
    if (b->failed || buf_reserve(b, 0) != 0)
        return NULL;
    char *data = b->data;
    *b = (struct buf){NULL, 0, 0, b->max, false};
    return data;
}
