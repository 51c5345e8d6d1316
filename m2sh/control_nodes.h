/* control over the cluster: the control ports of nodes, reached through the coordinator. */
#ifndef M2SH_CONTROL_NODES_H
#define M2SH_CONTROL_NODES_H

#include "m2sh/cmd.h"

/* Talks to one node (-node) or, with `every`, sends one command to all of them. */
enum status control_nodes_run(struct call *c, const char *node, const char *command,
                              int timeout_ms);

#endif
