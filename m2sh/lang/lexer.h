/* Configuration text to tokens. Pure: no files, no allocation; tokens borrow the source.
 *
 * Strings are verbatim: a backslash keeps the byte after it from ending the string and both stay in
 * the value, because route patterns rely on it. */
#ifndef M2SH_LANG_LEXER_H
#define M2SH_LANG_LEXER_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stddef.h>

enum token_kind {
    TOKEN_END,    /* of the text */
    TOKEN_STRING, /* text without the quotes */
    TOKEN_NUMBER, /* digits as typed */
    TOKEN_CLASS,  /* a capital and one or more letters: Server */
    TOKEN_NAME,   /* any other letter or _ with letters, digits, _ */
    TOKEN_EQUALS,
    TOKEN_BRACE_OPEN,
    TOKEN_BRACE_CLOSE,
    TOKEN_BRACKET_OPEN,
    TOKEN_BRACKET_CLOSE,
    TOKEN_PAREN_OPEN,
    TOKEN_PAREN_CLOSE,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_BAD_STRING, /* no closing quote, or a NUL inside: `at` is the quote or the NUL */
    TOKEN_BAD_BYTE,   /* nothing begins with this byte (or UTF-8 character) */
};

struct token {
    enum token_kind kind;
    size_t at;         /* offset of the first byte */
    struct slice text; /* the value (string without quotes), or the bytes themselves */
};

struct lexer {
    struct slice text;
    size_t at; /* offset of the next byte; may be set to resume elsewhere */
};

/* A UTF-8 byte order mark at the start is skipped. */
void lexer_init(struct lexer *l, struct slice text);

/* The next token. After TOKEN_END and the BAD ones the same is returned again. */
struct token lexer_next(struct lexer *l);

/* Appends what the token is, for messages: `the name "foo"`, `end of file`. */
void lexer_describe(struct token t, struct buf *out);

#endif
