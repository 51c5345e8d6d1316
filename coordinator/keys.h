/* The keys that a coordinator accepts: public certificates in its own directory of keys, and the
 * records of the store, which all coordinators share. A record outweighs a file, so that what was
 * revoked stays revoked wherever its certificate still lies.
 *
 * No sockets, no store: verb_key.c writes what keys_take then learns. */
#ifndef COORDINATOR_KEYS_H
#define COORDINATOR_KEYS_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/map.h"
#include "proto/link/keyring.h"
#include "proto/wire/cluster_msg.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct key_record {
    struct arena arena; /* of the strings */
    unsigned role;      /* enum cluster_role; 0: revoked */
    struct slice owner;
    struct cluster_author author; /* empty: it comes from a file */
    int64_t when_ms;              /* wall clock; 0: it comes from a file */
};

struct keys {
    struct map records; /* Z85 -> struct key_record, of the store */
    struct map loading; /* the same, while it is read again */
    struct map files;   /* the same, of the directory */
    struct keyring ring;
    int64_t seq;               /* grows with every change; 0: the store has not been read yet */
    struct timespec files_are; /* when the directory was changed last, as it was read */
};

void keys_init(struct keys *k);
void keys_fini(struct keys *k);

/* The record of a key that is added, or with role 0 revoked, now. */
void key_encode(struct buf *out, unsigned role, struct slice owner,
                const struct cluster_author *author, int64_t now_ms);

/* The record of a key as it is in the store from now on; empty: there is none. One that makes no
 * sense counts as revoked, with a line in the log. -1 when out of memory. */
int keys_take(struct keys *k, struct slice key, struct slice record);
/* The store is read again: each record is taken, and at the end they stand in place of those
 * before. One that breaks off has changed nothing. */
void keys_load_begin(struct keys *k);
int keys_load_take(struct keys *k, struct slice key, struct slice record);
void keys_load_end(struct keys *k);
/* Reads the directory again if files have come or gone since: true then. What cannot be read is
 * passed over, with a line in the log. */
bool keys_read_files(struct keys *k, const char *dir);
/* Something has changed: makes the ring anew. True: a key that was accepted is so no more, or for
 * something else. */
bool keys_changed(struct keys *k, int64_t now_ms);

/* NULL: not known. */
const struct key_record *keys_find(const struct keys *k, struct slice key);

/* Is this the only key of an admin? */
bool keys_is_last_admin(const struct keys *k, struct slice key);

/* Calls `each` with every key there is, revoked ones too. */
void keys_each(const struct keys *k,
               void (*each)(void *arg, struct slice key, const struct key_record *record),
               void *arg);

#endif
