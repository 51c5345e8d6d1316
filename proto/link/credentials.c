#include "proto/link/credentials.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096 };

static const unsigned by_might[] = {ROLE_COORDINATOR, ROLE_ADMIN, ROLE_NODE, ROLE_HANDLER,
                                    ROLE_VIEWER};

static int file_in(const char *dir, const char *name, char out[PATH_ROOM], struct error *e)
{
    if (snprintf(out, PATH_ROOM, "%s/%s" CREDENTIALS_SUFFIX, dir, name) < PATH_ROOM)
        return 0;
    return error_set(e, ERROR_USAGE, "The path of the keys is too long.");
}

static int load_from_dir(struct credentials *out, const char *dir, unsigned roles, struct error *e)
{
    char path[PATH_ROOM];
    struct error why;
    for (size_t i = 0; i < sizeof by_might / sizeof by_might[0]; i++) {
        if ((by_might[i] & roles) == 0)
            continue;
        if (file_in(dir, cluster_role_name(by_might[i]), path, e) != 0)
            return -1;
        if (curve_cert_read_secret(&out->own, path, &why) == 0)
            return 0;
        if (why.code != ERROR_NOT_FOUND) {
            *e = why;
            return -1;
        }
    }
    return error_set(e, ERROR_NOT_FOUND, "%s The keys are to be in a directory.", why.text);
}

/* A certificate by itself: DIR/alice.cert, or its secret half. Cuts *path down to the directory. */
static int load_file(struct credentials *out, char *path, struct error *e)
{
    static const char suffix[] = "_secret";
    size_t len = strlen(path), cut = strlen(suffix);
    if (len > cut && strcmp(path + len - cut, suffix) == 0)
        path[len - cut] = '\0';
    int result = curve_cert_read_secret(&out->own, path, e);
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        slash[slash == path ? 1 : 0] = '\0';
    else
        memcpy(path, ".", sizeof ".");
    return result;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The public keys of those it will connect to. */
static int load_peers(struct credentials *out, const char *dir, struct error *e)
{
    char path[PATH_ROOM];
    struct curve_cert peer;
    if (file_in(dir, "coordinator", path, e) != 0 || curve_cert_read_public(&peer, path, e) != 0)
        return -1;
    memcpy(out->coordinator, peer.public_key, sizeof out->coordinator);
    if (file_in(dir, "node", path, e) == 0 && curve_cert_read_public(&peer, path, NULL) == 0)
        memcpy(out->node, peer.public_key, sizeof out->node);
    return 0;
}

int credentials_load(struct credentials *out, const char *path, unsigned roles, struct error *e)
{
    char dir[PATH_ROOM];
    memset(out, 0, sizeof *out);
    if (path[0] == '\0' || snprintf(dir, sizeof dir, "%s", path) >= (int)sizeof dir)
        return error_set(e, ERROR_USAGE, "-keys names a directory, or a certificate.");
    int result = is_dir(dir) ? load_from_dir(out, dir, roles, e) : load_file(out, dir, e);
    if (result == 0 && (out->own.role & roles) == 0)
        result = error_set(e, ERROR_USAGE, "The key in %s is %s%s, and cannot be used here.", path,
                           out->own.role != 0 ? "that of a " : "of no role",
                           cluster_role_name(out->own.role));
    if (result == 0)
        result = load_peers(out, dir, e);
    if (result != 0) {
        credentials_wipe(out);
        return -1;
    }
    out->keys = (struct link_keys){.public_key = out->own.public_key,
                                   .secret_key = out->own.secret_key,
                                   .server_key = out->coordinator};
    return 0;
}

void credentials_wipe(struct credentials *c)
{
    curve_cert_wipe(&c->own);
}
