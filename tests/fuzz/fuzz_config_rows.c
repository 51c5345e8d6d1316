// links: m2_node
/* Answers of configuration modules, which may come over a network: the first byte is the table. */

#include "node/conf/config_rows.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct error e;
    struct model *m = len > 0 ? model_create(&e) : NULL;
    if (m == NULL)
        return 0;
    enum table_id table = (enum table_id)(data[0] % TABLE_EXPECT);
    if (config_rows_add(m, table, slice_of((const char *)data + 1, len - 1), "f", &e) == 0) {
        for (size_t i = 0; i < model_count(m, table); i++)
            for (size_t c = 0; c < schema_tables[table].column_count; c++)
                if (row_str(model_row(m, table, i), c)[row_text(model_row(m, table, i), c).len])
                    abort(); /* texts end in NUL */
        if (model_freeze(m, &e) != 0)
            abort();
    }
    model_unref(m);
    return 0;
}
