/* JSON (RFC 8259), as much of it as handlers need: strings written so that the result is always
 * valid, and a cursor that reads a text token by token without copying or allocating.
 *
 * Not a document model. What people and scripts read is printed elsewhere. */
#ifndef PROTO_WIRE_JSON_H
#define PROTO_WIRE_JSON_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing ------------------------------------------------------------------------------ */

/* Appends the string with its quotes. `"` and `\` are escaped by a backslash, control bytes as
 * \u00XX; valid UTF-8 is copied as it is.
 *
 * A byte that is part of no valid UTF-8 sequence is written as \u00XX too, that is, read as
 * Latin-1. A header value that is no UTF-8 nearly always is Latin-1 (RFC 9110 section 5.5 names its
 * history), so a handler gets the text that was meant, and no two different bytes become equal, as
 * they would with U+FFFD. */
void json_put_string(struct buf *out, struct slice s);

/* Length of the longest prefix that needs no escaping and is ASCII: s.len when json_put_string
 * would only add quotes. */
size_t json_clean_prefix(struct slice s);

/* ---- reading ------------------------------------------------------------------------------ */

#define JSON_DEPTH_MAX 64

enum json_type {
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_END, /* the value is complete; only white space was left */
    JSON_BAD, /* malformed, or nested deeper than JSON_DEPTH_MAX; stays so */
};

struct json_token {
    enum json_type type;
    struct slice text; /* key, string: between the quotes, escapes as written; number: its text */
    bool escaped;      /* key, string: holds a backslash, so json_unescape is needed */
};

struct json_reader {
    const char *at;
    const char *end;
    uint64_t in_object; /* one bit per open level: object or array */
    unsigned depth;
    unsigned state;
};

/* Places the cursor before the only value of `text`, which must outlive all tokens. */
void json_reader_init(struct json_reader *r, struct slice text);

/* The next token. Raw control bytes and invalid UTF-8 inside strings are let through, because a
 * Mongrel2 server writes them. */
enum json_type json_next(struct json_reader *r, struct json_token *token);

/* Skips the value whose first token was just read. -1 when it is malformed. */
int json_skip(struct json_reader *r, const struct json_token *first);

/* Appends the text of a key or string with its escapes resolved to UTF-8; a lone surrogate becomes
 * U+FFFD. The token must come from json_next. */
void json_unescape(const struct json_token *token, struct buf *out);

/* As json_unescape into `out`, which has room for token->text.len bytes; returns the length. */
size_t json_unescape_to(const struct json_token *token, char *out);

/* A whole number without fraction or exponent that fits 64 bits; false for others. */
bool json_int(const struct json_token *token, int64_t *out);

#endif
