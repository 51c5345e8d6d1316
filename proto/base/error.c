/* Errors are filled by value into the caller's struct, so that reporting one can never fail itself.
 */

#include "proto/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const code_names[ERROR_COUNT] = {
    [ERROR_NONE] = "NONE",           [ERROR_USAGE] = "USAGE",
    [ERROR_INVALID] = "INVALID",     [ERROR_NOT_FOUND] = "NOT_FOUND",
    [ERROR_EXISTS] = "EXISTS",       [ERROR_CONFLICT] = "CONFLICT",
    [ERROR_REFUSED] = "REFUSED",     [ERROR_DENIED] = "DENIED",
    [ERROR_TIMEOUT] = "TIMEOUT",     [ERROR_UNREACHABLE] = "UNREACHABLE",
    [ERROR_TOO_LARGE] = "TOO_LARGE", [ERROR_IO] = "IO",
    [ERROR_NO_MEMORY] = "NO_MEMORY", [ERROR_UNSUPPORTED] = "UNSUPPORTED",
    [ERROR_INTERNAL] = "INTERNAL",
};

__attribute__((format(printf, 4, 0))) static void set(struct error *e, enum error_code code,
                                                      const char *object, const char *fmt,
                                                      va_list args)
{
    if (e == NULL)
        return;
    e->code = code;
    snprintf(e->object, sizeof e->object, "%s", object);
    vsnprintf(e->text, sizeof e->text, fmt, args);
}

int error_set(struct error *e, enum error_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(e, code, "", fmt, args);
    va_end(args);
    return -1;
}

int error_set_object(struct error *e, enum error_code code, const char *object, const char *fmt,
                     ...)
{
    va_list args;
    va_start(args, fmt);
    set(e, code, object, fmt, args);
    va_end(args);
    return -1;
}

int error_set_errno(struct error *e, const char *fmt, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, fmt);
    set(e, ERROR_IO, "", fmt, args);
    va_end(args);
    if (e != NULL) {
        size_t len = strlen(e->text);
        snprintf(e->text + len, sizeof e->text - len, ": %s", strerror(saved));
    }
    return -1;
}

void error_clear(struct error *e)
{
    e->code = ERROR_NONE;
    e->object[0] = e->text[0] = '\0';
}

const char *error_code_name(enum error_code code)
{
    return (unsigned)code < ERROR_COUNT ? code_names[code] : code_names[ERROR_INTERNAL];
}

enum error_code error_code_from_name(const char *name)
{
    for (int i = 0; i < ERROR_COUNT; i++)
        if (strcmp(name, code_names[i]) == 0)
            return (enum error_code)i;
    return ERROR_INTERNAL;
}

void error_bug(const char *condition, const char *file, int line)
{
    fprintf(stderr, "BUG: %s at %s:%d. Please report this line.\n", condition, file, line);
    abort();
}
