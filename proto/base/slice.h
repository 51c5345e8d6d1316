/* Borrowed bytes: a pointer and a length, nothing owned, never NUL-terminated by promise.
 * A slice must not outlive the bytes it borrows; copy into an arena or a buf when in doubt. */
#ifndef PROTO_BASE_SLICE_H
#define PROTO_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(literal) ((struct slice){"" literal "", sizeof(literal) - 1})
#define SLICE_EMPTY    ((struct slice){"", 0})

/* For printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).len, (s).ptr

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){(const char *)ptr, len};
}

/* Borrows a C string; NULL gives the empty slice. */
static inline struct slice slice_str(const char *s)
{
    return s != NULL ? slice_of(s, strlen(s)) : SLICE_EMPTY;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case is ignored; all other bytes, NUL included, are compared as they are. */
static inline bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned char x = (unsigned char)a.ptr[i], y = (unsigned char)b.ptr[i];
        if (x != y && ((x ^ y) != 0x20 || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
            return false;
    }
    return true;
}

static inline bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool slice_ends_with(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* The part from offset `from` on; `from` must be at most s.len. */
static inline struct slice slice_from(struct slice s, size_t from)
{
    return slice_of(s.ptr + from, s.len - from);
}

/* Offset of the first `byte`, or s.len when there is none. */
static inline size_t slice_find(struct slice s, char byte)
{
    const char *p = s.len > 0 ? (const char *)memchr(s.ptr, byte, s.len) : NULL;
    return p != NULL ? (size_t)(p - s.ptr) : s.len;
}

/* Without the spaces and tabs at both ends. */
static inline struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s.ptr++, s.len--;
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

#endif
