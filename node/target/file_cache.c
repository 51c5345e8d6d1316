/* One hash table for all Dirs (the Dir is part of the key), two lists by use: entries that hold
 * contents and entries that hold descriptors, since each kind runs out of something else. */

#include "node/target/file_cache.h"

#include "node/target/file_load.h"
#include "proto/base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRESH_LEAST_US = 1000000,
    SETTLE_S = 2, /* a file changed this recently may change again without its time showing it */
    BUCKETS_FIRST = 64,
    SUFFIX_MAX = 4,
};

struct file_cache {
    struct file_cache_limits limits;
    struct file_entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t entry_count;
    uint64_t bytes;
    unsigned open_count; /* entries that hold descriptors */
    struct list small;   /* most recently used first */
    struct list large;
};

static const struct {
    struct slice name;
    const char *suffix;
} codings[FILE_CODINGS] = {
    [FILE_AS_IS] = {SLICE("identity"), ""},
    [FILE_GZIP] = {SLICE("gzip"), ".gz"},
    [FILE_BROTLI] = {SLICE("br"), ".br"},
};

struct slice file_coding_name(enum file_coding coding)
{
    return codings[coding].name;
}

/* -- the table ----------------------------------------------------------------------------------
 */

struct file_cache *file_cache_create(struct file_cache_limits limits)
{
    struct file_cache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->limits = limits;
    c->bucket_count = BUCKETS_FIRST;
    c->buckets = calloc(c->bucket_count, sizeof(struct file_entry *));
    list_init(&c->small);
    list_init(&c->large);
    if (c->buckets != NULL)
        return c;
    free(c);
    return NULL;
}

void file_cache_destroy(struct file_cache *c)
{
    if (c == NULL)
        return;
    BUG_ON(c->entry_count != 0);
    free(c->buckets);
    free(c);
}

static uint64_t mix(uint64_t h)
{
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* Eight bytes at a time. Only names of files that exist are kept, so a client cannot choose keys
 * that collide; the address of the Dir serves as a seed. */
static uint64_t hash_name(const struct file_dir *d, struct slice name)
{
    uint64_t h = mix((uint64_t)(uintptr_t)d ^ name.len), word;
    for (; name.len >= sizeof word; name = slice_from(name, sizeof word)) {
        memcpy(&word, name.ptr, sizeof word);
        h = mix(h ^ word);
    }
    word = 0;
    memcpy(&word, name.ptr, name.len);
    return mix(h ^ word);
}

static struct file_entry **bucket_of(const struct file_cache *c, uint64_t hash)
{
    return &c->buckets[(hash >> 16) & (c->bucket_count - 1)];
}

static struct file_entry *find(const struct file_dir *d, struct slice name, uint64_t hash)
{
    for (struct file_entry *e = *bucket_of(d->cache, hash); e != NULL; e = e->bucket_next)
        if (e->hash == hash && e->dir == d && slice_eq(slice_of(e->name, e->name_len), name))
            return e;
    return NULL;
}

/* Doubles the table; without memory it stays as it is, only slower. */
static void grow(struct file_cache *c)
{
    size_t old_count = c->bucket_count;
    struct file_entry **old = c->buckets;
    struct file_entry **fresh = calloc(old_count * 2, sizeof(struct file_entry *));
    if (fresh == NULL)
        return;
    c->buckets = fresh;
    c->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++)
        for (struct file_entry *e = old[i], *next; e != NULL; e = next) {
            next = e->bucket_next;
            struct file_entry **bucket = bucket_of(c, e->hash);
            e->bucket_next = *bucket;
            *bucket = e;
        }
    free(old);
}

static void insert(struct file_cache *c, struct file_entry *e)
{
    if (c->entry_count >= c->bucket_count)
        grow(c);
    struct file_entry **bucket = bucket_of(c, e->hash);
    e->bucket_next = *bucket;
    *bucket = e;
    c->entry_count++;
    c->bytes += e->bytes;
    c->open_count += e->is_open;
    list_push_front(e->is_open ? &c->large : &c->small, &e->use);
    list_push_back(&e->dir->entries, &e->in_dir);
}

static void entry_free(struct file_entry *e)
{
    for (int i = 0; i < FILE_CODINGS; i++)
        file_variant_unload(&e->variants[i]);
    free(e);
}

static void drop(struct file_entry *e)
{
    struct file_cache *c = e->dir->cache;
    struct file_entry **at = bucket_of(c, e->hash);
    while (*at != e)
        at = &(*at)->bucket_next;
    *at = e->bucket_next;
    c->entry_count--;
    c->bytes -= e->bytes;
    c->open_count -= e->is_open;
    list_remove(&e->use);
    list_remove(&e->in_dir);
    entry_free(e);
}

static void drop_last(struct list *list)
{
    drop(container_of(list->prev, struct file_entry, use));
}

/* Never drops the entry just used. */
static void make_room(struct file_cache *c)
{
    while (c->open_count > c->limits.open_max && c->large.prev != c->large.next)
        drop_last(&c->large);
    while (c->bytes > c->limits.bytes_max && c->small.prev != c->small.next)
        drop_last(&c->small);
}

/* -- Dirs ---------------------------------------------------------------------------------------
 */

void file_dir_init(struct file_dir *d, struct file_cache *cache, const char *base, bool follow_out,
                   unsigned ttl_s, struct slice (*type_of)(const struct file_dir *, struct slice))
{
    *d = (struct file_dir){.cache = cache, .ttl_s = ttl_s, .type_of = type_of};
    uint64_t ttl_us = (uint64_t)ttl_s * 1000000;
    d->fresh_us = ttl_us > FRESH_LEAST_US ? ttl_us : FRESH_LEAST_US;
    file_tree_init(&d->tree, base, follow_out);
    list_init(&d->entries);
}

static void forget_all(struct file_dir *d)
{
    list_for_each_safe (it, &d->entries)
        drop(container_of(it, struct file_entry, in_dir));
}

void file_dir_fini(struct file_dir *d)
{
    forget_all(d);
    file_tree_fini(&d->tree);
}

/* -- loading ------------------------------------------------------------------------------------
 */

/* Is a sibling worth sending instead of the file? One that is older is of an older content; one
 * that is not smaller is of no use. */
static bool is_usable(const struct stat *sibling, const struct stat *file)
{
    return S_ISREG(sibling->st_mode) && sibling->st_mtim.tv_sec >= file->st_mtim.tv_sec &&
           sibling->st_size < file->st_size;
}

static const char *sibling_name(char *room, const struct file_entry *e, int coding)
{
    memcpy(room, e->name, e->name_len);
    strcpy(room + e->name_len, codings[coding].suffix);
    return room;
}

static bool is_settled(const struct file_variant *v, int64_t wall_s)
{
    return v->mtime_s + SETTLE_S <= wall_s && v->size == (uint64_t)v->st.st_size;
}

/* Which siblings there are has to be known before the fields are rendered. */
static void load_siblings(struct file_entry *e, const struct file_about *about,
                          const struct stat *file, const bool present[FILE_CODINGS])
{
    char name[PATH_MAX + SUFFIX_MAX];
    struct file_dir *d = e->dir;
    for (int i = FILE_AS_IS + 1; i < FILE_CODINGS; i++) {
        struct file_variant *v = &e->variants[i];
        if (!present[i] ||
            file_variant_load(v, &d->tree, sibling_name(name, e, i), (enum file_coding)i, about,
                              d->cache->limits.small_max) != 0)
            continue;
        if (is_usable(&v->st, file))
            e->has_siblings = true;
        else
            file_variant_unload(v);
    }
}

/* Looks which siblings would be of use. Returns -1 when there is no file at all. */
static int find_siblings(const struct file_entry *e, bool present[FILE_CODINGS], bool *any)
{
    char name[PATH_MAX + SUFFIX_MAX];
    struct stat file, sibling;
    *any = false;
    if (file_tree_stat(&e->dir->tree, e->name, &file) != 0)
        return errno == ENOENT ? -1 : 0;
    for (int i = FILE_AS_IS + 1; i < FILE_CODINGS; i++) {
        present[i] = S_ISREG(file.st_mode) &&
                     file_tree_stat(&e->dir->tree, sibling_name(name, e, i), &sibling) == 0 &&
                     is_usable(&sibling, &file);
        *any = *any || present[i];
    }
    return 0;
}

static int load(struct file_entry *e, int64_t wall_s)
{
    struct file_dir *d = e->dir;
    bool present[FILE_CODINGS] = {false}, any;
    if (find_siblings(e, present, &any) != 0)
        return -1;
    struct file_about about = {d->type_of(d, slice_of(e->name, e->name_len)), any, d->ttl_s};
    if (file_variant_load(&e->variants[FILE_AS_IS], &d->tree, e->name, FILE_AS_IS, &about,
                          d->cache->limits.small_max) != 0)
        return -1;
    if (any)
        load_siblings(e, &about, &e->variants[FILE_AS_IS].st, present);
    e->settled = true;
    e->bytes = sizeof *e + e->name_len + 1;
    for (int i = 0; i < FILE_CODINGS; i++) {
        const struct file_variant *v = &e->variants[i];
        e->settled = e->settled && (!file_variant_exists(v) || is_settled(v, wall_s));
        e->is_open = e->is_open || v->file != NULL;
        e->bytes += v->fields.len + (v->content != NULL ? v->content->len : 0);
    }
    return 0;
}

/* As load; short of descriptors it gives up those that are only kept in case. */
static int load_with_room(struct file_entry *e, int64_t wall_s)
{
    struct file_cache *c = e->dir->cache;
    if (load(e, wall_s) == 0)
        return 0;
    if ((errno != EMFILE && errno != ENFILE) || list_is_empty(&c->large))
        return -1;
    while (!list_is_empty(&c->large))
        drop_last(&c->large);
    return load(e, wall_s);
}

static enum file_result result_of(int code)
{
    switch (code) {
    case EISDIR: return FILE_IS_DIRECTORY;
    case EACCES: return FILE_DENIED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO: return FILE_BUSY;
    default: return FILE_MISSING;
    }
}

static enum file_result load_new(struct file_dir *d, struct slice name, uint64_t hash,
                                 uint64_t now_us, int64_t wall_s, const struct file_entry **entry)
{
    if (name.len == 0 || name.len >= PATH_MAX)
        return FILE_MISSING;
    struct file_entry *e = calloc(1, sizeof *e + name.len + 1);
    if (e == NULL)
        return FILE_BUSY;
    memcpy(e->name, name.ptr, name.len);
    e->name_len = name.len;
    e->dir = d;
    e->hash = hash;
    e->checked_us = now_us;
    for (int i = 0; i < FILE_CODINGS; i++)
        e->variants[i].fields = SLICE_EMPTY;
    if (load_with_room(e, wall_s) != 0) {
        enum file_result result = result_of(errno);
        entry_free(e);
        return result;
    }
    insert(d->cache, e);
    make_room(d->cache);
    *entry = e;
    return FILE_FOUND;
}

/* -- believing ----------------------------------------------------------------------------------
 */

/* Is everything on disk as the entry has it? */
static bool is_unchanged(const struct file_entry *e)
{
    char name[PATH_MAX + SUFFIX_MAX];
    const struct file_variant *file = &e->variants[FILE_AS_IS];
    struct stat st;
    if (!e->settled || file_tree_stat(&e->dir->tree, e->name, &st) != 0 ||
        !file_variant_is(file, &st))
        return false;
    for (int i = FILE_AS_IS + 1; i < FILE_CODINGS; i++) {
        bool usable = file_tree_stat(&e->dir->tree, sibling_name(name, e, i), &st) == 0 &&
                      is_usable(&st, &file->st);
        if (usable != file_variant_exists(&e->variants[i]) ||
            (usable && !file_variant_is(&e->variants[i], &st)))
            return false;
    }
    return true;
}

/* Are the large files still of the size and time that their heads say? */
static bool files_are_unchanged(const struct file_entry *e)
{
    struct stat st;
    for (int i = 0; i < FILE_CODINGS; i++) {
        const struct file_variant *v = &e->variants[i];
        if (v->file != NULL && (fstat(v->file->fd, &st) != 0 || st.st_size != v->st.st_size ||
                                st.st_mtim.tv_sec != v->st.st_mtim.tv_sec ||
                                st.st_mtim.tv_nsec != v->st.st_mtim.tv_nsec))
            return false;
    }
    return true;
}

static bool is_believable(struct file_entry *e, uint64_t now_us)
{
    if (e->is_open && !files_are_unchanged(e))
        return false;
    if (now_us - e->checked_us < e->dir->fresh_us)
        return true;
    e->checked_us = now_us;
    return is_unchanged(e);
}

enum file_result file_cache_get(struct file_dir *d, struct slice name, uint64_t now_us,
                                int64_t wall_s, const struct file_entry **entry)
{
    if (file_tree_refresh(&d->tree, now_us))
        forget_all(d);
    uint64_t hash = hash_name(d, name);
    struct file_entry *e = find(d, name, hash);
    if (e != NULL && !is_believable(e, now_us)) {
        drop(e);
        e = NULL;
    }
    if (e == NULL)
        return load_new(d, name, hash, now_us, wall_s, entry);
    list_remove(&e->use);
    list_push_front(e->is_open ? &d->cache->large : &d->cache->small, &e->use);
    *entry = e;
    return FILE_FOUND;
}
