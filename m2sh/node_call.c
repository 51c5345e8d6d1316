#include "m2sh/node_call.h"

#include "m2sh/base/xalloc.h"

enum { ANSWER_MS = 5000 };

static void put_request(struct buf *out, const char *verb, const char *name, const char *text,
                        int64_t number)
{
    struct control_request_mark mark = control_request_begin(out, verb, CONTROL_NO_SEQ);
    if (name != NULL && text != NULL)
        tns_put_pair_str(out, name, text);
    else if (name != NULL)
        tns_put_pair_int(out, name, number);
    control_request_end(out, mark);
}

static int parse(struct node_answer *out, struct slice bytes, struct error *e)
{
    struct slice kept = xarena_slice(&out->arena, bytes);
    if (control_reply_parse(kept, &out->arena, NULL, &out->reply, e) != 0)
        return -1;
    if (out->reply.kind == CONTROL_REPLY_ERROR)
        return error_set(e, ERROR_REFUSED, "%.*s", SLICE_ARG(out->reply.error));
    if (out->reply.kind != CONTROL_REPLY_TABLE)
        return error_set(e, ERROR_INVALID, "The node's answer is no table.");
    return 0;
}

int node_call(struct cluster *cl, const char *node, const char *verb, const char *name,
              const char *text, int64_t number, struct node_answer *out, struct error *e)
{
    struct cluster_request request;
    const struct cluster_reply *answer;
    struct buf bytes = BUF_INIT;
    arena_init(&out->arena, 0);
    out->reply = (struct control_reply){.kind = CONTROL_REPLY_OTHER};
    put_request(&bytes, verb, name, text, number);
    xbuf_str(&bytes);
    cluster_request_init(&request, CLUSTER_CONTROL);
    request.control.node = slice_str(node);
    request.control.request = buf_slice(&bytes);
    int result = caller_call_within(cl->caller, &request, ANSWER_MS, NULL, NULL, &answer, e);
    buf_fini(&bytes);
    return result == 0 ? parse(out, cluster_table_text(&answer->table, 0, "reply"), e) : -1;
}

void node_answer_release(struct node_answer *a)
{
    arena_fini(&a->arena);
}

size_t node_answer_rows(const struct node_answer *a)
{
    return a->reply.kind == CONTROL_REPLY_TABLE ? a->reply.rows->item_count : 0;
}

struct slice node_answer_text(const struct node_answer *a, size_t row, const char *column)
{
    const struct tns_value *v = control_reply_cell(&a->reply, row, column);
    return v != NULL && v->type == TNS_STRING ? v->string : SLICE_EMPTY;
}

int64_t node_answer_int(const struct node_answer *a, size_t row, const char *column)
{
    const struct tns_value *v = control_reply_cell(&a->reply, row, column);
    return v != NULL && v->type == TNS_INT ? v->integer : 0;
}
