/* The library's own cache is a list that is searched from its beginning for every client. */

#include "node/tls/sessions.h"

#include <mbedtls/platform_util.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct list link;
    int64_t until_s;
    unsigned char scope[SESSION_SCOPE_BYTES];
    unsigned char id[32];
    size_t id_len;
    size_t len;
    unsigned char bytes[];
};

void sessions_init(struct sessions *s, const int64_t *now_s)
{
    *s = (struct sessions){.by_id = MAP_INIT, .now_s = now_s};
    list_init(&s->by_age);
}

static void drop(struct sessions *s, struct kept *k)
{
    map_remove(&s->by_id, slice_of(k->id, k->id_len));
    list_remove(&k->link);
    s->count--;
    mbedtls_platform_zeroize(k->bytes, k->len);
    free(k);
}

void sessions_fini(struct sessions *s)
{
    list_for_each_safe (it, &s->by_age)
        drop(s, container_of(it, struct kept, link));
    map_fini(&s->by_id, NULL);
}

void sessions_put(struct sessions *s, const unsigned char scope[SESSION_SCOPE_BYTES],
                  struct slice id, const mbedtls_ssl_session *session)
{
    unsigned char bytes[SESSION_BYTES_MAX];
    size_t len;
    if (id.len == 0 || id.len > sizeof((struct kept *)0)->id ||
        mbedtls_ssl_session_save(session, bytes, sizeof bytes, &len) != 0)
        return;
    struct kept *old = map_get(&s->by_id, id), *k = calloc(1, sizeof *k + len);
    if (old != NULL)
        drop(s, old);
    if (k != NULL) {
        k->until_s = *s->now_s + SESSION_LIFETIME_S;
        memcpy(k->scope, scope, sizeof k->scope);
        memcpy(k->id, id.ptr, id.len);
        k->id_len = id.len;
        memcpy(k->bytes, bytes, len);
        k->len = len;
        list_init(&k->link);
        if (map_put(&s->by_id, id, k, NULL) == 0) {
            list_push_back(&s->by_age, &k->link);
            s->count++;
        } else {
            free(k);
        }
    }
    if (s->count > SESSIONS_MAX)
        drop(s, container_of(s->by_age.next, struct kept, link));
    mbedtls_platform_zeroize(bytes, sizeof bytes);
}

int sessions_get(struct sessions *s, const unsigned char scope[SESSION_SCOPE_BYTES],
                 struct slice id, mbedtls_ssl_session *session)
{
    struct kept *k = map_get(&s->by_id, id);
    if (k == NULL)
        return -1;
    if (k->until_s <= *s->now_s) {
        drop(s, k);
        return -1;
    }
    mbedtls_ssl_session found;
    mbedtls_ssl_session_init(&found);
    if (memcmp(k->scope, scope, sizeof k->scope) != 0 ||
        mbedtls_ssl_session_load(&found, k->bytes, k->len) != 0) {
        mbedtls_ssl_session_free(&found);
        return -1;
    }
    mbedtls_ssl_session_free(session);
    *session = found;
    return 0;
}
