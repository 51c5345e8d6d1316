/* A cursor over one line; every message counts columns from 1 in it. */

#include "proto/model/expect.h"

#include <stdio.h>

static const char *const kind_names[] = {
    [EXPECT_DIR] = "dir",       [EXPECT_PROXY] = "proxy",       [EXPECT_HANDLER] = "handler",
    [EXPECT_POOL] = "pool",     [EXPECT_REDIRECT] = "redirect", [EXPECT_STATUS] = "status",
    [EXPECT_NOT_FOUND] = "404",
};
#define KIND_COUNT (sizeof kind_names / sizeof *kind_names)

static int expected(struct slice text, struct slice at, const char *what, struct error *e)
{
    return error_set(e, ERROR_INVALID, "column %zu: expected %s", (size_t)(at.ptr - text.ptr) + 1,
                     what);
}

static void skip_blanks(struct slice *s)
{
    while (s->len > 0 && (s->ptr[0] == ' ' || s->ptr[0] == '\t'))
        *s = slice_from(*s, 1);
}

/* The next word; empty at the end. */
static struct slice take_word(struct slice *s)
{
    skip_blanks(s);
    size_t len = 0;
    while (len < s->len && s->ptr[len] != ' ' && s->ptr[len] != '\t')
        len++;
    struct slice word = slice_of(s->ptr, len);
    *s = slice_from(*s, len);
    return word;
}

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') || s.ptr[i] == '-' || s.ptr[i] == '_'))
            return false;
    return s.len > 0;
}

static int parse_port(struct expect *x, struct slice text, struct slice digits, struct error *e)
{
    unsigned port = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || i > 4)
            return expected(text, digits, "a port from 1 to 65535", e);
        port = port * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    if (port < 1 || port > 65535)
        return expected(text, digits, "a port from 1 to 65535", e);
    x->port = (uint16_t)port;
    return 0;
}

static int parse_authority(struct expect *x, struct slice text, struct slice authority,
                           struct error *e)
{
    size_t end;
    if (authority.len > 0 && authority.ptr[0] == '[') {
        end = slice_find(authority, ']');
        if (end == authority.len)
            return expected(text, authority, "an IPv6 address in '[' and ']'", e);
        end++;
    } else {
        end = slice_find(authority, ':');
    }
    x->host = slice_of(authority.ptr, end);
    if (x->host.len == 0)
        return expected(text, authority, "the name of a host", e);
    if (end == authority.len)
        return 0;
    if (authority.ptr[end] != ':')
        return expected(text, slice_from(authority, end), "':' and a port, or '/'", e);
    return parse_port(x, text, slice_from(authority, end + 1), e);
}

static void set_path(struct expect *x, struct slice target)
{
    size_t mark = slice_find(target, '?');
    x->path = target.len > 0 ? slice_of(target.ptr, mark) : SLICE("/");
    x->query = mark < target.len ? slice_from(target, mark + 1) : SLICE_EMPTY;
}

static int parse_url(struct expect *x, struct slice text, struct slice url, struct error *e)
{
    static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};
    if (url.len > 0 && (url.ptr[0] == '/' || url.ptr[0] == '@' || url.ptr[0] == '<')) {
        set_path(x, url);
        return 0;
    }
    for (int tls = 0; tls < 2; tls++) {
        if (!slice_starts_with(url, schemes[tls]))
            continue;
        struct slice rest = slice_from(url, schemes[tls].len);
        size_t slash = slice_find(rest, '/'), mark = slice_find(rest, '?');
        size_t end = slash < mark ? slash : mark;
        x->is_tls = tls;
        set_path(x, slice_from(rest, end));
        if (x->path.len == 0) /* http://host?query */
            x->path = SLICE("/");
        return parse_authority(x, text, slice_of(rest.ptr, end), e);
    }
    return expected(text, url, "a URL that begins with http:// or https://, or a path", e);
}

static int parse_kind(struct expect *x, struct slice text, struct slice word, struct error *e)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (slice_eq(word, slice_str(kind_names[i]))) {
            x->kind = (enum expect_kind)i;
            return 0;
        }
    return expected(text, word, "dir, proxy, handler, pool, redirect, status or 404", e);
}

int expect_parse(struct expect *out, struct slice text, struct error *e)
{
    struct expect x = {.host = SLICE_EMPTY};
    struct slice rest = text;
    x.method = take_word(&rest);
    if (!is_token(x.method))
        return expected(text, x.method, "a method in capital letters, e.g. GET", e);
    if (parse_url(&x, text, take_word(&rest), e) < 0)
        return -1;
    struct slice arrow = take_word(&rest);
    if (!slice_eq(arrow, SLICE("->")))
        return expected(text, arrow, "'->' and what the request leads to", e);
    if (parse_kind(&x, text, take_word(&rest), e) < 0)
        return -1;
    x.name = slice_trim(rest);
    if (x.kind == EXPECT_NOT_FOUND && x.name.len > 0)
        return expected(text, x.name, "nothing behind 404", e);
    *out = x;
    return 0;
}

/* Is `word` among the blank-separated words of `list`? */
static bool has_word(struct slice list, struct slice word)
{
    for (struct slice w = take_word(&list); w.len > 0; w = take_word(&list))
        if (slice_eq(w, word))
            return true;
    return false;
}

static bool fits_proxy(struct slice name, const struct row *r)
{
    char address[300];
    int n = snprintf(address, sizeof address, "%s:%lld", row_str(r, PROXY_ADDR),
                     (long long)row_int(r, PROXY_PORT));
    bool is_address = n > 0 && (size_t)n < sizeof address && slice_eq(name, slice_str(address));
    return is_address || has_word(row_text(r, PROXY_UPSTREAMS), name);
}

static bool fits_name(const struct expect *x, const struct row *r)
{
    switch (x->kind) {
    case EXPECT_DIR: return slice_eq(x->name, row_text(r, DIRECTORY_BASE));
    case EXPECT_PROXY: return fits_proxy(x->name, r);
    case EXPECT_HANDLER:
        return slice_eq(x->name, row_text(r, HANDLER_SEND_SPEC)) ||
               slice_eq(x->name, row_text(r, HANDLER_SEND_IDENT));
    case EXPECT_POOL: return slice_eq(x->name, row_text(r, HANDLER_POOL));
    case EXPECT_REDIRECT: return slice_eq(x->name, row_text(r, REDIRECT_TO));
    case EXPECT_STATUS: return slice_eq(x->name, row_text(r, STATUS_WHAT));
    case EXPECT_NOT_FOUND: break;
    }
    return false;
}

bool expect_fits(const struct expect *x, const struct row *target)
{
    static const enum table_id tables[] = {
        [EXPECT_DIR] = TABLE_DIRECTORY,     [EXPECT_PROXY] = TABLE_PROXY,
        [EXPECT_HANDLER] = TABLE_HANDLER,   [EXPECT_POOL] = TABLE_HANDLER,
        [EXPECT_REDIRECT] = TABLE_REDIRECT, [EXPECT_STATUS] = TABLE_STATUS,
    };
    if (target == NULL || x->kind == EXPECT_NOT_FOUND)
        return target == NULL && x->kind == EXPECT_NOT_FOUND;
    if (target->table != tables[x->kind])
        return false;
    if (x->kind == EXPECT_POOL && row_text(target, HANDLER_POOL).len == 0)
        return false;
    return x->name.len == 0 || fits_name(x, target);
}
