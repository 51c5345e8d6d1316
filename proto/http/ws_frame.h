/* Frames of the WebSocket protocol (RFC 6455 section 5): header in, header out, masking. Says what
 * is there; what may be there is decided by the session, as that depends on what came before.
 *
 * Pure functions over the caller's bytes; nothing is allocated. */
#ifndef PROTO_HTTP_WS_FRAME_H
#define PROTO_HTTP_WS_FRAME_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
};

enum { /* the first byte of a frame */
       WS_FIN = 0x80,
       WS_RSV1 = 0x40,
       WS_RSV = 0x70, /* all three */
       WS_OPCODE = 0x0f,
       WS_CONTROL = 0x08, /* set in the opcodes of control frames */
};

#define WS_HEAD_MAX       14  /* bytes of a header from a client */
#define WS_HEAD_ROOM      10  /* … of one from a server */
#define WS_CONTROL_LENGTH 125 /* most bytes of a control frame's payload */

struct ws_frame {
    uint8_t first;    /* FIN, RSV, opcode */
    bool masked;      /* a client's must be */
    bool is_shortest; /* the length has the form that it must have (section 5.2) */
    uint32_t mask;    /* for ws_unmask; 0 when not masked */
    uint64_t len;     /* of the payload; the top bit is not checked */
};

/* Reads the header at the start of `bytes`: its length; 0: more bytes are needed. */
size_t ws_frame_read(struct slice bytes, struct ws_frame *f);

/* Writes the header of an unmasked frame and returns its length. */
size_t ws_frame_write(char out[WS_HEAD_ROOM], uint8_t first, uint64_t len);

/* Unmasks (or masks) `len` bytes; `to` may be `from`, and must not overlap it otherwise. Returns
 * the mask for the bytes that follow. */
uint32_t ws_unmask(char *to, const char *from, size_t len, uint32_t mask);

static inline bool ws_is_control(uint8_t first)
{
    return (first & WS_CONTROL) != 0;
}

/* Codes that may stand in a close frame (section 7.4 and the registry of IANA). */
bool ws_close_code_is_valid(unsigned code);

#endif
