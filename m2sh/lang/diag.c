/* The line shown is cut to a window around the caret, and what a terminal could not show as one
 * column (control bytes) is replaced, so that the caret always stands below the byte it means. */

#include "m2sh/lang/diag.h"

#include "m2sh/base/xalloc.h"

#include <stdarg.h>

#define WINDOW 100 /* bytes of a long line that are shown */
#define BEFORE 60  /* of these at most so many before the caret */

void diag_init(struct diag_list *l, struct arena *a)
{
    *l = (struct diag_list){.arena = a};
}

/* A shared dict is loaded once for each host that uses it: what is wrong in it is said once. */
static bool is_known(const struct diag_list *l, struct position at, const char *text)
{
    for (const struct diag *d = l->first; d != NULL; d = d->next)
        if (d->at.source == at.source && d->at.offset == at.offset && strcmp(d->text, text) == 0)
            return true;
    return false;
}

static void __attribute__((format(printf, 4, 0)))
add(struct diag_list *l, enum diag_severity severity, struct position at, const char *fmt,
    va_list args)
{
    size_t *count = severity == DIAG_ERROR ? &l->error_count : &l->warning_count;
    struct buf text = BUF_INIT;
    buf_vprintf(&text, fmt, args);
    if (is_known(l, at, xbuf_str(&text))) {
        buf_fini(&text);
        return;
    }
    if (++*count > DIAG_MAX) {
        l->dropped++;
        buf_fini(&text);
        return;
    }
    struct diag *d = xarena_alloc(l->arena, sizeof *d);
    d->severity = severity;
    d->at = at;
    d->text = xarena_strdup(l->arena, xbuf_str(&text));
    buf_fini(&text);
    if (l->last != NULL)
        l->last->next = d;
    else
        l->first = d;
    l->last = d;
}

void diag_error(struct diag_list *l, struct position at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(l, DIAG_ERROR, at, fmt, args);
    va_end(args);
}

void diag_warning(struct diag_list *l, struct position at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(l, DIAG_WARNING, at, fmt, args);
    va_end(args);
}

static bool is_after(const struct diag *a, const struct diag *b)
{
    if (a->at.source == NULL || b->at.source == NULL)
        return a->at.source == NULL && b->at.source != NULL;
    if (a->at.source->number != b->at.source->number)
        return a->at.source->number > b->at.source->number;
    return a->at.offset > b->at.offset;
}

/* By insertion: there are at most 2 * DIAG_MAX, and mostly in order already. */
void diag_sort(struct diag_list *l)
{
    struct diag *sorted = NULL;
    for (struct diag *d = l->first, *next; d != NULL; d = next) {
        struct diag **at = &sorted;
        next = d->next;
        while (*at != NULL && !is_after(*at, d))
            at = &(*at)->next;
        d->next = *at;
        *at = d;
    }
    l->first = l->last = sorted;
    while (l->last != NULL && l->last->next != NULL)
        l->last = l->last->next;
}

/* Text from the file may hold bytes that would steer a terminal. */
static void append_shown(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_append_char(out, (c < ' ' && c != '\t') || c == 0x7f ? '?' : (char)c);
    }
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The line that holds the place, and below it a caret at its column. */
static void format_line(struct slice line, size_t column, struct buf *out)
{
    size_t at = column - 1 < line.len ? column - 1 : line.len;
    size_t from = at > BEFORE ? at - BEFORE : 0;
    if (line.len <= WINDOW)
        from = 0;
    while (from > 0 && is_continuation(line.ptr[from]))
        from--;
    size_t to = line.len - from > WINDOW ? from + WINDOW : line.len;
    while (to < line.len && is_continuation(line.ptr[to]))
        to++;
    buf_append_str(out, from > 0 ? "    ..." : "    ");
    append_shown(out, slice_of(line.ptr + from, to - from));
    buf_append_str(out, to < line.len ? "...\n" : "\n");
    buf_append_str(out, from > 0 ? "       " : "    ");
    for (size_t i = from; i < at; i++) {
        if (line.ptr[i] == '\t')
            buf_append_char(out, '\t');
        else if (!is_continuation(line.ptr[i]))
            buf_append_char(out, ' ');
    }
    buf_append_str(out, "^\n");
}

void diag_format(const struct diag *d, struct buf *out)
{
    struct place place = source_place(d->at);
    if (place.file != NULL)
        buf_printf(out, "%s:%u:%u: ", place.file, place.line, place.column);
    buf_append_str(out, d->severity == DIAG_WARNING ? "warning: " : "");
    append_shown(out, slice_str(d->text));
    buf_append_char(out, '\n');
    struct slice line = place.file != NULL ? source_line(d->at.source, place.line) : SLICE_EMPTY;
    if (line.len > 0)
        format_line(line, place.column, out);
}

void diag_format_all(const struct diag_list *l, struct buf *out)
{
    for (const struct diag *d = l->first; d != NULL; d = d->next)
        diag_format(d, out);
    if (l->dropped > 0)
        buf_printf(out, "... and %zu more.\n", l->dropped);
}
