/* A hand-written parser because getopt knows neither `-name value` for long names nor upstream's
 * rule that an option without a following value is a flag. */

#include "proto/base/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_option(const char *word)
{
    if (word[0] != '-')
        return false;
    word += word[1] == '-' ? 2 : 1;
    return isalpha((unsigned char)*word) || *word == '_' || *word == '.';
}

static int option_index(const struct args_option *options, const char *name, size_t len)
{
    for (int i = 0; options[i].name != NULL; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
            return i;
    return -1;
}

/* Consumes the option at argv[at]; returns the index of the next word or -1. */
static int take_option(struct args *a, int argc, char *const *argv, int at, struct error *e)
{
    const char *name = argv[at] + (argv[at][1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    int i = option_index(a->options, name, len);
    if (i < 0)
        return error_set(e, ERROR_USAGE, "There is no option -%.*s here; see -help.", (int)len,
                         name);
    const char *kind = a->options[i].value, *value = "";
    int next = at + 1;
    if (kind == NULL && equals != NULL)
        return error_set(e, ERROR_USAGE, "Option -%s takes no value.", a->options[i].name);
    if (kind != NULL) {
        if (equals != NULL)
            value = equals + 1;
        else if (next + 1 < argc && strcmp(argv[next], "--") == 0) {
            value = argv[next + 1];
            next += 2;
        } else if (next < argc && !is_option(argv[next]))
            value = argv[next++];
        else if (kind[0] != '[')
            return error_set(e, ERROR_USAGE, "Option -%s needs a value: -%s %s.",
                             a->options[i].name, a->options[i].name, kind);
    }
    if (a->values[i] == NULL)
        a->values[i] = value;
    return next;
}

int args_parse(struct args *a, const struct args_option *options, int argc, char *const *argv,
               int first, struct error *e)
{
    size_t count = 0;
    while (options[count].name != NULL)
        count++;
    a->options = options;
    a->rest_count = 0;
    a->values = calloc(count + 1, sizeof *a->values);
    a->rest = calloc((size_t)argc + 1, sizeof *a->rest);
    if (a->values == NULL || a->rest == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (int at = first; at < argc;) {
        if (is_option(argv[at])) {
            at = take_option(a, argc, argv, at, e);
            if (at < 0)
                return -1;
        } else {
            a->rest[a->rest_count++] = argv[at++];
        }
    }
    return 0;
}

void args_fini(struct args *a)
{
    free(a->values);
    free(a->rest);
    a->values = NULL;
    a->rest = NULL;
}

const char *args_get(const struct args *a, const char *name, const char *fallback)
{
    int i = option_index(a->options, name, strlen(name));
    BUG_ON(i < 0);
    return a->values[i] != NULL ? a->values[i] : fallback;
}

bool args_has(const struct args *a, const char *name)
{
    return args_get(a, name, NULL) != NULL;
}

int args_get_int(const struct args *a, const char *name, int64_t min, int64_t max, int64_t fallback,
                 int64_t *out, struct error *e)
{
    const char *text = args_get(a, name, NULL);
    if (text == NULL) {
        *out = fallback;
        return 0;
    }
    char *end = NULL;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
        return error_set(e, ERROR_USAGE,
                         "Option -%s must be a whole number from %lld to %lld, not \"%s\".", name,
                         (long long)min, (long long)max, text);
    *out = n;
    return 0;
}

void args_help(const struct args_option *options, struct buf *out)
{
    for (; options->name != NULL; options++) {
        size_t start = out->len;
        buf_printf(out, "  -%s%s%s", options->name, options->value != NULL ? " " : "",
                   options->value != NULL ? options->value : "");
        while (out->len - start < 26 && !out->failed)
            buf_append_char(out, ' ');
        buf_printf(out, " %s\n", options->help);
    }
}
