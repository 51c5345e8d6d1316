/* The pattern language of routes and host names: Mongrel2's, which is Lua's without captures and
 * with `\` as the escape.
 *
 *     .            any byte                      x*  x+   0 or more, 1 or more
 *     \a \c \d \l  letter, control, digit, lower x-       0 or more (here the same as *)
 *     \p \s \u \w  punctuation, space, upper,    x?       0 or 1
 *     \x \z        letter or digit; hex, NUL     \bxy     from x to its matching y
 *     \A ...       the complement                \f[set]  a step from outside the set into it
 *     \ + other    that byte                     $        the end, as the last byte only
 *     [set] [^set] ranges and classes inside     ( )      skipped
 *
 * A quantifier applies to one byte, class or set; behind anything else it is an ordinary byte.
 * Classes are those of the C locale: bytes from 0x80 on are in none of them. A match begins at the
 * start of the text, and ends anywhere unless `$` stands at the end.
 *
 * This is not a regular-expression library: only "does it match" is answered. The work is bounded
 * by (length of the pattern) x (length of the text), whatever they hold.
 *
 * A compiled pattern lives in the arena it was made in and is never written again. */
#ifndef PROTO_ROUTE_PATTERN_H
#define PROTO_ROUTE_PATTERN_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define PATTERN_TEXT_MAX 65535 /* longer texts match nothing */

enum pattern_flags {
    PATTERN_WHOLE = 1, /* as if `$` stood at the end */
    PATTERN_LOWER = 2, /* the texts will be in lower case: capitals in the pattern match them too */
};

struct pattern;

/* Compiles the part of `text` from offset `from` on into *out. The offset only serves the errors,
 * which count columns (from 1) in the whole text. Returns 0; -1 with ERROR_INVALID and a sentence
 * that names the column, or ERROR_NO_MEMORY. */
int pattern_compile(const struct pattern **out, struct slice text, size_t from, unsigned flags,
                    struct arena *a, struct error *e);

/* Says whether pattern_compile() would accept it, with the same errors; makes nothing. */
int pattern_check(struct slice text, size_t from, struct error *e);

bool pattern_matches(const struct pattern *p, struct slice text);

#endif
