/* A mark in the queue, so that connections cost nothing where there is no flow control. */

#include "node/deliver/flow.h"

void flow_account(struct conn *c, uint64_t before)
{
    if (conn_is_closing(c) || conn_output_total(c) == before)
        return;
    if (outq_memory_held(&c->out) > FLOW_CREDITS)
        conn_close(c, CONN_OUTPUT_LIMIT);
    else
        conn_write_mark(c, conn_output_total(c) - before);
}
