/* `commit` is replaced by rename; the database is written in SQLite's own transaction. */

#include "node/cluster/last_good.h"

#include "proto/base/arena.h"
#include "proto/base/failpoint.h"
#include "proto/model/commit.h"
#include "proto/model/model_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 30 };

static int read_file(const char *path, struct buf *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return errno == ENOENT ? 1 : error_set_errno(e, "Can't read %s", path);
    if (fstat(fd, &st) != 0 || st.st_size > MOST_BYTES ||
        buf_reserve(out, (size_t)st.st_size) != 0) {
        close(fd);
        return error_set(e, ERROR_IO, "Can't read %s whole.", path);
    }
    ssize_t got;
    while (out->len < (size_t)st.st_size &&
           (got = read(fd, out->data + out->len, (size_t)st.st_size - out->len)) > 0)
        out->len += (size_t)got;
    close(fd);
    return 0;
}

static int decode(struct slice bytes, struct last_good *out, struct error *e)
{
    struct arena arena;
    struct commit c;
    arena_init(&arena, 0);
    int result = commit_decode(&c, bytes, &arena, e);
    if (result == 0)
        result = commit_verify(&c, e);
    if (result == 0)
        result = canon_decode(&out->model, c.config, e);
    if (result == 0) {
        out->version = (int64_t)c.version;
        snprintf(out->hash, sizeof out->hash, "%s", c.hash);
    }
    arena_fini(&arena);
    return result;
}

static int read_seed(const struct state_dir *d, struct last_good *out, struct error *e)
{
    char path[STATE_PATH_MAX];
    state_dir_file(d, "config.sqlite", path);
    if (access(path, F_OK) != 0)
        return 0;
    return model_sqlite_read(&out->model, path, e);
}

void last_good_fini(struct last_good *g)
{
    model_unref(g->model);
    buf_fini(&g->record);
    *g = (struct last_good){.model = NULL};
}

int last_good_read(const struct state_dir *d, struct last_good *out, struct error *e)
{
    char path[STATE_PATH_MAX];
    *out = (struct last_good){.model = NULL};
    state_dir_file(d, "commit", path);
    int found = read_file(path, &out->record, e);
    int result = found == 0  ? decode(buf_slice(&out->record), out, e)
                 : found > 0 ? read_seed(d, out, e)
                             : -1;
    if (result != 0)
        last_good_fini(out);
    return result;
}

int last_good_write(const struct state_dir *d, struct slice commit, const struct model *m,
                    struct error *e)
{
    char path[STATE_PATH_MAX];
    if (state_dir_write(d, "commit", commit.ptr, commit.len, e) != 0)
        return -1;
    FAILPOINT("node.saved");
    state_dir_file(d, "config.sqlite", path);
    return model_sqlite_write(m, path, NULL, e);
}
