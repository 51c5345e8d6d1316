/* What stop and reload have in common: a signal to the process of each server selected, each tried
 * whatever became of the one before, and a row of the deployment log. */
#ifndef M2SH_SIGNAL_SERVERS_H
#define M2SH_SIGNAL_SERVERS_H

#include "m2sh/cmd.h"

/* Prints nothing on success. The status of the last failure. */
enum status signal_servers(struct call *c, int signal_number);

#endif
