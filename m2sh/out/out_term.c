/* Eight colours of ECMA-48 and nothing else: every terminal of the last decades knows them. */

#include "m2sh/out/out_term.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static unsigned find_width(int fd)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    long n = columns != NULL ? strtol(columns, NULL, 10) : 0;
    return n > 0 && n < 10000 ? (unsigned)n : 80;
}

void out_term_init(struct out_term *t, int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    t->is_tty = isatty(fd) == 1;
    t->has_color = t->is_tty && (no_color == NULL || *no_color == '\0') && term != NULL &&
                   strcmp(term, "dumb") != 0;
    t->width = find_width(fd);
}

const char *out_term_begin(const struct out_term *t, enum out_style style)
{
    static const char *const codes[OUT_STYLE_COUNT] = {
        [OUT_PLAIN] = "",        [OUT_BOLD] = "\033[1m",   [OUT_DIM] = "\033[2m",
        [OUT_GOOD] = "\033[32m", [OUT_BAD] = "\033[1;31m", [OUT_WARN] = "\033[33m",
    };
    return t->has_color ? codes[style] : "";
}

const char *out_term_end(const struct out_term *t, enum out_style style)
{
    return t->has_color && style != OUT_PLAIN ? "\033[0m" : "";
}

/* One character of UTF-8 from `s`; its length in *len. Bytes that are none count alone. */
static uint32_t decode(struct slice s, size_t *len)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t need = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t code = need == 1 ? c : c & (0x7fu >> need);
    *len = 1;
    if (need > s.len)
        return c;
    for (size_t i = 1; i < need; i++) {
        if (((unsigned char)s.ptr[i] & 0xc0) != 0x80)
            return c;
        code = code << 6 | ((unsigned char)s.ptr[i] & 0x3f);
    }
    *len = need;
    return code;
}

/* East Asian wide characters and emoji, by their blocks. */
static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
           (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

size_t out_term_columns(struct slice text)
{
    size_t columns = 0, len;
    for (; text.len > 0; text = slice_from(text, len)) {
        uint32_t c = decode(text, &len);
        bool is_combining = c >= 0x300 && c <= 0x36f;
        columns += is_combining ? 0 : is_wide(c) ? 2 : 1;
    }
    return columns;
}
