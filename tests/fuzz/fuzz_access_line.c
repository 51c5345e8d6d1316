// links: m2_m2sh
/* Lines of access logs: what clients sent is in them. */

#include "m2sh/access_line.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keeps the reads below from being left out: every byte that is said to be there must be. */
static volatile size_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct access_line line;
    struct arena arena;
    arena_init(&arena, 0);
    if (access_line_parse(&line, slice_of(data, size), &arena)) {
        const struct slice *texts[] = {&line.host, &line.address, &line.method, &line.path,
                                       &line.version};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            for (size_t k = 0; k < texts[i]->len; k++)
                sink += (unsigned char)texts[i]->ptr[k];
    }
    arena_fini(&arena);
    return 0;
}
