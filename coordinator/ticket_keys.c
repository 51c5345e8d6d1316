#include "coordinator/ticket_keys.h"

#include "proto/base/uuid.h"

#include <string.h>

static bool is_due(const struct ticket_keys *t, uint64_t now_ms, int64_t period_s)
{
    return t->count == 0 || now_ms - t->keys[0].since_ms >= (uint64_t)period_s * 1000;
}

bool ticket_keys_renew(struct ticket_keys *t, uint64_t now_ms, int64_t wall_ms, int64_t period_s,
                       struct error *e)
{
    unsigned char name[TICKET_KEY_NAME_BYTES], secret[TICKET_KEY_SECRET_BYTES];
    error_clear(e);
    if (!is_due(t, now_ms, period_s) || uuid_random_bytes(name, sizeof name, e) != 0 ||
        uuid_random_bytes(secret, sizeof secret, e) != 0)
        return false;
    t->keys[1] = t->keys[0];
    memcpy(t->keys[0].name, name, sizeof name);
    memcpy(t->keys[0].secret, secret, sizeof secret);
    t->keys[0].since_ms = now_ms;
    explicit_bzero(secret, sizeof secret);
    if (t->count < TICKET_KEYS_MAX)
        t->count++;
    t->seq = t->seq + 1 > wall_ms ? t->seq + 1 : wall_ms;
    return true;
}

void ticket_keys_wipe(struct ticket_keys *t)
{
    explicit_bzero(t, sizeof *t);
}
