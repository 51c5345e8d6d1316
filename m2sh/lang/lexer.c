/* Written by hand: the language has eleven kinds of token, and messages about the two kinds of bad
 * input need to know more than that nothing matched. */

#include "m2sh/lang/lexer.h"

#include <stdbool.h>

#define SHOWN_MAX 32 /* bytes of a string or name that a message repeats */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

void lexer_init(struct lexer *l, struct slice text)
{
    l->text = text;
    l->at = slice_starts_with(text, SLICE("\xef\xbb\xbf")) ? 3 : 0;
}

static void skip_blanks_and_comments(struct lexer *l)
{
    while (l->at < l->text.len) {
        if (l->text.ptr[l->at] == '#')
            l->at += slice_find(slice_from(l->text, l->at), '\n');
        else if (is_blank(l->text.ptr[l->at]))
            l->at++;
        else
            return;
    }
}

static struct token token_at(const struct lexer *l, enum token_kind kind, size_t len)
{
    return (struct token){kind, l->at, slice_of(l->text.ptr + l->at, len)};
}

/* At an opening quote. */
static struct token take_string(struct lexer *l)
{
    char quote = l->text.ptr[l->at];
    size_t end = l->at + 1;
    for (; end < l->text.len; end++) {
        char c = l->text.ptr[end];
        if (c == quote) {
            struct token t = token_at(l, TOKEN_STRING, 0);
            t.text = slice_of(l->text.ptr + l->at + 1, end - l->at - 1);
            l->at = end + 1;
            return t;
        }
        if (c == '\\' && end + 1 < l->text.len)
            c = l->text.ptr[++end];
        if (c == '\0') {
            l->at = end;
            return token_at(l, TOKEN_BAD_STRING, 1);
        }
    }
    return token_at(l, TOKEN_BAD_STRING, l->text.len - l->at);
}

/* At a letter or underscore. */
static struct token take_word(struct lexer *l)
{
    size_t end = l->at;
    bool letters_only = true;
    while (end < l->text.len &&
           (is_letter(l->text.ptr[end]) || is_digit(l->text.ptr[end]) || l->text.ptr[end] == '_'))
        letters_only &= is_letter(l->text.ptr[end++]);
    char first = l->text.ptr[l->at];
    bool is_class = letters_only && first >= 'A' && first <= 'Z' && end - l->at > 1;
    struct token t = token_at(l, is_class ? TOKEN_CLASS : TOKEN_NAME, end - l->at);
    l->at = end;
    return t;
}

static struct token take_number(struct lexer *l)
{
    size_t end = l->at;
    while (end < l->text.len && is_digit(l->text.ptr[end]))
        end++;
    struct token t = token_at(l, TOKEN_NUMBER, end - l->at);
    l->at = end;
    return t;
}

static enum token_kind punctuation(char c)
{
    switch (c) {
    case '=': return TOKEN_EQUALS;
    case '{': return TOKEN_BRACE_OPEN;
    case '}': return TOKEN_BRACE_CLOSE;
    case '[': return TOKEN_BRACKET_OPEN;
    case ']': return TOKEN_BRACKET_CLOSE;
    case '(': return TOKEN_PAREN_OPEN;
    case ')': return TOKEN_PAREN_CLOSE;
    case ',': return TOKEN_COMMA;
    case ':': return TOKEN_COLON;
    default: return TOKEN_BAD_BYTE;
    }
}

struct token lexer_next(struct lexer *l)
{
    skip_blanks_and_comments(l);
    if (l->at >= l->text.len)
        return token_at(l, TOKEN_END, 0);
    char c = l->text.ptr[l->at];
    if (c == '"' || c == '\'')
        return take_string(l);
    if (is_letter(c) || c == '_')
        return take_word(l);
    if (is_digit(c))
        return take_number(l);
    struct token t = token_at(l, punctuation(c), 1);
    if (t.kind != TOKEN_BAD_BYTE) {
        l->at++;
        return t;
    }
    while (t.text.len < 4 && l->at + t.text.len < l->text.len &&
           is_continuation(l->text.ptr[l->at + t.text.len]))
        t.text.len++;
    return t;
}

/* `word "text"`, cut short and on one line. */
static void describe_text(const char *word, struct slice text, struct buf *out)
{
    size_t len = text.len < SHOWN_MAX ? text.len : SHOWN_MAX;
    len = slice_find(slice_of(text.ptr, len), '\n');
    while (len < text.len && len > 0 && is_continuation(text.ptr[len]))
        len--; /* not in the middle of a character */
    buf_printf(out, "%s \"%.*s%s\"", word, (int)len, text.ptr, len < text.len ? "..." : "");
}

static void describe_byte(struct slice text, struct buf *out)
{
    unsigned char c = (unsigned char)text.ptr[0];
    if (c == '\0')
        buf_append_str(out, "a NUL byte");
    else if ((c > ' ' && c < 0x7f) || (c >= 0xc2 && text.len > 1))
        buf_printf(out, "\"%.*s\"", SLICE_ARG(text));
    else
        buf_printf(out, "the byte 0x%02x", c);
}

void lexer_describe(struct token t, struct buf *out)
{
    switch (t.kind) {
    case TOKEN_END: buf_append_str(out, "the end of the file"); break;
    case TOKEN_STRING: describe_text("the string", t.text, out); break;
    case TOKEN_NUMBER: describe_text("the number", t.text, out); break;
    case TOKEN_CLASS: describe_text("the class name", t.text, out); break;
    case TOKEN_NAME: describe_text("the name", t.text, out); break;
    case TOKEN_BAD_STRING:
        if (t.text.ptr[0] == '\0')
            buf_append_str(out, "a NUL byte inside a string");
        else
            buf_append_str(out, "a string without an end");
        break;
    default: describe_byte(t.text, out); break;
    }
}
