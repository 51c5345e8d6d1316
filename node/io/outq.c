/* Pieces form a singly linked list. A block piece is one pooled allocation, header and bytes;
 * shared and file pieces are small headers of their own. Appending fills the tail block first. */

#include "node/io/outq.h"

#include <string.h>
#include <sys/uio.h>

enum piece_kind { PIECE_BLOCK, PIECE_PAYLOAD, PIECE_FILE, PIECE_MARK };

struct outq_piece {
    struct outq_piece *next;
    enum piece_kind kind;
    uint32_t room; /* PIECE_BLOCK: bytes of data[] */
    uint64_t from; /* first byte not yet written: index in data or payload, offset in file */
    uint64_t end;  /* behind the last */
    union {
        struct payload *payload;
        struct file_ref *file;
        uint64_t mark;
        char data[1];
    } u;
};

enum {
    BLOCK_ROOM = OUTQ_BLOCK - offsetof(struct outq_piece, u),
    COPY_LIMIT = 1024, /* shared bytes up to this are copied: cheaper than another vector */
    SPARE_BLOCKS = 256,
    SPARE_PIECES = 1024
};

void outq_memory_init(struct outq_memory *m)
{
    freelist_init(&m->blocks, OUTQ_BLOCK, SPARE_BLOCKS);
    freelist_init(&m->pieces, sizeof(struct outq_piece), SPARE_PIECES);
    m->bytes = 0;
}

void outq_memory_fini(struct outq_memory *m)
{
    freelist_fini(&m->blocks);
    freelist_fini(&m->pieces);
}

static void append(struct outq *q, struct outq_piece *p)
{
    p->next = NULL;
    if (q->tail != NULL)
        q->tail->next = p;
    else
        q->head = p;
    q->tail = p;
}

static void grown(struct outq *q, struct outq_memory *m, uint64_t len)
{
    q->bytes += len;
    m->bytes += len;
}

static struct outq_piece *append_block(struct outq *q, struct outq_memory *m)
{
    struct outq_piece *p = freelist_take(&m->blocks);
    if (p == NULL)
        return NULL;
    p->kind = PIECE_BLOCK;
    p->room = BLOCK_ROOM;
    p->from = p->end = 0;
    append(q, p);
    return p;
}

char *outq_room(struct outq *q, struct outq_memory *m, size_t len)
{
    struct outq_piece *p = q->tail;
    if (p == NULL || p->kind != PIECE_BLOCK || p->room - p->end < len)
        p = append_block(q, m);
    return p != NULL ? p->u.data + p->end : NULL;
}

void outq_filled(struct outq *q, struct outq_memory *m, size_t len)
{
    q->tail->end += len;
    grown(q, m, len);
}

int outq_share(struct outq *q, struct outq_memory *m, struct payload *p, size_t from, size_t len)
{
    if (len <= COPY_LIMIT)
        return outq_copy(q, m, slice_of(p->bytes + from, len));
    struct outq_piece *piece = freelist_take(&m->pieces);
    if (piece == NULL)
        return -1;
    piece->kind = PIECE_PAYLOAD;
    piece->from = from;
    piece->end = from + len;
    piece->u.payload = payload_ref(p);
    append(q, piece);
    grown(q, m, len);
    return 0;
}

int outq_copy(struct outq *q, struct outq_memory *m, struct slice bytes)
{
    if (bytes.len > BLOCK_ROOM) { /* one allocation of the right size instead of many blocks */
        struct payload *p = payload_copy(bytes);
        int result = p != NULL ? outq_share(q, m, p, 0, bytes.len) : -1;
        payload_unref(p);
        return result;
    }
    if (bytes.len == 0)
        return 0;
    struct outq_piece *tail = q->tail;
    size_t room = tail != NULL && tail->kind == PIECE_BLOCK ? tail->room - tail->end : 0;
    size_t first = bytes.len < room ? bytes.len : room;
    struct outq_piece *more = NULL;
    if (first < bytes.len && (more = freelist_take(&m->blocks)) == NULL)
        return -1;
    if (first > 0) {
        memcpy(tail->u.data + tail->end, bytes.ptr, first);
        tail->end += first;
    }
    if (more != NULL) {
        more->kind = PIECE_BLOCK;
        more->room = BLOCK_ROOM;
        more->from = 0;
        more->end = bytes.len - first;
        memcpy(more->u.data, bytes.ptr + first, bytes.len - first);
        append(q, more);
    }
    grown(q, m, bytes.len);
    return 0;
}

int outq_file(struct outq *q, struct outq_memory *m, struct file_ref *f, off_t from, uint64_t len)
{
    if (len == 0)
        return 0;
    struct outq_piece *piece = freelist_take(&m->pieces);
    if (piece == NULL)
        return -1;
    piece->kind = PIECE_FILE;
    piece->from = (uint64_t)from;
    piece->end = (uint64_t)from + len;
    piece->u.file = file_ref_ref(f);
    append(q, piece);
    grown(q, m, len);
    q->file_bytes += len;
    return 0;
}

int outq_mark(struct outq *q, struct outq_memory *m, uint64_t number)
{
    if (outq_is_empty(q)) {
        m->passed(q, number);
        return 0;
    }
    struct outq_piece *piece = freelist_take(&m->pieces);
    if (piece == NULL)
        return -1;
    piece->kind = PIECE_MARK;
    piece->from = piece->end = 0;
    piece->u.mark = number;
    append(q, piece);
    return 0;
}

static void drop_head(struct outq *q, struct outq_memory *m)
{
    struct outq_piece *p = q->head;
    q->head = p->next;
    if (q->head == NULL)
        q->tail = NULL;
    if (p->kind == PIECE_BLOCK) {
        freelist_give(&m->blocks, p);
        return;
    }
    if (p->kind == PIECE_PAYLOAD)
        payload_unref(p->u.payload);
    else if (p->kind == PIECE_FILE)
        file_ref_unref(p->u.file);
    freelist_give(&m->pieces, p);
}

void outq_clear(struct outq *q, struct outq_memory *m)
{
    while (q->head != NULL)
        drop_head(q, m);
    m->bytes -= q->bytes;
    q->bytes = q->file_bytes = 0;
}

int outq_gather(const struct outq *q, struct iovec *vectors, int max)
{
    int count = 0;
    for (struct outq_piece *p = q->head; p != NULL && p->kind != PIECE_FILE && count < max;
         p = p->next) {
        if (p->end == p->from)
            continue;
        const char *base = p->kind == PIECE_BLOCK ? p->u.data : p->u.payload->bytes;
        vectors[count].iov_base = (void *)(uintptr_t)(base + p->from);
        vectors[count++].iov_len = p->end - p->from;
    }
    return count;
}

bool outq_head_file(const struct outq *q, int *fd, off_t *from, uint64_t *len)
{
    const struct outq_piece *p = q->head;
    if (p == NULL || p->kind != PIECE_FILE)
        return false;
    *fd = p->u.file->fd;
    *from = (off_t)p->from;
    *len = p->end - p->from;
    return true;
}

void outq_written(struct outq *q, struct outq_memory *m, uint64_t len)
{
    q->bytes -= len;
    m->bytes -= len;
    while (q->head != NULL) {
        struct outq_piece *p = q->head;
        uint64_t have = p->end - p->from, taken = have > len ? len : have;
        if (p->kind == PIECE_FILE)
            q->file_bytes -= taken;
        if (have > len) {
            p->from += len;
            return;
        }
        len -= have;
        if (p->kind == PIECE_MARK)
            m->passed(q, p->u.mark);
        drop_head(q, m);
        if (len == 0 && (q->head == NULL || q->head->end > q->head->from))
            return;
    }
}
