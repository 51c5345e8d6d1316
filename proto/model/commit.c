/* The record that is hashed and the message that travels are both tnetstring dicts with their keys
 * in one fixed order, so that equal commits are equal bytes. */

#include "proto/model/commit.h"

#include "proto/wire/tnetstring.h"

#include <inttypes.h>

static void hash_record(const struct commit *c, char hex[CANON_HASH_LEN + 1], bool *failed)
{
    struct buf record = BUF_INIT;
    size_t dict = tns_open(&record);
    tns_put_pair_int(&record, "version", (int64_t)c->version);
    tns_put_pair_str(&record, "parent", c->parent);
    tns_put_pair_str(&record, "config", c->config_hash);
    tns_put_pair(&record, "who", c->who);
    tns_put_pair(&record, "where", c->where);
    tns_put_pair_int(&record, "when", c->when_ms);
    tns_put_pair(&record, "how", c->how);
    tns_put_pair(&record, "why", c->why);
    tns_close_dict(&record, dict);
    *failed = record.failed;
    canon_hash(buf_slice(&record), hex);
    buf_fini(&record);
}

int commit_seal(struct commit *c, struct error *e)
{
    bool failed;
    canon_hash(c->config, c->config_hash);
    hash_record(c, c->hash, &failed);
    return failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory while hashing a commit.") : 0;
}

int commit_verify(const struct commit *c, struct error *e)
{
    char hex[CANON_HASH_LEN + 1];
    bool failed;
    if (c->config.len > 0) {
        canon_hash(c->config, hex);
        if (strcmp(hex, c->config_hash) != 0)
            return error_set(e, ERROR_CONFLICT,
                             "Commit %" PRIu64 " carries another configuration than it names: "
                             "%.12s… instead of %.12s…. It was changed after it was made.",
                             c->version, hex, c->config_hash);
    }
    hash_record(c, hex, &failed);
    if (failed)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory while hashing a commit.");
    if (strcmp(hex, c->hash) != 0)
        return error_set(e, ERROR_CONFLICT,
                         "Commit %" PRIu64 " has the hash %.12s… but its record gives %.12s…. It "
                         "was changed after it was made.",
                         c->version, c->hash, hex);
    return 0;
}

int commit_follows(const struct commit *c, const struct commit *parent, struct error *e)
{
    uint64_t version = parent != NULL ? parent->version + 1 : 1;
    const char *hash = parent != NULL ? parent->hash : COMMIT_NO_PARENT;
    if (c->version != version)
        return error_set(e, ERROR_CONFLICT,
                         "Commit %" PRIu64 " cannot follow commit %" PRIu64 ": there is a gap.",
                         c->version, version - 1);
    if (strcmp(c->parent, hash) != 0)
        return error_set(e, ERROR_CONFLICT,
                         "Commit %" PRIu64 " was made on %.12s…, but commit %" PRIu64
                         " is %.12s…: the histories differ.",
                         c->version, c->parent, version - 1, hash);
    return 0;
}

void commit_encode(const struct commit *c, struct buf *out)
{
    size_t dict = tns_open(out);
    tns_put_pair_int(out, "version", (int64_t)c->version);
    tns_put_pair_str(out, "parent", c->parent);
    tns_put_pair_str(out, "hash", c->hash);
    tns_put_pair_str(out, "config_hash", c->config_hash);
    tns_put_pair(out, "who", c->who);
    tns_put_pair(out, "where", c->where);
    tns_put_pair_int(out, "when", c->when_ms);
    tns_put_pair(out, "how", c->how);
    tns_put_pair(out, "why", c->why);
    tns_put_pair(out, "scope", c->scope);
    if (c->config.len > 0)
        tns_put_pair(out, "config", c->config);
    tns_close_dict(out, dict);
}

/* Where each key goes. */
enum field_kind { FIELD_VERSION, FIELD_TIME, FIELD_HASH, FIELD_TEXT };
struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    bool is_optional;
};

static const struct field fields[] = {
    {"version", FIELD_VERSION, offsetof(struct commit, version), false},
    {"parent", FIELD_HASH, offsetof(struct commit, parent), false},
    {"hash", FIELD_HASH, offsetof(struct commit, hash), false},
    {"config_hash", FIELD_HASH, offsetof(struct commit, config_hash), false},
    {"who", FIELD_TEXT, offsetof(struct commit, who), false},
    {"where", FIELD_TEXT, offsetof(struct commit, where), false},
    {"when", FIELD_TIME, offsetof(struct commit, when_ms), false},
    {"how", FIELD_TEXT, offsetof(struct commit, how), false},
    {"why", FIELD_TEXT, offsetof(struct commit, why), false},
    {"scope", FIELD_TEXT, offsetof(struct commit, scope), false},
    {"config", FIELD_TEXT, offsetof(struct commit, config), true},
};
#define FIELD_COUNT (sizeof fields / sizeof *fields)

static bool is_hash(struct slice s)
{
    if (s.len != CANON_HASH_LEN)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
            return false;
    return true;
}

static int bad_field(const char *key, const char *what, struct error *e)
{
    return error_set_object(e, ERROR_INVALID, "commit", "This is no commit: \"%s\" %s.", key, what);
}

static int read_field(struct commit *c, const struct field *f, const struct tns_item *item,
                      struct arena *a, struct error *e)
{
    char *at = (char *)c + f->offset;
    bool is_int = f->kind == FIELD_VERSION || f->kind == FIELD_TIME;
    if (item->type != (is_int ? TNS_INT : TNS_STRING))
        return bad_field(f->key, is_int ? "is no number" : "is no string", e);
    switch (f->kind) {
    case FIELD_VERSION:
        if (item->integer < 1)
            return bad_field(f->key, "is below 1", e);
        c->version = (uint64_t)item->integer;
        return 0;
    case FIELD_TIME: c->when_ms = item->integer; return 0;
    case FIELD_HASH:
        if (!is_hash(item->bytes))
            return bad_field(f->key, "is not 64 hexadecimal digits", e);
        memcpy(at, item->bytes.ptr, CANON_HASH_LEN);
        at[CANON_HASH_LEN] = '\0';
        return 0;
    case FIELD_TEXT: break;
    }
    struct slice copy = arena_slice(a, item->bytes);
    memcpy(at, &copy, sizeof copy);
    return copy.ptr != NULL ? 0 : error_set(e, ERROR_NO_MEMORY, "Out of memory for a commit.");
}

static const struct field *field_of(struct slice key)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (slice_eq(key, slice_str(fields[i].key)))
            return &fields[i];
    return NULL;
}

static int read_pair(struct commit *c, struct slice key, const struct tns_item *item,
                     unsigned *seen, struct arena *a, struct error *e)
{
    const struct field *f = field_of(key);
    if (f == NULL)
        return error_set_object(e, ERROR_INVALID, "commit",
                                "This is no commit: the key \"%.*s\" is unknown.",
                                key.len < 40 ? (int)key.len : 40, key.ptr);
    unsigned bit = 1u << (f - fields);
    if ((*seen & bit) != 0)
        return bad_field(f->key, "is there twice", e);
    *seen |= bit;
    return read_field(c, f, item, a, e);
}

int commit_decode(struct commit *out, struct slice bytes, struct arena *a, struct error *e)
{
    struct tns_reader outside, in;
    struct tns_item item;
    struct slice key;
    struct commit c = {.config = SLICE_EMPTY};
    unsigned seen = 0;
    tns_reader_init(&outside, bytes);
    if (tns_read(&outside, &item) != TNS_ITEM || item.type != TNS_DICT ||
        outside.at != outside.end || tns_enter(&outside, &item, &in) < 0)
        return error_set_object(e, ERROR_INVALID, "commit", "This is no commit: it is no dict.");
    enum tns_status status;
    while ((status = tns_read_pair(&in, &key, &item)) == TNS_ITEM)
        if (read_pair(&c, key, &item, &seen, a, e) < 0)
            return -1;
    if (status != TNS_END)
        return error_set_object(e, ERROR_INVALID, "commit", "This is no commit: it is cut off.");
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if ((seen & 1u << i) == 0 && !fields[i].is_optional)
            return bad_field(fields[i].key, "is missing", e);
    *out = c;
    return 0;
}

bool commit_is_for_all(struct slice scope)
{
    return slice_eq(scope, SLICE("all"));
}

bool commit_is_meant_for(struct slice scope, struct slice node)
{
    if (commit_is_for_all(scope))
        return true;
    while (scope.len > 0) {
        size_t len = slice_find(scope, ' ');
        if (slice_eq(slice_of(scope.ptr, len), node))
            return true;
        scope = slice_from(scope, len < scope.len ? len + 1 : len);
    }
    return false;
}
