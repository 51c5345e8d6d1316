"""WebSockets against RFC 6455 and RFC 7692, in both modes, sent at once and byte by byte."""

from __future__ import annotations

import zlib

import pytest
from support.raw import Client
from support.wait import until
from support.websocket import (
    BINARY, CLOSE, CONT, PING, PONG, TEXT, WebSocket, close_payload, frame,
)
from websocket_cases import CASES, DROP, SAME
from websocket_site import LIMIT, WebSocketSite

BYTEWISE_MOST = 400


@pytest.fixture(scope="module")
def site(module_stage, node):
    return WebSocketSite(module_stage, node)


def hear(socket: WebSocket, expected, maybe: int = 0) -> None:
    for at, (opcode, payload) in enumerate(expected):
        if at < maybe and socket.peek() == CLOSE:
            continue
        if opcode == CLOSE:
            assert socket.closed() == payload
            return
        got = socket.read()
        assert (got.opcode, got.payload) == (opcode, payload)
    socket.send(frame(CLOSE, close_payload(1000)))
    assert socket.closed() == 1000


def say(socket: WebSocket, case, bytewise: bool) -> None:
    data = b"".join(case.sends)
    for piece in ([data[i : i + 1] for i in range(len(data))] if bytewise else [data]):
        try:
            socket.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return  # it has been told already what is wrong


@pytest.mark.parametrize("case", CASES, ids=str)
def test_messages(site, case):
    in_messages(site, case, False)


@pytest.mark.parametrize("case", [c for c in CASES if c.size <= BYTEWISE_MOST], ids=str)
def test_messages_byte_by_byte(site, case):
    in_messages(site, case, True)


def in_messages(site, case, bytewise: bool) -> None:
    socket = WebSocket(site.port, "/messages")
    say(socket, case, bytewise)
    hear(socket, case.hears, case.maybe)
    socket.close()


@pytest.mark.parametrize("case", [c for c in CASES if c.raw is not None], ids=str)
def test_raw(site, case):
    socket = WebSocket(site.port, "/raw")
    say(socket, case, False)
    if case.raw == DROP:
        assert socket.closed() is None
    else:
        hear(socket, case.hears if case.raw == SAME else case.raw)
    socket.close()


# ---- the handshake of mode messages ------------------------------------------------------------

USUAL = {
    "Upgrade": "websocket", "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
}

REFUSED = [
    ("POST", "POST", {}, "HTTP/1.1", 400),
    ("HTTP/1.0", "GET", {}, "HTTP/1.0", 400),
    ("a part of a word", "GET", {"Connection": "xupgradex"}, "HTTP/1.1", 400),
    ("short key", "GET", {"Sec-WebSocket-Key": "c2hvcnQ="}, "HTTP/1.1", 400),
    ("key that is no base64", "GET", {"Sec-WebSocket-Key": "dGhl!HNhbXBsZSBub25jZQ=="}, "HTTP/1.1", 400),
    ("body", "GET", {"Content-Length": "5"}, "HTTP/1.1", 400),
    ("protocol that is no token", "GET", {"Sec-WebSocket-Protocol": "a/b"}, "HTTP/1.1", 400),
    ("version 8", "GET", {"Sec-WebSocket-Version": "8"}, "HTTP/1.1", 426),
    ("version x", "GET", {"Sec-WebSocket-Version": "x"}, "HTTP/1.1", 426),
]


@pytest.mark.parametrize("name, method, other, version, status", REFUSED, ids=[r[0] for r in REFUSED])
def test_a_bad_handshake_is_refused(site, name, method, other, version, status):
    with Client(site.port) as client:
        client.get("/messages", {**USUAL, **other}, method=method, version=version)
        response = client.response()
        assert response.status == status
        if status == 426:
            assert response.header("Sec-WebSocket-Version") == b"13"
            assert response.header("Upgrade") == b"websocket"
        assert client.is_closed(10)


def test_a_list_of_protocols_to_upgrade_to(site):
    with Client(site.port) as client:
        client.get("/messages", {**USUAL, "Upgrade": "h2c, WebSocket"})
        assert client.response().status == 101


def test_the_first_subprotocol_is_taken(site):
    socket = WebSocket(site.port, "/messages", ("Sec-WebSocket-Protocol: chat, superchat",))
    assert socket.response.header("Sec-WebSocket-Protocol") == b"chat"
    plain = WebSocket(site.port, "/messages")
    assert plain.response.header("Sec-WebSocket-Protocol") is None


def test_the_handler_is_told_of_the_handshake(site):
    socket = WebSocket(site.port, "/messages?a=b", ("X-Mark: told",))
    def told():
        return [r for r in site.messages.seen if r.headers.first("x-mark") == b"told"]
    handshake = until(told, "the handshake")[0]
    assert handshake.is_handshake() and handshake.headers.first("QUERY") == b"a=b"
    socket.text("x").read()
    message = until(lambda: told()[1:], "the message")[0]
    assert message.is_websocket() and message.conn_id == handshake.conn_id
    socket.close()


def test_behind_other_requests_of_the_connection(site):
    """Any request may ask for a WebSocket (RFC 6455 says nothing else), in both modes."""
    for path in ("/messages", "/raw"):
        socket = WebSocket(site.port, connect=False)
        for target in ("/static/a.txt", path):
            assert socket.http.get(target).response().status == 200
        socket.shake_hands(path)
        assert socket.response.status == 101
        assert socket.text("x").read().payload == b"x"
        socket.close()


def test_frames_in_one_segment_with_the_handshake(site):
    for path in ("/messages", "/raw"):
        socket = WebSocket(site.port, connect=False)
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in USUAL.items())]
        socket.http.send("\r\n".join([*lines, "", ""]).encode() + frame(TEXT, b"one") + frame(TEXT, b"two"))
        assert socket.read_head().status == 101
        assert [socket.read().payload, socket.read().payload] == [b"one", b"two"]
        socket.close()


def test_where_no_handler_is(site):
    with Client(site.port) as client:
        assert client.get("/static/a.txt", USUAL).response().body == b"hello"
        assert client.get("/none", USUAL).response().status == 404


# ---- what the handler says ---------------------------------------------------------------------


def ordered(site, order: bytes, opcode: int = TEXT):
    socket = WebSocket(site.port, "/messages")
    return socket.send(frame(opcode, order))


def test_a_plain_reply_is_of_the_kind_of_the_last_message(site):
    socket = ordered(site, b"!plain 6869")
    got = socket.read()
    assert (got.opcode, got.payload) == (TEXT, b"hi")
    got = socket.send(frame(BINARY, b"!plain 6869")).read()
    assert (got.opcode, got.payload) == (BINARY, b"hi")


def test_a_plain_reply_that_is_no_text_is_binary(site):
    got = ordered(site, b"!plain fffe").read()
    assert (got.opcode, got.payload) == (BINARY, b"\xff\xfe")


def test_a_reply_can_say_its_kind(site):
    got = ordered(site, b"!binary x").read()
    assert (got.opcode, got.payload) == (BINARY, b"x")
    got = ordered(site, b"!text x", BINARY).read()
    assert (got.opcode, got.payload) == (TEXT, b"x")


def test_a_text_that_is_none_is_the_handlers_fault(site):
    assert ordered(site, b"!hextext ff").closed() == 1011


@pytest.mark.parametrize("order, code, reason", [
    (b"!close 1000", 1000, b""), (b"!close 4321 gone away", 4321, b"gone away"),
    (b"!close 1005", 1011, b""), (b"!end", 1000, b""),
])
def test_the_handler_closes(site, order, code, reason):
    socket = ordered(site, order)
    got = socket.read()
    assert (got.opcode, got.code, got.payload[2:]) == (CLOSE, code, reason)
    socket.send(frame(TEXT, b"too late"), frame(PING), frame(CLOSE, close_payload(code)))
    assert socket.http.is_closed(10) and socket.http.unread == b""


def test_a_client_that_does_not_answer_a_close_is_left(site):
    socket = ordered(site, b"!end")
    assert socket.read().opcode == CLOSE
    assert not socket.http.is_closed(1)
    assert socket.http.is_closed(10)


def test_who_closed_decides_who_is_told(site):
    """One notice for each end, but none to the handler that wanted it."""
    def conn_id(mark):
        return until(lambda: [r.conn_id for r in site.messages.seen if mark in r.body], "its id")[0]
    ended = ordered(site, b"!end mark-ended")
    ended.read()
    ended.send(frame(CLOSE, close_payload(1000)))
    left = ordered(site, b"mark-left")
    left.read()
    left.send(frame(CLOSE, close_payload(1001)))
    assert left.closed() == 1001
    broke = ordered(site, b"mark-broke")
    broke.read()
    broke.send(frame(TEXT, key=None))
    assert broke.closed() == 1002
    left.close(), broke.close(), ended.close()
    told = [conn_id(b"mark-left"), conn_id(b"mark-broke")]
    until(lambda: set(told) <= set(site.messages.disconnects()), "both notices")
    last = ordered(site, b"mark-last")
    last.read()
    last.close()
    until(lambda: conn_id(b"mark-last") in site.messages.disconnects(), "a later notice")
    assert [site.messages.disconnects().count(i) for i in told] == [1, 1]
    assert conn_id(b"mark-ended") not in site.messages.disconnects()


def test_ws_is_a_mistake_elsewhere(site):
    """The node makes no frames for a connection whose frames are the handler's."""
    socket = WebSocket(site.port, "/raw", ("X-Mark: elsewhere",))
    req = until(lambda: [r for r in site.raw.seen if r.headers.first("x-mark") == b"elsewhere"])[0]
    site.raw.conn.reply_message(req, text=b"x")
    assert socket.http.read_end() == b""


# ---- compression -------------------------------------------------------------------------------

OFFER = "Sec-WebSocket-Extensions: permessage-deflate"


def squeezed(data: bytes, bits: int = 15, final: bool = False) -> bytes:
    z = zlib.compressobj(9, zlib.DEFLATED, -bits)
    if final:
        return z.compress(data) + z.flush(zlib.Z_FINISH) + b"\0"
    return (z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH))[:-4]


def deflating(site, more: str = "", path: str = "/messages") -> WebSocket:
    return WebSocket(site.port, path, (OFFER + more,))


@pytest.mark.parametrize("offer, answer", [
    ("", ""), ("; client_max_window_bits", ""), ("; server_max_window_bits=10", "; server_max_window_bits=10"),
    ("; server_max_window_bits=16, permessage-deflate", ""),
])
def test_what_is_agreed_on(site, offer, answer):
    got = deflating(site, offer).response.header("Sec-WebSocket-Extensions").decode()
    both = "; server_no_context_takeover; client_no_context_takeover"
    assert got == "permessage-deflate" + both + answer


@pytest.mark.parametrize("offer", ["; unknown", "; server_max_window_bits=7", "; server_max_window_bits"])
def test_what_is_not_agreed_on(site, offer):
    socket = deflating(site, offer)
    assert socket.response.header("Sec-WebSocket-Extensions") is None
    assert socket.send(frame(TEXT, squeezed(b"x"), rsv=4)).closed() == 1002


def test_mode_raw_does_not_compress(site):
    assert deflating(site, path="/raw").response.header("Sec-WebSocket-Extensions") is None


SIZES = (0, 1, 63, 64, 65, 1000, 65536, LIMIT)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_compressed_there_and_back(site, opcode, size):
    socket = deflating(site)
    data = (b"Hello, compressed world! %d " % size * (size // 20 + 1))[:size]
    for final in (False, True):
        got = socket.send(frame(opcode, squeezed(data, final=final), rsv=4)).message()
        assert (got.opcode, got.payload) == (opcode, data)
    assert socket.http.received.count(data) == 0 or size < 64


def test_a_message_may_go_uncompressed(site):
    socket = deflating(site)
    assert socket.text(b"a" * 200).message().payload == b"a" * 200


def test_compressed_in_fragments_with_a_ping_between(site):
    data = b"abc" * 500
    small = squeezed(data)
    socket = deflating(site)
    socket.send(frame(TEXT, small[:5], fin=False, rsv=4), frame(PING, b"p"),
                frame(CONT, small[5:9], fin=False), frame(CONT, small[9:]))
    assert socket.read().opcode == PONG
    assert socket.message().payload == data


def test_compressed_answers_are_smaller(site):
    socket = deflating(site)
    got = socket.text(b"a" * 10000).read()
    assert got.rsv == 4 and len(got.payload) < 200


def test_a_small_window_is_kept(site):
    """Longer messages come uncompressed; a client with no larger window reads the others."""
    socket = deflating(site, "; server_max_window_bits=9")
    data = bytes(range(256)) * 2
    got = socket.send(frame(BINARY, data)).read()
    inflate = zlib.decompressobj(-9)
    assert got.rsv == 4 and inflate.decompress(got.payload + b"\0\0\xff\xff") == data
    got = socket.send(frame(BINARY, data + b"x")).read()
    assert got.rsv == 0 and got.payload == data + b"x"


@pytest.mark.parametrize("name, frames, code", [
    ("RSV1 in a continuation", [frame(TEXT, squeezed(b"abc"), fin=False, rsv=4), frame(CONT, rsv=4)], 1002),
    ("RSV2", [frame(TEXT, squeezed(b"abc"), rsv=6)], 1002),
    ("a compressed ping", [frame(PING, squeezed(b"abc"), rsv=4)], 1002),
    ("no deflate", [frame(BINARY, b"\xff\xff\xff\xff", rsv=4)], 1007),
    ("broken off", [frame(BINARY, squeezed(b"abcdefghijkl")[:-3], rsv=4)], 1007),
    ("no UTF-8 inside", [frame(TEXT, squeezed(b"\xff\xfe"), rsv=4)], 1007),
    ("half a character inside", [frame(TEXT, squeezed(b"\xe2\x82"), rsv=4)], 1007),
    ("a bomb", [frame(BINARY, squeezed(bytes(100 << 20)), rsv=4)], 1009),
    ("one byte over the limit", [frame(BINARY, squeezed(bytes(LIMIT + 1)), rsv=4)], 1009),
])
def test_compressed_and_wrong(site, name, frames, code):
    socket = deflating(site)
    socket.send(*frames)
    assert socket.closed() == code


# ---- what is seen from outside -----------------------------------------------------------------


def test_it_is_logged_and_counted_and_shown(site):
    one = WebSocket(site.port, "/messages?logged")
    two = WebSocket(site.port, "/raw?logged")
    two.text("x").read()
    def lines():
        return [line for line in site.server.access_log() if b"3:101#" in line]
    until(lambda: len(lines()) >= 2, "two lines of the access log")
    rows = site.server.control().request("status", what="net")
    assert 3 in {row["type"] for row in rows}
    one.close(), two.close()
