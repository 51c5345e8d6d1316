/* Few keys are compared pair by pair; many (a dict of all routes) go through a map. */

#include "m2sh/lang/duplicates.h"

#include "m2sh/base/xalloc.h"
#include "proto/base/map.h"

#define PAIRWISE_MAX 12

static void supersede(struct item *earlier, const struct item *later, const struct node *n,
                      struct diag_list *diags)
{
    earlier->is_superseded = true;
    diag_warning(diags, later->key_at,
                 "the %s \"%.*s\" stands here a second time; the value of line %u is not used",
                 n->kind == NODE_OBJECT ? "parameter" : "key", SLICE_ARG(later->key),
                 source_place(earlier->key_at).line);
}

static void mark_pairwise(struct node *n, struct diag_list *diags)
{
    for (struct item *later = n->items; later != NULL; later = later->next)
        for (struct item *earlier = n->items; earlier != later; earlier = earlier->next)
            if (!earlier->is_superseded && slice_eq(earlier->key, later->key))
                supersede(earlier, later, n, diags);
}

void duplicates_mark(struct node *n, struct diag_list *diags)
{
    if (n->item_count <= PAIRWISE_MAX) {
        mark_pairwise(n, diags);
        return;
    }
    struct map seen = MAP_INIT;
    for (struct item *it = n->items; it != NULL; it = it->next) {
        void *earlier = NULL;
        if (map_put(&seen, it->key, it, &earlier) != 0)
            xalloc_die();
        if (earlier != NULL)
            supersede(earlier, it, n, diags);
    }
    map_fini(&seen, NULL);
}
