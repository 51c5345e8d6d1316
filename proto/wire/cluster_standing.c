/* An order of a kind that is not known here ends the reading: half of what is ordered is not done.
 */

#include "proto/wire/cluster_standing.h"

void cluster_standing_put(struct buf *out, const struct cluster_standing *s)
{
    size_t list = tns_open(out);
    tns_put_str(out, cluster_order_words[s->kind]);
    tns_put_string(out, s->target);
    tns_put_int(out, s->left_ms);
    tns_close_list(out, list);
}

enum tns_status cluster_standing_read(struct tns_reader *r, struct cluster_standing *out)
{
    struct tns_item row, word, target, left;
    struct tns_reader inner;
    enum tns_status status = tns_read(r, &row);
    if (status != TNS_ITEM)
        return status;
    if (row.type != TNS_LIST || tns_enter(r, &row, &inner) != 0 ||
        tns_read(&inner, &word) != TNS_ITEM || word.type != TNS_STRING ||
        tns_read(&inner, &target) != TNS_ITEM || target.type != TNS_STRING ||
        tns_read(&inner, &left) != TNS_ITEM || left.type != TNS_INT || left.integer < 0)
        return TNS_BAD;
    if (slice_eq(word.bytes, slice_str(cluster_order_words[ORDER_DRAIN])))
        out->kind = ORDER_DRAIN;
    else if (slice_eq(word.bytes, slice_str(cluster_order_words[ORDER_PAUSE])))
        out->kind = ORDER_PAUSE;
    else
        return TNS_BAD;
    out->target = target.bytes;
    out->left_ms = left.integer;
    return TNS_ITEM;
}
