// links: m2_m2sh
/* The configuration language, from bytes to model. What loads must also print, and what was printed
 * must load to an equal configuration. */

#include "m2sh/lang/document.h"
#include "m2sh/lang/printer.h"
#include "proto/base/error.h"
#include "proto/model/canon.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS_MAX 300

static void canonical(const struct document *d, struct buf *out)
{
    struct error e;
    BUG_ON(canon_encode(document_model(d), out, &e) != 0);
}

static void print_and_load(const struct document *d)
{
    struct error e;
    struct buf text = BUF_INIT, before = BUF_INIT, after = BUF_INIT;
    BUG_ON(printer_print(document_model(d), &text, &e) != 0);
    struct document *copy = document_load_text("copy", buf_slice(&text), 2 * ROWS_MAX);
    BUG_ON(!document_is_valid(copy));
    canonical(d, &before);
    canonical(copy, &after);
    BUG_ON(!slice_eq(buf_slice(&before), buf_slice(&after)));
    document_destroy(copy);
    buf_fini(&text);
    buf_fini(&before);
    buf_fini(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf messages = BUF_INIT;
    struct document *d = document_load_text("input", slice_of(data, size), ROWS_MAX);
    diag_format_all(document_diags(d), &messages);
    if (document_is_valid(d))
        print_and_load(d);
    document_destroy(d);
    buf_fini(&messages);
    return 0;
}
