/* The files are CZMQ's to write and read; what must hold of their content is checked here. Read as
 * text, since zcert_load prefers PATH_secret when it is to load PATH. */

#include "proto/link/curve_cert.h"

#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_SUFFIX "_secret"

enum { PATH_ROOM = 4096, FILE_ROOM = 8192 };

int curve_cert_make(struct curve_cert *out, unsigned role, const char *owner, struct error *e)
{
    memset(out, 0, sizeof *out);
    if (zmq_curve_keypair(out->public_key, out->secret_key) != 0)
        return error_set(e, ERROR_UNSUPPORTED, "This libzmq has no CURVE.");
    out->role = role;
    snprintf(out->owner, sizeof out->owner, "%s", owner);
    return 0;
}

static int secret_path(const char *path, char out[PATH_ROOM], struct error *e)
{
    if (snprintf(out, PATH_ROOM, "%s" SECRET_SUFFIX, path) < PATH_ROOM)
        return 0;
    return error_set(e, ERROR_USAGE, "The path of a key is too long.");
}

static int check_absent(const char *path, struct error *e)
{
    if (access(path, F_OK) != 0)
        return 0;
    return error_set(e, ERROR_EXISTS, "%s is there already; remove it, or choose another name.",
                     path);
}

static zcert_t *to_cert(const struct curve_cert *c)
{
    uint8_t public_key[32], secret_key[32];
    if (zmq_z85_decode(public_key, c->public_key) == NULL ||
        zmq_z85_decode(secret_key, c->secret_key) == NULL)
        return NULL;
    zcert_t *cert = zcert_new_from(public_key, secret_key);
    explicit_bzero(secret_key, sizeof secret_key);
    return cert;
}

int curve_cert_save(const struct curve_cert *c, const char *path, struct error *e)
{
    char secret[PATH_ROOM];
    if (secret_path(path, secret, e) != 0 || check_absent(path, e) != 0 ||
        check_absent(secret, e) != 0)
        return -1;
    zcert_t *cert = to_cert(c);
    if (cert == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    zcert_set_meta(cert, "role", "%s", cluster_role_name(c->role));
    zcert_set_meta(cert, "owner", "%s", c->owner);
    mode_t mask = umask(0077);
    int result = zcert_save_secret(cert, secret);
    umask(mask);
    if (result == 0)
        result = zcert_save_public(cert, path);
    int problem = errno;
    zcert_destroy(&cert);
    errno = problem;
    return result == 0 ? 0 : error_set_errno(e, "Cannot write %s", path);
}

static int check_readable(const char *path, bool is_secret, struct error *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? error_set(e, ERROR_NOT_FOUND, "There is no %s.", path)
                               : error_set_errno(e, "Cannot read %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(e, ERROR_INVALID, "%s is no file.", path);
    if (is_secret && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(e, ERROR_DENIED,
                         "%s holds a secret and may be read by others: chmod 600 it.", path);
    return 0;
}

static void copy_text(char *out, size_t room, zconfig_t *root, const char *path)
{
    snprintf(out, room, "%s", zconfig_get(root, path, ""));
}

/* The whole file, with NUL. */
static int read_text(const char *path, char out[FILE_ROOM], struct error *e)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return error_set_errno(e, "Cannot read %s", path);
    size_t len = fread(out, 1, FILE_ROOM - 1, f);
    bool is_whole = feof(f) != 0;
    fclose(f);
    out[len] = '\0';
    return is_whole ? 0 : error_set(e, ERROR_INVALID, "%s is too long for a certificate.", path);
}

static int parse(struct curve_cert *out, const char *text)
{
    zconfig_t *root = zconfig_str_load(text);
    if (root == NULL)
        return -1;
    copy_text(out->public_key, sizeof out->public_key, root, "curve/public-key");
    copy_text(out->secret_key, sizeof out->secret_key, root, "curve/secret-key");
    copy_text(out->owner, sizeof out->owner, root, "metadata/owner");
    out->role = cluster_role_from_name(slice_str(zconfig_get(root, "metadata/role", "")));
    zconfig_destroy(&root);
    return curve_key_is_valid(slice_str(out->public_key)) ? 0 : -1;
}

/* Fills *out from a file as it is. */
static int load(struct curve_cert *out, const char *path, struct error *e)
{
    char text[FILE_ROOM];
    memset(out, 0, sizeof *out);
    if (read_text(path, text, e) != 0)
        return -1;
    int result = parse(out, text);
    explicit_bzero(text, sizeof text);
    return result == 0 ? 0 : error_set(e, ERROR_INVALID, "%s is no certificate.", path);
}

int curve_cert_read_public(struct curve_cert *out, const char *path, struct error *e)
{
    if (check_readable(path, false, e) != 0 || load(out, path, e) != 0)
        return -1;
    curve_cert_wipe(out);
    return 0;
}

int curve_cert_read_secret(struct curve_cert *out, const char *path, struct error *e)
{
    char secret[PATH_ROOM], derived[CURVE_KEY_LEN + 1];
    if (secret_path(path, secret, e) != 0 || check_readable(secret, true, e) != 0 ||
        load(out, secret, e) != 0)
        return -1;
    if (curve_key_is_valid(slice_str(out->secret_key)) &&
        zmq_curve_public(derived, out->secret_key) == 0 && strcmp(derived, out->public_key) == 0)
        return 0;
    curve_cert_wipe(out);
    return error_set(e, ERROR_INVALID, "The secret key in %s does not belong to its public key.",
                     secret);
}

void curve_cert_wipe(struct curve_cert *c)
{
    explicit_bzero(c->secret_key, sizeof c->secret_key);
}
