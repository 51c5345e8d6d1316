/* Making a pair of keys, in files: what `m2sh keys -out` does. */
#ifndef M2SH_KEY_MAKE_H
#define M2SH_KEY_MAKE_H

#include "m2sh/cmd.h"

/* Makes the certificates that -out, -role, -owner and -name ask for, and says where they belong. */
enum status key_make(struct call *c);

#endif
