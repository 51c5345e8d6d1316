#include "node/conf/plugin_set.h"

#include <stdlib.h>

struct loading {
    const struct model *model;
    const struct row *server;
    struct plugins *plugins;
};

static int load(const struct loading *l, enum table_id table, enum plugin_kind kind,
                struct plugin ***out, size_t *count, struct error *e)
{
    size_t total = model_count(l->model, table);
    *out = total > 0 ? calloc(total, sizeof(struct plugin *)) : NULL;
    if (*out == NULL && total > 0)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (size_t i = 0; i < total; i++) {
        const struct row *r = model_row(l->model, table, i);
        if (row_int(r, PLUGIN_SERVER_ID) != row_id(l->server))
            continue;
        struct plugin *p = plugin_get(l->plugins, kind, row_str(r, PLUGIN_NAME),
                                      row_text(r, PLUGIN_SETTINGS), e);
        if (p == NULL)
            return -1;
        (*out)[(*count)++] = p;
    }
    return 0;
}

/* One table of keys for all, as upstream. */
static int check_keys(const struct plugin_set *set, struct error *e)
{
    int keys = 0;
    for (size_t i = 0; i < set->xrequest_count; i++) {
        keys += set->xrequests[i]->key_count;
        if (keys > M2_XREQUEST_KEYS_MAX)
            return error_set_object(e, ERROR_TOO_LARGE, set->xrequests[i]->path,
                                    "The xrequest plug-ins ask for more than %d keys together.",
                                    M2_XREQUEST_KEYS_MAX);
    }
    return 0;
}

int plugin_set_load(struct plugin_set *set, const struct model *m, const struct row *server,
                    struct plugins *plugins, struct error *e)
{
    struct loading l = {m, server, plugins};
    *set = (struct plugin_set){0};
    if (load(&l, TABLE_FILTER, PLUGIN_FILTER, &set->filters, &set->filter_count, e) != 0 ||
        load(&l, TABLE_XREQUEST, PLUGIN_XREQUEST, &set->xrequests, &set->xrequest_count, e) != 0 ||
        check_keys(set, e) != 0) {
        plugin_set_drop(set);
        return -1;
    }
    for (size_t i = 0; i < set->filter_count; i++)
        set->filter_events |= set->filters[i]->events;
    return 0;
}

void plugin_set_drop(struct plugin_set *set)
{
    for (size_t i = 0; i < set->filter_count; i++)
        plugin_unref(set->filters[i]);
    for (size_t i = 0; i < set->xrequest_count; i++)
        plugin_unref(set->xrequests[i]);
    free(set->filters);
    free(set->xrequests);
    *set = (struct plugin_set){0};
}
