/* Work at a store, which only mongrel2-coordinator knows how to open: it is run for that. */
#ifndef M2SH_STORE_PROGRAM_H
#define M2SH_STORE_PROGRAM_H

#include "m2sh/cmd.h"

/* Becomes `mongrel2-coordinator -store URL WORK FILE`, the one beside this program or in PATH, URL
 * being the call's option. Returns only when it cannot be run. */
enum status store_program_run(struct call *c, const char *work, const char *file);

#endif
