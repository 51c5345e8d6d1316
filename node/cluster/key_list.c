/* On disk: a list of [key, role, owner]. */

#include "node/cluster/key_list.h"

#include "proto/base/buf.h"
#include "proto/wire/tnetstring.h"

enum { FILE_MOST = 16 << 20 };

void key_list_init(struct key_list *k)
{
    keyring_init(&k->ring);
}

void key_list_fini(struct key_list *k)
{
    keyring_fini(&k->ring);
}

/* A role of a later version is none here. */
static int put(struct keyring *ring, struct slice key, struct slice role, struct slice owner,
               struct error *e)
{
    if (!curve_key_is_valid(key))
        return error_set(e, ERROR_INVALID, "A key in the list of keys is no key.");
    if (keyring_put(ring, key, cluster_role_from_name(role) & ROLE_ANY, owner) != 0)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    return 0;
}

static void replace(struct key_list *k, struct keyring *fresh)
{
    keyring_fini(&k->ring);
    k->ring = *fresh;
}

int key_list_take(struct key_list *k, const struct cluster_table *t, struct error *e)
{
    struct keyring fresh;
    int result = 0;
    keyring_init(&fresh);
    for (size_t i = 0; result == 0 && i < t->row_count; i++)
        result = put(&fresh, cluster_table_text(t, i, "key"), cluster_table_text(t, i, "role"),
                     cluster_table_text(t, i, "owner"), e);
    if (result == 0)
        replace(k, &fresh);
    else
        keyring_fini(&fresh);
    return result;
}

/* ---- on disk ------------------------------------------------------------------------------ */

int key_list_save(const struct key_list *k, const struct state_dir *dir, struct error *e)
{
    struct buf b = BUF_INIT;
    size_t list = tns_open(&b);
    for (struct map_entry *it = map_first(&k->ring.by_key); it != NULL; it = map_next(it)) {
        const struct keyring_entry *entry = map_value(it);
        size_t row = tns_open(&b);
        tns_put_string(&b, map_key(it));
        tns_put_str(&b, cluster_role_name(entry->role));
        tns_put_str(&b, entry->owner);
        tns_close_list(&b, row);
    }
    tns_close_list(&b, list);
    int result = b.failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.")
                          : state_dir_write(dir, "keys", b.data, b.len, e);
    buf_fini(&b);
    return result;
}

static int read_row(struct keyring *ring, struct tns_reader *rows, const struct tns_item *row,
                    struct error *e)
{
    struct tns_reader inner;
    struct tns_item key, role, owner;
    if (row->type != TNS_LIST || tns_enter(rows, row, &inner) != 0 ||
        tns_read(&inner, &key) != TNS_ITEM || key.type != TNS_STRING ||
        tns_read(&inner, &role) != TNS_ITEM || role.type != TNS_STRING ||
        tns_read(&inner, &owner) != TNS_ITEM || owner.type != TNS_STRING)
        return error_set(e, ERROR_INVALID, "The file of keys is damaged.");
    return put(ring, key.bytes, role.bytes, owner.bytes, e);
}

static int decode(struct keyring *ring, struct slice bytes, struct error *e)
{
    struct tns_reader r, rows;
    struct tns_item list, row;
    enum tns_status status = TNS_BAD;
    tns_reader_init(&r, bytes);
    if (tns_read(&r, &list) == TNS_ITEM && list.type == TNS_LIST &&
        tns_enter(&r, &list, &rows) == 0)
        while ((status = tns_read(&rows, &row)) == TNS_ITEM)
            if (read_row(ring, &rows, &row, e) != 0)
                return -1;
    return status == TNS_END ? 0 : error_set(e, ERROR_INVALID, "The file of keys is damaged.");
}

int key_list_load(struct key_list *k, const struct state_dir *dir, struct error *e)
{
    struct buf file = BUF_INIT;
    struct keyring fresh;
    keyring_init(&fresh);
    int result = state_dir_read(dir, "keys", FILE_MOST, &file, e);
    if (result == 0 && file.len > 0)
        result = decode(&fresh, buf_slice(&file), e);
    buf_fini(&file);
    if (result == 0)
        replace(k, &fresh);
    else
        keyring_fini(&fresh);
    return result;
}
