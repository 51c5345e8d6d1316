/* Each word is a function in a table. */

#include "node/target/status.h"

#include "node/exchange/exchange.h"
#include "node/exchange/reply.h"
#include "node/exchange/report.h"
#include "node/target/dashboard.h"

#include <stdlib.h>

struct status_word {
    const char *word;
    void (*answer)(struct exchange *x);
};

struct status_target {
    struct target base;
    const struct status_word *word;
};

static void answer_health(struct exchange *x)
{
    bool draining = x->worker->draining;
    reply_whole(x, draining ? 503 : 200,
                SLICE("Content-Type: text/plain\r\nCache-Control: no-store\r\n"),
                draining ? SLICE("draining\n") : SLICE("ok\n"));
}

static void answer_report(struct exchange *x, void (*report)(struct worker *, struct buf *),
                          struct slice fields)
{
    struct buf text = BUF_INIT;
    report(x->worker, &text);
    if (text.failed)
        reply_error(x, 503, SLICE_EMPTY);
    else
        reply_whole(x, 200, fields, buf_slice(&text));
    buf_fini(&text);
}

static void answer_metrics(struct exchange *x)
{
    answer_report(x, report_metrics,
                  SLICE("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\nCache-Control: "
                        "no-store\r\n"));
}

static void answer_status(struct exchange *x)
{
    answer_report(x, report_json,
                  SLICE("Content-Type: application/json\r\nCache-Control: no-store\r\n"));
}

static const struct status_word words[] = {
    {"health", answer_health},
    {"metrics", answer_metrics},
    {"status", answer_status},
    {"dashboard", dashboard_answer},
};

static void status_destroy(struct target *t)
{
    free(container_of(t, struct status_target, base));
}

static int status_create(struct target **out, const struct row *row, struct snapshot_build *b,
                         struct error *e)
{
    struct status_target *t = calloc(1, sizeof *t);
    if (t == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    t->base.ops = &target_status;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_eq(row_text(row, STATUS_WHAT), slice_str(words[i].word)))
            t->word = &words[i];
    if (t->word == NULL) {
        free(t);
        return error_set(e, ERROR_INVALID,
                         "Status(what=\"%s\") is not known here: use health, metrics, status or "
                         "dashboard.",
                         row_str(row, STATUS_WHAT));
    }
    if (t->word->answer == dashboard_answer && dashboard_open(b->worker, e) != 0) {
        free(t);
        return -1;
    }
    *out = &t->base;
    return 0;
}

static void status_start(struct target *t, struct exchange *x)
{
    enum method_id method = x->head->method_id;
    if (method == METHOD_GET || method == METHOD_HEAD)
        container_of(t, struct status_target, base)->word->answer(x);
    else
        reply_error(x, 405, SLICE("Allow: GET, HEAD\r\n"));
}

const struct target_ops target_status = {
    .kind = "status",
    .table = TABLE_STATUS,
    .create = status_create,
    .destroy = status_destroy,
    .start = status_start,
    .release = dashboard_release,
};
