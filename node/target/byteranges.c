#include "node/target/byteranges.h"

#include "proto/http/head_writer.h"

enum { PART_ROOM = 160 }; /* of a part's head without type and boundary */

static struct slice render_head(char *room, size_t len, const struct byte_range *r, uint64_t size,
                                struct slice type, struct slice boundary, bool is_first)
{
    char range[RANGE_CONTENT_MAX];
    struct head_writer w = head_writer_on(room, len);
    head_writer_put(&w, is_first ? SLICE("--") : SLICE("\r\n--"));
    head_writer_put(&w, boundary);
    head_writer_put(&w, SLICE("\r\n"));
    head_writer_field(&w, SLICE("Content-Type"), type);
    head_writer_field(&w, SLICE("Content-Range"), slice_of(range, range_content(r, size, range)));
    head_writer_put(&w, SLICE("\r\n"));
    return head_writer_bytes(&w);
}

static struct slice join(char *room, struct slice a, struct slice b, struct slice c)
{
    struct head_writer w = head_writer_on(room, a.len + b.len + c.len);
    head_writer_put(&w, a);
    head_writer_put(&w, b);
    head_writer_put(&w, c);
    return head_writer_bytes(&w);
}

int byteranges_render(struct byteranges *b, const struct byte_range *ranges, int count,
                      uint64_t size, struct slice type, struct slice boundary, struct arena *a)
{
    size_t part = PART_ROOM + type.len + boundary.len;
    char *room = arena_alloc(a, part * ((size_t)count + 2));
    if (room == NULL)
        return -1;
    b->length = 0;
    for (int i = 0; i < count; i++, room += part) {
        b->heads[i] = render_head(room, part, &ranges[i], size, type, boundary, i == 0);
        b->length += b->heads[i].len + (ranges[i].last - ranges[i].first + 1);
    }
    b->tail = join(room, SLICE("\r\n--"), boundary, SLICE("--\r\n"));
    b->length += b->tail.len;
    b->type = join(room + part, SLICE("multipart/byteranges; boundary="), boundary, SLICE_EMPTY);
    return 0;
}
