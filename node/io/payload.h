/* Immutable bytes shared by several writers: stored once, counted, freed by the last holder. A
 * reply to a thousand listeners, a cached file. Whose memory it is, `release` knows. */
#ifndef NODE_IO_PAYLOAD_H
#define NODE_IO_PAYLOAD_H

#include "proto/base/slice.h"

#include <stdint.h>

struct payload {
    const char *bytes;
    size_t len;
    uint32_t refs;
    void (*release)(struct payload *p); /* frees the bytes and the payload itself */
};

/* A payload of `len` bytes with one reference; *bytes is where to write them, before it is shared.
 * NULL when out of memory. */
struct payload *payload_create(size_t len, char **bytes);
/* A payload with its own copy of the bytes and one reference; NULL when out of memory. */
struct payload *payload_copy(struct slice bytes);

static inline struct payload *payload_ref(struct payload *p)
{
    p->refs++;
    return p;
}

static inline void payload_unref(struct payload *p)
{
    if (p != NULL && --p->refs == 0)
        p->release(p);
}

/* An open file shared by several writers; the descriptor is closed by the last holder. */
struct file_ref {
    int fd;
    uint32_t refs;
};
struct file_ref *file_ref_create(int fd); /* takes fd, also on failure (then closes it; NULL) */
static inline struct file_ref *file_ref_ref(struct file_ref *f)
{
    f->refs++;
    return f;
}
void file_ref_unref(struct file_ref *f);

#endif
