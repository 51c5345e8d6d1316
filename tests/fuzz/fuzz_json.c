// links: m2_wire
/* The input is taken twice: as bytes to be written as a string, which must be valid JSON and read
 * back, and as a JSON text to be read. */

#include "proto/base/error.h"
#include "proto/wire/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_writer(struct slice input)
{
    struct buf text = BUF_INIT, back = BUF_INIT, again = BUF_INIT;
    struct json_reader r;
    struct json_token t;
    json_put_string(&text, input);
    json_reader_init(&r, buf_slice(&text));
    BUG_ON(json_next(&r, &t) != JSON_STRING);
    BUG_ON(json_clean_prefix(input) == input.len && t.escaped);
    json_unescape(&t, &back);
    BUG_ON(json_next(&r, &t) != JSON_END);
    json_put_string(&again, buf_slice(&back)); /* now UTF-8: copied, or Latin-1 already mapped */
    BUG_ON(again.len > text.len);
    buf_fini(&text);
    buf_fini(&back);
    buf_fini(&again);
}

static void check_reader(struct slice input)
{
    struct json_reader r;
    struct json_token t;
    json_reader_init(&r, input);
    while (json_next(&r, &t) < JSON_END) {
        BUG_ON(r.depth > JSON_DEPTH_MAX);
        BUG_ON(t.text.len > input.len);
        if (t.type == JSON_KEY || t.type == JSON_STRING) {
            char *out = malloc(t.text.len + 1);
            BUG_ON(json_unescape_to(&t, out) > t.text.len);
            free(out);
        }
        int64_t n;
        json_int(&t, &n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = size > 0 ? slice_of(data, size) : SLICE_EMPTY;
    check_writer(input);
    check_reader(input);
    return 0;
}
