// links: m2_model
/* Whatever decodes encodes to the same bytes. */

#include "proto/model/canon.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m = NULL;
    struct error e = {0};
    if (canon_decode(&m, slice_of(data, size), &e) < 0) {
        BUG_ON(e.code == ERROR_NONE || e.text[0] == '\0');
        return 0;
    }
    struct buf out = BUF_INIT;
    BUG_ON(canon_encode(m, &out, &e) < 0);
    BUG_ON(out.len != size || memcmp(out.data, data, size) != 0);
    buf_fini(&out);
    model_unref(m);
    return 0;
}
