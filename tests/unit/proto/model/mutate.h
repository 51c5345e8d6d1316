/* Random changes of a configuration that leave it consistent, repeatable from a seed. */
#ifndef TESTS_UNIT_PROTO_MODEL_MUTATE_H
#define TESTS_UNIT_PROTO_MODEL_MUTATE_H

#include "tests/unit/proto/model/fixture.h"

static inline unsigned mutate_random(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 8) % below;
}

/* A copy of the rows for which the dice say so, and of all others that they need; some changed,
 * some new, ids renumbered. `rate`: one in how many rows is touched. */
static inline struct model *mutate(const struct model *m, unsigned *seed, unsigned rate)
{
    struct model *out = model_create(NULL);
    for (int t = 0; t < TABLE_COUNT; t++) {
        size_t count = model_count(m, (enum table_id)t);
        bool swap = count > 1 && mutate_random(seed, rate) == 0;
        for (size_t i = 0; i < count; i++) {
            size_t from = swap && i < 2 ? 1 - i : i;
            const struct row *r = model_row(m, (enum table_id)t, from);
            bool is_leaf = t == TABLE_ROUTE || t == TABLE_SETTING || t == TABLE_MIMETYPE ||
                           t == TABLE_EXPECT || t == TABLE_FILTER;
            if (is_leaf && mutate_random(seed, rate) == 0)
                continue;
            struct row *copy = model_add(out, (enum table_id)t, NULL);
            for (size_t c = 0; c < schema_tables[t].column_count; c++)
                if (r->values[c].kind == VALUE_TEXT)
                    row_set_text(out, copy, c, r->values[c].text, NULL);
                else
                    row_set_int(copy, c, r->values[c].n);
            row_set_int(copy, COLUMN_ID, r->values[COLUMN_ID].n + 1000 * (int64_t)(*seed % 2));
            if (mutate_random(seed, rate) != 0)
                continue;
            size_t c = 1 + mutate_random(seed, (unsigned)schema_tables[t].column_count - 1);
            const struct column *column = &schema_tables[t].columns[c];
            char text[16];
            snprintf(text, sizeof text, "t%u", mutate_random(seed, 50));
            if (column->reference >= 0 || (t == TABLE_ROUTE && c >= ROUTE_TARGET_ID))
                continue;
            if (column->type == COLUMN_INT)
                row_set_int(copy, c, mutate_random(seed, 9));
            else
                row_set_text(out, copy, c, slice_str(text), NULL);
        }
    }
    /* references: ids moved by 0 or 1000, row by row */
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < model_count(out, (enum table_id)t); i++) {
            struct row *r = model_row_edit(out, (enum table_id)t, i);
            for (size_t c = 1; c < schema_tables[t].column_count; c++) {
                int table = schema_tables[t].columns[c].reference;
                if (t == TABLE_ROUTE && c == ROUTE_TARGET_ID)
                    table = schema_table_of_target(row_text(r, ROUTE_TARGET_TYPE));
                if (table < 0)
                    continue;
                if (t == TABLE_ROUTE && c == ROUTE_TARGET_ID && mutate_random(seed, rate) == 0) {
                    size_t any = mutate_random(seed,
                                               (unsigned)model_count(out, (enum table_id)table));
                    row_set_int(r, c, row_id(model_row(out, (enum table_id)table, any)));
                } else if (model_find(out, (enum table_id)table, row_int(r, c)) == NULL) {
                    row_set_int(r, c, row_int(r, c) + 1000);
                }
            }
        }
    /* a few new routes */
    for (unsigned n = mutate_random(seed, 3); n > 0 && mutate_random(seed, rate) < 2; n--) {
        char path[32];
        snprintf(path, sizeof path, "path=/new/%u", mutate_random(seed, 1000));
        struct row *r = fixture_row(out, TABLE_ROUTE, path, "target_type=handler", NULL);
        row_set_int(r, ROUTE_HOST_ID, row_id(model_row(out, TABLE_HOST, 0)));
        row_set_int(r, ROUTE_TARGET_ID, row_id(model_row(out, TABLE_HANDLER, 0)));
    }
    assert_int_equal(model_freeze(out, NULL), 0);
    return out;
}

#endif
