// links: m2_wire
/* A reply that is accepted must be written back so that it reads the same. */

#include "proto/base/error.h"
#include "proto/wire/handler_reply.h"

#define TARGETS_MAX 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = size > 0 ? slice_of(data, size) : SLICE_EMPTY;
    struct handler_reply r, again;
    uint32_t ids[TARGETS_MAX];
    size_t count = 0;
    enum handler_reply_status status = handler_reply_parse(input, TARGETS_MAX, &r);
    BUG_ON(handler_reply_status_text(status)[0] == '\0');
    if (status != HANDLER_REPLY_OK)
        return 0;
    BUG_ON(r.id_count > TARGETS_MAX || (r.id_count == 0 && !r.extended));
    for (struct slice rest = r.ids; handler_reply_next(&rest, &ids[count]); count++)
        BUG_ON(count == r.id_count);
    BUG_ON(count != r.id_count);
    struct buf out = BUF_INIT;
    handler_reply_encode(&out, r.sender, ids, count, r.extended, r.payload);
    BUG_ON(out.len > size);
    BUG_ON(handler_reply_parse(buf_slice(&out), TARGETS_MAX, &again) != HANDLER_REPLY_OK);
    BUG_ON(again.id_count != r.id_count || again.extended != r.extended);
    BUG_ON(!slice_eq(again.payload, r.payload) || !slice_eq(again.sender, r.sender));
    buf_fini(&out);
    return 0;
}
