/* The name comes from outside and becomes part of a path: what could lead out of the directory, or
 * to a hidden file, is no name. */

#include "node/tls/server_name.h"

#include <stdio.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_usable(struct slice name)
{
    if (name.len == 0 || name.len > SERVER_NAME_MAX || name.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == '/' || name.ptr[i] == 0x7f ||
            (name.ptr[i] == '.' && i > 0 && name.ptr[i - 1] == '.'))
            return false;
    return true;
}

bool server_name_parse(struct server_name *out, struct slice name)
{
    if (!is_usable(name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        out->exact[i] = lower(name.ptr[i]);
    out->exact[name.len] = '\0';
    const char *rest = strchr(out->exact, '.');
    snprintf(out->wildcard, sizeof out->wildcard, "%s%s", rest != NULL ? "_" : "",
             rest != NULL ? rest : "");
    return true;
}
