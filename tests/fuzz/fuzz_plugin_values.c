// links: m2_node
/* Settings of plug-ins and values of extended replies, as filters and xrequests read them: all the
 * functions of values on everything that can be reached. */

#include "node/plugin/values.h"
#include "proto/base/arena.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct m2_api api;

/* Each byte that is shown is there. */
static size_t touch(struct m2_bytes b)
{
    size_t sum = 0;
    for (size_t i = 0; i < b.len; i++)
        sum += (unsigned char)b.ptr[i];
    return sum;
}

static size_t walk(const struct m2_value *v)
{
    size_t sum = touch(api.string(v)) + (size_t)api.integer(v) + (size_t)api.boolean(v);
    size_t count = api.count(v);
    if (api.type(v) != M2_STRING && api.string(v).ptr != NULL)
        abort(); /* only strings are strings */
    for (size_t i = 0; i < count; i++) {
        struct m2_bytes key = api.key(v, i);
        if ((api.type(v) == M2_DICT) != (key.ptr != NULL))
            abort();
        sum += touch(key) + walk(api.at(v, i));
    }
    if (api.at(v, count) != NULL || api.key(v, count).ptr != NULL)
        abort();
    return sum + (api.get(v, "from") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    struct tns_value tree;
    plugin_api_values(&api);
    arena_init(&arena, 0);
    if (tns_parse(&tree, slice_of((const char *)data, len), &arena, NULL, NULL, NULL) == 0)
        walk(plugin_value(&tree));
    walk(NULL);
    arena_fini(&arena);
    return 0;
}
