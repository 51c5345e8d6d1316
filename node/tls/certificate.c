/* Parsing and checking a pair takes the loop about a millisecond or two, once per change of the
 * files; reading is a matter of a few KiB. */

#include "node/tls/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/platform_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_ROOM = 280 };

static bool stat_file(int dir, const char *stem, const char *suffix, struct file_stamp *out)
{
    char name[NAME_ROOM];
    struct stat s;
    snprintf(name, sizeof name, "%s%s", stem, suffix);
    if (fstatat(dir, name, &s, 0) != 0)
        return false;
    *out = (struct file_stamp){s.st_ino, s.st_size, s.st_mtim};
    return true;
}

bool certificate_stat(int dir, const char *stem, struct certificate_stamp *out)
{
    return stat_file(dir, stem, ".crt", &out->crt) && stat_file(dir, stem, ".key", &out->key);
}

static bool is_same_file(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->inode == b->inode && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

bool certificate_is_same_stamp(const struct certificate_stamp *a, const struct certificate_stamp *b)
{
    return is_same_file(&a->crt, &b->crt) && is_same_file(&a->key, &b->key);
}

int certificate_read_file(int dir, const char *name, struct buf *out, struct error *e)
{
    struct stat s;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        bool is_missing = errno == ENOENT;
        error_set_errno(e, "Can't read %s", name);
        if (is_missing)
            e->code = ERROR_NOT_FOUND;
        return -1;
    }
    int result = 0;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size > CERTIFICATE_FILE_MAX)
        result = error_set(e, ERROR_INVALID, "%s is no file of at most %d bytes.", name,
                           CERTIFICATE_FILE_MAX);
    else if (buf_reserve(out, (size_t)s.st_size + 1) != 0)
        result = error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    ssize_t got = 1;
    while (result == 0 && got > 0 && out->len < (size_t)s.st_size) {
        got = read(fd, out->data + out->len, (size_t)s.st_size - out->len);
        if (got < 0)
            result = error_set_errno(e, "Can't read %s", name);
        else
            out->len += (size_t)got;
    }
    close(fd);
    if (result == 0)
        out->data[out->len] = '\0';
    return result;
}

static int refuse(struct error *e, const char *name, const char *what, int code)
{
    char text[160];
    return error_set(e, ERROR_INVALID, "%s: %s: %s.", name, what, library_error_text(code, text));
}

static int load_chain(struct certificate *c, int dir, const char *name, struct error *e)
{
    struct buf bytes = BUF_INIT;
    int result = certificate_read_file(dir, name, &bytes, e);
    if (result == 0) {
        /* above 0 is the number of certificates of the chain that make no sense */
        int code = mbedtls_x509_crt_parse(&c->chain, (unsigned char *)bytes.data, bytes.len + 1);
        if (code > 0)
            result = error_set(e, ERROR_INVALID, "%s: %d of its certificates can't be read.", name,
                               code);
        else if (code < 0)
            result = refuse(e, name, "no certificate", code);
    }
    buf_fini(&bytes);
    return result;
}

static int load_key(struct certificate *c, int dir, const char *name, struct random *random,
                    struct error *e)
{
    struct buf bytes = BUF_INIT;
    int result = certificate_read_file(dir, name, &bytes, e);
    if (result == 0) {
        int code = library_parse_key(&c->key, (unsigned char *)bytes.data, bytes.len + 1, random);
        if (code != 0)
            result = refuse(e, name, "no private key without passphrase", code);
        mbedtls_platform_zeroize(bytes.data, bytes.len);
    }
    buf_fini(&bytes);
    return result;
}

struct certificate *certificate_load(int dir, const char *stem, struct random *random,
                                     struct error *e)
{
    char crt[NAME_ROOM], key[NAME_ROOM];
    snprintf(crt, sizeof crt, "%s.crt", stem);
    snprintf(key, sizeof key, "%s.key", stem);
    struct certificate *c = calloc(1, sizeof *c);
    if (c == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    c->refs = 1;
    mbedtls_x509_crt_init(&c->chain);
    mbedtls_pk_init(&c->key);
    int result = load_chain(c, dir, crt, e);
    if (result == 0)
        result = load_key(c, dir, key, random, e);
    if (result == 0 && library_check_pair(&c->chain, &c->key, random) != 0)
        result = error_set(e, ERROR_INVALID, "The key %s does not belong to the certificate %s.",
                           key, crt);
    if (result == 0)
        return c;
    certificate_unref(c);
    return NULL;
}

struct certificate *certificate_ref(struct certificate *c)
{
    if (c != NULL)
        c->refs++;
    return c;
}

void certificate_unref(struct certificate *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    mbedtls_x509_crt_free(&c->chain);
    mbedtls_pk_free(&c->key);
    free(c);
}
