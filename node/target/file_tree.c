/* Looking comes before opening: opening a device can have effects and opening a FIFO wakes its
 * writer, so the path is first opened with O_PATH, which does neither. */

#include "node/target/file_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK_EVERY_US = 1000000, LINKS_MAX = 40 };

void file_tree_init(struct file_tree *t, const char *base, bool follow_out)
{
    *t = (struct file_tree){.base = base, .fd = -1, .follow_out = follow_out};
}

void file_tree_fini(struct file_tree *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

bool file_tree_refresh(struct file_tree *t, uint64_t now_us)
{
    struct stat st;
    if (t->looked_us != 0 && now_us - t->looked_us < LOOK_EVERY_US)
        return false;
    t->looked_us = now_us;
    if (t->fd >= 0 && stat(t->base, &st) == 0 && st.st_dev == t->dev && st.st_ino == t->ino)
        return false;
    bool had = t->fd >= 0;
    file_tree_fini(t);
    t->fd = open(t->base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (t->fd < 0)
        return had;
    if (fstat(t->fd, &st) != 0) {
        file_tree_fini(t);
        return had;
    }
    t->dev = st.st_dev;
    t->ino = st.st_ino;
    return true;
}

static int open_resolve(const struct file_tree *t, const char *name, int flags, uint64_t resolve)
{
    struct open_how how = {.flags = (uint64_t)flags, .resolve = resolve};
    int fd = -1;
    for (int tries = 0; tries < 4; tries++) { /* EAGAIN: something was renamed meanwhile */
        fd = (int)syscall(SYS_openat2, t->fd, name, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd;
}

/* -- resolving links here ---------------------------------------------------------------------- */

/* A path on its way: `done` holds no links and no dots and lies below the base, `left` is to come.
 */
struct walk {
    char done[PATH_MAX];
    char left[PATH_MAX];
    size_t done_len;
    int links;
};

static int fail_with(int code)
{
    errno = code;
    return -1;
}

/* Puts `target` in front of what is left. */
static int prepend(struct walk *w, const char *target)
{
    char joined[PATH_MAX];
    size_t target_len = strlen(target), left_len = strlen(w->left);
    if (target_len + 1 + left_len >= sizeof joined)
        return fail_with(ENAMETOOLONG);
    memcpy(joined, target, target_len);
    joined[target_len] = '/';
    memcpy(joined + target_len + 1, w->left, left_len + 1);
    memcpy(w->left, joined, target_len + left_len + 2);
    return 0;
}

/* The part of an absolute path below the base, or NULL. The base's own path may hold links, so its
 * real path is compared. */
static const char *below_base(const struct file_tree *t, const char *path)
{
    char real[PATH_MAX];
    if (realpath(t->base, real) == NULL)
        return NULL;
    size_t len = strcmp(real, "/") == 0 ? 0 : strlen(real);
    bool inside = strncmp(path, real, len) == 0 && (path[len] == '/' || path[len] == '\0');
    return inside ? path + len : NULL;
}

/* The link at w->done has been met: follows it. */
static int follow(const struct file_tree *t, struct walk *w, size_t parent_len)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(t->fd, w->done, target, sizeof target - 1);
    if (len < 0)
        return -1;
    if (++w->links > LINKS_MAX)
        return fail_with(ELOOP);
    target[len] = '\0';
    const char *next = target;
    w->done_len = parent_len;
    if (target[0] == '/') {
        next = below_base(t, target);
        w->done_len = 0;
        if (next == NULL)
            return fail_with(EXDEV);
    }
    w->done[w->done_len] = '\0';
    return prepend(w, next);
}

/* Takes one segment from what is left. */
static int advance(const struct file_tree *t, struct walk *w)
{
    char *left = w->left + strspn(w->left, "/");
    size_t len = strcspn(left, "/"), parent = w->done_len;
    char segment[NAME_MAX + 1];
    if (len > NAME_MAX)
        return fail_with(ENAMETOOLONG);
    memcpy(segment, left, len);
    segment[len] = '\0';
    memmove(w->left, left + len, strlen(left + len) + 1);
    if (len == 0 || strcmp(segment, ".") == 0)
        return 0;
    if (strcmp(segment, "..") == 0) {
        if (w->done_len == 0)
            return fail_with(EXDEV);
        char *slash = strrchr(w->done, '/');
        w->done_len = slash != NULL ? (size_t)(slash - w->done) : 0;
        w->done[w->done_len] = '\0';
        return 0;
    }
    if (w->done_len + len + 2 > sizeof w->done)
        return fail_with(ENAMETOOLONG);
    if (w->done_len > 0)
        w->done[w->done_len++] = '/';
    memcpy(w->done + w->done_len, segment, len + 1);
    w->done_len += len;
    struct stat st;
    if (fstatat(t->fd, w->done, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    return S_ISLNK(st.st_mode) ? follow(t, w, parent) : 0;
}

/* Opens `name` with its links resolved one by one. Whoever may write below the base could put a new
 * link into the resolved path before it is opened; openat2 then refuses it. */
static int open_walking(const struct file_tree *t, const char *name, int flags)
{
    struct walk w = {.done_len = 0};
    if (strlen(name) >= sizeof w.left)
        return fail_with(ENAMETOOLONG);
    strcpy(w.left, name);
    while (w.left[0] != '\0')
        if (advance(t, &w) != 0)
            return -1;
    const char *resolved = w.done_len > 0 ? w.done : ".";
    if (t->no_openat2)
        return openat(t->fd, resolved, flags | O_NOFOLLOW);
    return open_resolve(t, resolved, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* -- opening ------------------------------------------------------------------------------------
 */

static int open_contained(struct file_tree *t, const char *name, int flags)
{
    if (t->follow_out) /* the name itself holds no dots: see file_path.h */
        return openat(t->fd, name, flags);
    if (!t->no_openat2) {
        int fd = open_resolve(t, name, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EXDEV))
            return fd;
        t->no_openat2 = errno != EXDEV;
    }
    return open_walking(t, name, flags);
}

/* What the result of looking at `name` means for a server of files. */
static int refuse(int code)
{
    switch (code) {
    case EXDEV:
    case ELOOP:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EAGAIN:
    case ENXIO:
    case ENODEV: return fail_with(ENOENT);
    case EPERM: return fail_with(EACCES);
    default: return fail_with(code);
    }
}

static int close_with(int fd, int code)
{
    close(fd);
    return refuse(code);
}

int file_tree_open(struct file_tree *t, const char *name, struct stat *st)
{
    if (t->fd < 0 || name[0] == '/')
        return fail_with(ENOENT);
    int fd = open_contained(t, name, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return refuse(errno);
    if (fstat(fd, st) != 0)
        return close_with(fd, errno);
    if (!S_ISREG(st->st_mode))
        return close_with(fd, S_ISDIR(st->st_mode) ? EISDIR : ENOENT);
    close(fd);
    fd = open_contained(t, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse(errno);
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) /* replaced in between */
        return close_with(fd, ENOENT);
    return fd;
}

int file_tree_stat(const struct file_tree *t, const char *name, struct stat *st)
{
    return t->fd >= 0 ? fstatat(t->fd, name, st, 0) : fail_with(ENOENT);
}
