/* What plug-ins see of a connection (struct m2_conn), and what is kept for connections that have
 * filters. The latter stands beside the connections, in worker->plugin_conns, so that those without
 * filters cost nothing. */
#ifndef NODE_EXCHANGE_PLUGIN_CONN_H
#define NODE_EXCHANGE_PLUGIN_CONN_H

#include "node/exchange/exchange.h"
#include "node/exchange/filter.h"
#include "node/plugin/plugin.h"
#include "node/plugin/values.h"

/* One call of a plug-in. */
struct m2_conn {
    struct conn *conn;
    struct exchange *x;                 /* or NULL */
    const struct filter_subject *about; /* without x; or NULL */
    struct plugin *plugin;
    int event; /* of a filter; 0: an xrequest, which may write */
};

/* Of one connection. */
struct plugin_conn {
    const struct target *proxy; /* that answered last; compare only. NULL: none */
    uint64_t swaps;             /* counters.config_swaps when that was */
    struct list states;         /* what plug-ins keep */
};

struct plugin_conn *plugin_conn_find(const struct conn *c); /* NULL when there is none */
struct plugin_conn *plugin_conn_get(struct conn *c);        /* NULL when out of memory */
void plugin_conn_drop(struct conn *c);                      /* releases what plug-ins keep */

/* Fills in the functions that are about connections. */
void plugin_conn_api(struct m2_api *api);

#endif
