/* A state per place in the chunked grammar, one byte at a time outside the data: framing is a few
 * bytes per chunk, the data is never looked at. */

#include "proto/http/body.h"

#include "proto/http/scan.h"
#include "proto/http/uri.h"

enum body_state {
    STATE_DONE,
    STATE_LENGTH,
    STATE_UNTIL_CLOSE,
    STATE_SIZE,      /* in the digits of a chunk size */
    STATE_SPACE,     /* white space behind them: an extension must follow */
    STATE_EXTENSION, /* behind ";" */
    STATE_QUOTED,    /* in a quoted value of an extension */
    STATE_ESCAPED,   /* behind "\" in it */
    STATE_SIZE_LF,   /* behind the CR of the size line */
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER, /* at the beginning of a trailer line */
    STATE_NAME,
    STATE_VALUE,
    STATE_TRAILER_LF,
    STATE_END_LF,
    STATE_BAD,
};

void body_init(struct body *b, bool chunked, int64_t length)
{
    *b = (struct body){0};
    if (chunked) {
        b->state = STATE_SIZE;
    } else if (length > 0) {
        b->state = STATE_LENGTH;
        b->left = (uint64_t)length;
    }
}

void body_init_until_close(struct body *b)
{
    *b = (struct body){.state = STATE_UNTIL_CLOSE};
}

bool body_is_done(const struct body *b)
{
    return b->state == STATE_DONE;
}

bool body_chunk_ended(const struct body *b)
{
    return b->state == STATE_DATA_CR && b->left == 0;
}

static uint8_t bad(struct body *b, enum parse_fault fault)
{
    b->fault = fault;
    return STATE_BAD;
}

static uint8_t size_digit(struct body *b, char c)
{
    int digit = uri_hex_value(c);
    if (digit >= 0) {
        if (b->digits == 16 || b->left > (uint64_t)INT64_MAX >> 4)
            return bad(b, FAULT_CHUNK_SIZE);
        b->digits++;
        b->left = b->left << 4 | (uint64_t)digit;
        return STATE_SIZE;
    }
    if (b->digits == 0)
        return bad(b, FAULT_CHUNK_SIZE);
    switch (c) {
    case '\r': return STATE_SIZE_LF;
    case ';': return STATE_EXTENSION;
    case ' ':
    case '\t': return STATE_SPACE;
    default: return bad(b, FAULT_CHUNK_SIZE);
    }
}

static uint8_t extension_byte(struct body *b, char c)
{
    if (++b->line > BODY_EXTENSION_MAX || (c != '\r' && !scan_is(c, BYTE_VALUE)))
        return bad(b, FAULT_CHUNK_EXTENSION);
    switch (b->state) {
    case STATE_SPACE:
        if (c == ' ' || c == '\t')
            return STATE_SPACE;
        return c == ';' ? STATE_EXTENSION : bad(b, FAULT_CHUNK_EXTENSION);
    case STATE_QUOTED:
        if (c == '\r')
            return bad(b, FAULT_CHUNK_EXTENSION);
        return c == '"' ? STATE_EXTENSION : c == '\\' ? STATE_ESCAPED : STATE_QUOTED;
    case STATE_ESCAPED: return c == '\r' ? bad(b, FAULT_CHUNK_EXTENSION) : STATE_QUOTED;
    default: return c == '"' ? STATE_QUOTED : c == '\r' ? STATE_SIZE_LF : STATE_EXTENSION;
    }
}

/* The size line is complete. Extensions must stay in proportion to the data, or a sender could make
 * us read a thousand bytes for each byte of content. */
static uint8_t chunk_begins(struct body *b)
{
    uint64_t excess = (uint64_t)b->excess + b->line;
    uint64_t paid = b->left < BODY_EXCESS_MAX ? 2 * b->left + 16 : excess;
    b->excess = (uint32_t)(excess > paid ? excess - paid : 0);
    b->line = 0;
    b->digits = 0;
    if (b->excess > BODY_EXCESS_MAX)
        return bad(b, FAULT_CHUNK_EXTENSION);
    return b->left > 0 ? STATE_DATA : STATE_TRAILER;
}

static uint8_t trailer_byte(struct body *b, char c)
{
    if (++b->line > BODY_TRAILER_MAX)
        return bad(b, FAULT_TRAILER_BYTES);
    switch (b->state) {
    case STATE_TRAILER:
        if (c == '\r')
            return STATE_END_LF;
        return scan_is(c, BYTE_TOKEN) ? STATE_NAME : bad(b, FAULT_TRAILER);
    case STATE_NAME:
        if (c == ':')
            return STATE_VALUE;
        return scan_is(c, BYTE_TOKEN) ? STATE_NAME : bad(b, FAULT_TRAILER);
    default:
        if (c == '\r')
            return STATE_TRAILER_LF;
        return scan_is(c, BYTE_VALUE) ? STATE_VALUE : bad(b, FAULT_TRAILER);
    }
}

/* The state behind one byte of framing. */
static uint8_t framing_byte(struct body *b, char c)
{
    switch (b->state) {
    case STATE_SIZE: return size_digit(b, c);
    case STATE_SPACE:
    case STATE_EXTENSION:
    case STATE_QUOTED:
    case STATE_ESCAPED: return extension_byte(b, c);
    case STATE_SIZE_LF: return c == '\n' ? chunk_begins(b) : bad(b, FAULT_CHUNK_SIZE);
    case STATE_DATA_CR: return c == '\r' ? STATE_DATA_LF : bad(b, FAULT_CHUNK_END);
    case STATE_DATA_LF: return c == '\n' ? STATE_SIZE : bad(b, FAULT_CHUNK_END);
    case STATE_TRAILER:
    case STATE_NAME:
    case STATE_VALUE: return trailer_byte(b, c);
    case STATE_TRAILER_LF: return c == '\n' ? STATE_TRAILER : bad(b, FAULT_TRAILER);
    default: return c == '\n' ? STATE_DONE : bad(b, FAULT_TRAILER); /* STATE_END_LF */
    }
}

/* Content at the beginning of `in`: the piece, and what follows when it is complete. */
static enum parse_result take_content(struct body *b, struct slice in, size_t before, size_t *used,
                                      struct slice *piece)
{
    size_t len = in.len;
    if (b->state != STATE_UNTIL_CLOSE) {
        if (b->left < len)
            len = (size_t)b->left;
        b->left -= len;
        if (b->left == 0)
            b->state = b->state == STATE_DATA ? STATE_DATA_CR : STATE_DONE;
    }
    b->received += len;
    *piece = slice_of(in.ptr, len);
    *used = before + len;
    return PARSE_PIECE;
}

enum parse_result body_feed(struct body *b, struct slice in, size_t *used, struct slice *piece)
{
    for (size_t i = 0;; i++) {
        if (b->state == STATE_DONE || b->state == STATE_BAD || i == in.len) {
            *used = i;
            return b->state == STATE_DONE  ? PARSE_DONE
                   : b->state == STATE_BAD ? PARSE_BAD
                                           : PARSE_MORE;
        }
        if (b->state == STATE_DATA || b->state == STATE_LENGTH || b->state == STATE_UNTIL_CLOSE)
            return take_content(b, slice_from(in, i), i, used, piece);
        b->state = framing_byte(b, in.ptr[i]);
    }
}

enum parse_result body_skip(struct body *b, struct slice in, size_t *used)
{
    struct slice piece;
    size_t step;
    enum parse_result r;
    *used = 0;
    do {
        r = body_feed(b, slice_from(in, *used), &step, &piece);
        *used += step;
    } while (r == PARSE_PIECE);
    return r;
}

bool body_content(struct body *b, uint64_t len)
{
    if ((b->state != STATE_LENGTH && b->state != STATE_DATA) || len > b->left)
        return false;
    b->received += len;
    b->left -= len;
    if (b->left == 0)
        b->state = b->state == STATE_LENGTH ? STATE_DONE : STATE_DATA_CR;
    return true;
}
