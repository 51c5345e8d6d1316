/* On disk: [wall clock of writing, seq, the bytes]. The milliseconds left count from the moment of
 * the beat; a restart moves that moment back by the time that has passed on the wall clock. */

#include "node/cluster/standing.h"

#include "proto/wire/cluster_standing.h"

#include <stdlib.h>

enum { FILE_MOST = 1 << 20 };

void standing_init(struct standing *s)
{
    *s = (struct standing){.bytes = BUF_INIT};
}

void standing_fini(struct standing *s)
{
    buf_fini(&s->bytes);
}

static int check(struct slice bytes, struct error *e)
{
    struct tns_reader r;
    struct cluster_standing it;
    enum tns_status status;
    tns_reader_init(&r, bytes);
    while ((status = cluster_standing_read(&r, &it)) == TNS_ITEM) {}
    return status == TNS_END ? 0 : error_set(e, ERROR_INVALID, "The orders cannot be understood.");
}

int standing_take(struct standing *s, int64_t seq, struct slice bytes, uint64_t now_ms,
                  struct error *e)
{
    struct buf copy = BUF_INIT;
    if (check(bytes, e) != 0)
        return -1;
    buf_append_slice(&copy, bytes);
    if (copy.failed) {
        buf_fini(&copy);
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    }
    buf_fini(&s->bytes);
    s->bytes = copy;
    s->seq = seq;
    s->since_ms = now_ms;
    s->ends_ms = 0;
    return 0;
}

bool standing_has_ended(const struct standing *s, uint64_t now_ms)
{
    return s->ends_ms != 0 && now_ms >= s->ends_ms;
}

/* Monotonic moment of its end; 0: it has none. */
static uint64_t end_of(const struct standing *s, const struct cluster_standing *it)
{
    return it->left_ms > 0 ? s->since_ms + (uint64_t)it->left_ms : 0;
}

int standing_view(struct standing *s, const char *node, uint64_t now_ms, struct standing_view *out,
                  struct error *e)
{
    struct tns_reader r;
    struct cluster_standing it;
    size_t most = s->bytes.len / 4 + 1; /* no order is shorter */
    *out = (struct standing_view){.paused = calloc(most, sizeof *out->paused)};
    if (out->paused == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    s->ends_ms = 0;
    tns_reader_init(&r, buf_slice(&s->bytes));
    while (cluster_standing_read(&r, &it) == TNS_ITEM) {
        uint64_t end_ms = end_of(s, &it);
        if (end_ms != 0 && end_ms <= now_ms)
            continue;
        if (end_ms != 0 && (s->ends_ms == 0 || end_ms < s->ends_ms))
            s->ends_ms = end_ms;
        if (it.kind == ORDER_PAUSE)
            out->paused[out->paused_count++] = it.target;
        else if (slice_eq(it.target, slice_str(node)))
            out->drain = true;
    }
    return 0;
}

void standing_view_fini(struct standing_view *v)
{
    free(v->paused);
    v->paused = NULL;
}

/* ---- on disk ------------------------------------------------------------------------------ */

int standing_save(const struct standing *s, const struct state_dir *dir, int64_t wall_ms,
                  struct error *e)
{
    struct buf b = BUF_INIT;
    size_t list = tns_open(&b);
    tns_put_int(&b, wall_ms);
    tns_put_int(&b, s->seq);
    tns_put_string(&b, buf_slice(&s->bytes));
    tns_close_list(&b, list);
    int result = b.failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.")
                          : state_dir_write(dir, "orders", b.data, b.len, e);
    buf_fini(&b);
    return result;
}

int standing_load(struct standing *s, const struct state_dir *dir, int64_t wall_ms, uint64_t now_ms,
                  struct error *e)
{
    struct buf file = BUF_INIT;
    struct tns_reader r, inner;
    struct tns_item list, wall, seq, bytes;
    int result = state_dir_read(dir, "orders", FILE_MOST, &file, e);
    tns_reader_init(&r, buf_slice(&file));
    if (result != 0 || file.len == 0) {
        buf_fini(&file);
        return result;
    }
    if (tns_read(&r, &list) != TNS_ITEM || list.type != TNS_LIST ||
        tns_enter(&r, &list, &inner) != 0 || tns_read(&inner, &wall) != TNS_ITEM ||
        wall.type != TNS_INT || tns_read(&inner, &seq) != TNS_ITEM || seq.type != TNS_INT ||
        tns_read(&inner, &bytes) != TNS_ITEM || bytes.type != TNS_STRING) {
        result = error_set(e, ERROR_INVALID, "The file of orders is damaged.");
    } else {
        int64_t passed_ms = wall_ms > wall.integer ? wall_ms - wall.integer : 0;
        uint64_t since_ms = now_ms > (uint64_t)passed_ms ? now_ms - (uint64_t)passed_ms : 0;
        result = standing_take(s, seq.integer, bytes.bytes, since_ms, e);
    }
    buf_fini(&file);
    return result;
}
