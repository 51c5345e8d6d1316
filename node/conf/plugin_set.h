/* The filters and xrequests of one server, in the order of its configuration. */
#ifndef NODE_CONF_PLUGIN_SET_H
#define NODE_CONF_PLUGIN_SET_H

#include "node/plugin/plugin.h"
#include "proto/base/error.h"
#include "proto/model/model.h"

struct plugin_set {
    struct plugin **filters; /* in the order in which they run; references, like xrequests */
    size_t filter_count;
    uint32_t filter_events; /* that any of them wants, see plugin_wants; 0 without filters */
    struct plugin **xrequests;
    size_t xrequest_count;
};

/* Finds among those that run, or loads, what the rows of this server name. Errors name the path;
 * the set is empty then. */
int plugin_set_load(struct plugin_set *set, const struct model *m, const struct row *server,
                    struct plugins *plugins, struct error *e);
/* Lets go of them; the set is empty then. */
void plugin_set_drop(struct plugin_set *set);

#endif
