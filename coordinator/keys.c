/* The ring, which is asked for every request, is made anew from records and files with every
 * change: changes are rare. A record is a dict, so that later versions can say more. */

#include "coordinator/keys.h"

#include "proto/base/log.h"
#include "proto/link/curve_cert.h"
#include "proto/wire/tnetstring.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SUFFIX ".cert"

enum { PATH_ROOM = 4096 };

void keys_init(struct keys *k)
{
    *k = (struct keys){.records = MAP_INIT, .loading = MAP_INIT, .files = MAP_INIT};
    keyring_init(&k->ring);
}

static void record_free(void *record)
{
    struct key_record *it = record;
    if (it == NULL)
        return;
    arena_fini(&it->arena);
    free(it);
}

static void clear(struct map *m)
{
    map_fini(m, record_free);
    *m = MAP_INIT;
}

void keys_fini(struct keys *k)
{
    clear(&k->records);
    clear(&k->loading);
    clear(&k->files);
    keyring_fini(&k->ring);
}

static struct key_record *record_create(void)
{
    struct key_record *it = calloc(1, sizeof *it);
    if (it != NULL)
        arena_init(&it->arena, 0);
    return it;
}

/* Takes the record, also when it fails. */
static int enter(struct map *m, struct slice key, struct key_record *record)
{
    void *old = NULL;
    if (map_put(m, key, record, &old) != 0) {
        record_free(record);
        return -1;
    }
    record_free(old);
    return 0;
}

/* ---- records of the store ----------------------------------------------------------------- */

void key_encode(struct buf *out, unsigned role, struct slice owner,
                const struct cluster_author *author, int64_t now_ms)
{
    size_t dict = tns_open(out);
    tns_put_pair_str(out, "role", cluster_role_name(role));
    tns_put_pair(out, "owner", owner);
    tns_put_pair(out, "who", author->who);
    tns_put_pair(out, "where", author->where);
    tns_put_pair(out, "how", author->how);
    tns_put_pair(out, "why", author->why);
    tns_put_pair_int(out, "when_ms", now_ms);
    tns_close_dict(out, dict);
}

static bool decode(struct key_record *it, struct slice bytes)
{
    struct tns_value v;
    struct slice role;
    if (tns_parse_copy(&v, bytes, &it->arena, NULL, NULL, NULL) != 0 ||
        !tns_get_string(&v, "role", &role) || !tns_get_string(&v, "owner", &it->owner) ||
        !tns_get_int(&v, "when_ms", &it->when_ms))
        return false;
    tns_get_string(&v, "who", &it->author.who);
    tns_get_string(&v, "where", &it->author.where);
    tns_get_string(&v, "how", &it->author.how);
    tns_get_string(&v, "why", &it->author.why);
    it->role = cluster_role_from_name(role) & ROLE_ANY;
    return it->role != 0 || role.len == 0;
}

static int take(struct map *m, struct slice key, struct slice record)
{
    struct key_record *it = record_create();
    if (it == NULL)
        return -1;
    if (!decode(it, record)) {
        log_error("keys", "a record of the store makes no sense, its key is not accepted: %.*s",
                  SLICE_ARG(key));
        it->role = 0;
    }
    return enter(m, key, it);
}

int keys_take(struct keys *k, struct slice key, struct slice record)
{
    if (record.len > 0)
        return take(&k->records, key, record);
    record_free(map_remove(&k->records, key));
    return 0;
}

void keys_load_begin(struct keys *k)
{
    clear(&k->loading);
}

int keys_load_take(struct keys *k, struct slice key, struct slice record)
{
    return take(&k->loading, key, record);
}

void keys_load_end(struct keys *k)
{
    clear(&k->records);
    k->records = k->loading;
    k->loading = MAP_INIT;
}

/* ---- files -------------------------------------------------------------------------------- */

static void take_file(struct keys *k, const char *path)
{
    struct curve_cert cert;
    struct error e;
    struct key_record *it;
    if (curve_cert_read_public(&cert, path, &e) != 0) {
        log_error("keys", "%s", e.text);
        return;
    }
    if (cert.role == ROLE_COORDINATOR)
        return; /* ours */
    if ((cert.role & ROLE_ANY) == 0) {
        log_error("keys", "%s names no role, and is not accepted", path);
        return;
    }
    if ((it = record_create()) == NULL)
        return;
    it->role = cert.role;
    it->owner = arena_slice(&it->arena, slice_str(cert.owner));
    if (enter(&k->files, slice_str(cert.public_key), it) != 0)
        log_error("keys", "out of memory: %s is not accepted", path);
}

static bool is_certificate(const char *name)
{
    size_t len = strlen(name), suffix = strlen(FILE_SUFFIX);
    return len > suffix && name[0] != '.' && strcmp(name + len - suffix, FILE_SUFFIX) == 0;
}

bool keys_read_files(struct keys *k, const char *dir)
{
    char path[PATH_ROOM];
    struct stat st;
    struct dirent *entry;
    if (stat(dir, &st) != 0 ||
        (st.st_mtim.tv_sec == k->files_are.tv_sec && st.st_mtim.tv_nsec == k->files_are.tv_nsec))
        return false;
    DIR *d = opendir(dir);
    if (d == NULL)
        return false;
    k->files_are = st.st_mtim;
    clear(&k->files);
    while ((entry = readdir(d)) != NULL)
        if (is_certificate(entry->d_name) &&
            snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) < (int)sizeof path)
            take_file(k, path);
    closedir(d);
    return true;
}

/* ---- all of them -------------------------------------------------------------------------- */

const struct key_record *keys_find(const struct keys *k, struct slice key)
{
    const struct key_record *it = map_get(&k->records, key);
    return it != NULL ? it : map_get(&k->files, key);
}

void keys_each(const struct keys *k,
               void (*each)(void *arg, struct slice key, const struct key_record *record),
               void *arg)
{
    for (struct map_entry *it = map_first(&k->records); it != NULL; it = map_next(it))
        each(arg, map_key(it), map_value(it));
    for (struct map_entry *it = map_first(&k->files); it != NULL; it = map_next(it))
        if (map_get(&k->records, map_key(it)) == NULL)
            each(arg, map_key(it), map_value(it));
}

static void add_to_ring(void *arg, struct slice key, const struct key_record *record)
{
    if (keyring_put(arg, key, record->role, record->owner) != 0)
        log_error("keys", "out of memory: a key of %.*s is not accepted", SLICE_ARG(record->owner));
}

static bool is_any_lost(const struct keyring *before, const struct keyring *now)
{
    for (struct map_entry *it = map_first(&before->by_key); it != NULL; it = map_next(it)) {
        const struct keyring_entry *entry = map_value(it);
        if (entry->role != 0 && !keyring_allows(now, map_key(it), entry->role))
            return true;
    }
    return false;
}

bool keys_changed(struct keys *k, int64_t now_ms)
{
    struct keyring before = k->ring;
    keyring_init(&k->ring);
    keys_each(k, add_to_ring, &k->ring);
    k->seq = k->seq + 1 > now_ms ? k->seq + 1 : now_ms;
    bool is_lost = is_any_lost(&before, &k->ring);
    keyring_fini(&before);
    return is_lost;
}

struct admin_search {
    struct slice key;
    bool is_admin, has_other;
};

static void look_for_admin(void *arg, struct slice key, const struct key_record *record)
{
    struct admin_search *s = arg;
    if (record->role != ROLE_ADMIN)
        return;
    if (slice_eq(key, s->key))
        s->is_admin = true;
    else
        s->has_other = true;
}

bool keys_is_last_admin(const struct keys *k, struct slice key)
{
    struct admin_search s = {.key = key};
    keys_each(k, look_for_admin, &s);
    return s.is_admin && !s.has_other;
}
