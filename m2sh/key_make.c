#include "m2sh/key_make.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/identity.h"
#include "proto/link/credentials.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Whose key it is when nobody says so. */
static const char *default_owner(unsigned role, char out[256])
{
    switch (role) {
    case ROLE_COORDINATOR: return "coordinator";
    case ROLE_ADMIN:
    case ROLE_VIEWER: identity_user(out, 128); return out;
    default: identity_host(out, 256); return out;
    }
}

static int read_role(const struct call *c, unsigned *role, struct error *e)
{
    const char *word = args_get(&c->args, "role", "");
    *role = cluster_role_from_name(slice_str(word));
    if (*role != 0)
        return 0;
    return error_set(e, ERROR_USAGE,
                     "Which role? -role coordinator, admin, node, handler or viewer.");
}

static int check_names(const char *owner, const char *name, struct error *e)
{
    if (owner[0] == '\0' || strlen(owner) >= KEY_OWNER_MAX || strpbrk(owner, "\"\n\r") != NULL)
        return error_set(e, ERROR_USAGE,
                         "An owner has 1 to %d bytes, and neither quotes nor line ends.",
                         KEY_OWNER_MAX - 1);
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return error_set(e, ERROR_USAGE, "-name is that of a file, without a directory.");
    return 0;
}

static const char *place_of(unsigned role)
{
    switch (role) {
    case ROLE_COORDINATOR:
        return "Both belong to every coordinator (-keys). The public one goes to whoever connects.";
    case ROLE_NODE:
        return "Both belong to the node (-keys), beside coordinator.cert. The public one makes it "
               "known: put it into the coordinators' -keys, or m2sh keys -add it.";
    case ROLE_HANDLER:
        return "Both belong to the handler, beside coordinator.cert. The public one makes it "
               "known: "
               "put it into the coordinators' -keys, or m2sh keys -add it.";
    default:
        return "Both belong to you (m2sh -keys), beside coordinator.cert. The public one makes you "
               "known: put it into the coordinators' -keys, or have it added with m2sh keys -add.";
    }
}

static int make(const struct call *c, struct curve_cert *cert, const char **path,
                struct arena *arena, struct error *e)
{
    char room[256];
    unsigned role;
    const char *dir = args_get(&c->args, "out", ".");
    if (read_role(c, &role, e) != 0)
        return -1;
    const char *owner = args_get(&c->args, "owner", default_owner(role, room));
    const char *name = args_get(&c->args, "name", cluster_role_name(role));
    if (check_names(owner, name, e) != 0)
        return -1;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return error_set_errno(e, "Cannot make %s", dir);
    *path = xarena_printf(arena, "%s/%s" CREDENTIALS_SUFFIX, dir, name);
    if (curve_cert_make(cert, role, owner, e) != 0)
        return -1;
    return curve_cert_save(cert, *path, e);
}

static void show(const struct call *c, const struct curve_cert *cert, const char *path)
{
    static const char *const names[] = {"owner", "role", "key", "public", "secret", NULL};
    struct out_table t;
    struct arena arena;
    arena_init(&arena, 0);
    out_table_init(&t, names);
    out_table_text(&t, cert->owner);
    out_table_text(&t, cluster_role_name(cert->role));
    out_table_text(&t, cert->public_key);
    out_table_text(&t, path);
    out_table_text(&t, xarena_printf(&arena, "%s_secret", path));
    cmd_print_table(c, &t);
    if (!c->json)
        fprintf(stderr, "%s\n", place_of(cert->role));
    arena_fini(&arena);
}

enum status key_make(struct call *c)
{
    struct curve_cert cert = {.role = 0};
    struct arena arena;
    struct error e;
    const char *path = "";
    arena_init(&arena, 0);
    int result = make(c, &cert, &path, &arena, &e);
    curve_cert_wipe(&cert);
    if (result == 0)
        show(c, &cert, path);
    arena_fini(&arena);
    return result == 0 ? STATUS_DONE : cmd_fail(c, &e);
}
