/* The table is made from the same list as the struct, so that neither can forget an entry. */

#include "node/stats/counters.h"

const struct counter_info counter_table[] = {
#define X(name, help) {#name, help, offsetof(struct counters, name)},
    COUNTERS(X)
#undef X
};
const size_t counter_count = sizeof counter_table / sizeof counter_table[0];

void counters_response(struct counters *c, int status)
{
    if (status < 200)
        c->responses_1xx++;
    else if (status < 300)
        c->responses_2xx++;
    else if (status < 400)
        c->responses_3xx++;
    else if (status < 500)
        c->responses_4xx++;
    else
        c->responses_5xx++;
}
