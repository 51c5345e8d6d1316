/* Command lines Mongrel2's way: `-name value`, `--name value`, `-flag`. Used by every program.
 *
 * A program declares its options as a table; the parser refuses unknown ones with a sentence that
 * names them, and makes `-help` text from the same table. Values are borrowed from argv. */
#ifndef PROTO_BASE_ARGS_H
#define PROTO_BASE_ARGS_H

#include "proto/base/buf.h"
#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct args_option {
    const char *name; /* without dashes */
    const char
        *value; /* word for the value in help, e.g. "FILE"; NULL: a flag; "[X]": value optional */
    const char *help; /* one sentence */
};

struct args {
    const struct args_option *options; /* ends with a NULL name */
    const char **values; /* parallel to options: NULL absent, "" given without value */
    const char **rest;   /* words that belong to no option, in order */
    size_t rest_count;
};

/* Parses argv[first..]. A word that begins with '-' and a letter is an option; the word after an
 * option with a value is its value unless it looks like an option itself (write `-why=-x` or `-why
 * -- -x` for those: `-name=value` is accepted too). Repeated: the first wins, as upstream. Borrows
 * argv; *a is to be released with args_fini also after failure. ERROR_USAGE. */
int args_parse(struct args *a, const struct args_option *options, int argc, char *const *argv,
               int first, struct error *e);
void args_fini(struct args *a);

bool args_has(const struct args *a, const char *name);
/* The value, or `fallback` when the option was not given. */
const char *args_get(const struct args *a, const char *name, const char *fallback);
/* A whole number in [min, max]; `fallback` when not given. ERROR_USAGE. */
int args_get_int(const struct args *a, const char *name, int64_t min, int64_t max, int64_t fallback,
                 int64_t *out, struct error *e);

/* Appends one aligned line per option. */
void args_help(const struct args_option *options, struct buf *out);

#endif
