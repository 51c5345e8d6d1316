/* A table by code: one bounds check and one load. */

#include "proto/http/status_code.h"

static const struct slice reasons[600] = {
    [100] = SLICE("Continue"),
    [101] = SLICE("Switching Protocols"),
    [103] = SLICE("Early Hints"),
    [200] = SLICE("OK"),
    [201] = SLICE("Created"),
    [202] = SLICE("Accepted"),
    [204] = SLICE("No Content"),
    [206] = SLICE("Partial Content"),
    [300] = SLICE("Multiple Choices"),
    [301] = SLICE("Moved Permanently"),
    [302] = SLICE("Found"),
    [303] = SLICE("See Other"),
    [304] = SLICE("Not Modified"),
    [307] = SLICE("Temporary Redirect"),
    [308] = SLICE("Permanent Redirect"),
    [400] = SLICE("Bad Request"),
    [401] = SLICE("Unauthorized"),
    [403] = SLICE("Forbidden"),
    [404] = SLICE("Not Found"),
    [405] = SLICE("Method Not Allowed"),
    [408] = SLICE("Request Timeout"),
    [409] = SLICE("Conflict"),
    [410] = SLICE("Gone"),
    [411] = SLICE("Length Required"),
    [412] = SLICE("Precondition Failed"),
    [413] = SLICE("Content Too Large"),
    [414] = SLICE("URI Too Long"),
    [415] = SLICE("Unsupported Media Type"),
    [416] = SLICE("Range Not Satisfiable"),
    [417] = SLICE("Expectation Failed"),
    [421] = SLICE("Misdirected Request"),
    [426] = SLICE("Upgrade Required"),
    [429] = SLICE("Too Many Requests"),
    [431] = SLICE("Request Header Fields Too Large"),
    [500] = SLICE("Internal Server Error"),
    [501] = SLICE("Not Implemented"),
    [502] = SLICE("Bad Gateway"),
    [503] = SLICE("Service Unavailable"),
    [504] = SLICE("Gateway Timeout"),
    [505] = SLICE("HTTP Version Not Supported"),
    [507] = SLICE("Insufficient Storage"),
};

struct slice status_code_reason(int code)
{
    if (code < 0 || code >= 600 || reasons[code].ptr == NULL)
        return SLICE_EMPTY;
    return reasons[code];
}
