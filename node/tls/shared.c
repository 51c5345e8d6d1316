/* Directories are in the list without a reference: the last user closes them. */

#include "node/tls/shared.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_INPUTS = 64 };

struct tls_shared *tls_shared_create(const int64_t *now_s, struct counters *counters,
                                     struct error *e)
{
    struct tls_shared *s = calloc(1, sizeof *s);
    if (s == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    if (random_init(&s->random, e) != 0) {
        free(s);
        return NULL;
    }
    s->now_s = now_s;
    s->counters = counters;
    list_init(&s->dirs);
    sessions_init(&s->sessions, now_s);
    tickets_init(&s->tickets, &s->random, now_s);
    freelist_init(&s->input_memory, TLS_INPUT_BYTES, SPARE_INPUTS);
    return s;
}

void tls_shared_destroy(struct tls_shared *s)
{
    if (s == NULL)
        return;
    freelist_fini(&s->input_memory);
    tickets_fini(&s->tickets);
    sessions_fini(&s->sessions);
    random_fini(&s->random);
    free(s);
}

struct cert_dir *tls_shared_dir(struct tls_shared *s, const char *root, const char *path,
                                struct error *e)
{
    list_for_each (it, &s->dirs)
        if (strcmp(cert_dir_path(cert_dir_of_link(it)), path) == 0)
            return cert_dir_ref(cert_dir_of_link(it));
    struct cert_dir *d = cert_dir_open(root, path, &s->random, s->now_s, e);
    if (d != NULL)
        list_push_back(&s->dirs, cert_dir_link(d));
    return d;
}

void tls_shared_forget_files(struct tls_shared *s)
{
    list_for_each (it, &s->dirs)
        cert_dir_forget(cert_dir_of_link(it));
}
