#include "node/cluster/page_fetch.h"

enum { FETCH_MS = 2500 };

static void on_answer(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct page_fetch *f = arg;
    page_fetched *done = f->done;
    struct error problem;
    f->done = NULL;
    if (reply != NULL && reply->kind == REPLY_TABLE) {
        done(f->arg, cluster_table_text(&reply->table, 0, "html"), NULL);
        return;
    }
    f->turn++;
    if (reply != NULL)
        cluster_reply_error(reply, &problem);
    else
        problem = *e;
    done(f->arg, SLICE_EMPTY, &problem);
}

int page_fetch(struct page_fetch *f, struct coordinator_link *const *links, size_t count,
               page_fetched *done, void *arg, struct error *e)
{
    struct cluster_request r;
    if (f->done != NULL)
        return error_set(e, ERROR_EXISTS, "The page is being fetched.");
    f->done = done;
    f->arg = arg;
    for (size_t i = 0; i < count; i++, f->turn++) {
        cluster_request_init(&r, CLUSTER_PAGE);
        if (coordinator_link_call(links[f->turn % count], &r, FETCH_MS, on_answer, f, e) == 0)
            return 0;
    }
    f->done = NULL;
    return error_set(e, ERROR_UNREACHABLE, "No coordinator can be reached.");
}
