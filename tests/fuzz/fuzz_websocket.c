// links: m2_node PkgConfig::CMOCKA
/* A whole WebSocket session, fed with any bytes in any pieces: it keeps its bounds, and everything
 * it took is given back. The first byte chooses mode, compression, whether the handler keeps up and
 * what it says; the second the size of the pieces. Where the handler keeps up and says nothing, it
 * must be told the same whatever the pieces are. */

#include "node/exchange/reply.h"
#include "proto/base/log.h"
#include "tests/unit/node/session/websocket_world.h"

enum { RAW = 1, DEFLATE = 2, HOLDS = 4, SPEAKS = 8 };

static const char *const settings[] = {"key=limits.websocket_message", "value=1000", NULL};

static void open_socket(uint8_t how)
{
    const char *handshake =
        (how & RAW) != 0 ? WS_HANDSHAKE_OF("/raw", "")
        : (how & DEFLATE) != 0
            ? WS_HANDSHAKE_OF("/messages", "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            : WS_HANDSHAKE_OF("/messages", "");
    serving_connect(&ws_world.serving);
    ws_world.conn = container_of(ws_world.serving.worker.conns.all.next, struct conn, link);
    serving_ask(&ws_world.serving, slice_str(handshake), NULL);
    ws_world.holds = (how & HOLDS) != 0;
}

static void speak(struct slice bytes)
{
    struct push p = {.kind = bytes.len % 4, .bytes = bytes, .close_code = 1000};
    if (ws_world.conn == NULL || conn_is_closing(ws_world.conn) ||
        ws_world.conn->close_when_flushed)
        return;
    if (!ws_world.conn->session->takes_kinds)
        p.kind = PUSH_PLAIN;
    ws_world.conn->session->push(ws_world.conn, &p);
    payload_unref(p.ws_deflated[0]);
    payload_unref(p.ws_deflated[1]);
}

static void step(void)
{
    char sink[65536];
    loop_step(&ws_world.serving.worker.loop);
    while (read(ws_world.serving.client, sink, sizeof sink) > 0)
        ;
    const struct counters *c = &ws_world.serving.worker.counters;
    if (ws_world.backend->figures.queued_now > 66 || c->websocket_faults > 1)
        abort();
}

/* What the handler is told of it all. */
static struct buf run(uint8_t how, size_t size, struct slice in)
{
    ws_start(settings);
    open_socket(how);
    for (size_t at = 0; at < in.len; at += size) {
        size_t len = in.len - at < size ? in.len - at : size;
        if (write(ws_world.serving.client, in.ptr + at, len) < 0)
            break;
        step();
        if ((how & SPEAKS) != 0)
            speak(slice_of(in.ptr, at % (in.len + 1)));
        ws_release_all(at % 3 == 0 ? 5 : 0);
    }
    for (int i = 0; i < 4; i++) {
        ws_release_all(UINT32_MAX);
        step();
    }
    struct buf told = ws_world.told;
    ws_world.told = (struct buf)BUF_INIT;
    ws_stop();
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 4000)
        return 0;
    log_set_level(LOG_ERROR_LEVEL);
    struct slice in = slice_of(data + 2, size - 2);
    struct buf pieces = run(data[0], 1u + data[1] % 64, in);
    if ((data[0] & (HOLDS | SPEAKS)) == 0) {
        struct buf whole = run(data[0], in.len, in);
        if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
            abort();
        buf_fini(&whole);
    }
    buf_fini(&pieces);
    return 0;
}
