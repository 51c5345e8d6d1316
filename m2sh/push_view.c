/* A revision is a commit's version, as the options and messages call it. */

#include "m2sh/push_view.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/change_list.h"
#include "m2sh/out/out_progress.h"

#include <string.h>

struct view {
    struct out_progress progress;
    struct buf json; /* the reports so far, for scripts */
    struct out_json j;
    int64_t nodes;    /* that are asked */
    int64_t answered; /* in this phase */
    bool taken_back;  /* it did not do well at its canary */
};

static int read_policy(const struct call *c, int *out, struct error *e)
{
    const char *word = args_get(&c->args, "policy", "all");
    for (int i = 0; cluster_policy_words[i] != NULL; i++)
        if (strcmp(word, cluster_policy_words[i]) == 0) {
            *out = i;
            return 0;
        }
    return error_set(e, ERROR_USAGE, "-policy is all, majority or any, not \"%s\".", word);
}

int push_view_options(const struct cluster *cl, struct cluster_push *push, struct error *e)
{
    const struct call *c = cl->call;
    const char *why = args_get(&c->args, "why", NULL);
    int64_t seconds;
    if (why == NULL || *why == '\0')
        return error_set(e, ERROR_USAGE, "Say why: -why \"the reason\" is kept with the commit.");
    push->author = cluster_author(cl, why);
    push->dry = args_has(&c->args, "dry") && strcmp(args_get(&c->args, "dry", ""), "0") != 0;
    push->canary = slice_str(args_get(&c->args, "canary", ""));
    if (read_policy(c, &push->policy, e) != 0 ||
        args_get_int(&c->args, "hold", 0, 604800, 60, &push->hold_s, e) != 0 ||
        args_get_int(&c->args, "base", 0, INT64_MAX, -1, &push->base, e) != 0 ||
        args_get_int(&c->args, "timeout", 1, 3600, 10, &seconds, e) != 0)
        return -1;
    push->timeout_ms = seconds * 1000;
    return 0;
}

/* ---- progress ------------------------------------------------------------------------------ */

static void on_checked(struct view *v, const struct cluster_table *t)
{
    v->nodes = cluster_table_int(t, 0, "nodes");
    v->answered = 0;
    int64_t changes = cluster_table_int(t, 0, "changes");
    out_progress_event(&v->progress, OUT_PLAIN, "checked ",
                       "revision %lld, %lld change%s; asking "
                       "%lld node%s",
                       (long long)cluster_table_int(t, 0, "version"), (long long)changes,
                       changes == 1 ? "" : "s", (long long)v->nodes, v->nodes == 1 ? "" : "s");
}

static void on_node(struct view *v, const struct cluster_table *t, size_t row, const char *done,
                    const char *failed)
{
    struct slice node = cluster_table_text(t, row, "node");
    struct slice object = cluster_table_text(t, row, "object");
    struct slice error = cluster_table_text(t, row, "error");
    v->answered++;
    if (cluster_table_bool(t, row, "ok"))
        out_progress_event(&v->progress, OUT_GOOD, done, "%.*s (%lld ms)", SLICE_ARG(node),
                           (long long)cluster_table_int(t, row, "ms"));
    else
        out_progress_event(&v->progress, OUT_BAD, failed, "%.*s: %.*s%s%.*s", SLICE_ARG(node),
                           SLICE_ARG(object), object.len > 0 ? ": " : "", SLICE_ARG(error));
    out_progress_status(&v->progress, "%lld of %lld nodes", (long long)v->answered,
                        (long long)v->nodes);
}

static void on_decided(struct view *v, const struct cluster_table *t)
{
    struct slice decision = cluster_table_text(t, 0, "decision");
    v->answered = 0;
    out_progress_event(&v->progress, OUT_PLAIN, "decided ",
                       "%.*s: %lld ready, %lld refused, %lld silent", SLICE_ARG(decision),
                       (long long)cluster_table_int(t, 0, "ready"),
                       (long long)cluster_table_int(t, 0, "refused"),
                       (long long)cluster_table_int(t, 0, "silent"));
}

static void on_stored(struct view *v, const struct cluster_table *t)
{
    struct slice hash = cluster_table_text(t, 0, "hash");
    out_progress_event(&v->progress, OUT_PLAIN, "stored  ", "revision %lld %.*s",
                       (long long)cluster_table_int(t, 0, "version"),
                       (int)(hash.len < 12 ? hash.len : 12), hash.ptr);
}

static void on_held(struct view *v, const struct cluster_table *t)
{
    out_progress_event(&v->progress, OUT_PLAIN, "held    ", "at %.*s for %lld s",
                       SLICE_ARG(cluster_table_text(t, 0, "scope")),
                       (long long)cluster_table_int(t, 0, "hold_s"));
    out_progress_status(&v->progress, "watching the canary");
}

static void on_judged(struct view *v, const struct cluster_table *t)
{
    struct slice decision = cluster_table_text(t, 0, "decision");
    bool good = slice_eq(decision, SLICE("promoted"));
    out_progress_event(&v->progress, good ? OUT_GOOD : OUT_BAD, "judged  ", "%.*s: %.*s",
                       SLICE_ARG(decision), SLICE_ARG(cluster_table_text(t, 0, "text")));
    v->taken_back = !good;
}

static void add_json(struct view *v, const struct cluster_reply *report)
{
    out_json_object(&v->j);
    out_json_key(&v->j, "progress");
    out_json_slice(&v->j, report->progress);
    out_json_key(&v->j, "rows");
    cluster_put_json(&report->table, &v->j);
    out_json_end(&v->j);
}

static void on_report(void *arg, const struct cluster_reply *report)
{
    struct view *v = arg;
    const struct cluster_table *t = &report->table;
    add_json(v, report);
    if (slice_eq(report->progress, SLICE("waiting")))
        out_progress_event(&v->progress, OUT_DIM, "waiting ", "%.*s",
                           SLICE_ARG(cluster_table_text(t, 0, "text")));
    else if (slice_eq(report->progress, SLICE("checked")))
        on_checked(v, t);
    else if (slice_eq(report->progress, SLICE("decided")))
        on_decided(v, t);
    else if (slice_eq(report->progress, SLICE("stored")))
        on_stored(v, t);
    else if (slice_eq(report->progress, SLICE("held")))
        on_held(v, t);
    else if (slice_eq(report->progress, SLICE("judged")))
        on_judged(v, t);
    for (size_t row = 0; row < t->row_count; row++) {
        if (slice_eq(report->progress, SLICE("prepared")))
            on_node(v, t, row, "ready   ", "refused ");
        else if (slice_eq(report->progress, SLICE("applied")))
            on_node(v, t, row, "applied ", "unsaved ");
    }
}

/* ---- the end ------------------------------------------------------------------------------- */

/* One sentence, and the status that goes with it. */
static enum status say_verdict(const struct cluster_table *t)
{
    struct slice verdict = cluster_table_text(t, 0, "verdict");
    long long version = cluster_table_int(t, 0, "version");
    long long ready = cluster_table_int(t, 0, "ready"), ms = cluster_table_int(t, 0, "ms");
    long long applied = cluster_table_int(t, 0, "applied");
    struct buf out = BUF_INIT;
    enum status status = STATUS_DONE;
    if (slice_eq(verdict, SLICE("unchanged"))) {
        buf_printf(&out, "Nothing to do: this is the configuration of revision %lld.\n", version);
    } else if (slice_eq(verdict, SLICE("dry"))) {
        buf_printf(&out, "Every check passed, %lld node%s would take it; nothing was changed.\n",
                   ready, ready == 1 ? "" : "s");
    } else if (slice_eq(verdict, SLICE("held"))) {
        buf_printf(&out,
                   "Revision %lld is held at its canary. %.*s\n"
                   "      m2sh promote -rev %lld\n      m2sh abort -rev %lld -why TEXT\n",
                   version, SLICE_ARG(cluster_table_text(t, 0, "text")), version, version);
    } else if (slice_eq(verdict, SLICE("promoted")) || slice_eq(verdict, SLICE("taken back"))) {
        buf_printf(&out, "The canary of revision %lld was %.*s %.*s\n", version, SLICE_ARG(verdict),
                   SLICE_ARG(cluster_table_text(t, 0, "text")));
    } else if (slice_eq(verdict, SLICE("applied"))) {
        buf_printf(&out, "Revision %lld is the head and runs on %lld node%s (%lld ms).\n", version,
                   applied, applied == 1 ? "" : "s", ms);
    } else {
        buf_printf(&out,
                   "Revision %lld is the head; %lld of %lld nodes that were ready have said that "
                   "they run it. The others fetch it: m2sh nodes shows when.\n",
                   version, applied, ready);
        status = STATUS_TIMEOUT;
    }
    cmd_print(&out);
    return status;
}

/* What a refusal's row says that no progress line has said: a node that was silent, a change that
 * someone else has pushed, a finding. */
static void put_detail(const struct cluster_table *t, size_t row, struct buf *out)
{
    struct slice answer = cluster_table_text(t, row, "answer");
    if (slice_eq(answer, SLICE("silent"))) {
        buf_printf(out, "silent   %.*s\n", SLICE_ARG(cluster_table_text(t, row, "node")));
    } else if (cluster_table_column(t, "change") >= 0) {
        buf_append_str(out, "since then: ");
        change_list_put(t, row, out);
    } else if (answer.len == 0) {
        buf_printf(out, "%.*s: %.*s\n", SLICE_ARG(cluster_table_text(t, row, "object")),
                   SLICE_ARG(cluster_table_text(t, row, "text")));
    }
}

static void show_details(const struct cluster_reply *r)
{
    struct buf out = BUF_INIT;
    for (size_t row = 0; row < r->table.row_count; row++)
        put_detail(&r->table, row, &out);
    fputs(xbuf_str(&out), stderr);
    buf_fini(&out);
}

/* {"reports":[...],"verdict":{...}} or {"reports":[...],"error":{...},"details":[...]}. */
static void print_json(struct view *v, const struct cluster_reply *reply, const struct error *e)
{
    out_json_end(&v->j);
    if (e == NULL) {
        out_json_key(&v->j, "verdict");
        cluster_put_json(&reply->table, &v->j);
    } else {
        out_json_key(&v->j, "error");
        out_json_object(&v->j);
        out_json_pair_str(&v->j, "code", error_code_name(e->code));
        out_json_pair_str(&v->j, "object", e->object);
        out_json_pair_str(&v->j, "text", e->text);
        out_json_end(&v->j);
        if (reply != NULL) {
            out_json_key(&v->j, "details");
            cluster_put_json(&reply->table, &v->j);
        }
    }
    out_json_end(&v->j);
    buf_append_char(&v->json, '\n');
    cmd_print(&v->json);
}

static enum status fail(struct cluster *cl, struct view *v, const struct cluster_reply *reply,
                        const struct error *e)
{
    struct call quiet = *cl->call; /* the JSON is printed here, with the details */
    quiet.json = false;
    cmd_fail(&quiet, e);
    if (reply != NULL)
        show_details(reply);
    else if (e->code == ERROR_UNREACHABLE || e->code == ERROR_TIMEOUT)
        fputs("Whether it was stored is not known; m2sh log -cluster tells.\n", stderr);
    if (cl->call->json)
        print_json(v, reply, e);
    return cmd_status_of(e->code);
}

static enum status verdict_status(const struct cluster_table *t)
{
    return slice_eq(cluster_table_text(t, 0, "verdict"), SLICE("stored")) ? STATUS_TIMEOUT
                                                                          : STATUS_DONE;
}

enum status push_view_run(struct cluster *cl, struct cluster_request *request)
{
    struct error e;
    struct view v = {.json = BUF_INIT};
    const struct cluster_reply *reply;
    enum status status;
    int64_t hold_ms = request->push.canary.len > 0 ? request->push.hold_s * 1000 : 0;
    int silence_ms = (int)(request->push.timeout_ms + hold_ms) + 15000;
    out_progress_init(&v.progress, cl->call->json ? NULL : stdout, stderr);
    out_json_init(&v.j, &v.json);
    out_json_object(&v.j);
    out_json_key(&v.j, "reports");
    out_json_array(&v.j);
    int result = caller_call_within(cl->caller, request, silence_ms, on_report, &v, &reply, &e);
    out_progress_end(&v.progress);
    if (result != 0) {
        status = fail(cl, &v, reply, &e);
    } else if (cl->call->json) {
        status = verdict_status(&reply->table);
        print_json(&v, reply, NULL);
    } else {
        status = say_verdict(&reply->table);
    }
    if (v.taken_back && status == STATUS_DONE)
        status = STATUS_NO;
    buf_fini(&v.json);
    cluster_close(cl);
    return status;
}
