/* Decoding proves itself: what was decoded is encoded again and must give the same bytes. That is
 * the whole of strictness, and costs less than the hash. */

#include "proto/model/canon.h"

#include "proto/model/canon_order.h"
#include "proto/model/canon_row.h"
#include "proto/wire/tnetstring.h"

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

static void put_table(struct buf *out, const struct canon_order *o, enum table_id table)
{
    const struct canon_table *t = &o->tables[table];
    if (t->count == 0)
        return;
    tns_put_str(out, schema_tables[table].name);
    size_t list = tns_open(out);
    for (size_t i = 0; i < t->count; i++)
        canon_row_put(out, o, t->rows[i]);
    tns_close_list(out, list);
}

int canon_encode(const struct model *m, struct buf *out, struct error *e)
{
    struct canon_order o;
    int rc = canon_order_init(&o, m, e);
    if (rc == 0) {
        size_t dict = tns_open(out);
        for (int t = 0; t < TABLE_COUNT; t++)
            put_table(out, &o, (enum table_id)t);
        tns_close_dict(out, dict);
        if (out->failed)
            rc = error_set(e, ERROR_NO_MEMORY, "Out of memory while encoding the configuration.");
    }
    canon_order_fini(&o);
    return rc;
}

static int malformed(const char *what, struct error *e)
{
    return error_set(e, ERROR_INVALID, "These are no canonical bytes of a configuration: %s.",
                     what);
}

static int read_table(struct model *m, enum table_id table, const struct tns_reader *around,
                      const struct tns_item *list, struct error *e)
{
    struct tns_reader in;
    struct tns_item row;
    if (list->type != TNS_LIST || tns_enter(around, list, &in) < 0)
        return malformed("a table is no list of rows", e);
    enum tns_status status;
    while ((status = tns_read(&in, &row)) == TNS_ITEM)
        if (canon_row_read(m, table, &in, &row, e) < 0)
            return -1;
    return status == TNS_END ? 0 : malformed("a table is no list of rows", e);
}

static int table_of_name(struct slice name)
{
    for (int t = 0; t < TABLE_COUNT; t++)
        if (slice_eq(name, slice_str(schema_tables[t].name)))
            return t;
    return -1;
}

static int read_tables(struct model *m, struct slice bytes, struct error *e)
{
    struct tns_reader outside, in;
    struct tns_item dict, list;
    struct slice name;
    tns_reader_init(&outside, bytes);
    if (tns_read(&outside, &dict) != TNS_ITEM || dict.type != TNS_DICT ||
        tns_enter(&outside, &dict, &in) < 0)
        return malformed("they are no dict", e);
    enum tns_status status;
    while ((status = tns_read_pair(&in, &name, &list)) == TNS_ITEM) {
        int table = table_of_name(name);
        if (table < 0)
            return malformed("there is a table that this version does not know", e);
        if (model_count(m, (enum table_id)table) > 0)
            return malformed("a table is there twice", e);
        if (read_table(m, (enum table_id)table, &in, &list, e) < 0)
            return -1;
    }
    return status == TNS_END ? 0 : malformed("they are no dict of tables", e);
}

/* The proof: the same bytes again. */
static int compare_encoded(const struct model *m, struct slice bytes, struct error *e)
{
    struct buf again = BUF_INIT;
    int rc = buf_reserve(&again, bytes.len + 32);
    if (rc < 0)
        error_set(e, ERROR_NO_MEMORY, "Out of memory while checking the configuration.");
    if (rc == 0)
        rc = canon_encode(m, &again, e);
    if (rc == 0 && !slice_eq(buf_slice(&again), bytes))
        rc = malformed("rows are out of order, or values are written in another way", e);
    buf_fini(&again);
    return rc;
}

int canon_decode(struct model **out, struct slice bytes, struct error *e)
{
    struct model *m = model_create(e);
    if (m == NULL)
        return -1;
    if (read_tables(m, bytes, e) < 0 || model_freeze(m, e) < 0 ||
        compare_encoded(m, bytes, e) < 0) {
        model_unref(m);
        return -1;
    }
    *out = m;
    return 0;
}

void canon_hash(struct slice bytes, char hex[CANON_HASH_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[32];
    const unsigned char *data = (const unsigned char *)bytes.ptr;
#if MBEDTLS_VERSION_MAJOR >= 3
    BUG_ON(mbedtls_sha256(data, bytes.len, digest, 0) != 0);
#else
    BUG_ON(mbedtls_sha256_ret(data, bytes.len, digest, 0) != 0);
#endif
    for (size_t i = 0; i < sizeof digest; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[CANON_HASH_LEN] = '\0';
}
