/* The page, for nodes that show it. */

#include "coordinator/verbs.h"

void verb_page(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    (void)r;
    page_answer(&c->page, from);
}
