/* Files ready to be sent: contents of small ones, open descriptors of large ones, and the header
 * fields of each, kept from one request to the next.
 *
 * An entry is one file by its name below a Dir, with its precompressed siblings (`.br`, `.gz`). It
 * is believed for a while (the Dir's cache_ttl, at least a second), then compared with the file
 * system; of a large file the size and time are looked at for every request, so that a
 * Content-Length is always that of the bytes that follow. Names that lead to no file are not kept.
 *
 * One cache serves all Dirs of a loop and outlives their snapshots; the least recently used entries
 * make room. Bytes on their way to clients are held by references of their own (payload, file_ref),
 * so an entry may go at any time but while its caller looks at it: pointers are good until the next
 * call. A hit makes no system call (large files: one) and allocates nothing. */
#ifndef NODE_TARGET_FILE_CACHE_H
#define NODE_TARGET_FILE_CACHE_H

#include "node/io/payload.h"
#include "node/target/file_tree.h"
#include "proto/base/list.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct file_cache;

struct file_cache_limits {
    size_t small_max;   /* larger files are sent from their descriptor */
    uint64_t bytes_max; /* of contents and fields together */
    unsigned open_max;  /* files held open */
};
#define FILE_CACHE_LIMITS ((struct file_cache_limits){64 << 10, UINT64_C(64) << 20, 256})

struct file_cache *file_cache_create(struct file_cache_limits limits); /* NULL: out of memory */
void file_cache_destroy(struct file_cache *c); /* after the last Dir; NULL is fine */

enum file_coding { FILE_AS_IS, FILE_GZIP, FILE_BROTLI, FILE_CODINGS };
struct slice file_coding_name(enum file_coding coding); /* "identity", "gzip", "br" */

/* One representation of a file. */
struct file_variant {
    struct payload *content; /* all of it; NULL: large, or no such variant */
    struct file_ref *file;   /* large: where it is; else NULL */
    uint64_t size;
    int64_t mtime_s;
    /* Complete lines: Content-Type, Content-Encoding, Accept-Ranges, and behind them those of a
     * 304: Last-Modified, ETag, Vary. */
    struct slice fields;
    size_t validators; /* offset of the second part */
    struct slice type; /* the value of Content-Type, without the line */
    struct slice etag; /* with its quotes */
    struct stat st;
};

struct file_entry {
    struct file_variant variants[FILE_CODINGS];
    bool has_siblings; /* more than FILE_AS_IS */
    /* the cache's own */
    bool settled; /* no change can hide behind an equal time of modification */
    bool is_open; /* holds descriptors: in the other list of use */
    uint64_t checked_us;
    uint64_t bytes;
    uint64_t hash;
    struct file_entry *bucket_next;
    struct list use;
    struct list in_dir;
    struct file_dir *dir;
    size_t name_len;
    char name[]; /* with a NUL */
};

static inline bool file_variant_exists(const struct file_variant *v)
{
    return v->content != NULL || v->file != NULL;
}

/* The files of one Dir. */
struct file_dir {
    struct file_cache *cache;
    struct file_tree tree;
    uint64_t fresh_us; /* how long an entry is believed */
    unsigned ttl_s;    /* as configured; caches on the way may keep the file as long */
    /* The Content-Type of a name; asked when an entry is made. */
    struct slice (*type_of)(const struct file_dir *d, struct slice name);
    struct list entries;
};

void file_dir_init(struct file_dir *d, struct file_cache *cache, const char *base, bool follow_out,
                   unsigned ttl_s, struct slice (*type_of)(const struct file_dir *, struct slice));
void file_dir_fini(struct file_dir *d); /* forgets its entries */

enum file_result {
    FILE_FOUND,
    FILE_MISSING, /* no such file, or nothing that may be shown */
    FILE_IS_DIRECTORY,
    FILE_DENIED, /* not readable */
    FILE_BUSY,   /* no descriptors, no memory */
};

/* Finds the file `name` (see file_path.h; not empty). On FILE_FOUND *entry is good until the next
 * call. */
enum file_result file_cache_get(struct file_dir *d, struct slice name, uint64_t now_us,
                                int64_t wall_s, const struct file_entry **entry);

#endif
