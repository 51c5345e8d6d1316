// links: m2_wire
/* What parses must be written in a form that parses to the same bytes again, and the reader must
 * agree with the tree. */

#include "proto/wire/tnetstring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Items that a full walk by the reader sees; 0 on malformed bytes. */
static bool walk(struct tns_reader *r, size_t *count)
{
    struct tns_item item;
    enum tns_status status;
    while ((status = tns_read(r, &item)) == TNS_ITEM) {
        ++*count;
        struct tns_reader inner;
        if (item.type != TNS_LIST && item.type != TNS_DICT)
            continue;
        if (tns_enter(r, &item, &inner) != 0 || !walk(&inner, count))
            return false;
    }
    return status == TNS_END;
}

static size_t tree_count(const struct tns_value *v)
{
    size_t n = 1;
    if (v->type == TNS_LIST)
        for (size_t i = 0; i < v->item_count; i++)
            n += tree_count(&v->items[i]);
    if (v->type == TNS_DICT)
        for (size_t i = 0; i < v->pair_count; i++)
            n += 1 + tree_count(&v->pairs[i].value);
    return n;
}

static void check_round_trip(const struct tns_value *v, struct arena *a)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct tns_value again;
    struct error e;
    tns_put_value(&first, v);
    BUG_ON(first.failed);
    BUG_ON(tns_parse(&again, buf_slice(&first), a, NULL, NULL, &e) != 0);
    tns_put_value(&second, &again);
    BUG_ON(!slice_eq(buf_slice(&first), buf_slice(&second)));
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = size > 0 ? slice_of(data, size) : SLICE_EMPTY;
    struct arena a;
    struct tns_value v;
    struct error e = {0};
    size_t used = 0, count = 0;
    arena_init(&a, 0);
    if (tns_parse(&v, input, &a, NULL, &used, &e) == 0) {
        struct tns_reader r;
        tns_reader_init(&r, slice_of(input.ptr, used));
        BUG_ON(!walk(&r, &count) || count != tree_count(&v));
        check_round_trip(&v, &a);
    } else {
        BUG_ON(e.code == ERROR_NONE || e.text[0] == '\0');
    }
    struct tns_item item;
    tns_find(input, SLICE("a"), &item);
    arena_fini(&a);
    return 0;
}
