/* What is wrong with who waits for whom: names that nobody has, and circles, in which nobody would
 * ever start. */
#ifndef DEPLOY_PROCER_ORDER_H
#define DEPLOY_PROCER_ORDER_H

#include "deploy/procer/profile.h"

/* Calls `report` for each unknown name (which nobody waits for) and each circle (whose members, and
 * who depends on them, are held), with the profile concerned and a sentence. Returns how many. */
size_t order_check(const struct profiles *all,
                   void (*report)(const char *name, const char *problem));

#endif
