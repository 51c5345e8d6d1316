/* A database is not checked here: a listing shows what is there. */

#include "m2sh/model_source.h"

#include "m2sh/revision.h"
#include "proto/model/model_sqlite.h"

enum status model_source_read(struct call *c, struct model **m)
{
    struct error e;
    if (!cluster_is_meant(c))
        return model_sqlite_read(m, cmd_db(c), &e) == 0 ? STATUS_DONE : cmd_fail(c, &e);
    struct arena arena;
    struct commit commit;
    arena_init(&arena, 0);
    enum status status = revision_fetch(c, 0, &arena, &commit, m);
    arena_fini(&arena);
    return status;
}

const char *model_source_name(const struct call *c)
{
    return cluster_is_meant(c) ? "the cluster" : cmd_db(c);
}
