/* Lines are indexed once, when the text is read, because the loader asks for the place of every
 * row it makes. */

#include "m2sh/lang/source.h"

#include "m2sh/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void index_lines(struct source *s, struct arena *a)
{
    size_t count = 1;
    for (size_t i = 0; i < s->text.len; i++)
        count += s->text.ptr[i] == '\n';
    s->line_starts = xarena_alloc(a, count * sizeof *s->line_starts);
    s->line_count = count;
    size_t line = 1;
    for (size_t i = 0; i < s->text.len; i++)
        if (s->text.ptr[i] == '\n')
            s->line_starts[line++] = (uint32_t)(i + 1);
}

struct source *source_from_text(struct arena *a, const char *name, struct slice text)
{
    struct source *s = xarena_alloc(a, sizeof *s);
    s->name = xarena_strdup(a, name);
    s->text = xarena_slice(a, text);
    index_lines(s, a);
    return s;
}

/* Reads to the end of the file into `text`; pipes have no size to be asked for. */
static int read_all(int fd, const char *path, struct buf *text, size_t max_bytes, struct error *e)
{
    char chunk[65536];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0)
            return 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(e, "Can't read the config file %s", path);
        if (text->len + (size_t)got > max_bytes)
            return error_set(e, ERROR_TOO_LARGE,
                             "The config file %s has more than the %zu bytes that a configuration "
                             "may have with all that it includes.",
                             path, max_bytes);
        buf_append(text, chunk, (size_t)got);
        xbuf_str(text);
    }
}

struct source *source_read(struct arena *a, const char *path, size_t max_bytes, struct error *e)
{
    struct source *s = NULL;
    struct buf text = BUF_INIT;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        error_set_errno(e, "Can't read the config file %s", path);
        return NULL;
    }
    if (fstat(fd, &st) != 0)
        error_set_errno(e, "Can't read the config file %s", path);
    else if (S_ISDIR(st.st_mode))
        error_set(e, ERROR_IO, "Can't read the config file %s: it is a directory.", path);
    else if (read_all(fd, path, &text, max_bytes, e) == 0) {
        s = source_from_text(a, path, buf_slice(&text));
        s->device = st.st_dev;
        s->inode = st.st_ino;
    }
    buf_fini(&text);
    close(fd);
    return s;
}

struct place source_place(struct position p)
{
    if (p.source == NULL)
        return (struct place){NULL, 0, 0};
    const struct source *s = p.source;
    size_t low = 0, high = s->line_count; /* the line is in [low, high) */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->line_starts[middle] <= p.offset)
            low = middle;
        else
            high = middle;
    }
    return (struct place){s->name, (unsigned)(low + 1),
                          (unsigned)(p.offset - s->line_starts[low] + 1)};
}

struct position source_end(const struct source *s)
{
    size_t end = s->text.len;
    while (end > 0 && strchr(" \t\r\n\v\f", s->text.ptr[end - 1]) != NULL &&
           s->text.ptr[end - 1] != '\0')
        end--;
    return (struct position){s, end};
}

struct slice source_line(const struct source *s, unsigned line)
{
    if (line < 1 || line > s->line_count)
        return SLICE_EMPTY;
    struct slice rest = slice_from(s->text, s->line_starts[line - 1]);
    rest.len = slice_find(rest, '\n');
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '\r')
        rest.len--;
    return rest;
}
