/* A delta names rows of the base by their canonical numbers and carries the rows that are new; the
 * references of rows that stay are renumbered by whoever applies it, since both sides know which
 * row became which. So one changed route among many is one row, even when a new handler moves the
 * numbers of all others.
 *
 *     {"from": HASH, "to": HASH, "tables": {TABLE: [OP, …], …}}
 *
 *     OP  n > 0               the next n rows of the base stay
 *         n < 0               the next -n rows of the base are passed over
 *         [VALUE, …]          a new row
 *         {"of": k}           row k of the base stands here
 *         {"of": k, "row": […]}  and has these values now
 *
 * Rows of the base behind the last op are passed over; a table without ops stays whole. */

#include "proto/model/delta.h"

#include "proto/base/arena.h"
#include "proto/model/align.h"
#include "proto/model/canon_row.h"
#include "proto/wire/tnetstring.h"

/* ---- making -------------------------------------------------------------------------------- */

static bool is_same_row(const struct align *a, const struct row *before, const struct row *after)
{
    for (size_t i = 1; i < schema_tables[after->table].column_count; i++)
        if (!align_is_same(a, before, after, i))
            return false;
    return true;
}

/* One table while its ops are made. */
struct making {
    const struct align *a;
    enum table_id table;
    uint32_t before_count, after_count;
    bool *is_same;     /* [number after - 1]: paired, and with the same values */
    bool *is_in_order; /* and part of the longest run of such pairs in ascending order */
};

/* Marks the longest ascending subsequence of the numbers before of rows with the same values
 * (patience sorting, O(n log n)). */
static int mark_in_order(struct making *m, struct arena *scratch)
{
    const uint32_t *to_before = m->a->to_before[m->table];
    uint32_t *tops = arena_alloc(scratch, (m->after_count + 1) * sizeof *tops);
    uint32_t *previous = arena_alloc(scratch, (m->after_count + 1) * sizeof *previous);
    if (tops == NULL || previous == NULL)
        return -1;
    uint32_t length = 0; /* tops[k]: index of the smallest end of a run of length k + 1 */
    for (uint32_t i = 0; i < m->after_count; i++) {
        if (!m->is_same[i])
            continue;
        uint32_t low = 0, high = length;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (to_before[tops[middle]] < to_before[i])
                low = middle + 1;
            else
                high = middle;
        }
        previous[i] = low > 0 ? tops[low - 1] : UINT32_MAX;
        tops[low] = i;
        if (low == length)
            length++;
    }
    for (uint32_t i = length > 0 ? tops[length - 1] : UINT32_MAX; i != UINT32_MAX; i = previous[i])
        m->is_in_order[i] = true;
    return 0;
}

static int making_init(struct making *m, const struct align *a, enum table_id table,
                       struct arena *scratch)
{
    *m = (struct making){a,
                         table,
                         (uint32_t)a->before.tables[table].count,
                         (uint32_t)a->after.tables[table].count,
                         NULL,
                         NULL};
    m->is_same = arena_zalloc(scratch, m->after_count + 1);
    m->is_in_order = arena_zalloc(scratch, m->after_count + 1);
    if (m->is_same == NULL || m->is_in_order == NULL)
        return -1;
    for (uint32_t i = 0; i < m->after_count; i++) {
        uint32_t partner = a->to_before[table][i];
        m->is_same[i] = partner != 0 && is_same_row(a, align_before(a, table, partner),
                                                    align_after(a, table, i + 1));
    }
    return mark_in_order(m, scratch);
}

static bool is_unchanged(const struct making *m)
{
    if (m->before_count != m->after_count)
        return false;
    for (uint32_t i = 0; i < m->after_count; i++)
        if (!m->is_in_order[i])
            return false;
    return true;
}

static void put_moved(struct buf *out, const struct making *m, uint32_t i)
{
    size_t dict = tns_open(out);
    tns_put_pair_int(out, "of", m->a->to_before[m->table][i]);
    if (!m->is_same[i]) {
        tns_put_str(out, "row");
        canon_row_put(out, &m->a->after, align_after(m->a, m->table, i + 1));
    }
    tns_close_dict(out, dict);
}

static void put_ops(struct buf *out, const struct making *m)
{
    uint32_t cursor = 0, staying = 0; /* rows of the base passed; of them, not yet written */
    for (uint32_t i = 0; i < m->after_count; i++) {
        uint32_t partner = m->a->to_before[m->table][i];
        if (m->is_in_order[i] && partner == cursor + 1) {
            cursor++;
            staying++;
            continue;
        }
        if (staying > 0)
            tns_put_int(out, staying);
        staying = 0;
        if (m->is_in_order[i]) {
            tns_put_int(out, -(int64_t)(partner - 1 - cursor));
            cursor = partner;
            staying = 1;
        } else if (partner != 0) {
            put_moved(out, m, i);
        } else {
            canon_row_put(out, &m->a->after, align_after(m->a, m->table, i + 1));
        }
    }
    if (staying > 0)
        tns_put_int(out, staying);
}

static int put_table(struct buf *out, const struct align *a, enum table_id table)
{
    struct arena scratch;
    struct making m;
    arena_init(&scratch, 65536);
    int rc = making_init(&m, a, table, &scratch);
    if (rc == 0 && !is_unchanged(&m)) {
        tns_put_str(out, schema_tables[table].name);
        size_t list = tns_open(out);
        put_ops(out, &m);
        tns_close_list(out, list);
    }
    arena_fini(&scratch);
    return rc;
}

static int hash_of(const struct model *m, char hex[CANON_HASH_LEN + 1], struct error *e)
{
    struct buf bytes = BUF_INIT;
    int rc = canon_encode(m, &bytes, e);
    if (rc == 0)
        canon_hash(buf_slice(&bytes), hex);
    buf_fini(&bytes);
    return rc;
}

static int no_memory(struct error *e)
{
    return error_set(e, ERROR_NO_MEMORY, "Out of memory for a delta.");
}

int delta_make(const struct model *before, const struct model *after, struct buf *out,
               struct error *e)
{
    char from[CANON_HASH_LEN + 1], to[CANON_HASH_LEN + 1];
    struct align a;
    if (hash_of(before, from, e) < 0 || hash_of(after, to, e) < 0)
        return -1;
    int rc = align_init(&a, before, after, e);
    size_t dict = tns_open(out);
    tns_put_pair_str(out, "from", from);
    tns_put_pair_str(out, "to", to);
    tns_put_str(out, "tables");
    size_t tables = tns_open(out);
    for (int t = 0; t < TABLE_COUNT && rc == 0; t++)
        if (put_table(out, &a, (enum table_id)t) < 0)
            rc = no_memory(e);
    tns_close_dict(out, tables);
    tns_close_dict(out, dict);
    align_fini(&a);
    return rc == 0 && out->failed ? no_memory(e) : rc;
}
