/* Two lists in order of use, because a client can ask for as many names as it likes: those that do
 * not exist must not drive out those that do. */

#include "node/tls/cert_dir.h"

#include "node/tls/server_name.h"
#include "proto/base/log.h"
#include "proto/base/map.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
    struct list link;                /* in present or absent, last used at the end */
    struct certificate *certificate; /* NULL: there is none */
    struct certificate_stamp stamp;  /* of the files last read, also when they were no good */
    int64_t checked_s;
    bool is_stale; /* to be read again whatever the stamp says */
    char stem[];
};

struct cert_dir {
    unsigned refs;
    int fd;
    struct random *random;
    const int64_t *now_s;
    struct map entries; /* stem -> struct entry */
    struct list present, absent;
    size_t present_count, absent_count;
    struct list link;
    char path[];
};

struct cert_dir *cert_dir_open(const char *root, const char *path, struct random *random,
                               const int64_t *now_s, struct error *e)
{
    char full[4096];
    int len = snprintf(full, sizeof full, root[0] != '\0' ? "%s/%s" : "%s%s", root, path);
    struct cert_dir *d = calloc(1, sizeof *d + strlen(path) + 1);
    if (d == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    *d = (struct cert_dir){.refs = 1, .fd = -1, .random = random, .now_s = now_s};
    strcpy(d->path, path);
    list_init(&d->present);
    list_init(&d->absent);
    list_init(&d->link);
    if (len >= 0 && (size_t)len < sizeof full)
        d->fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd >= 0)
        return d;
    error_set_errno(e, "Can't open the directory of certificates %s", full);
    cert_dir_unref(d);
    return NULL;
}

static void drop(struct cert_dir *d, struct entry *x)
{
    *(x->certificate != NULL ? &d->present_count : &d->absent_count) -= 1;
    list_remove(&x->link);
    map_remove(&d->entries, slice_str(x->stem));
    certificate_unref(x->certificate);
    free(x);
}

static void drop_all(struct cert_dir *d, struct list *of)
{
    list_for_each_safe (it, of)
        drop(d, container_of(it, struct entry, link));
}

struct cert_dir *cert_dir_ref(struct cert_dir *d)
{
    d->refs++;
    return d;
}

bool cert_dir_unref(struct cert_dir *d)
{
    if (d == NULL || --d->refs > 0)
        return false;
    drop_all(d, &d->present);
    drop_all(d, &d->absent);
    map_fini(&d->entries, NULL);
    list_remove(&d->link);
    if (d->fd >= 0)
        close(d->fd);
    free(d);
    return true;
}

void cert_dir_each(const struct cert_dir *d,
                   void (*each)(void *arg, const char *stem, const struct certificate *cert),
                   void *arg)
{
    list_for_each (it, (struct list *)&d->present) {
        const struct entry *x = container_of(it, struct entry, link);
        each(arg, x->stem, x->certificate);
    }
}

const char *cert_dir_path(const struct cert_dir *d)
{
    return d->path;
}

struct list *cert_dir_link(struct cert_dir *d)
{
    return &d->link;
}

struct cert_dir *cert_dir_of_link(struct list *link)
{
    return container_of(link, struct cert_dir, link);
}

int cert_dir_fd(const struct cert_dir *d)
{
    return d->fd;
}

/* Puts the entry where it belongs, as the one used last, and keeps the bounds. */
static void place(struct cert_dir *d, struct entry *x)
{
    bool is_present = x->certificate != NULL;
    list_remove(&x->link);
    list_push_back(is_present ? &d->present : &d->absent, &x->link);
    if (d->present_count > CERT_DIR_PRESENT_MAX)
        drop(d, container_of(d->present.next, struct entry, link));
    if (d->absent_count > CERT_DIR_ABSENT_MAX)
        drop(d, container_of(d->absent.next, struct entry, link));
}

static void set_certificate(struct cert_dir *d, struct entry *x, struct certificate *c)
{
    *(x->certificate != NULL ? &d->present_count : &d->absent_count) -= 1;
    certificate_unref(x->certificate);
    x->certificate = c;
    *(c != NULL ? &d->present_count : &d->absent_count) += 1;
}

/* Looks at the files of an entry and reads them when they are others than before. False when they
 * have just turned out to be no good. */
static bool refresh(struct cert_dir *d, struct entry *x, struct error *e)
{
    struct certificate_stamp now;
    x->checked_s = *d->now_s;
    if (!certificate_stat(d->fd, x->stem, &now)) {
        error_set(e, ERROR_NOT_FOUND, "%s%s.crt and %s.key are not both there.", d->path, x->stem,
                  x->stem);
        set_certificate(d, x, NULL);
        memset(&x->stamp, 0, sizeof x->stamp);
        x->is_stale = false;
        return true;
    }
    if (certificate_is_same_stamp(&now, &x->stamp) && !x->is_stale)
        return true;
    bool is_news = !certificate_is_same_stamp(&now, &x->stamp);
    x->stamp = now;
    x->is_stale = false;
    struct certificate *fresh = certificate_load(d->fd, x->stem, d->random, e);
    if (fresh != NULL)
        set_certificate(d, x, fresh);
    return fresh != NULL || !is_news;
}

static struct entry *add(struct cert_dir *d, const char *stem)
{
    struct entry *x = calloc(1, sizeof *x + strlen(stem) + 1);
    if (x == NULL)
        return NULL;
    strcpy(x->stem, stem);
    list_init(&x->link);
    if (map_put(&d->entries, slice_str(stem), x, NULL) != 0) {
        free(x);
        return NULL;
    }
    d->absent_count++;
    x->is_stale = true;
    return x;
}

struct certificate *cert_dir_get(struct cert_dir *d, const char *stem, struct error *e)
{
    struct error why;
    error_set(&why, ERROR_INVALID, "%s%s.crt or %s.key is no good.", d->path, stem, stem);
    struct entry *x = map_get(&d->entries, slice_str(stem));
    bool is_new = x == NULL, is_good = true;
    if (is_new && (x = add(d, stem)) == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    if (is_new || x->is_stale || *d->now_s != x->checked_s)
        is_good = refresh(d, x, &why);
    if (!is_good && (e == NULL || x->certificate != NULL))
        log_warn("tls", "%s%s", why.text,
                 x->certificate != NULL ? " The certificate from before stays." : "");
    struct certificate *found = certificate_ref(x->certificate);
    place(d, x);
    if (found == NULL && e != NULL)
        *e = why;
    return found;
}

struct certificate *cert_dir_find(struct cert_dir *d, struct slice server_name)
{
    struct server_name name;
    if (!server_name_parse(&name, server_name))
        return NULL;
    struct certificate *found = cert_dir_get(d, name.exact, NULL);
    return found != NULL || name.wildcard[0] == '\0' ? found : cert_dir_get(d, name.wildcard, NULL);
}

void cert_dir_forget(struct cert_dir *d)
{
    drop_all(d, &d->absent);
    list_for_each (it, &d->present)
        container_of(it, struct entry, link)->is_stale = true;
}
