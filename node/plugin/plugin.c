/* The settings are parsed once, into the plug-in's own arena. */

#include "node/plugin/plugin.h"

#include "node/plugin/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef const int *filter_init_fn(const struct m2_api *api, const char *path, int *count);
typedef int filter_transition_fn(int event, struct m2_conn *conn, const struct m2_value *settings);
typedef m2_xrequest *xrequest_init_fn(const struct m2_api *api, const char *path,
                                      const struct m2_value *settings, const char *const **keys,
                                      int *count);

void plugins_init(struct plugins *p)
{
    memset(p, 0, sizeof *p);
    list_init(&p->all);
    plugin_api_values(&p->api);
}

struct plugin *plugin_ref(struct plugin *p)
{
    p->refs++;
    return p;
}

void plugin_unref(struct plugin *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    list_remove(&p->link);
    library_close(&p->library);
    arena_fini(&p->arena);
    free(p);
}

static int begin_filter(struct plugin *p, const struct m2_api *api, struct error *e)
{
    filter_init_fn *init = (filter_init_fn *)library_function(&p->library, p->path, "filter_init",
                                                              false, e);
    p->transition = (filter_transition_fn *)library_function(&p->library, p->path,
                                                             "filter_transition", init == NULL, e);
    if (init == NULL || p->transition == NULL)
        return -1;
    int count = 0;
    const int *events = init(api, p->path, &count);
    if (events == NULL || count <= 0)
        return error_set(e, ERROR_REFUSED, "The filter %s refuses to begin.", p->path);
    for (int i = 0; i < count; i++) {
        if (events[i] < M2_EVENT_FIRST || events[i] > M2_EVENT_LAST)
            return error_set(e, ERROR_INVALID,
                             "The filter %s asks for event %d; there are %d to %d.", p->path,
                             events[i], M2_EVENT_FIRST, M2_EVENT_LAST);
        p->events |= UINT32_C(1) << (events[i] - M2_EVENT_FIRST);
    }
    return 0;
}

static int begin_xrequest(struct plugin *p, const struct m2_api *api, struct error *e)
{
    xrequest_init_fn *init = (xrequest_init_fn *)library_function(&p->library, p->path,
                                                                  "xrequest_init", false, e);
    if (init == NULL)
        return -1;
    p->dispatch = init(api, p->path, plugin_value(&p->settings), &p->keys, &p->key_count);
    if (p->dispatch == NULL || p->keys == NULL || p->key_count <= 0)
        return error_set(e, ERROR_REFUSED, "The xrequest plug-in %s refuses to begin.", p->path);
    if (p->key_count > M2_XREQUEST_KEYS_MAX)
        return error_set(e, ERROR_TOO_LARGE,
                         "The xrequest plug-in %s asks for %d keys, at most %d.", p->path,
                         p->key_count, M2_XREQUEST_KEYS_MAX);
    for (int i = 0; i < p->key_count; i++)
        if (p->keys[i] == NULL)
            return error_set(e, ERROR_INVALID, "The xrequest plug-in %s asks for no key.", p->path);
    return 0;
}

static int begin(struct plugin *p, const struct m2_api *api, struct slice settings, struct error *e)
{
    p->settings_text = arena_slice(&p->arena, settings);
    if (p->path == NULL || p->settings_text.ptr == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (tns_parse(&p->settings, p->settings_text, &p->arena, NULL, NULL, e) != 0)
        return -1;
    if (p->settings.type != TNS_DICT)
        return error_set(e, ERROR_INVALID, "The settings of the plug-in %s are no dict.", p->path);
    if (library_open(&p->library, p->path, e) != 0)
        return -1;
    return p->kind == PLUGIN_FILTER ? begin_filter(p, api, e) : begin_xrequest(p, api, e);
}

static struct plugin *find(struct plugins *all, enum plugin_kind kind, const char *path,
                           struct slice settings)
{
    list_for_each (it, &all->all) {
        struct plugin *p = container_of(it, struct plugin, link);
        if (p->kind == kind && strcmp(p->path, path) == 0 && slice_eq(p->settings_text, settings) &&
            library_is_current(&p->library, path))
            return p;
    }
    return NULL;
}

struct plugin *plugin_get(struct plugins *all, enum plugin_kind kind, const char *path,
                          struct slice settings, struct error *e)
{
    struct plugin *p = find(all, kind, path, settings);
    if (p != NULL)
        return plugin_ref(p);
    p = calloc(1, sizeof *p);
    if (p == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    p->refs = 1;
    p->kind = kind;
    p->library.fd = -1;
    list_init(&p->link);
    arena_init(&p->arena, 1024);
    p->path = arena_strdup(&p->arena, path);
    if (begin(p, &all->api, settings, e) != 0) {
        snprintf(e->object, sizeof e->object, "%s", path);
        plugin_unref(p);
        return NULL;
    }
    list_push_front(&all->all, &p->link);
    return p;
}
