/* A whole history in one file: all commits, each configuration once, and the records beside them.
 *
 * A sequence of tnetstring lists: ["backup", {format, cluster, version, hash, when_ms, program}],
 * then ["config", bytes] before the first commit that has it, ["commit", record],
 * ["record", kind, key, value], at last ["end", sum]. The sum is SHA-256 of the sum before an item
 * (at first nothing) and the item, over all items: a file that was cut or changed is noticed before
 * anything is made of it. Specification: docs/reference/stores.md, "A backup". */
#ifndef PROTO_MODEL_BACKUP_H
#define PROTO_MODEL_BACKUP_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/map.h"
#include "proto/base/uuid.h"
#include "proto/model/commit.h"
#include "proto/wire/tnetstring.h"

#include <stdio.h>

/* The kinds of records that belong into one; coordinator/store/store.h says what they are. */
#define BACKUP_KINDS 4
extern const char *const backup_kinds[BACKUP_KINDS];

struct backup_info {
    char cluster[UUID_LEN + 1];
    uint64_t version; /* of the last commit; 0: there is none */
    char hash[CANON_HASH_LEN + 1];
    int64_t when_ms; /* wall clock */
};

/* ---- writing ------------------------------------------------------------------------------ */

struct backup_writer {
    FILE *file;
    char *path; /* what the file will be called; NULL: the file is borrowed */
    char sum[CANON_HASH_LEN + 1];
    struct map configs; /* hashes of those that are in the file */
    struct buf item;
};

/* Each: 0, or -1 with ERROR_IO (the disk is full, …) or ERROR_NO_MEMORY. */

/* Into PATH.part, for its owner's eyes only, which becomes PATH when it is whole. */
int backup_create(struct backup_writer *w, const char *path, const struct backup_info *info,
                  struct error *e);
int backup_begin(struct backup_writer *w, FILE *file, const struct backup_info *info,
                 struct error *e);
/* Is this configuration in the file, so that its commits may come without? */
bool backup_has_config(const struct backup_writer *w, const char *config_hash);
int backup_put_commit(struct backup_writer *w, const struct commit *c, struct error *e);
int backup_put_record(struct backup_writer *w, struct slice kind, struct slice key,
                      struct slice value, struct error *e);
/* The end, down to the disk. */
int backup_finish(struct backup_writer *w, struct error *e);
void backup_writer_fini(struct backup_writer *w); /* a file that is not finished is removed */

/* ---- reading ------------------------------------------------------------------------------ */

/* Maps a file; free it with munmap. ERROR_IO; ERROR_INVALID: it is empty. */
int backup_map(struct slice *out, const char *path, struct error *e);

enum backup_kind { BACKUP_COMMIT, BACKUP_RECORD };

struct backup_item {
    enum backup_kind kind;
    struct commit commit; /* whole */
    struct slice record_kind, key, value;
};

struct backup_reader {
    struct tns_reader at;
    char sum[CANON_HASH_LEN + 1];
    struct map configs; /* hash -> struct slice of the bytes */
    struct arena arena; /* of the item that was read last */
    uint64_t version;   /* of the last commit read */
    char hash[CANON_HASH_LEN + 1];
    struct backup_info info;
};

/* `bytes` is the whole file, borrowed. ERROR_INVALID: this is no backup. */
int backup_open(struct backup_reader *r, struct slice bytes, struct error *e);

/* The next item; it lives until the next call. 1: there is one; 0: this was all, and it is whole;
 * -1: ERROR_INVALID (the file is damaged, with where), ERROR_CONFLICT (its commits are no chain).
 */
int backup_read(struct backup_reader *r, struct backup_item *out, struct error *e);
void backup_close(struct backup_reader *r);

/* Reads it from end to end; `commits` and `records` get how many there are. */
int backup_check(struct slice bytes, struct backup_info *info, size_t *commits, size_t *records,
                 struct error *e);

#endif
