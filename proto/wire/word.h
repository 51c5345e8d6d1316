/* Eight bytes at a time, portably: the parts of the text loops of this room. Private to proto/wire.
 */
#ifndef PROTO_WIRE_WORD_H
#define PROTO_WIRE_WORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD_ONES ((uint64_t)0x0101010101010101)
#define WORD_HIGH ((uint64_t)0x8080808080808080)

/* The first `len` bytes at p, at most eight; what is missing to eight is filled with spaces, which
 * need no escaping and have no case. */
static inline uint64_t word_load(const char *p, size_t len)
{
    uint64_t x = WORD_ONES * ' ';
    char *to = (char *)&x;
    if (len >= 8) {
        memcpy(to, p, 8);
    } else if (len >= 4) { /* the two halves overlap */
        memcpy(to, p, 4);
        memcpy(to + len - 4, p + len - 4, 4);
    } else if (len > 0) {
        to[0] = p[0];
        to[len / 2] = p[len / 2];
        to[len - 1] = p[len - 1];
    }
    return x;
}

/* A to Z become a to z; other bytes, those above 0x7f included, stay. */
static inline uint64_t word_lower(uint64_t x)
{
    uint64_t seven = x & ~WORD_HIGH;
    uint64_t from_a = seven + WORD_ONES * (0x80 - 'A'), past_z = seven + WORD_ONES * (0x7f - 'Z');
    return x | ((((from_a ^ past_z) & ~x) & WORD_HIGH) >> 2);
}

/* Nonzero when one of the bytes is not clean: to be escaped in JSON, or no ASCII. */
static inline uint64_t word_not_clean(uint64_t x)
{
    uint64_t quote = x ^ (WORD_ONES * '"'), backslash = x ^ (WORD_ONES * '\\');
    return (x | ((x - WORD_ONES * ' ') & ~x) | ((quote - WORD_ONES) & ~quote) |
            ((backslash - WORD_ONES) & ~backslash)) &
           WORD_HIGH;
}

#endif
