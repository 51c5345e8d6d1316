/* A change of a row that others hang on is told once, at the row: what belongs to an added or
 * removed host is counted, not listed, and a handler whose queue changed is no change of the routes
 * that lead to it. Targets without a counterpart show in the routes that lead to them. */

#include "proto/model/diff.h"

#include "proto/base/arena.h"
#include "proto/model/align.h"
#include "proto/model/describe.h"

#include <stdlib.h>

/* What hangs on what on one side, by canonical number. */
struct side {
    const struct canon_order *order;
    bool *led_to[TABLE_COUNT];    /* does a route lead to this target? */
    uint32_t *owned[TABLE_COUNT]; /* hosts of a server, routes of a host */
};

struct diff_result {
    struct diff diff; /* first: what callers hold */
    struct arena arena;
    struct change *changes;
    size_t cap;
    struct model *nothing; /* stands for a NULL model */
    struct align align;
    struct side before, after;
    bool is_out_of_memory;
};

static void add(struct diff_result *d, struct change change, struct buf *object, struct buf *text)
{
    change.object = object->failed ? NULL : arena_strdup(&d->arena, buf_str(object));
    change.text = text->failed ? NULL : arena_strdup(&d->arena, buf_str(text));
    if (d->diff.count == d->cap) {
        size_t cap = d->cap > 0 ? d->cap * 2 : 16;
        struct change *changes = realloc(d->changes, cap * sizeof *changes);
        d->cap = changes != NULL ? cap : d->cap;
        d->changes = changes != NULL ? changes : d->changes;
    }
    if (change.object == NULL || change.text == NULL || d->diff.count == d->cap)
        d->is_out_of_memory = true;
    else
        d->changes[d->diff.count++] = change;
    buf_fini(object);
    buf_fini(text);
}

static uint32_t number_of(const struct side *s, const struct row *r)
{
    size_t place;
    BUG_ON(!model_find_place(s->order->model, r->table, row_id(r), &place));
    return s->order->tables[r->table].numbers[place];
}

static void put_count(struct buf *text, const struct side *s, const struct row *r, const char *word)
{
    uint32_t count = s->owned[r->table][number_of(s, r) - 1];
    buf_printf(text, "%u %s%s", count, word, count == 1 ? "" : "s");
}

/* What an added or removed row is, or was. */
static void put_whole(struct buf *text, const struct side *s, const struct row *r, bool is_added)
{
    switch (r->table) {
    case TABLE_SERVER:
        buf_append_str(text, is_added ? "added, with " : "removed, with ");
        put_count(text, s, r, "host");
        break;
    case TABLE_HOST:
        buf_append_str(text, is_added ? "added, with " : "removed, with ");
        put_count(text, s, r, "route");
        break;
    case TABLE_ROUTE:
        buf_append_str(text, is_added ? "leads to " : "led to ");
        describe_row(text, s->order->model, model_target(s->order->model, r));
        break;
    case TABLE_SETTING:
        buf_append_str(text, is_added ? "set to " : "no longer set, was ");
        describe_text(text, row_text(r, SETTING_VALUE));
        break;
    case TABLE_MIMETYPE:
        buf_append_str(text, is_added ? "is " : "was ");
        describe_text(text, row_text(r, MIMETYPE_MIMETYPE));
        break;
    default: buf_append_str(text, is_added ? "added" : "removed");
    }
}

static void add_whole(struct diff_result *d, const struct row *r, bool is_added)
{
    const struct side *s = is_added ? &d->after : &d->before;
    struct buf object = BUF_INIT, text = BUF_INIT;
    describe_row(&object, s->order->model, r);
    put_whole(&text, s, r, is_added);
    struct change c = {is_added ? CHANGE_ADDED : CHANGE_REMOVED,
                       r->table,
                       is_added ? NULL : r,
                       is_added ? r : NULL,
                       -1,
                       NULL,
                       NULL};
    add(d, c, &object, &text);
}

/* The columns in which two targets with one description differ. */
static void put_difference(struct buf *text, const struct row *before, const struct row *after)
{
    const struct table *t = &schema_tables[before->table];
    for (size_t i = 1; i < t->column_count; i++) {
        if (canon_compare(&before->values[i], &after->values[i]) == 0)
            continue;
        buf_printf(text, ", with %s ",
                   t->columns[i].keyword != NULL ? t->columns[i].keyword : t->columns[i].name);
        describe_value(text, &after->values[i]);
        buf_append_str(text, " instead of ");
        describe_value(text, &before->values[i]);
    }
}

static void add_route_target(struct diff_result *d, const struct row *before,
                             const struct row *after)
{
    const struct row *old = model_target(d->align.before.model, before);
    const struct row *new = model_target(d->align.after.model, after);
    struct buf object = BUF_INIT, text = BUF_INIT, was = BUF_INIT, is = BUF_INIT;
    describe_row(&object, d->align.after.model, after);
    describe_row(&was, d->align.before.model, old);
    describe_row(&is, d->align.after.model, new);
    if (old->table == new->table && slice_eq(buf_slice(&was), buf_slice(&is))) {
        buf_printf(&text, "now leads to another %s", buf_str(&is));
        put_difference(&text, old, new);
    } else {
        buf_printf(&text, "now leads to %s (was %s)", buf_str(&is), buf_str(&was));
    }
    buf_fini(&was);
    buf_fini(&is);
    add(d, (struct change){CHANGE_CHANGED, TABLE_ROUTE, before, after, ROUTE_TARGET_ID, NULL, NULL},
        &object, &text);
}

static void add_column(struct diff_result *d, const struct row *before, const struct row *after,
                       size_t column)
{
    const struct column *c = &schema_tables[after->table].columns[column];
    struct buf object = BUF_INIT, text = BUF_INIT;
    describe_row(&object, d->align.after.model, after);
    buf_printf(&text, "%s changed", c->keyword != NULL ? c->keyword : c->name);
    bool is_plugin_settings = (after->table == TABLE_FILTER || after->table == TABLE_XREQUEST) &&
                              column == PLUGIN_SETTINGS;
    if (!is_plugin_settings) { /* those are a tnetstring, nothing for people */
        buf_append_str(&text, " from ");
        describe_value(&text, &before->values[column]);
        buf_append_str(&text, " to ");
        describe_value(&text, &after->values[column]);
    }
    add(d, (struct change){CHANGE_CHANGED, after->table, before, after, (int)column, NULL, NULL},
        &object, &text);
}

static void add_columns(struct diff_result *d, const struct row *before, const struct row *after)
{
    for (size_t i = 1; i < schema_tables[after->table].column_count; i++) {
        if (align_is_same(&d->align, before, after, i))
            continue;
        if (after->table == TABLE_ROUTE && i == ROUTE_TARGET_ID)
            add_route_target(d, before, after);
        else if (after->table != TABLE_ROUTE || i != ROUTE_TARGET_TYPE)
            add_column(d, before, after, i);
    }
}

/* ---- what is told, and what is told elsewhere --------------------------------------------- */

static int owner_column(enum table_id table)
{
    switch (table) {
    case TABLE_HOST: return HOST_SERVER_ID;
    case TABLE_ROUTE: return ROUTE_HOST_ID;
    case TABLE_FILTER:
    case TABLE_XREQUEST: return PLUGIN_SERVER_ID;
    default: return -1;
    }
}

/* The number of what the row belongs to, on its own side. */
static uint32_t owner_number(const struct canon_order *o, const struct row *r)
{
    return (uint32_t)canon_value(o, r, (size_t)owner_column(r->table)).n;
}

/* Is the row told with what it belongs to, which is itself added or removed? */
static bool is_told_by_owner(const struct align *a, const struct row *r, bool is_added)
{
    int column = owner_column(r->table);
    if (column < 0)
        return false;
    int table = canon_reference(r, (size_t)column);
    uint32_t owner = owner_number(is_added ? &a->after : &a->before, r);
    return (is_added ? a->to_before[table] : a->to_after[table])[owner - 1] == 0;
}

static bool is_told_elsewhere(const struct diff_result *d, const struct row *r, bool is_added)
{
    const struct side *s = is_added ? &d->after : &d->before;
    if (schema_tables[r->table].target_type != NULL)
        return s->led_to[r->table][number_of(s, r) - 1];
    return is_told_by_owner(&d->align, r, is_added);
}

/* ---- order --------------------------------------------------------------------------------- */

static const char *order_text(enum table_id table)
{
    switch (table) {
    case TABLE_HOST: return "the order of its hosts changed";
    case TABLE_ROUTE: return "the order of its routes changed";
    case TABLE_FILTER: return "the order of its filters changed";
    default: return "the order of its xrequests changed";
    }
}

static void add_order(struct diff_result *d, enum table_id table, const struct row *r)
{
    int owner_table = schema_tables[table].columns[owner_column(table)].reference;
    uint32_t number = owner_number(&d->align.after, r);
    uint32_t before = d->align.to_before[owner_table][number - 1];
    const struct row *owner = align_after(&d->align, (enum table_id)owner_table, number);
    struct buf object = BUF_INIT, text = BUF_INIT;
    describe_row(&object, d->align.after.model, owner);
    buf_append_str(&text, order_text(table));
    struct change c = {CHANGE_CHANGED,
                       table,
                       before > 0 ? align_before(&d->align, (enum table_id)owner_table, before)
                                  : NULL,
                       owner,
                       -1,
                       NULL,
                       NULL};
    add(d, c, &object, &text);
}

/* Pairs of one owner must come in one order on both sides; told once for each owner. */
static void compare_order(struct diff_result *d, enum table_id table)
{
    const struct canon_table *t = &d->align.after.tables[table];
    uint32_t last_owner = 0, last_before = 0, told = 0;
    if (owner_column(table) < 0)
        return;
    for (uint32_t number = 1; number <= t->count; number++) {
        uint32_t before = d->align.to_before[table][number - 1];
        uint32_t owner = owner_number(&d->align.after, t->rows[number - 1]);
        if (owner != last_owner)
            last_before = 0;
        last_owner = owner;
        if (before == 0)
            continue;
        if (before < last_before && told != owner) {
            add_order(d, table, t->rows[number - 1]);
            told = owner;
        }
        last_before = before;
    }
}

static void compare_table(struct diff_result *d, enum table_id table)
{
    const struct canon_table *before = &d->align.before.tables[table];
    const struct canon_table *after = &d->align.after.tables[table];
    for (size_t i = 0; i < before->count; i++)
        if (d->align.to_after[table][i] == 0 && !is_told_elsewhere(d, before->rows[i], false))
            add_whole(d, before->rows[i], false);
    for (size_t i = 0; i < after->count; i++) {
        uint32_t partner = d->align.to_before[table][i];
        if (partner != 0)
            add_columns(d, align_before(&d->align, table, partner), after->rows[i]);
        else if (!is_told_elsewhere(d, after->rows[i], true))
            add_whole(d, after->rows[i], true);
    }
    compare_order(d, table);
}

/* ---- making -------------------------------------------------------------------------------- */

static void count_owned(struct side *s, enum table_id table)
{
    const struct canon_table *t = &s->order->tables[table];
    enum table_id owner =
        (enum table_id)schema_tables[table].columns[owner_column(table)].reference;
    for (size_t i = 0; i < t->count; i++)
        s->owned[owner][owner_number(s->order, t->rows[i]) - 1]++;
}

static int side_init(struct side *s, const struct canon_order *o, struct arena *a)
{
    s->order = o;
    for (int t = 0; t < TABLE_COUNT; t++) {
        s->led_to[t] = arena_zalloc(a, o->tables[t].count + 1);
        s->owned[t] = arena_zalloc(a, (o->tables[t].count + 1) * sizeof(uint32_t));
        if (s->led_to[t] == NULL || s->owned[t] == NULL)
            return -1;
    }
    count_owned(s, TABLE_HOST);
    count_owned(s, TABLE_ROUTE);
    const struct canon_table *routes = &o->tables[TABLE_ROUTE];
    for (size_t i = 0; i < routes->count; i++) {
        int table = canon_reference(routes->rows[i], ROUTE_TARGET_ID);
        s->led_to[table][canon_value(o, routes->rows[i], ROUTE_TARGET_ID).n - 1] = true;
    }
    return 0;
}

static int compare(struct diff_result *d, const struct model *before, const struct model *after,
                   struct error *e)
{
    if (before == NULL || after == NULL) {
        d->nothing = model_create(e);
        if (d->nothing == NULL || model_freeze(d->nothing, e) < 0)
            return -1;
    }
    if (align_init(&d->align, before != NULL ? before : d->nothing,
                   after != NULL ? after : d->nothing, e) < 0)
        return -1;
    if (side_init(&d->before, &d->align.before, &d->arena) < 0 ||
        side_init(&d->after, &d->align.after, &d->arena) < 0)
        d->is_out_of_memory = true;
    for (int t = 0; t < TABLE_COUNT && !d->is_out_of_memory; t++)
        compare_table(d, (enum table_id)t);
    d->diff.changes = d->changes;
    return d->is_out_of_memory ? error_set(e, ERROR_NO_MEMORY, "Out of memory for a difference.")
                               : 0;
}

int diff_make(struct diff **out, const struct model *before, const struct model *after,
              struct error *e)
{
    struct diff_result *d = calloc(1, sizeof *d);
    if (d == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for a difference.");
    arena_init(&d->arena, 0);
    int rc = compare(d, before, after, e);
    align_fini(&d->align);
    if (rc < 0)
        diff_destroy(&d->diff);
    else
        *out = &d->diff;
    return rc;
}

void diff_destroy(struct diff *diff)
{
    if (diff == NULL)
        return;
    struct diff_result *d = (struct diff_result *)diff;
    model_unref(d->nothing);
    arena_fini(&d->arena);
    free(d->changes);
    free(d);
}

void diff_format(const struct diff *d, struct buf *out)
{
    static const char marks[] = {
        [CHANGE_ADDED] = '+', [CHANGE_REMOVED] = '-', [CHANGE_CHANGED] = '~'};
    for (size_t i = 0; i < d->count; i++) {
        const struct change *c = &d->changes[i];
        buf_printf(out, "%c %s: %s\n", marks[c->kind], c->object, c->text);
    }
}
