/* The length is bounded by the bytes at hand, not by a limit of its own: a netstring that promises
 * more than the message holds is refused. */

#include "proto/wire/netstring.h"

/* Enough for every size_t, and for some leading zeros. */
#define LENGTH_DIGITS_MAX 24

int netstring_read_tagged(struct slice *rest, struct slice *payload, char *tag)
{
    size_t i = 0, len = 0;
    for (; i < rest->len && i < LENGTH_DIGITS_MAX; i++) {
        unsigned digit = (unsigned)rest->ptr[i] - '0';
        if (digit > 9)
            break;
        if (__builtin_mul_overflow(len, 10, &len) || __builtin_add_overflow(len, digit, &len))
            return -1;
    }
    if (i == 0 || i == rest->len || rest->ptr[i] != ':')
        return -1;
    struct slice bytes = slice_from(*rest, i + 1);
    if (len >= bytes.len)
        return -1;
    *payload = slice_of(bytes.ptr, len);
    *tag = bytes.ptr[len];
    *rest = slice_from(bytes, len + 1);
    return 0;
}

int netstring_read(struct slice *rest, struct slice *payload)
{
    struct slice after = *rest, bytes;
    char tag;
    if (netstring_read_tagged(&after, &bytes, &tag) != 0 || tag != ',')
        return -1;
    *rest = after;
    *payload = bytes;
    return 0;
}

void netstring_put(struct buf *out, struct slice payload)
{
    buf_append_uint(out, payload.len);
    buf_append_char(out, ':');
    buf_append_slice(out, payload);
    buf_append_char(out, ',');
}

size_t netstring_digits(size_t n)
{
    size_t digits = 1;
    for (; n >= 10; n /= 10)
        digits++;
    return digits;
}
