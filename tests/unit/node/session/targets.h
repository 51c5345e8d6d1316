/* Targets for tests of sessions: each route has a behaviour of its own, so that every way through
 * an exchange can be walked. They stand where Status targets do: the word is the behaviour. */
#ifndef TESTS_UNIT_NODE_SESSION_TARGETS_H
#define TESTS_UNIT_NODE_SESSION_TARGETS_H

#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"
#include "tests/unit/node/target/serving.h"

struct word_target {
    struct target base;
    char word[16];
};

/* What a test sees of the last exchange. */
static struct {
    struct exchange *x; /* of "later" and "body", until released */
    struct buf body;
    unsigned started, released, pieces, more;
    bool last;
    bool pause; /* after each piece */
} seen;

static inline void seen_clear(void)
{
    buf_fini(&seen.body);
    memset(&seen, 0, sizeof seen);
}

static inline int word_create(struct target **out, const struct row *row, struct snapshot_build *b,
                              struct error *e);

static inline void word_destroy(struct target *t)
{
    free(container_of(t, struct word_target, base));
}

static inline void word_start(struct target *t, struct exchange *x)
{
    static const struct slice text = SLICE("Content-Type: text/plain\r\n");
    const char *word = container_of(t, struct word_target, base)->word;
    seen.started++;
    buf_clear(&seen.body);
    seen.x = x;
    if (strcmp(word, "now") == 0) {
        char body[64];
        int len = snprintf(body, sizeof body, "%.*s %.*s", SLICE_ARG(x->method),
                           SLICE_ARG(x->path));
        reply_whole(x, 200, text, slice_of(body, (size_t)len));
    } else if (strcmp(word, "chunked") == 0) {
        reply_begin(x, 200, text, REPLY_LENGTH_UNKNOWN);
        reply_body(x, SLICE("hello "));
        reply_body(x, SLICE_EMPTY);
        reply_body(x, SLICE("world"));
        reply_end(x);
    } else if (strcmp(word, "nothing") == 0) {
        reply_begin(x, 204, SLICE_EMPTY, 0);
        reply_end(x);
    } else if (strcmp(word, "large") == 0) {
        static char bytes[400 << 10];
        reply_whole(x, 200, SLICE_EMPTY, slice_of(bytes, sizeof bytes));
    } else if (strcmp(word, "error") == 0) {
        reply_error(x, 405, SLICE("Allow: GET\r\n"));
    } else if (strcmp(word, "cut") == 0) {
        reply_begin(x, 200, text, 10);
        reply_body(x, SLICE("half"));
        reply_abort(x, 502);
    } else if (strcmp(word, "abort") == 0) {
        reply_abort(x, 502);
    } else if (strcmp(word, "body") == 0) {
        exchange_want_body(x);
        if (!x->has_body)
            reply_whole(x, 200, text, SLICE("no body"));
    } else if (strcmp(word, "raw") == 0) { /* a handler's */
        exchange_detach(x);
        raw_reply_expect(x);
    } else { /* later */
        exchange_detach(x);
    }
}

static inline void word_body(struct exchange *x, struct slice piece, bool last)
{
    seen.pieces++;
    buf_append_slice(&seen.body, piece);
    seen.last = last;
    if (last)
        reply_whole(x, 200, SLICE_EMPTY, buf_slice(&seen.body));
    else if (seen.pause)
        exchange_pause_body(x);
}

static inline void word_more(struct exchange *x)
{
    (void)x;
    seen.more++;
}

static inline void word_release(struct exchange *x)
{
    if (seen.x == x)
        seen.x = NULL;
    seen.released++;
}

static const struct target_ops word_ops = {
    .kind = "status",
    .table = TABLE_STATUS,
    .create = word_create,
    .destroy = word_destroy,
    .start = word_start,
    .body = word_body,
    .more = word_more,
    .release = word_release,
};

static inline int word_create(struct target **out, const struct row *row, struct snapshot_build *b,
                              struct error *e)
{
    (void)b, (void)e;
    struct word_target *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->base.ops = &word_ops;
    snprintf(t->word, sizeof t->word, "%s", row_str(row, STATUS_WHAT));
    *out = &t->base;
    return 0;
}

static const struct target_ops *const word_kinds[] = {&word_ops, NULL};

/* A site with a route /WORD for each behaviour, and settings "key=value" ended by NULL. */
static inline struct model *word_site(const char *const *settings)
{
    static const char *const words[] = {"now", "chunked", "nothing", "large", "error",
                                        "cut", "abort",   "body",    "later", "raw"};
    struct model *m = model_create(NULL);
    fixture_server(m, "main", 0);
    fixture_row(m, TABLE_HOST, "id=1", "server_id=1", "name=a.test", NULL);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char what[32], path[32], id[32];
        snprintf(what, sizeof what, "what=%s", words[i]);
        snprintf(path, sizeof path, "path=/%s", words[i]);
        snprintf(id, sizeof id, "target_id=%zu", i + 1);
        fixture_row(m, TABLE_STATUS, what, NULL);
        fixture_row(m, TABLE_ROUTE, path, "host_id=1", id, "target_type=status", NULL);
    }
    fixture_row(m, TABLE_ROUTE, "path=/soon", "host_id=1", "target_id=9", "target_type=status",
                "request_timeout=5", NULL); /* "later" */
    fixture_row(m, TABLE_ROUTE, "path=/prompt", "host_id=1", "target_id=10", "target_type=status",
                "request_timeout=5", NULL); /* "raw" */
    fixture_row(m, TABLE_ROUTE, "path=/upload", "host_id=1", "target_id=8", "target_type=status",
                "request_timeout=5", NULL); /* "body" */
    for (; settings != NULL && *settings != NULL; settings++) {
        char key[64], value[64];
        const char *equals = strchr(*settings, '=');
        snprintf(key, sizeof key, "key=%.*s", (int)(equals - *settings), *settings);
        snprintf(value, sizeof value, "value=%s", equals + 1);
        fixture_row(m, TABLE_SETTING, key, value, NULL);
    }
    return m;
}

/* The bytes without the lines that change from day to day: Date and Server. */
static inline char *without_date(struct slice bytes)
{
    char *text = malloc(bytes.len + 1), *to = text;
    for (size_t at = 0; at < bytes.len;) {
        struct slice rest = slice_from(bytes, at);
        size_t len = slice_find(rest, '\n');
        len = len < rest.len ? len + 1 : len;
        if (!slice_starts_with(rest, SLICE("Date: ")) &&
            !slice_starts_with(rest, SLICE("Server: "))) {
            memcpy(to, rest.ptr, len);
            to += len;
        }
        at += len;
    }
    *to = '\0';
    return text;
}

#endif
