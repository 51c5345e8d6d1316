/* proto/model finds the differences; here they become rows. */

#include "coordinator/verb_diff.h"

#include "proto/model/diff.h"

const char *const diff_headers[] = {"change", "table", "object", "column", "text", NULL};
const char *const finding_headers[] = {"severity", "object", "column", "text", NULL};

static const char *column_name(enum table_id table, int column)
{
    return column >= 0 ? schema_tables[table].columns[column].name : "";
}

static void put_change(struct cluster_table_writer *w, const struct change *change)
{
    static const char *const kinds[] = {"added", "removed", "changed"};
    cluster_row_begin(w);
    tns_put_str(w->out, kinds[change->kind]);
    tns_put_str(w->out, schema_tables[change->table].name);
    tns_put_str(w->out, change->object);
    tns_put_str(w->out,
                change->kind == CHANGE_CHANGED ? column_name(change->table, change->column) : "");
    tns_put_str(w->out, change->text);
    cluster_row_end(w);
}

int diff_rows(struct cluster_table_writer *w, const struct model *before, const struct model *after,
              size_t *count, struct error *e)
{
    struct diff *d;
    if (diff_make(&d, before, after, e) != 0)
        return -1;
    for (size_t i = 0; i < d->count; i++)
        put_change(w, &d->changes[i]);
    if (count != NULL)
        *count = d->count;
    diff_destroy(d);
    return 0;
}

int diff_count(const struct model *before, const struct model *after, size_t *count,
               struct error *e)
{
    struct diff *d;
    if (diff_make(&d, before, after, e) != 0)
        return -1;
    *count = d->count;
    diff_destroy(d);
    return 0;
}

void finding_rows(struct cluster_table_writer *w, const struct check *check)
{
    static const char *const severities[] = {"error", "warning"};
    for (size_t i = 0; i < check->count; i++) {
        const struct finding *f = &check->findings[i];
        cluster_row_begin(w);
        tns_put_str(w->out, severities[f->severity]);
        tns_put_str(w->out, f->object != NULL ? f->object : "");
        tns_put_str(w->out, f->row != NULL ? column_name(f->row->table, f->column) : "");
        tns_put_str(w->out, f->text);
        cluster_row_end(w);
    }
}
