#include "node/cluster/held_commit.h"

#include "proto/base/arena.h"
#include "proto/model/commit.h"
#include "proto/model/delta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void held_commit_release(struct held_commit *h)
{
    model_unref(h->model);
    buf_fini(&h->record);
    *h = (struct held_commit){.version = 0};
}

static void name(struct held_commit *out, const struct commit *c)
{
    out->version = (int64_t)c->version;
    memcpy(out->hash, c->hash, sizeof out->hash);
    memcpy(out->config_hash, c->config_hash, sizeof out->config_hash);
}

/* ---- from a record ------------------------------------------------------------------------ */

/* The successor of what runs must name it as its parent. */
static int check_parent(const struct held_commit *running, const struct commit *c, struct error *e)
{
    if (running->version == 0 || (int64_t)c->version != running->version + 1 ||
        strcmp(c->parent, running->hash) == 0)
        return 0;
    return error_set(e, ERROR_CONFLICT,
                     "Version %" PRIu64 " continues another history than version %" PRId64
                     " that this node runs.",
                     c->version, running->version);
}

int held_commit_read(struct held_commit *out, struct slice record,
                     const struct held_commit *running, struct error *e)
{
    struct arena a;
    struct commit c;
    arena_init(&a, 0);
    int result = commit_decode(&c, record, &a, e);
    if (result == 0) {
        name(out, &c);
        buf_append_slice(&out->record, record);
        result = out->record.failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.") : 0;
    }
    if (result == 0)
        result = commit_verify(&c, e);
    if (result == 0)
        result = check_parent(running, &c, e);
    if (result == 0)
        result = canon_decode(&out->model, c.config, e);
    arena_fini(&a);
    return result;
}

/* ---- from what has changed ---------------------------------------------------------------- */

static int check_identity(const struct commit *c, const struct cluster_prepare *p,
                          const struct held_commit *running, struct error *e)
{
    if (running->model != NULL && strcmp(c->parent, running->hash) == 0 &&
        (int64_t)c->version == p->version && slice_eq(slice_str(c->hash), p->hash))
        return 0;
    return error_set(e, ERROR_CONFLICT, "It is not the successor of what runs here.");
}

/* The record is proved by its hash, which covers that of its configuration; that one was proved
 * when the delta was applied. */
static int put_whole(struct held_commit *out, struct commit *c, const struct delta_result *r,
                     struct error *e)
{
    if (commit_verify(c, e) != 0)
        return -1;
    if (strcmp(c->config_hash, r->hash) != 0)
        return error_set(e, ERROR_CONFLICT, "The delta leads to another configuration.");
    name(out, c);
    c->config = buf_slice(&r->canonical);
    commit_encode(c, &out->record);
    if (out->record.failed)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    out->model = model_ref(r->model);
    return 0;
}

int held_commit_make(struct held_commit *out, const struct cluster_prepare *p,
                     const struct held_commit *running, struct error *e)
{
    const char *base_hash = running->config_hash[0] != '\0' ? running->config_hash : NULL;
    struct delta_result r = {.model = NULL};
    struct commit c;
    struct arena a;
    arena_init(&a, 0);
    int result = commit_decode(&c, p->commit, &a, e);
    if (result == 0)
        result = check_identity(&c, p, running, e);
    if (result == 0)
        result = delta_apply(running->model, base_hash, p->delta, &r, e);
    if (result == 0)
        result = put_whole(out, &c, &r, e);
    if (result != 0)
        held_commit_release(out);
    delta_result_fini(&r);
    arena_fini(&a);
    return result;
}
