#include "node/cluster/whole_commit.h"

#include "proto/model/commit.h"
#include "proto/model/delta.h"

static int apply(struct commit *c, struct slice delta, const struct model *base, struct buf *config,
                 struct error *e)
{
    struct model *m;
    if (delta_apply(base, delta, &m, config, e) != 0)
        return -1;
    model_unref(m);
    c->config = buf_slice(config);
    return commit_verify(c, e);
}

int whole_commit(struct buf *out, struct slice record, struct slice delta, const struct model *base,
                 struct error *e)
{
    struct buf config = BUF_INIT;
    struct commit c;
    struct arena a;
    if (base == NULL)
        return error_set(e, ERROR_CONFLICT, "There is no configuration here yet.");
    arena_init(&a, 0);
    int result = commit_decode(&c, record, &a, e);
    if (result == 0)
        result = apply(&c, delta, base, &config, e);
    if (result == 0) {
        commit_encode(&c, out);
        result = out->failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.") : 0;
    }
    buf_fini(&config);
    arena_fini(&a);
    return result;
}
