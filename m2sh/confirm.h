/* Before something closes connections: how many, and whether to go on. */
#ifndef M2SH_CONFIRM_H
#define M2SH_CONFIRM_H

#include "m2sh/cmd.h"

#define OPTION_YES                                                   \
    {                                                                \
        "yes", "0|1", "Do not ask (needed where there is nobody to)" \
    }

/* Says the sentence on stderr, and asks on a terminal. STATUS_DONE: go on. STATUS_NO: the answer
 * was no. STATUS_USAGE: there is no terminal, and no -yes 1; that was shown. */
enum status confirm(const struct call *c, const char *sentence);

#endif
