/* Rules add findings in any order; the result is sorted as a person reads: errors first, then by
 * place in the file. */

#include "proto/model/check.h"

#include "proto/model/check_rules.h"
#include "proto/model/describe.h"

#include <stdlib.h>

struct check_result {
    struct check check; /* first: what callers hold */
    struct arena arena;
};

__attribute__((format(printf, 2, 0))) static char *format_clause(struct arena *a, const char *fmt,
                                                                 va_list args)
{
    struct buf b = BUF_INIT;
    buf_vprintf(&b, fmt, args);
    size_t len = b.len;
    if (len > 0 && b.data[len - 1] == '.') /* of a sentence taken over from elsewhere */
        len--;
    char *copy = b.failed ? NULL : arena_strndup(a, buf_str(&b), len);
    buf_fini(&b);
    return copy;
}

static char *describe(struct checking *c, const struct row *r)
{
    struct buf b = BUF_INIT;
    if (r != NULL)
        describe_row(&b, c->model, r);
    else
        buf_append_str(&b, "configuration");
    char *copy = b.failed ? NULL : arena_strndup(c->arena, buf_str(&b), b.len);
    buf_fini(&b);
    return copy;
}

static bool reserve(struct checking *c)
{
    if (c->count < c->cap)
        return true;
    size_t cap = c->cap > 0 ? c->cap * 2 : 16;
    struct finding *findings = realloc(c->findings, cap * sizeof *findings);
    if (findings == NULL)
        return false;
    c->findings = findings;
    c->cap = cap;
    return true;
}

__attribute__((format(printf, 5, 0))) static void add(struct checking *c,
                                                      enum finding_severity severity,
                                                      const struct row *r, int column,
                                                      const char *fmt, va_list args)
{
    struct finding f = {severity, r, column, describe(c, r), format_clause(c->arena, fmt, args)};
    if (f.object == NULL || f.text == NULL || !reserve(c)) {
        c->is_out_of_memory = true;
        return;
    }
    c->findings[c->count++] = f;
}

void check_error(struct checking *c, const struct row *r, int column, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(c, FINDING_ERROR, r, column, fmt, args);
    va_end(args);
}

void check_warning(struct checking *c, const struct row *r, int column, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(c, FINDING_WARNING, r, column, fmt, args);
    va_end(args);
}

bool check_has_text(const struct row *r, size_t column, struct slice *text)
{
    *text = row_text(r, column);
    return r->values[column].kind == VALUE_TEXT;
}

bool check_has_int(const struct row *r, size_t column, int64_t *n)
{
    *n = row_int(r, column);
    return r->values[column].kind == VALUE_INT;
}

const char *check_column_name(const struct row *r, size_t column)
{
    const struct column *c = &schema_tables[r->table].columns[column];
    return c->keyword != NULL ? c->keyword : c->name;
}

void check_text(struct checking *c, const struct row *r, size_t column,
                const char *(*syntax)(struct slice text))
{
    struct slice text;
    if (!check_has_text(r, column, &text))
        return;
    const char *right = syntax(text);
    if (right == NULL)
        return;
    struct buf shown = BUF_INIT;
    describe_text(&shown, text);
    check_error(c, r, (int)column, "%s is %s; it must be %s", check_column_name(r, column),
                buf_str(&shown), right);
    buf_fini(&shown);
}

void check_range(struct checking *c, const struct row *r, size_t column, int64_t min, int64_t max)
{
    int64_t n;
    if (check_has_int(r, column, &n) && (n < min || n > max))
        check_error(c, r, (int)column, "%s is %lld; it must be from %lld to %lld",
                    check_column_name(r, column), (long long)n, (long long)min, (long long)max);
}

static bool is_word_of(struct slice word, const char *words)
{
    for (struct slice rest = slice_str(words); rest.len > 0;) {
        size_t end = slice_find(rest, ' ');
        if (slice_eq(slice_of(rest.ptr, end), word))
            return true;
        rest = slice_from(rest, end < rest.len ? end + 1 : end);
    }
    return false;
}

void check_words(struct checking *c, const struct row *r, size_t column, const char *words)
{
    struct slice text;
    if (!check_has_text(r, column, &text) || is_word_of(text, words))
        return;
    struct buf shown = BUF_INIT;
    describe_text(&shown, text);
    check_error(c, r, (int)column, "%s is %s; it must be one of: %s", check_column_name(r, column),
                buf_str(&shown), words);
    buf_fini(&shown);
}

static const struct place *place_of(const struct finding *f)
{
    static const struct place nowhere = {NULL, 0, 0};
    return f->row != NULL ? &f->row->place : &nowhere;
}

static int compare_findings(const void *x, const void *y)
{
    const struct finding *a = x, *b = y;
    if (a->severity != b->severity)
        return a->severity < b->severity ? -1 : 1;
    const struct place *p = place_of(a), *q = place_of(b);
    if (p->file != NULL && q->file != NULL && strcmp(p->file, q->file) == 0) {
        if (p->line != q->line)
            return p->line < q->line ? -1 : 1;
        if (p->column != q->column)
            return p->column < q->column ? -1 : 1;
    } else if (p->file != NULL || q->file != NULL) {
        return p->file == NULL ? -1 : q->file == NULL ? 1 : strcmp(p->file, q->file);
    }
    return a < b ? -1 : 1;
}

/* qsort is not stable, and pointers into the array mean nothing while it sorts: sort a copy of
 * pointers into the unsorted array. */
static int compare_pointers(const void *x, const void *y)
{
    return compare_findings(*(const struct finding *const *)x, *(const struct finding *const *)y);
}

static struct finding *sorted(const struct checking *c)
{
    struct finding *out = arena_alloc(c->arena, (c->count + 1) * sizeof *out);
    const struct finding **order = calloc(c->count + 1, sizeof(const struct finding *));
    if (out != NULL && order != NULL) {
        for (size_t i = 0; i < c->count; i++)
            order[i] = &c->findings[i];
        qsort(order, c->count, sizeof(const struct finding *), compare_pointers);
        for (size_t i = 0; i < c->count; i++)
            out[i] = *order[i];
    }
    free(order);
    return order != NULL ? out : NULL;
}

static void apply_rules(struct checking *c)
{
    check_types(c);
    check_servers(c);
    check_hosts(c);
    check_routes(c);
    check_targets(c);
    check_handlers(c);
    check_plugins(c);
    check_settings(c);
    check_mimetypes(c);
    check_secrets(c);
    check_expects(c);
}

int check_model(struct check **out, const struct model *m, struct error *e)
{
    BUG_ON(!model_is_frozen(m));
    struct check_result *result = calloc(1, sizeof *result);
    if (result == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory while checking the configuration.");
    arena_init(&result->arena, 0);
    struct checking c = {.model = m, .arena = &result->arena};
    apply_rules(&c);
    struct check *check = &result->check;
    check->findings = c.is_out_of_memory ? NULL : sorted(&c);
    check->count = c.count;
    for (size_t i = 0; i < c.count; i++)
        check->error_count += c.findings[i].severity == FINDING_ERROR;
    free(c.findings);
    if (check->findings == NULL) {
        check_destroy(check);
        return error_set(e, ERROR_NO_MEMORY, "Out of memory while checking the configuration.");
    }
    *out = check;
    return 0;
}

void check_destroy(struct check *c)
{
    if (c == NULL)
        return;
    struct check_result *result = (struct check_result *)c;
    arena_fini(&result->arena);
    free(result);
}

void check_format(const struct finding *f, struct buf *out)
{
    const struct place *p = place_of(f);
    if (p->file != NULL)
        buf_printf(out, "%s:%u:%u: ", p->file, p->line, p->column);
    buf_printf(out, "%s: %s: %s", f->severity == FINDING_ERROR ? "error" : "warning", f->object,
               f->text);
}

int check_require(const struct model *m, struct error *e)
{
    struct check *c;
    if (check_model(&c, m, e) < 0)
        return -1;
    int rc = 0;
    if (c->error_count == 1)
        rc = error_set_object(e, ERROR_INVALID, c->findings[0].object, "%s: %s.",
                              c->findings[0].object, c->findings[0].text);
    else if (c->error_count > 1)
        rc = error_set_object(e, ERROR_INVALID, c->findings[0].object,
                              "%s: %s; and %zu more errors.", c->findings[0].object,
                              c->findings[0].text, c->error_count - 1);
    check_destroy(c);
    return rc;
}
