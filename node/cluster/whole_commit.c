#include "node/cluster/whole_commit.h"

#include "proto/model/commit.h"
#include "proto/model/delta.h"

#include <string.h>

static int check_identity(const struct commit *c, const struct whole_wanted *wanted,
                          struct error *e)
{
    if (wanted->base != NULL && strcmp(c->parent, wanted->base_hash) == 0 &&
        (int64_t)c->version == wanted->version && strcmp(c->hash, wanted->hash) == 0)
        return 0;
    return error_set(e, ERROR_CONFLICT, "It is not the successor of what runs here.");
}

/* The record is proved by its hash, which covers that of its configuration; that one was proved
 * when the delta was applied. */
static int put_whole(struct buf *out, struct commit *c, const struct delta_result *r,
                     struct error *e)
{
    if (commit_verify(c, e) != 0)
        return -1;
    if (strcmp(c->config_hash, r->hash) != 0)
        return error_set(e, ERROR_CONFLICT, "The delta leads to another configuration.");
    c->config = buf_slice(&r->canonical);
    commit_encode(c, out);
    return out->failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.") : 0;
}

int whole_commit(struct buf *out, struct model **m, char config_hash[CANON_HASH_LEN + 1],
                 struct slice record, struct slice delta, const struct whole_wanted *wanted,
                 struct error *e)
{
    struct delta_result r = {.model = NULL};
    struct commit c;
    struct arena a;
    *m = NULL;
    arena_init(&a, 0);
    int result = commit_decode(&c, record, &a, e);
    if (result == 0)
        result = check_identity(&c, wanted, e);
    if (result == 0)
        result = delta_apply(wanted->base, wanted->config_hash, delta, &r, e);
    if (result == 0)
        result = put_whole(out, &c, &r, e);
    if (result == 0) {
        *m = model_ref(r.model);
        memcpy(config_hash, r.hash, sizeof r.hash);
    }
    delta_result_fini(&r);
    arena_fini(&a);
    return result;
}
