// links: m2_node m2_base
/* No name that a client asks for leads out of the directory of certificates. */

#include "node/tls/server_name.h"

#include "proto/base/error.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *stem)
{
    BUG_ON(strchr(stem, '/') != NULL || strstr(stem, "..") != NULL || stem[0] == '.');
    for (const char *at = stem; *at != '\0'; at++)
        BUG_ON((unsigned char)*at < 0x20 || (*at >= 'A' && *at <= 'Z'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server_name name;
    if (!server_name_parse(&name, slice_of(data, size)))
        return 0;
    BUG_ON(strlen(name.exact) != size);
    check(name.exact);
    check(name.wildcard);
    return 0;
}
