#include "node/target/file_load.h"

#include "proto/base/error.h"
#include "proto/http/date.h"
#include "proto/http/head_writer.h"
#include "proto/http/validator.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIELDS_ROOM = 256 }; /* all lines but the media type, generously */

static void release_content(struct payload *p)
{
    free(p);
}

/* Reads `size` bytes, or what there is by now, into a payload. */
static struct payload *read_content(int fd, size_t size)
{
    struct payload *p = malloc(sizeof *p + size);
    if (p == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    char *at = (char *)(p + 1);
    size_t len = 0;
    while (len < size) {
        ssize_t got = pread(fd, at + len, size - len, (off_t)len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(p);
            return NULL;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *p = (struct payload){.bytes = at, .len = len, .refs = 1, .release = release_content};
    return p;
}

/* Takes fd. */
static int take_file(struct file_variant *v, int fd, size_t small_max)
{
    v->size = (uint64_t)v->st.st_size;
    if (v->size > small_max) {
        v->file = file_ref_create(fd);
        errno = ENOMEM;
        return v->file != NULL ? 0 : -1;
    }
    v->content = read_content(fd, (size_t)v->size);
    int code = errno;
    close(fd);
    errno = code;
    if (v->content == NULL)
        return -1;
    v->size = v->content->len;
    return 0;
}

static void put_max_age(struct head_writer *w, unsigned max_age_s)
{
    head_writer_put(w, SLICE("Cache-Control: max-age="));
    head_writer_number(w, max_age_s);
    head_writer_put(w, SLICE("\r\n"));
}

static int render_fields(struct file_variant *v, enum file_coding coding,
                         const struct file_about *about)
{
    static const struct slice suffixes[FILE_CODINGS] = {
        [FILE_AS_IS] = SLICE(""), [FILE_GZIP] = SLICE("gz"), [FILE_BROTLI] = SLICE("br")};
    size_t room = about->type.len + FIELDS_ROOM;
    char *bytes = malloc(room), date[DATE_LEN + 1], tag[VALIDATOR_ETAG_MAX];
    if (bytes == NULL) {
        errno = ENOMEM;
        return -1;
    }
    struct head_writer w = head_writer_on(bytes, room);
    head_writer_field(&w, SLICE("Content-Type"), about->type);
    v->type = slice_of(bytes + strlen("Content-Type: "), about->type.len);
    if (coding != FILE_AS_IS)
        head_writer_field(&w, SLICE("Content-Encoding"), file_coding_name(coding));
    head_writer_field(&w, SLICE("Accept-Ranges"), SLICE("bytes"));
    v->validators = head_writer_bytes(&w).len;
    date_format(v->mtime_s, date);
    head_writer_field(&w, SLICE("Last-Modified"), slice_of(date, DATE_LEN));
    size_t tag_len = validator_etag(v->mtime_s, v->st.st_mtim.tv_nsec, v->size, suffixes[coding],
                                    tag);
    v->etag = slice_of(w.at + strlen("ETag: "), tag_len);
    head_writer_field(&w, SLICE("ETag"), slice_of(tag, tag_len));
    if (about->max_age_s > 0)
        put_max_age(&w, about->max_age_s);
    if (about->varies)
        head_writer_field(&w, SLICE("Vary"), SLICE("Accept-Encoding"));
    BUG_ON(w.full);
    v->fields = head_writer_bytes(&w);
    return 0;
}

int file_variant_load(struct file_variant *v, struct file_tree *tree, const char *name,
                      enum file_coding coding, const struct file_about *about, size_t small_max)
{
    *v = (struct file_variant){.fields = SLICE_EMPTY};
    int fd = file_tree_open(tree, name, &v->st);
    if (fd < 0)
        return -1;
    v->mtime_s = v->st.st_mtim.tv_sec;
    if (take_file(v, fd, small_max) == 0 && render_fields(v, coding, about) == 0)
        return 0;
    int code = errno;
    file_variant_unload(v);
    errno = code;
    return -1;
}

void file_variant_unload(struct file_variant *v)
{
    payload_unref(v->content);
    file_ref_unref(v->file);
    if (v->fields.len > 0)
        free((char *)(uintptr_t)v->fields.ptr);
    *v = (struct file_variant){.fields = SLICE_EMPTY};
}

bool file_variant_is(const struct file_variant *v, const struct stat *st)
{
    const struct stat *own = &v->st;
    return st->st_ino == own->st_ino && st->st_dev == own->st_dev && st->st_size == own->st_size &&
           st->st_mtim.tv_sec == own->st_mtim.tv_sec &&
           st->st_mtim.tv_nsec == own->st_mtim.tv_nsec &&
           st->st_ctim.tv_sec == own->st_ctim.tv_sec &&
           st->st_ctim.tv_nsec == own->st_ctim.tv_nsec && st->st_mode == own->st_mode &&
           st->st_uid == own->st_uid && st->st_gid == own->st_gid;
}
