// links: m2_wire
/* The input as a request and as a reply. */

#include "proto/wire/control_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(struct slice input, struct arena *a)
{
    struct control_request r, again;
    struct buf out = BUF_INIT;
    enum control_error error = control_request_parse(input, a, NULL, &r);
    if (error == CONTROL_OK) {
        size_t list = tns_open(&out);
        tns_put_string(&out, r.verb);
        tns_put_value(&out, &r.args);
        tns_close_list(&out, list);
        BUG_ON(control_request_parse(buf_slice(&out), a, NULL, &again) != CONTROL_OK);
        BUG_ON(!slice_eq(again.verb, r.verb) || again.seq != r.seq);
    } else {
        control_put_known_error(&out, error);
        BUG_ON(out.len == 0);
    }
    buf_fini(&out);
}

static void check_reply(struct slice input, struct arena *a)
{
    struct control_reply r;
    struct error e = {0};
    if (control_reply_parse(input, a, NULL, &r, &e) != 0) {
        BUG_ON(e.code == ERROR_NONE);
        return;
    }
    if (r.kind == CONTROL_REPLY_TABLE)
        for (size_t row = 0; row <= r.rows->item_count; row++)
            BUG_ON(control_reply_cell(&r, row, "id") != NULL && row == r.rows->item_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = size > 0 ? slice_of(data, size) : SLICE_EMPTY;
    struct arena a;
    arena_init(&a, 0);
    check_request(input, &a);
    check_reply(input, &a);
    arena_fini(&a);
    return 0;
}
