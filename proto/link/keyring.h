/* The public keys that are accepted, and what each may do. A table: where the keys come from, and
 * who asks, is its owner's business. */
#ifndef PROTO_LINK_KEYRING_H
#define PROTO_LINK_KEYRING_H

#include "proto/base/map.h"
#include "proto/base/slice.h"
#include "proto/wire/cluster_role.h"

#include <stdbool.h>

#define CURVE_KEY_LEN 40  /* characters of Z85 (ZeroMQ RFC 32) for 32 bytes */
#define KEY_OWNER_MAX 128 /* bytes, with NUL */

struct keyring_entry {
    unsigned role; /* enum cluster_role; 0: it was revoked */
    char owner[KEY_OWNER_MAX];
};

struct keyring {
    struct map by_key; /* Z85 -> struct keyring_entry */
};

void keyring_init(struct keyring *r);
void keyring_fini(struct keyring *r); /* empty again, may be used on */

/* Sets what a key may do; a longer owner is cut. -1 when out of memory. */
int keyring_put(struct keyring *r, struct slice key, unsigned role, struct slice owner);

/* NULL when the key is not known; an entry with role 0 is not accepted either. */
const struct keyring_entry *keyring_find(const struct keyring *r, struct slice key);

/* May this key do what these roles may? */
bool keyring_allows(const struct keyring *r, struct slice key, unsigned roles);

/* Is this text a CURVE key? */
bool curve_key_is_valid(struct slice key);

#endif
