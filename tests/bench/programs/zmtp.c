/* Messages are handed out where they lie; the consumed part is dropped when everything complete has
 * been taken, so that a batch of replies costs one move at most. */

#include "tests/bench/programs/zmtp.h"

#include <stdint.h>
#include <string.h>

#define GREETING_LEN 64
#define FLAG_LONG    0x02
#define FLAG_COMMAND 0x04

void zmtp_open(struct buf *out, const char *socket_type)
{
    char greeting[GREETING_LEN] = {(char)0xff, [9] = 0x7f, [10] = 3, [11] = 0, 'N', 'U', 'L', 'L'};
    static const char ready[] = "\x05READY\x0bSocket-Type";
    size_t type_len = strlen(socket_type);
    buf_append(out, greeting, sizeof(greeting));
    buf_append_char(out, FLAG_COMMAND);
    buf_append_char(out, (char)(sizeof(ready) - 1 + 4 + type_len));
    buf_append(out, ready, sizeof(ready) - 1);
    buf_append(out, "\0\0\0", 3);
    buf_append_char(out, (char)type_len);
    buf_append(out, socket_type, type_len);
}

void zmtp_subscribe(struct buf *out)
{
    zmtp_frame(out, 1);
    buf_append_char(out, 1); /* 1: subscribe; no prefix behind it */
}

void zmtp_frame(struct buf *out, size_t len)
{
    if (len < 256) {
        buf_append_char(out, 0);
        buf_append_char(out, (char)len);
        return;
    }
    buf_append_char(out, FLAG_LONG);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_append_char(out, (char)(len >> shift));
}

static uint64_t frame_length(const unsigned char *p, bool is_long)
{
    uint64_t len = 0;
    if (!is_long)
        return p[1];
    for (int i = 1; i <= 8; i++)
        len = len << 8 | p[i];
    return len;
}

int zmtp_next(struct zmtp_reader *r, struct slice *message)
{
    if (!r->greeted) {
        if (r->in.len < GREETING_LEN)
            return 0;
        if ((unsigned char)r->in.data[0] != 0xff || r->in.data[10] < 3)
            return -1;
        r->at = GREETING_LEN;
        r->greeted = true;
    }
    for (;;) {
        size_t have = r->in.len - r->at;
        const unsigned char *p = (const unsigned char *)r->in.data + r->at;
        size_t header = have > 0 && (p[0] & FLAG_LONG) != 0 ? 9 : 2;
        if (have < header || have - header < frame_length(p, header == 9))
            break;
        uint64_t len = frame_length(p, header == 9);
        r->at += header + len;
        *message = slice_of(p + header, len);
        if ((p[0] & FLAG_COMMAND) == 0)
            return 1;
        r->ready = true;
    }
    buf_consume(&r->in, r->at);
    r->at = 0;
    return 0;
}
