/* A pattern and a text, separated by the first line feed. What compiles must match in bounded time,
 * and a match of the whole text is a match. */
// links: m2_route
#include "proto/route/pattern.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pattern *compile(struct slice text, unsigned flags, struct arena *a)
{
    const struct pattern *p;
    struct error e;
    int result = pattern_compile(&p, text, 0, flags, a, &e);
    BUG_ON((result == 0) != (pattern_check(text, 0, NULL) == 0));
    return result == 0 ? p : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    size_t cut = slice_find(input, '\n');
    struct slice pattern = slice_of(input.ptr, cut);
    struct slice text = cut < size ? slice_from(input, cut + 1) : SLICE_EMPTY;
    struct arena a;
    arena_init(&a, 0);
    const struct pattern *any = compile(pattern, 0, &a);
    const struct pattern *whole = compile(pattern, PATTERN_WHOLE, &a);
    const struct pattern *lower = compile(pattern, PATTERN_LOWER, &a);
    if (any != NULL) {
        bool matches = pattern_matches(any, text);
        BUG_ON(pattern_matches(whole, text) && !matches && pattern.ptr[cut - 1] != '$');
        pattern_matches(lower, text);
    }
    arena_fini(&a);
    return 0;
}
