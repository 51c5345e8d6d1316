/* getrandom(2) is the only source: no state, safe after fork. */

#include "proto/base/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

int uuid_random_bytes(void *out, size_t len, struct error *e)
{
    char *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set_errno(e, "The system gives no random bytes");
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

int uuid_generate(char out[UUID_LEN + 1], struct error *e)
{
    unsigned char b[16];
    if (uuid_random_bytes(b, sizeof b, e) != 0)
        return -1;
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4, RFC 9562 section 5.4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* variant */
    snprintf(out, UUID_LEN + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return 0;
}

bool uuid_is_valid(struct slice text)
{
    if (text.len != UUID_LEN)
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.ptr[i] != '-' : !isxdigit((unsigned char)text.ptr[i]))
            return false;
    }
    return true;
}
