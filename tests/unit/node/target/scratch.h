/* A temporary directory for tests that need real files; removed with all that is in it. */
#ifndef TESTS_UNIT_NODE_TARGET_SCRATCH_H
#define TESTS_UNIT_NODE_TARGET_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SCRATCH_PATH_MAX 512

struct scratch {
    char path[SCRATCH_PATH_MAX / 2];
    char text[SCRATCH_PATH_MAX];
};

/* The path of `name` in there; good until the next call. */
static inline const char *scratch_path(struct scratch *p, const char *name)
{
    snprintf(p->text, sizeof p->text, "%s/%s", p->path, name);
    return p->text;
}

static inline void scratch_create(struct scratch *p)
{
    char shape[SCRATCH_PATH_MAX / 2];
    const char *temporary = getenv("TMPDIR");
    snprintf(shape, sizeof shape, "%s/m2.XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(shape));
    char *real = realpath(shape, NULL);
    assert_non_null(real);
    snprintf(p->path, sizeof p->path, "%s", real);
    free(real);
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int flag,
                                     struct FTW *walk)
{
    (void)st, (void)flag, (void)walk;
    return remove(path);
}

static inline void scratch_remove(struct scratch *p)
{
    assert_int_equal(nftw(p->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void scratch_write_bytes(struct scratch *p, const char *name, const void *bytes,
                                       size_t len)
{
    int fd = open(scratch_path(p, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static inline void scratch_write(struct scratch *p, const char *name, const char *text)
{
    scratch_write_bytes(p, name, text, strlen(text));
}

/* Gives the file a time of modification, so that it counts as long settled. */
static inline void scratch_date(struct scratch *p, const char *name, int64_t mtime_s)
{
    struct timespec times[2] = {{.tv_sec = mtime_s}, {.tv_sec = mtime_s}};
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(p, name), times, 0), 0);
}

static inline void scratch_mkdir(struct scratch *p, const char *name)
{
    assert_int_equal(mkdir(scratch_path(p, name), 0755), 0);
}

static inline void scratch_link(struct scratch *p, const char *target, const char *name)
{
    char copy[SCRATCH_PATH_MAX];
    snprintf(copy, sizeof copy, "%s", target); /* it may stand in the text */
    assert_int_equal(symlink(copy, scratch_path(p, name)), 0);
}

static inline void scratch_mkfifo(struct scratch *p, const char *name)
{
    assert_int_equal(mkfifo(scratch_path(p, name), 0644), 0);
}

static inline void scratch_socket(struct scratch *p, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    const char *path = scratch_path(p, name);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

#endif
