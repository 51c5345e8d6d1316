/* Nearly every path needs no change, which one pass over its bytes tells. */

#include "node/target/file_path.h"

#include "proto/http/uri.h"

/* Nothing to decode and no segment that is empty or begins with a dot, the empty last one aside. */
static bool is_plain(struct slice path)
{
    char before = '/';
    for (size_t i = 0; i < path.len; before = path.ptr[i++])
        if (path.ptr[i] == '%' || path.ptr[i] == '\0' ||
            (before == '/' && (path.ptr[i] == '/' || path.ptr[i] == '.')))
            return false;
    return true;
}

/* The length of the name without its last segment. */
static size_t parent_len(const char *name, size_t len)
{
    while (len > 0 && name[len - 1] != '/')
        len--;
    return len > 0 ? len - 1 : 0;
}

/* Takes the dots and empty segments out of path[0..len), in place: what is written never passes
 * what is read. Returns the new length, or -1 when it leads above the top. */
static long remove_dots(char *path, size_t len, bool *is_directory)
{
    size_t end = 0;
    *is_directory = true;
    for (size_t at = 0; at < len;) {
        struct slice segment = slice_of(path + at, len - at);
        segment.len = slice_find(segment, '/');
        at += segment.len + 1;
        *is_directory = at <= len; /* a slash followed */
        if (segment.len == 0) {
            continue;
        } else if (slice_eq(segment, SLICE("."))) {
            *is_directory = true;
        } else if (slice_eq(segment, SLICE(".."))) {
            if (end == 0)
                return -1;
            end = parent_len(path, end);
            *is_directory = true;
        } else {
            if (end > 0)
                path[end++] = '/';
            memmove(path + end, segment.ptr, segment.len);
            end += segment.len;
        }
    }
    *is_directory = *is_directory || end == 0;
    return (long)end;
}

enum file_path_result file_path_resolve(struct slice raw, char *room, struct file_path *out)
{
    if (raw.len > 0 && raw.ptr[0] == '/')
        raw = slice_from(raw, 1);
    if (is_plain(raw)) {
        out->is_directory = raw.len == 0 || raw.ptr[raw.len - 1] == '/';
        out->name = slice_of(raw.ptr, raw.len - (raw.len > 0 && out->is_directory));
        return FILE_PATH_OK;
    }
    long len = uri_decode(raw, room);
    if (len < 0 || memchr(room, '\0', (size_t)len) != NULL)
        return FILE_PATH_MALFORMED;
    len = remove_dots(room, (size_t)len, &out->is_directory);
    if (len < 0)
        return FILE_PATH_OUTSIDE;
    out->name = slice_of(room, (size_t)len);
    return FILE_PATH_OK;
}
