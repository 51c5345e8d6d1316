#include "proto/link/keyring.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

void keyring_init(struct keyring *r)
{
    r->by_key = MAP_INIT;
}

void keyring_fini(struct keyring *r)
{
    map_fini(&r->by_key, free);
    r->by_key = MAP_INIT;
}

int keyring_put(struct keyring *r, struct slice key, unsigned role, struct slice owner)
{
    struct keyring_entry *entry = map_get(&r->by_key, key);
    bool is_new = entry == NULL;
    if (is_new)
        entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return -1;
    size_t len = owner.len < KEY_OWNER_MAX - 1 ? owner.len : KEY_OWNER_MAX - 1;
    entry->role = role;
    if (len > 0)
        memcpy(entry->owner, owner.ptr, len);
    entry->owner[len] = '\0';
    if (!is_new || map_put(&r->by_key, key, entry, NULL) == 0)
        return 0;
    free(entry);
    return -1;
}

const struct keyring_entry *keyring_find(const struct keyring *r, struct slice key)
{
    return map_get(&r->by_key, key);
}

bool keyring_allows(const struct keyring *r, struct slice key, unsigned roles)
{
    const struct keyring_entry *entry = keyring_find(r, key);
    return entry != NULL && (entry->role & roles) != 0;
}

bool curve_key_is_valid(struct slice key)
{
    static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              ".-:+=^!/*?&<>()[]{}@%$#";
    char text[CURVE_KEY_LEN + 1];
    uint8_t bytes[32];
    if (key.len != CURVE_KEY_LEN)
        return false;
    memcpy(text, key.ptr, CURVE_KEY_LEN);
    text[CURVE_KEY_LEN] = '\0';
    return strspn(text, z85) == CURVE_KEY_LEN && zmq_z85_decode(bytes, text) != NULL;
}
