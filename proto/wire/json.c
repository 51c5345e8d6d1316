/* Writing: headers are nearly always clean ASCII, so the scan looks at eight bytes at a time and
 * copies whole spans; only what follows the first unusual byte is looked at byte by byte.
 *
 * Reading: a grammar with an explicit stack of one bit per level, so depth costs no recursion. */

#include "proto/wire/json.h"

#include "proto/wire/word.h"

#include <string.h>

/* ---- writing ------------------------------------------------------------------------------ */

static bool byte_is_clean(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

size_t json_clean_prefix(struct slice s)
{
    size_t i = 0;
    while (s.len - i >= 8 && word_not_clean(word_load(s.ptr + i, 8)) == 0)
        i += 8;
    while (i < s.len && byte_is_clean((unsigned char)s.ptr[i]))
        i++;
    return i;
}

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the valid UTF-8 sequence of two to four bytes at p (RFC 3629 section 4), else 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && is_tail(p[1]) ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        unsigned char low = p[0] == 0xe0 ? 0xa0 : 0x80, high = p[0] == 0xed ? 0x9f : 0xbf;
        return left >= 3 && p[1] >= low && p[1] <= high && is_tail(p[2]) ? 3 : 0;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        unsigned char low = p[0] == 0xf0 ? 0x90 : 0x80, high = p[0] == 0xf4 ? 0x8f : 0xbf;
        return left >= 4 && p[1] >= low && p[1] <= high && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
    }
    return 0;
}

/* Writes the character at `s` that is not clean; returns how many bytes of `s` it was. */
static size_t put_unusual(struct buf *out, struct slice s)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)s.ptr[0];
    if (c == '"' || c == '\\') {
        char escaped[2] = {'\\', (char)c};
        buf_append(out, escaped, sizeof escaped);
        return 1;
    }
    size_t len = utf8_sequence((const unsigned char *)s.ptr, s.len);
    if (len > 0) {
        buf_append(out, s.ptr, len);
        return len;
    }
    char escaped[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    buf_append(out, escaped, sizeof escaped);
    return 1;
}

void json_put_string(struct buf *out, struct slice s)
{
    buf_reserve(out, s.len + 2);
    buf_append_char(out, '"');
    while (s.len > 0) {
        size_t clean = json_clean_prefix(s);
        buf_append(out, s.ptr, clean);
        s = slice_from(s, clean);
        if (s.len > 0)
            s = slice_from(s, put_unusual(out, s));
    }
    buf_append_char(out, '"');
}

/* ---- reading ------------------------------------------------------------------------------ */

/* What may come next. */
enum state {
    WANT_VALUE,
    WANT_VALUE_OR_END, /* just behind `[` */
    WANT_KEY,          /* behind a comma of an object */
    WANT_KEY_OR_END,   /* just behind `{` */
    WANT_COMMA_OR_END,
    WANT_NOTHING,
    IS_BAD,
};

void json_reader_init(struct json_reader *r, struct slice text)
{
    *r = (struct json_reader){text.ptr, text.ptr + text.len, 0, 0, WANT_VALUE};
}

static enum json_type bad(struct json_reader *r, struct json_token *token)
{
    r->state = IS_BAD;
    return token->type = JSON_BAD;
}

static void skip_blanks(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the escape whose backslash is at p; 0 when malformed. */
static size_t escape_len(const char *p, const char *end)
{
    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return memchr("\"\\/bfnrt", p[1], 8) != NULL ? 2 : 0;
    if (end - p < 6)
        return 0;
    for (int i = 2; i < 6; i++)
        if (hex_digit(p[i]) < 0)
            return 0;
    return 6;
}

/* The cursor is behind the opening quote. */
static bool read_string(struct json_reader *r, struct json_token *token)
{
    const char *p = r->at;
    token->escaped = false;
    for (;;) {
        p += json_clean_prefix(slice_of(p, (size_t)(r->end - p)));
        if (p == r->end)
            return false;
        if (*p == '"')
            break;
        size_t len = 1;
        if (*p == '\\') {
            len = escape_len(p, r->end);
            token->escaped = true;
        }
        if (len == 0)
            return false;
        p += len;
    }
    token->text = slice_of(r->at, (size_t)(p - r->at));
    r->at = p + 1;
    return true;
}

static bool is_digit_at(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static bool read_number(struct json_reader *r, struct json_token *token)
{
    const char *p = r->at, *end = r->end;
    if (*p == '-')
        p++;
    if (!is_digit_at(p, end))
        return false;
    if (*p == '0')
        p++;
    else
        while (is_digit_at(p, end))
            p++;
    if (p < end && *p == '.') {
        if (!is_digit_at(++p, end))
            return false;
        while (is_digit_at(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit_at(p, end))
            return false;
        while (is_digit_at(p, end))
            p++;
    }
    token->text = slice_of(r->at, (size_t)(p - r->at));
    r->at = p;
    return true;
}

static bool read_word(struct json_reader *r, struct slice word)
{
    if (!slice_starts_with(slice_of(r->at, (size_t)(r->end - r->at)), word))
        return false;
    r->at += word.len;
    return true;
}

static void after_value(struct json_reader *r)
{
    r->state = r->depth > 0 ? WANT_COMMA_OR_END : WANT_NOTHING;
}

static bool is_in_object(const struct json_reader *r)
{
    return r->depth > 0 && (r->in_object >> (r->depth - 1) & 1) != 0;
}

static enum json_type open_level(struct json_reader *r, struct json_token *token, bool object)
{
    if (r->depth == JSON_DEPTH_MAX)
        return bad(r, token);
    uint64_t bit = (uint64_t)1 << r->depth++;
    r->in_object = object ? r->in_object | bit : r->in_object & ~bit;
    r->state = object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
    r->at++;
    return token->type = object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_type close_level(struct json_reader *r, struct json_token *token)
{
    bool object = is_in_object(r);
    if (*r->at++ != (object ? '}' : ']'))
        return bad(r, token);
    r->depth--;
    after_value(r);
    return token->type = object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_type read_value(struct json_reader *r, struct json_token *token)
{
    bool good;
    switch (*r->at) {
    case '{': return open_level(r, token, true);
    case '[': return open_level(r, token, false);
    case '"':
        r->at++;
        token->type = JSON_STRING;
        good = read_string(r, token);
        break;
    case 't':
        token->type = JSON_TRUE;
        good = read_word(r, SLICE("true"));
        break;
    case 'f':
        token->type = JSON_FALSE;
        good = read_word(r, SLICE("false"));
        break;
    case 'n':
        token->type = JSON_NULL;
        good = read_word(r, SLICE("null"));
        break;
    default: token->type = JSON_NUMBER; good = read_number(r, token);
    }
    if (!good)
        return bad(r, token);
    after_value(r);
    return token->type;
}

static enum json_type read_key(struct json_reader *r, struct json_token *token)
{
    if (*r->at++ != '"' || !read_string(r, token))
        return bad(r, token);
    skip_blanks(r);
    if (r->at == r->end || *r->at++ != ':')
        return bad(r, token);
    r->state = WANT_VALUE;
    return token->type = JSON_KEY;
}

enum json_type json_next(struct json_reader *r, struct json_token *token)
{
    token->text = SLICE_EMPTY;
    token->escaped = false;
    skip_blanks(r);
    if (r->state == WANT_NOTHING && r->at == r->end)
        return token->type = JSON_END;
    if (r->state >= WANT_NOTHING || r->at == r->end)
        return bad(r, token);
    if (r->state == WANT_COMMA_OR_END) {
        if (*r->at != ',')
            return close_level(r, token);
        r->at++;
        skip_blanks(r);
        if (r->at == r->end)
            return bad(r, token);
        r->state = is_in_object(r) ? WANT_KEY : WANT_VALUE;
    }
    if (r->state == WANT_KEY_OR_END || r->state == WANT_VALUE_OR_END)
        if (*r->at == '}' || *r->at == ']')
            return close_level(r, token);
    if (r->state == WANT_KEY || r->state == WANT_KEY_OR_END)
        return read_key(r, token);
    return read_value(r, token);
}

int json_skip(struct json_reader *r, const struct json_token *first)
{
    if (first->type != JSON_OBJECT && first->type != JSON_ARRAY)
        return first->type == JSON_BAD ? -1 : 0;
    unsigned outside = r->depth - 1;
    struct json_token token;
    while (r->depth > outside)
        if (json_next(r, &token) == JSON_BAD)
            return -1;
    return 0;
}

static uint32_t hex4(const char *p)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++)
        n = n << 4 | (uint32_t)hex_digit(p[i]);
    return n;
}

/* The character of the \uXXXX at p; a surrogate pair takes 12 bytes of it. */
static uint32_t read_unicode(const char *p, const char *end, size_t *len)
{
    uint32_t c = hex4(p + 2);
    *len = 6;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = hex4(p + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *len = 12;
            return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return 0xfffd;
}

static size_t utf8_encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[len] | c);
    return len;
}

size_t json_unescape_to(const struct json_token *token, char *out)
{
    const char *p = token->text.ptr, *end = p + token->text.len;
    char *to = out;
    while (p < end) {
        size_t plain = slice_find(slice_of(p, (size_t)(end - p)), '\\');
        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (p == end)
            break;
        size_t len = 2;
        switch (p[1]) {
        case 'b': *to++ = '\b'; break;
        case 'f': *to++ = '\f'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        case 'u': to += utf8_encode(read_unicode(p, end, &len), to); break;
        default: *to++ = p[1]; /* quote, backslash, slash */
        }
        p += len;
    }
    return (size_t)(to - out);
}

void json_unescape(const struct json_token *token, struct buf *out)
{
    if (buf_reserve(out, token->text.len) != 0)
        return;
    out->len += json_unescape_to(token, out->data + out->len);
    out->data[out->len] = '\0';
}

bool json_int(const struct json_token *token, int64_t *out)
{
    if (token->type != JSON_NUMBER)
        return false;
    const char *p = token->text.ptr, *end = p + token->text.len;
    bool negative = *p == '-';
    int64_t n = 0;
    for (p += negative; p < end; p++) {
        int digit = *p - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, negative ? -digit : digit, &n))
            return false;
    }
    *out = n;
    return true;
}
