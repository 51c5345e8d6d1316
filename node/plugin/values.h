/* The part of the plug-in interface that reads parsed tnetstrings: settings and extended replies.
 */
#ifndef NODE_PLUGIN_VALUES_H
#define NODE_PLUGIN_VALUES_H

#include "node/plugin/mongrel2/plugin.h"
#include "proto/wire/tnetstring.h"

static inline const struct m2_value *plugin_value(const struct tns_value *v)
{
    return (const struct m2_value *)v;
}

/* Fills in the functions of values and the log; the others stay as they are. */
void plugin_api_values(struct m2_api *api);

#endif
