// links: m2_model
/* Whatever decodes encodes to something that decodes to the same. */

#include "proto/model/commit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 0);
    struct commit c, again;
    struct error e = {0};
    if (commit_decode(&c, slice_of(data, size), &a, &e) == 0) {
        struct buf first = BUF_INIT, second = BUF_INIT;
        commit_encode(&c, &first);
        BUG_ON(commit_decode(&again, buf_slice(&first), &a, &e) < 0);
        commit_encode(&again, &second);
        BUG_ON(!slice_eq(buf_slice(&first), buf_slice(&second)));
        BUG_ON(commit_verify(&c, NULL) != commit_verify(&again, NULL));
        buf_fini(&first);
        buf_fini(&second);
    } else {
        BUG_ON(e.code == ERROR_NONE || e.text[0] == '\0');
    }
    arena_fini(&a);
    return 0;
}
