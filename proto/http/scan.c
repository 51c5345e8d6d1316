/* The class of each byte, generated from the grammar by ranges; kept as ranges so that it can be
 * compared with the RFCs by eye. */

#include "proto/http/scan.h"

#define ALNUM_CLASSES (BYTE_TOKEN | BYTE_TARGET | BYTE_HOST | BYTE_VALUE | BYTE_ETAG)
#define SUB_DELIM     (BYTE_TARGET | BYTE_HOST | BYTE_VALUE | BYTE_ETAG)
#define OTHER_VISIBLE (BYTE_VALUE | BYTE_ETAG)

const uint8_t scan_class[256] = {
    ['\t'] = BYTE_VALUE,
    [' '] = BYTE_VALUE,
    ['!'] = SUB_DELIM | BYTE_TOKEN,
    ['"'] = BYTE_VALUE, /* the one visible character that an entity tag may not hold */
    ['#'] = OTHER_VISIBLE | BYTE_TOKEN,
    ['$'] = SUB_DELIM | BYTE_TOKEN,
    ['%'] = OTHER_VISIBLE | BYTE_TOKEN,
    ['&'] = SUB_DELIM | BYTE_TOKEN,
    ['\''] = SUB_DELIM | BYTE_TOKEN,
    ['('] = SUB_DELIM,
    [')'] = SUB_DELIM,
    ['*'] = SUB_DELIM | BYTE_TOKEN,
    ['+'] = SUB_DELIM | BYTE_TOKEN,
    [','] = SUB_DELIM,
    ['-'] = ALNUM_CLASSES,
    ['.'] = ALNUM_CLASSES,
    ['/'] = BYTE_TARGET | OTHER_VISIBLE,
    ['0' ... '9'] = ALNUM_CLASSES | BYTE_HEX | BYTE_DIGIT,
    [':'] = BYTE_TARGET | OTHER_VISIBLE,
    [';'] = SUB_DELIM,
    ['<'] = OTHER_VISIBLE,
    ['='] = SUB_DELIM,
    ['>'] = OTHER_VISIBLE,
    ['?'] = OTHER_VISIBLE,
    ['@'] = BYTE_TARGET | OTHER_VISIBLE,
    ['A' ... 'F'] = ALNUM_CLASSES | BYTE_HEX,
    ['G' ... 'Z'] = ALNUM_CLASSES,
    ['['] = OTHER_VISIBLE,
    ['\\'] = OTHER_VISIBLE,
    [']'] = OTHER_VISIBLE,
    ['^'] = OTHER_VISIBLE | BYTE_TOKEN | BYTE_RELAXED,
    ['_'] = ALNUM_CLASSES,
    ['`'] = OTHER_VISIBLE | BYTE_TOKEN,
    ['a' ... 'f'] = ALNUM_CLASSES | BYTE_HEX,
    ['g' ... 'z'] = ALNUM_CLASSES,
    ['{'] = OTHER_VISIBLE | BYTE_RELAXED,
    ['|'] = OTHER_VISIBLE | BYTE_TOKEN,
    ['}'] = OTHER_VISIBLE | BYTE_RELAXED,
    ['~'] = ALNUM_CLASSES,
    [0x80 ... 0xff] = BYTE_VALUE | BYTE_ETAG,
};
