/* dlopen() gives the same object again for a path, and for an inode, that it knows. So each library
 * is a copy in a file without a name (memfd), reached through /proc; in a chroot without /proc it
 * is a file in /tmp that is removed at once. Overwriting a plug-in in place, which would change the
 * code under a running server, is harmless too. */

#include "node/plugin/library.h"

#include "node/plugin/mongrel2/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_MOST (256 << 20) /* bytes; whatever is larger is no plug-in */

static struct library_file identity_of(const struct stat *st)
{
    return (struct library_file){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = st->st_size,
        .changed_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
    };
}

bool library_is_current(const struct library *l, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR;
    struct library_file now = identity_of(&st);
    return memcmp(&now, &l->file, sizeof now) == 0;
}

static int copy_file(int from, int to, off_t size)
{
    off_t at = 0;
    while (at < size) {
        ssize_t sent = sendfile(to, from, &at, (size_t)(size - at));
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -1;
    }
    return 0;
}

/* An empty file that nobody else has, and a path to it. */
static int make_copy_file(char path[64])
{
    int fd = memfd_create("mongrel2-plugin", MFD_CLOEXEC);
    if (fd >= 0) {
        snprintf(path, 64, "/proc/self/fd/%d", fd);
        if (access(path, R_OK) == 0)
            return fd;
        close(fd);
    }
    snprintf(path, 64, "/tmp/mongrel2-plugin-XXXXXX");
    return mkostemp(path, O_CLOEXEC);
}

static int load(struct library *l, const char *path, int from, off_t size, struct error *e)
{
    char copy[64];
    l->fd = make_copy_file(copy);
    if (l->fd < 0)
        return error_set_errno(e, "Can't make a copy of the plug-in %s (it needs /proc or /tmp)",
                               path);
    int copied = copy_file(from, l->fd, size);
    if (copied != 0)
        error_set_errno(e, "Can't copy the plug-in %s", path);
    else
        l->handle = dlopen(copy, RTLD_LAZY | RTLD_LOCAL);
    if (strncmp(copy, "/tmp/", 5) == 0)
        unlink(copy);
    if (copied == 0 && l->handle == NULL)
        return error_set(e, ERROR_INVALID, "Can't load the plug-in %s: %s.", path, dlerror());
    return copied;
}

static int check_version(const struct library *l, const char *path, struct error *e)
{
    const uint32_t *abi = dlsym(l->handle, "mongrel2_plugin_abi");
    if (abi == NULL)
        return error_set(e, ERROR_UNSUPPORTED,
                         "%s was not made for this server: it says no version of the plug-in "
                         "interface. Compile it with mongrel2/plugin.h.",
                         path);
    if (*abi != M2_PLUGIN_ABI)
        return error_set(e, ERROR_UNSUPPORTED,
                         "%s was made for version %u of the plug-in interface, this server has "
                         "version %u. Compile it again.",
                         path, *abi, M2_PLUGIN_ABI);
    return 0;
}

static int open_library(struct library *l, const char *path, struct error *e)
{
    struct stat st;
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0 || fstat(from, &st) != 0) {
        error_set_errno(e, "Can't open the plug-in %s", path);
        if (from >= 0)
            close(from);
        return -1;
    }
    int result;
    if (!S_ISREG(st.st_mode) || st.st_size > COPY_MOST) {
        result = error_set(e, ERROR_INVALID, "The plug-in %s is no shared object.", path);
    } else {
        l->file = identity_of(&st);
        result = load(l, path, from, st.st_size, e);
    }
    close(from);
    return result == 0 ? check_version(l, path, e) : -1;
}

int library_open(struct library *l, const char *path, struct error *e)
{
    *l = (struct library){.fd = -1};
    if (open_library(l, path, e) == 0)
        return 0;
    if (e != NULL)
        snprintf(e->object, sizeof e->object, "%s", path);
    library_close(l);
    return -1;
}

void library_close(struct library *l)
{
    if (l->handle != NULL)
        dlclose(l->handle);
    if (l->fd >= 0)
        close(l->fd);
    l->handle = NULL;
    l->fd = -1;
}

void (*library_function(const struct library *l, const char *path, const char *name,
                        bool may_be_missing, struct error *e))(void)
{
    void (*function)(void);
    *(void **)(void *)&function = dlsym(l->handle, name); /* as POSIX advises */
    if (function == NULL && !may_be_missing)
        error_set_object(e, ERROR_INVALID, path, "The plug-in %s has no function %s.", path, name);
    return function;
}
