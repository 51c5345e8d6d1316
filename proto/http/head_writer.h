/* Renders the head of a message into bytes that the caller has room for: plain copying, no
 * formatting functions, no allocation. What does not fit is left out and `full` is set; look once,
 * at the end. */
#ifndef PROTO_HTTP_HEAD_WRITER_H
#define PROTO_HTTP_HEAD_WRITER_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct head_writer {
    char *start, *at, *end;
    bool full;
};

static inline struct head_writer head_writer_on(char *room, size_t len)
{
    return (struct head_writer){room, room, room + len, false};
}

static inline struct slice head_writer_bytes(const struct head_writer *w)
{
    return slice_of(w->start, (size_t)(w->at - w->start));
}

static inline void head_writer_put(struct head_writer *w, struct slice s)
{
    if ((size_t)(w->end - w->at) < s.len) {
        w->full = true;
        return;
    }
    memcpy(w->at, s.ptr, s.len);
    w->at += s.len;
}

static inline void head_writer_char(struct head_writer *w, char c)
{
    head_writer_put(w, slice_of(&c, 1));
}

/* "name: value" and the line end. */
static inline void head_writer_field(struct head_writer *w, struct slice name, struct slice value)
{
    if ((size_t)(w->end - w->at) < name.len + value.len + 4) {
        w->full = true;
        return;
    }
    memcpy(w->at, name.ptr, name.len);
    w->at += name.len;
    *w->at++ = ':';
    *w->at++ = ' ';
    memcpy(w->at, value.ptr, value.len);
    w->at += value.len;
    *w->at++ = '\r';
    *w->at++ = '\n';
}

/* Decimal. */
void head_writer_number(struct head_writer *w, uint64_t n);
void head_writer_number_field(struct head_writer *w, struct slice name, uint64_t n);

/* "HTTP/1.1 404 Not Found" and the line end; without a phrase for unregistered codes. */
void head_writer_status_line(struct head_writer *w, int status);

/* "SIZE\r\n" in hex: the line before a chunk. */
void head_writer_chunk_size(struct head_writer *w, uint64_t size);

#endif
