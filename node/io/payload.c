/* The copied form keeps the bytes behind the header: one allocation, one free. */

#include "node/io/payload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void release_copy(struct payload *p)
{
    free(p);
}

struct payload *payload_create(size_t len, char **bytes)
{
    struct payload *p = malloc(sizeof *p + len);
    if (p == NULL)
        return NULL;
    *bytes = (char *)(p + 1);
    *p = (struct payload){.bytes = *bytes, .len = len, .refs = 1, .release = release_copy};
    return p;
}

struct payload *payload_copy(struct slice bytes)
{
    char *to;
    struct payload *p = payload_create(bytes.len, &to);
    if (p != NULL && bytes.len > 0)
        memcpy(to, bytes.ptr, bytes.len);
    return p;
}

struct file_ref *file_ref_create(int fd)
{
    struct file_ref *f = malloc(sizeof *f);
    if (f == NULL) {
        close(fd);
        return NULL;
    }
    *f = (struct file_ref){.fd = fd, .refs = 1};
    return f;
}

void file_ref_unref(struct file_ref *f)
{
    if (f != NULL && --f->refs == 0) {
        close(f->fd);
        free(f);
    }
}
