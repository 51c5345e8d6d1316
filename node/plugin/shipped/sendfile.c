/* An xrequest for handlers that have the server send a file: ["sendfile", PATH]. Only its bytes are
 * sent, behind what the handler has said before: a head is the handler's business.
 *
 *     Xrequest(name="/usr/lib/mongrel2/filters/sendfile.so", settings={"base": "/downloads/"})
 *
 * PATH is a path as the server sees it: in its chroot, relative to its working directory. Without
 * the setting `base` it may be any regular file that the server may read, so a handler that takes
 * PATH from a client gives away everything. With `base`, PATH is relative to that directory, and
 * neither
 * ".." nor links lead out of it. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <mongrel2/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

M2_PLUGIN;

static const struct m2_api *m2;
static int base = AT_FDCWD;

__attribute__((destructor)) static void end(void)
{
    if (base >= 0)
        close(base);
}

/* NUL-terminated; 0, or -1 when it does not fit or has a NUL inside. */
static int copy_path(char *out, size_t room, struct m2_bytes path)
{
    if (path.ptr == NULL || path.len == 0 || path.len >= room ||
        memchr(path.ptr, '\0', path.len) != NULL)
        return -1;
    memcpy(out, path.ptr, path.len);
    out[path.len] = '\0';
    return 0;
}

static int open_file(const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK};
    if (base < 0)
        return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    how.resolve = RESOLVE_BENEATH;
    return (int)syscall(SYS_openat2, base, path, &how, sizeof how);
}

static int send(struct m2_conn *conn, const struct m2_value *request)
{
    char path[4096], text[4200];
    struct stat st;
    if (copy_path(path, sizeof path, m2->string(m2->at(request, 1))) != 0)
        return -1;
    int fd = open_file(path);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(text, sizeof text, "sendfile: can't send %s: %s", path,
                 fd < 0 ? strerror(errno) : "it is no regular file");
        m2->log(M2_LOG_WARN, text);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return m2->send_file(conn, fd, 0, st.st_size);
}

m2_xrequest *xrequest_init(const struct m2_api *api, const char *path,
                           const struct m2_value *settings, const char *const **keys, int *count)
{
    static const char *const all[] = {"sendfile"};
    char folder[4096], text[4200];
    m2 = api;
    if (m2->get(settings, "base") != NULL) {
        if (copy_path(folder, sizeof folder, m2->string(m2->get(settings, "base"))) == 0)
            base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (base < 0) {
            snprintf(text, sizeof text, "%s: the setting base is no directory", path);
            m2->log(M2_LOG_ERROR, text);
            return NULL;
        }
    }
    *keys = all;
    *count = 1;
    return send;
}
