/* One search for the end of the head and one walk over its lines: the client must stay cheaper than
 * every server it measures. */

#include "tests/bench/programs/response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LENGTH_NAME "content-length:"

enum response_result response_read(const char *bytes, size_t len, struct response *out)
{
    const char *end = len > 0 ? memmem(bytes, len, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return RESPONSE_MORE;
    if (len < sizeof("HTTP/1.1 200") || memcmp(bytes, "HTTP/1.", 7) != 0)
        return RESPONSE_BAD;
    out->status = (unsigned)strtoul(bytes + 9, NULL, 10);
    out->head_len = (size_t)(end - bytes) + 4;
    out->length = -1;
    for (const char *line = bytes; line < end;) {
        line = memchr(line, '\n', (size_t)(end + 2 - line));
        if (line == NULL)
            break;
        line++;
        if ((size_t)(end - line) > sizeof(LENGTH_NAME) && (line[0] | 0x20) == 'c' &&
            strncasecmp(line, LENGTH_NAME, sizeof(LENGTH_NAME) - 1) == 0)
            out->length = strtoll(line + sizeof(LENGTH_NAME) - 1, NULL, 10);
    }
    return RESPONSE_DONE;
}
