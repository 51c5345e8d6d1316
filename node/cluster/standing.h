/* The orders that this node follows: what the leader's last beat said, kept on disk, so that a node
 * that restarts without a coordinator still does what was ordered. An order with a limit ends here
 * too when its time is over, whether or not a coordinator says so.
 *
 * Time is given: monotonic milliseconds for what runs, wall clock for what is on disk. */
#ifndef NODE_CLUSTER_STANDING_H
#define NODE_CLUSTER_STANDING_H

#include "node/cluster/state_dir.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct standing {
    struct buf bytes;  /* as a beat carries them */
    int64_t seq;       /* of that beat; 0: none was heard */
    uint64_t since_ms; /* monotonic, when it was */
    uint64_t ends_ms;  /* monotonic, when the next of them ends; 0: none does */
};

/* Which of them concern this node; the slices are borrowed from struct standing. */
struct standing_view {
    bool drain;
    struct slice *paused; /* names of pools; freed by standing_view_fini */
    size_t paused_count;
};

void standing_init(struct standing *s);
void standing_fini(struct standing *s);

/* Takes what a beat says; what was there stays when that makes no sense. ERROR_INVALID,
 * ERROR_NO_MEMORY. */
int standing_take(struct standing *s, int64_t seq, struct slice bytes, uint64_t now_ms,
                  struct error *e);

/* Is there one that has ended since the last view? */
bool standing_has_ended(const struct standing *s, uint64_t now_ms);

/* ERROR_NO_MEMORY. */
int standing_view(struct standing *s, const char *node, uint64_t now_ms, struct standing_view *out,
                  struct error *e);
void standing_view_fini(struct standing_view *v);

/* The file "orders". Without one there are none; a damaged one is an error, and none. */
int standing_save(const struct standing *s, const struct state_dir *dir, int64_t wall_ms,
                  struct error *e);
int standing_load(struct standing *s, const struct state_dir *dir, int64_t wall_ms, uint64_t now_ms,
                  struct error *e);

#endif
