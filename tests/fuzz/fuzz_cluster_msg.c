/* Requests, replies and updates of the cluster protocol: any bytes are decoded or refused; what was
 * decoded and encoded again decodes to the same bytes. */
// links: m2_wire

#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"
#include "proto/wire/cluster_update.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_again(const struct buf *once, const struct buf *twice)
{
    if (once->failed || twice->failed || !slice_eq(buf_slice(once), buf_slice(twice)))
        abort();
}

static void try_request(struct slice bytes, struct arena *a)
{
    struct cluster_request r;
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct error e;
    if (cluster_request_decode(&r, bytes, 1 << 20, a, &e) == 0) {
        cluster_request_encode(&once, &r);
        if (cluster_request_decode(&r, buf_slice(&once), 1 << 21, a, &e) != 0)
            abort();
        cluster_request_encode(&twice, &r);
        same_again(&once, &twice);
    } else if (e.code == ERROR_NONE || e.text[0] == '\0') {
        abort();
    }
    buf_fini(&once);
    buf_fini(&twice);
}

static void try_update(struct slice bytes, struct arena *a)
{
    struct cluster_update u;
    struct cluster_table t;
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct error e;
    if (cluster_update_decode(&u, bytes, 1 << 20, a, &e) == 0) {
        cluster_update_encode(&once, &u);
        if (cluster_update_decode(&u, buf_slice(&once), 1 << 21, a, &e) != 0)
            abort();
        cluster_update_encode(&twice, &u);
        same_again(&once, &twice);
        if (u.kind == UPDATE_POOL)
            cluster_table_decode(&t, u.pool.headers, u.pool.rows, a, &e);
    }
    buf_fini(&once);
    buf_fini(&twice);
}

static void try_reply(struct slice bytes, struct arena *a)
{
    struct cluster_reply r;
    struct error e;
    if (cluster_reply_decode(&r, bytes, 1 << 20, a, &e) != 0)
        return;
    for (size_t i = 0; i < r.table.row_count; i++)
        cluster_table_text(&r.table, i, "node");
    if (r.kind == REPLY_ERROR)
        cluster_reply_error(&r, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 0);
    struct slice bytes = slice_of(size > 0 ? (const void *)data : "", size);
    try_request(bytes, &a);
    try_update(bytes, &a);
    try_reply(bytes, &a);
    arena_fini(&a);
    return 0;
}
