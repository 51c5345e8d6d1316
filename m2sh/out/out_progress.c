/* The passing line is cut to the terminal's width: one that wrapped could not be taken back. */

#include "m2sh/out/out_progress.h"

#include "m2sh/base/xalloc.h"

#include <stdarg.h>
#include <unistd.h>

void out_progress_init(struct out_progress *p, FILE *events, FILE *status)
{
    *p = (struct out_progress){.events = events, .status = status};
    if (events != NULL)
        out_term_init(&p->events_term, fileno(events));
    out_term_init(&p->status_term, fileno(status));
}

void out_progress_end(struct out_progress *p)
{
    if (!p->has_status)
        return;
    fputs("\r\033[K", p->status);
    fflush(p->status);
    p->has_status = false;
}

void out_progress_event(struct out_progress *p, enum out_style style, const char *word,
                        const char *fmt, ...)
{
    if (p->events == NULL)
        return;
    out_progress_end(p);
    fprintf(p->events, "%s%s%s ", out_term_begin(&p->events_term, style), word,
            out_term_end(&p->events_term, style));
    va_list args;
    va_start(args, fmt);
    vfprintf(p->events, fmt, args);
    va_end(args);
    fputc('\n', p->events);
    fflush(p->events);
}

void out_progress_status(struct out_progress *p, const char *fmt, ...)
{
    if (!p->status_term.is_tty)
        return;
    struct buf line = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&line, fmt, args);
    va_end(args);
    xbuf_str(&line);
    size_t len = line.len;
    while (len > 0 && (out_term_columns(slice_of(line.data, len)) >= p->status_term.width ||
                       (len < line.len && ((unsigned char)line.data[len] & 0xc0) == 0x80)))
        len--;
    fprintf(p->status, "\r\033[K%.*s", (int)len, buf_str(&line));
    fflush(p->status);
    p->has_status = true;
    buf_fini(&line);
}
