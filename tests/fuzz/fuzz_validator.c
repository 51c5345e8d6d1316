// links: m2_http
/* Preconditions from arbitrary field sections: no crash, and a few laws. */

#include "proto/http/validator.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_field fields[16];
    struct field_list l;
    enum parse_fault fault;
    const char *at = (const char *)data;
    field_list_init(&l, fields, 16);
    if (field_lines_parse(&l, &at, (const char *)data + size, 16, &fault) == PARSE_BAD)
        return 0;
    const struct validators v = {SLICE("\"6553f100-b\""), 1700000000};
    enum validator_verdict get = validator_check(&l, METHOD_GET, &v, 1750000000);
    enum validator_verdict put = validator_check(&l, METHOD_PUT, &v, 1750000000);
    if (put == VALIDATOR_NOT_MODIFIED)
        abort();
    if (get == VALIDATOR_FAILED && put != VALIDATOR_FAILED)
        abort();
    bool if_range = validator_if_range(&l, &v, 1750000000);
    if (!field_list_has(&l, FIELD_IF_RANGE) && !if_range)
        abort();
    return 0;
}
