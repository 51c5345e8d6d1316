/* What waits to be written to one connection: pieces of pooled blocks (copied bytes), of shared
 * payloads and of files, in order. Empty it is two pointers and a number; a copied response shares
 * one block, so that it leaves with one write(2). The bound is the owner's business
 * (outq_memory_held).
 */
#ifndef NODE_IO_OUTQ_H
#define NODE_IO_OUTQ_H

#include "node/io/payload.h"
#include "proto/base/freelist.h"
#include "proto/base/slice.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OUTQ_BLOCK \
    4096 /* bytes of a block with its header; what fits is copied, larger payloads are shared */

struct outq_piece;

struct outq {
    struct outq_piece *head;
    struct outq_piece *tail;
    uint64_t bytes;      /* not yet written, files included */
    uint64_t file_bytes; /* of these, in files */
};

/* The blocks and piece headers of all queues of one loop. */
struct outq_memory {
    struct freelist blocks;
    struct freelist pieces;
    uint64_t bytes; /* waiting in all queues, files included */
    /* All before a mark has been written: see outq_mark. Must not touch the queue. */
    void (*passed)(struct outq *q, uint64_t number);
};
void outq_memory_init(struct outq_memory *m);
void outq_memory_fini(struct outq_memory *m);

static inline bool outq_is_empty(const struct outq *q)
{
    return q->head == NULL;
}

/* Bytes that wait in memory: what a bound is about. A file costs nothing however long it is. */
static inline uint64_t outq_memory_held(const struct outq *q)
{
    return q->bytes - q->file_bytes;
}

/* Each returns 0, or -1 when out of memory (nothing was added). */
int outq_copy(struct outq *q, struct outq_memory *m, struct slice bytes);
/* At least `len` (<= OUTQ_BLOCK / 2) contiguous bytes to be filled by the caller, who then says how
 * many with outq_filled; nothing else may be added in between. NULL when out of memory. */
char *outq_room(struct outq *q, struct outq_memory *m, size_t len);
void outq_filled(struct outq *q, struct outq_memory *m, size_t len);
/* Takes a reference of its own; small ranges are copied instead. */
int outq_share(struct outq *q, struct outq_memory *m, struct payload *p, size_t from, size_t len);
int outq_file(struct outq *q, struct outq_memory *m, struct file_ref *f, off_t from, uint64_t len);

/* Has memory->passed called with this number when all that is queued now has been written; at once
 * when that is nothing, never when it is dropped. */
int outq_mark(struct outq *q, struct outq_memory *m, uint64_t number);

/* Drops everything. */
void outq_clear(struct outq *q, struct outq_memory *m);

struct iovec;
/* The first pieces of memory, up to `max` vectors: returns how many; 0 when the head is a file. */
int outq_gather(const struct outq *q, struct iovec *vectors, int max);
/* The head piece when it is a file: descriptor, offset and length through the pointers; else false.
 */
bool outq_head_file(const struct outq *q, int *fd, off_t *from, uint64_t *len);
/* `len` bytes have been written. */
void outq_written(struct outq *q, struct outq_memory *m, uint64_t len);

#endif
