/* A table per direction: how each call is put into words, how each answer is read. What Redis says
 * is not trusted to have the right shape: a foreign program may have written under our prefix. */

#include "coordinator/store/redis_calls.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char redis_store_lua[];

/* ---- encoding ----------------------------------------------------------------------------- */

static void word(struct redis_call *c, struct slice s)
{
    BUG_ON(c->count == REDIS_CALL_WORDS);
    c->word[c->count++] = s;
}

static void word_copy(struct redis_call *c, struct store_request *r, struct slice s)
{
    word(c, store_request_copy(r, s));
}

static void word_int(struct redis_call *c, struct store_request *r, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    word_copy(c, r, slice_str(text));
}

/* "{PREFIX}:NAME" or "{PREFIX}:NAME:KIND"; the braces keep all on one slot of a Redis Cluster. */
static void word_key(struct redis_call *c, struct store_request *r, const char *prefix,
                     const char *name, struct slice kind)
{
    char key[256];
    snprintf(key, sizeof key, "{%s}:%s%s%.*s", prefix, name, kind.len > 0 ? ":" : "",
             SLICE_ARG(kind));
    word_copy(c, r, slice_str(key));
}

/* The record goes without the configuration, which is kept once per content. */
static void encode_append(struct redis_call *c, struct store_request *r)
{
    const struct commit *commit = &r->commit;
    struct commit record = *commit;
    struct buf bytes = BUF_INIT;
    record.config = SLICE_EMPTY;
    commit_encode(&record, &bytes);
    word_int(c, r, r->token);
    word_int(c, r, (int64_t)commit->version);
    word(c, slice_str(commit->parent));
    word(c, slice_str(commit->hash));
    word_copy(c, r, buf_slice(&bytes));
    word(c, slice_str(commit->config_hash));
    word(c, commit->config);
    if (bytes.failed)
        error_set(&r->result.error, ERROR_NO_MEMORY, "Out of memory.");
    buf_fini(&bytes);
}

static void encode_get(struct redis_call *c, struct store_request *r)
{
    word_int(c, r, (int64_t)r->version);
}

static void encode_list(struct redis_call *c, struct store_request *r)
{
    word_int(c, r, (int64_t)r->version);
    word_int(c, r, r->count);
}

static void encode_put(struct redis_call *c, struct store_request *r)
{
    word_int(c, r, r->token);
    word(c, r->key);
    word(c, r->value);
}

static void encode_scan(struct redis_call *c, struct store_request *r)
{
    word(c, r->key);
    word_int(c, r, r->count);
}

static void encode_restore(struct redis_call *c, struct store_request *r)
{
    word_int(c, r, r->token);
    word(c, slice_str(r->cluster));
    word_int(c, r, r->finished);
}

static void encode_lease(struct redis_call *c, struct store_request *r)
{
    word(c, slice_str(r->owner));
    word(c, slice_str(r->endpoint));
    word_int(c, r, r->ttl_ms);
}

/* ---- decoding ----------------------------------------------------------------------------- */

/* The strings behind the status word. */
struct answer {
    const struct redisReply *reply;
    size_t count;
};

static struct slice string_at(const struct answer *a, size_t i)
{
    const struct redisReply *s = a->reply->element[i + 1];
    return slice_of(s->str, s->len);
}

static int int_at(const struct answer *a, size_t i, int64_t *out)
{
    char *end;
    const char *text = a->reply->element[i + 1]->str;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    *out = n;
    return *text != '\0' && *end == '\0' && errno == 0 && n >= 0 ? 0 : -1;
}

static int text_at(const struct answer *a, size_t i, char *out, size_t size)
{
    struct slice s = string_at(a, i);
    if (s.len >= size || memchr(s.ptr, '\0', s.len) != NULL)
        return -1;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return 0;
}

static int decode_head(struct store_request *r, const struct answer *a)
{
    int64_t version;
    if (a->count < 2 || int_at(a, 0, &version) != 0 ||
        text_at(a, 1, r->result.head.hash, sizeof r->result.head.hash) != 0)
        return -1;
    r->result.head.version = (uint64_t)version;
    return r->call == STORE_APPEND || a->count < 3
               ? 0
               : text_at(a, 2, r->result.cluster, sizeof r->result.cluster);
}

static int decode_get(struct store_request *r, const struct answer *a)
{
    struct commit *c = store_request_alloc(r, sizeof *c);
    if (c == NULL)
        return 0;
    if (a->count != 2)
        return -1;
    if (commit_decode(c, string_at(a, 0), &r->arena, &r->result.error) != 0)
        return 0;
    c->config = store_request_copy(r, string_at(a, 1));
    r->result.commits = c;
    r->result.commit_count = 1;
    if (c->config.ptr != NULL)
        commit_verify(c, &r->result.error);
    return 0;
}

static int decode_list(struct store_request *r, const struct answer *a)
{
    struct commit *out = store_request_alloc(r, (a->count + 1) * sizeof *out);
    for (size_t i = 0; out != NULL && i < a->count; i++) {
        if (commit_decode(&out[i], string_at(a, i), &r->arena, &r->result.error) != 0)
            return 0;
    }
    r->result.commits = out;
    r->result.commit_count = out != NULL ? a->count : 0;
    return 0;
}

static int decode_put(struct store_request *r, const struct answer *a)
{
    (void)r, (void)a;
    return 0;
}

static int decode_scan(struct store_request *r, const struct answer *a)
{
    size_t count = a->count / 2;
    struct store_record *out = store_request_alloc(r, (count + 1) * sizeof *out);
    for (size_t i = 0; out != NULL && i < count; i++) {
        out[i].key = store_request_copy(r, string_at(a, 2 * i));
        out[i].value = store_request_copy(r, string_at(a, 2 * i + 1));
    }
    r->result.records = out;
    r->result.record_count = out != NULL ? count : 0;
    return a->count % 2 == 0 ? 0 : -1;
}

static int decode_lease(struct store_request *r, const struct answer *a)
{
    struct store_lease *l = &r->result.lease;
    int64_t held;
    if (a->count != 4 || int_at(a, 0, &held) != 0 || int_at(a, 1, &l->token) != 0)
        return -1;
    l->held = held == 1;
    return text_at(a, 2, l->owner, sizeof l->owner) == 0 &&
                   text_at(a, 3, l->endpoint, sizeof l->endpoint) == 0
               ? 0
               : -1;
}

static const struct {
    const char *name;
    bool writes;
    void (*encode)(struct redis_call *c, struct store_request *r);
    int (*decode)(struct store_request *r, const struct answer *a); /* -1: not the right shape */
} calls[STORE_CALL_COUNT] = {
    [STORE_HEAD] = {"head", false, NULL, decode_head},
    [STORE_APPEND] = {"append", true, encode_append, decode_head},
    [STORE_GET] = {"get", false, encode_get, decode_get},
    [STORE_LIST] = {"list", false, encode_list, decode_list},
    [STORE_PUT] = {"put", true, encode_put, decode_put},
    [STORE_SCAN] = {"scan", false, encode_scan, decode_scan},
    [STORE_LEASE] = {"lease", true, encode_lease, decode_lease},
    [STORE_RESTORE] = {"restore", true, encode_restore, decode_head},
};

bool redis_call_writes(enum store_call call)
{
    return calls[call].writes;
}

int redis_call_encode(struct redis_call *out, struct store_request *r, const char *prefix,
                      const char *cluster)
{
    static const char *const keys[] = {"meta", "commits", "configs", "lease"};
    out->count = 0;
    word(out, SLICE("EVAL"));
    word(out, slice_str(redis_store_lua));
    word(out, SLICE("6"));
    for (size_t i = 0; i < 4; i++)
        word_key(out, r, prefix, keys[i], SLICE_EMPTY);
    word_key(out, r, prefix, "values", r->kind);
    word_key(out, r, prefix, "order", r->kind);
    word(out, slice_str(calls[r->call].name));
    if (calls[r->call].encode != NULL)
        calls[r->call].encode(out, r);
    else
        word(out, slice_str(cluster));
    return r->result.error.code == ERROR_NONE ? 0 : -1;
}

/* ---- what the server said ----------------------------------------------------------------- */

static bool begins(const struct redisReply *reply, const char *word)
{
    return strncmp(reply->str, word, strlen(word)) == 0;
}

bool redis_reply_is_unusable(const struct redisReply *reply)
{
    static const char *const words[] = {"READONLY", "LOADING",     "MASTERDOWN", "UNBLOCKED",
                                        "BUSY",     "CLUSTERDOWN", "NOAUTH"};
    for (size_t i = 0; reply->type == REDIS_REPLY_ERROR && i < sizeof words / sizeof words[0]; i++)
        if (begins(reply, words[i]))
            return true;
    return false;
}

/* Of the errors some say that nothing was written; the others do not say. */
static void decode_error(struct store_request *r, const struct redisReply *reply)
{
    static const char *const refusals[] = {"OOM", "MISCONF", "NOREPLICAS", "NOPERM"};
    enum error_code code = redis_reply_is_unusable(reply) ? ERROR_UNREACHABLE : ERROR_IO;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (begins(reply, refusals[i]))
            code = ERROR_REFUSED;
    error_set(&r->result.error, code, "Redis: %s", reply->str);
}

static void decode_status(struct store_request *r, const struct answer *a)
{
    struct error *e = &r->result.error;
    const char *status = a->reply->element[0]->str;
    struct slice first = a->count > 0 ? string_at(a, 0) : SLICE_EMPTY;
    if (strcmp(status, "DENIED") == 0) {
        error_set(e, ERROR_DENIED, "Another coordinator has taken over (%.*s).", SLICE_ARG(first));
    } else if (strcmp(status, "NOT_FOUND") == 0) {
        error_set(e, ERROR_NOT_FOUND, "There is no commit %llu.", (unsigned long long)r->version);
    } else if (strcmp(status, "RESTORING") == 0) {
        store_refuse_unfinished(e);
    } else if (strcmp(status, "CLUSTER") == 0) {
        error_set(e, ERROR_CONFLICT, "The store has commits of another cluster, %.*s.",
                  SLICE_ARG(first));
    } else if (strcmp(status, "FORMAT") == 0) {
        error_set(e, ERROR_INVALID, "The store in Redis has format %.*s; this program knows 1.",
                  SLICE_ARG(first));
    } else if (strcmp(status, "CONFLICT") == 0 && decode_head(r, a) == 0) {
        error_set(e, ERROR_CONFLICT, "The head is version %llu, not %llu.",
                  (unsigned long long)r->result.head.version,
                  (unsigned long long)r->commit.version - 1);
    } else {
        error_set(e, ERROR_IO, "Redis gave an answer that makes no sense: %s.", status);
    }
}

static bool is_strings(const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

void redis_call_decode(struct store_request *r, const struct redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        decode_error(r, reply);
        return;
    }
    if (!is_strings(reply)) {
        error_set(&r->result.error, ERROR_IO, "Redis gave an answer that makes no sense.");
        return;
    }
    const struct answer a = {reply, reply->elements - 1};
    if (strcmp(reply->element[0]->str, "OK") != 0)
        decode_status(r, &a);
    else if (calls[r->call].decode(r, &a) != 0)
        error_set(&r->result.error, ERROR_IO, "Redis gave an answer that makes no sense.");
}
