/* A name that comes out holds no segment that could lead anywhere but down. */
// links: m2_node
#include "node/target/file_path.h"
#include "proto/base/error.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segments(struct slice name)
{
    while (name.len > 0) {
        struct slice segment = slice_of(name.ptr, slice_find(name, '/'));
        BUG_ON(segment.len == 0 || slice_eq(segment, SLICE(".")) || slice_eq(segment, SLICE("..")));
        BUG_ON(slice_find(segment, '\0') < segment.len);
        BUG_ON(segment.len + 1 == name.len); /* a slash at the end */
        name = slice_from(name, segment.len < name.len ? segment.len + 1 : segment.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *room = malloc(size + (size == 0));
    struct file_path path;
    if (room != NULL && file_path_resolve(slice_of(data, size), room, &path) == FILE_PATH_OK) {
        BUG_ON(path.name.len > size || (path.name.len == 0 && !path.is_directory));
        check_segments(path.name);
    }
    free(room);
    return 0;
}
