/* The filters and xrequests that are loaded. Found by kind, path and settings, and by the file that
 * the path leads to: a configuration that names what runs already gets it again, as it is; what has
 * changed is loaded beside the old, which ends with the last snapshot and connection that hold it.
 *
 * What a plug-in may call is filled in by the one who creates struct plugins. */
#ifndef NODE_PLUGIN_PLUGIN_H
#define NODE_PLUGIN_PLUGIN_H

#include "node/plugin/library.h"
#include "node/plugin/mongrel2/plugin.h"
#include "proto/base/arena.h"
#include "proto/base/list.h"
#include "proto/base/slice.h"
#include "proto/wire/tnetstring.h"

enum plugin_kind { PLUGIN_FILTER, PLUGIN_XREQUEST };

struct plugins {
    struct list all; /* newest first */
    struct m2_api api;
};

struct plugin {
    unsigned refs;
    struct list link;
    enum plugin_kind kind;
    struct library library;
    struct arena arena;
    const char *path;
    struct slice settings_text;
    struct tns_value settings;
    /* PLUGIN_FILTER */
    uint32_t events; /* bit N: it wants event M2_EVENT_FIRST + N */
    int (*transition)(int event, struct m2_conn *conn, const struct m2_value *settings);
    /* PLUGIN_XREQUEST */
    const char *const *keys;
    int key_count;
    m2_xrequest *dispatch;
};

/* With no functions but those of values. */
void plugins_init(struct plugins *p);

/* Finds or loads it. One reference; NULL with *e, whose object is the path. Text is copied. */
struct plugin *plugin_get(struct plugins *p, enum plugin_kind kind, const char *path,
                          struct slice settings, struct error *e);
struct plugin *plugin_ref(struct plugin *p);
void plugin_unref(struct plugin *p); /* NULL is fine */

static inline bool plugin_wants(const struct plugin *p, int event)
{
    return (p->events >> (event - M2_EVENT_FIRST) & 1) != 0;
}

#endif
