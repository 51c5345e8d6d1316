/* The last reference frees the targets, then the arena with everything else. */

#include "node/conf/snapshot.h"

#include "node/tls/context.h"
#include "proto/http/mime.h"

#include <stdlib.h>

struct snapshot *snapshot_ref(struct snapshot *s)
{
    s->refs++;
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    for (size_t i = 0; i < s->target_count; i++)
        s->targets[i]->ops->destroy(s->targets[i]);
    free(s->targets);
    tls_context_unref(s->tls);
    plugin_set_drop(&s->plugins);
    model_unref(s->model);
    arena_fini(&s->arena);
    free(s);
}
