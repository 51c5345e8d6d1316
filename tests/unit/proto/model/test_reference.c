/* The reference pages of settings and of the database are written from the tables that the programs
 * use: this test makes them and compares. M2_GOLDEN_WRITE=1 writes them anew. */

#include "proto/base/buf.h"
#include "proto/model/settings.h"
#include "tests/unit/proto/model/fixture.h"

static void compare_page(const struct buf *page, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/docs/reference/%s", M2_SOURCE, name);
    if (getenv("M2_GOLDEN_WRITE") != NULL) {
        FILE *w = fopen(path, "w");
        assert_non_null(w);
        fwrite(page->data, 1, page->len, w);
        fclose(w);
    }
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("no page %s", path);
    struct buf there = BUF_INIT;
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_append(&there, chunk, n);
    fclose(f);
    if (!slice_eq(buf_slice(page), buf_slice(&there)))
        fail_msg("%s is not what the tables say; run this test with M2_GOLDEN_WRITE=1", path);
    buf_fini(&there);
}

static void put_range(struct buf *b, const struct setting_info *s)
{
    switch (s->type) {
    case SETTING_IS_BOOL: buf_append_str(b, "0 or 1"); break;
    case SETTING_IS_MODE: buf_append_str(b, "file mode"); break;
    case SETTING_IS_TEXT: buf_append_str(b, "text"); break;
    case SETTING_IS_WORD:
        for (struct slice rest = slice_str(s->words); rest.len > 0;) {
            size_t end = slice_find(rest, ' ');
            buf_printf(b, "%s`%.*s`", rest.ptr == s->words ? "" : ", ", (int)end, rest.ptr);
            rest = slice_from(rest, end < rest.len ? end + 1 : end);
        }
        break;
    case SETTING_IS_INT:
        buf_printf(b, "%lld–%lld", (long long)s->min, (long long)s->max);
        buf_printf(b, "%s%s", s->unit[0] != '\0' ? " " : "", s->unit);
    }
}

static void put_setting(struct buf *b, const struct setting_info *s)
{
    buf_printf(b, "| `%s` |", s->key);
    if (s->default_text[0] != '\0')
        buf_printf(b, " `%s` | ", s->default_text);
    else
        buf_append_str(b, " none | ");
    put_range(b, s);
    buf_printf(b, " | %s |\n", s->help);
}

static void put_settings(struct buf *b, bool is_addition, bool has_effect)
{
    buf_append_str(b, "\n| setting | default | value | |\n|---|---|---|---|\n");
    for (int i = 0; i < SETTING_COUNT; i++)
        if (setting_infos[i].is_addition == is_addition &&
            setting_infos[i].has_effect == has_effect)
            put_setting(b, &setting_infos[i]);
}

static void the_page_of_settings(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_append_str(
        &b,
        "# Settings\n\n"
        "Given in the configuration as `settings = {\"name\": value, …}`, stored in the table "
        "`setting` as text, in effect for all\n"
        "servers of the configuration. A value of the wrong kind or out of range is an error; an "
        "unknown name is a warning and has\n"
        "no effect. This page is made from the table in `proto/model/settings.c`.\n\n"
        "## Mongrel2's settings\n");
    put_settings(&b, false, true);
    buf_append_str(&b, "\n## Settings that Mongrel2 does not have\n");
    put_settings(&b, true, true);
    buf_append_str(&b, "\n## Settings without effect\n\n"
                       "Accepted, so that an old configuration loads, and named once by `m2sh "
                       "check`.\n");
    put_settings(&b, false, false);
    compare_page(&b, "settings.md");
    buf_fini(&b);
}

static void put_default(struct buf *b, const struct column *c)
{
    if ((c->flags & COLUMN_REQUIRED) != 0)
        buf_append_str(b, "required");
    else if (c->type == COLUMN_INT)
        buf_printf(b, "%lld", (long long)c->default_int);
    else
        buf_printf(b, "`'%s'`", c->default_text);
}

static void put_column(struct buf *b, const struct table *t, const struct column *c)
{
    buf_printf(b, "| `%s`%s | %s | ", c->name,
               (c->flags & COLUMN_ADDITION) != 0 && !t->is_addition ? " +" : "",
               c->type == COLUMN_INT ? "INTEGER" : "TEXT");
    put_default(b, c);
    if (c->keyword != NULL)
        buf_printf(b, " | `%s`", c->keyword);
    else
        buf_append_str(b, " |");
    buf_printf(b, " | %s |\n", c->help);
}

static void put_table(struct buf *b, const struct table *t)
{
    buf_printf(b, "\n### `%s`%s\n\n%s", t->name, t->is_addition ? " +" : "", t->help);
    if (t->keyword != NULL)
        buf_printf(b, " `%s(…)` in the configuration language.", t->keyword);
    if (t->target_type != NULL)
        buf_printf(b, " `route.target_type` is `%s`.", t->target_type);
    buf_append_str(b, "\n\n| column | type | default | keyword | |\n|---|---|---|---|---|\n");
    buf_append_str(b, "| `id` | INTEGER PRIMARY KEY | | | Number of the row. |\n");
    for (size_t i = 1; i < t->column_count; i++)
        put_column(b, t, &t->columns[i]);
}

static void the_page_of_the_database(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_append_str(
        &b,
        "# The configuration database\n\n"
        "A configuration is an SQLite database with Mongrel2's tables; any program that can write "
        "SQLite can write one. Columns\n"
        "and tables marked + are additions. `m2sh load` writes them only when a configuration uses "
        "them: a database that uses none\n"
        "is exactly Mongrel2's, and runs there. Reading, columns and tables that are absent have "
        "their defaults. This page is made\n"
        "from the table in `proto/model/schema.c`.\n\n"
        "A load replaces the tables below in one transaction. It keeps `log` (the deployment log), "
        "`statistic` and every table and\n"
        "view of other names.\n\n"
        "## Tables\n");
    for (int t = 0; t < TABLE_COUNT; t++)
        put_table(&b, &schema_tables[t]);
    buf_append_str(
        &b,
        "\n### `log`\n\n"
        "The deployment log; `m2sh log` prints it.\n\n"
        "| column | type | |\n|---|---|---|\n"
        "| `id` | INTEGER PRIMARY KEY | Number of the row. |\n"
        "| `who` | TEXT | The user. |\n"
        "| `what` | TEXT | The command. |\n"
        "| `location` | TEXT | The machine. |\n"
        "| `happened_at` | TIMESTAMP DEFAULT CURRENT_TIMESTAMP | `YYYY-MM-DD HH:MM:SS`, UTC. |\n"
        "| `how` | TEXT | The configuration file, or the tool. |\n"
        "| `why` | TEXT | The reason given. |\n"
        "\n### `statistic`\n\n"
        "Made as Mongrel2 makes it and left alone: `id` `other_type` `other_id` `name` `sum` "
        "`sumsq` `n` `min` `max` `mean` `sd`.\n");
    compare_page(&b, "database.md");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_of_settings),
        cmocka_unit_test(the_page_of_the_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
