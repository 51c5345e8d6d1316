"""Reference 6: WebSockets whose handler speaks the protocol itself."""

import pytest
from compare import show, show_request
from support.wait import PATIENCE_S
from support.websocket import BINARY, CLOSE, CONT, PING, PONG, TEXT, WebSocket, frame
from world import World, conf_of, notices_until, request

CONF = conf_of(
    '"/hj": hj, "/ht": ht, "/dir/": dir',
    before="""
dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain")
""",
)

USUAL = [
    "Host: localhost", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]


def prepare(folder):
    (folder / "static").mkdir()
    (folder / "static/index.html").write_text("index\n")


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, CONF, prepare)


def head(line="GET /hj HTTP/1.1", without="", **instead):
    """A handshake in which headers are left out or replaced."""
    lines = [field for field in USUAL if not without or not field.startswith(without)]
    for name, value in instead.items():
        name = name.replace("_", "-")
        lines = [f"{name}: {value}" if field.startswith(name) else field for field in lines]
    return "\r\n".join([line, *lines, "", ""])


# case, handshake, what becomes of it
RECOGNISED = [
    ("as it should be", head(), "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("POST", head("POST /hj HTTP/1.1"), "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("HTTP/1.0", head("GET /hj HTTP/1.0"), "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("upper case", head(Upgrade="WebSocket", Connection="UPGRADE"),
     "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("a part of a word", head(Connection="xupgradex"),
     "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("version 8", head(Sec_WebSocket_Version="8"), "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("empty version", head(Sec_WebSocket_Version=""), "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("short key", head(Sec_WebSocket_Key="x"), "WEBSOCKET_HANDSHAKE JVxkmtKFjDcI/Pm/AGPEKSN6wT8="),
    ("empty key", head(Sec_WebSocket_Key=""), "WEBSOCKET_HANDSHAKE Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    ("no version", head(without="Sec-WebSocket-Version"), "GET "),
    ("no key", head(without="Sec-WebSocket-Key"), "GET "),
    ("no upgrade", head(without="Upgrade"), "GET "),
    ("no connection", head(without="Connection"), "GET "),
    ("another protocol", head(Upgrade="websockets"), "GET "),
    ("two protocols", head(Upgrade="h2c, websocket"), "GET "),
    ("close", head(Connection="close"), "GET "),
]


@pytest.mark.parametrize("case, data, becomes", RECOGNISED, ids=[c[0] for c in RECOGNISED])
def test_recognition(world, expect, case, data, becomes):
    with world.client() as client:
        client.send(data)
        req = request(world.hj)
        expect(f"recognised: {case}", show(req.method + b" " + req.body), becomes)


def answer_of(client):
    """The status of what comes, or that nothing comes before the end."""
    if client.is_closed(PATIENCE_S):
        return "closed" if not client.received else client.response().head.split(b"\r\n")[0].decode()
    return client.response().head.split(b"\r\n")[0].decode()


# case, target, what the client gets
ELSEWHERE = [
    ("to a Dir", "/dir/index.html", "closed"),
    ("to nothing", "/none", "HTTP/1.1 404 Not Found"),
]


@pytest.mark.parametrize("case, target, gets", ELSEWHERE, ids=[c[0] for c in ELSEWHERE])
def test_elsewhere(world, expect, case, target, gets):
    with world.client() as client:
        client.send(head(f"GET {target} HTTP/1.1")).half_close()
        expect(f"handshake {case}", answer_of(client), gets)


def test_not_the_first_request(world, expect):
    with world.client() as client:
        client.send("GET /dir/index.html HTTP/1.1\r\nHost: localhost\r\n\r\n").response()
        client.send(head())
        if client.is_closed(0.5):
            got = "closed"
        else:
            got = show(request(world.hj).method)
        expect("handshake behind a request", got, "closed")


def test_a_body(world, expect):
    with world.client() as client:
        client.send(head().replace("Upgrade: w", "Content-Length: 1\r\nUpgrade: w") + "x")
        got = answer_of(client) if client.is_closed(0.5) else show(request(world.hj).method)
        expect("handshake with a body", got, "WEBSOCKET_HANDSHAKE")


# case, frames, what the handler is told of them; CLOSED: the end of the connection
FRAMES = [
    ("text", frame(TEXT, b"hello"), "0x81 hello"),
    ("binary", frame(BINARY, b"\0\xff"), "0x82 \\0\\xff"),
    ("empty", frame(TEXT), "0x81 "),
    ("ping", frame(PING, b"p"), "0x89 p"),
    ("pong", frame(PONG, b"p"), "0x8A p"),
    ("close", frame(CLOSE, b"\x03\xe8bye"), "0x88 \\x03\\xe8bye"),
    ("a close in which nothing is right", frame(CLOSE, b"\0"), "0x88 \\0"),
    ("frames behind a close", frame(CLOSE) + frame(TEXT, b"x"), "0x88 |0x81 x"),
    ("not UTF-8", frame(TEXT, b"\xff\xc0"), "0x81 \\xff\\xc0"),
    ("RSV1", frame(TEXT, b"x", rsv=4), "0xC1 x"),
    ("RSV2 and RSV3", frame(BINARY, b"x", rsv=3), "0xB2 x"),
    ("RSV1 in a ping", frame(PING, b"x", rsv=4), "0xC9 x"),
    ("opcode 3", frame(3, b"x"), "0x83 x"),
    ("opcode 7", frame(7, b"x"), "0x87 x"),
    ("opcode 11", frame(11, b"x"), "0x8B x"),
    ("opcode 15", frame(15, b"x"), "0x8F x"),
    ("mask of zeroes", frame(TEXT, b"x", key=b"\0\0\0\0"), "0x81 x"),
    ("125 bytes", frame(TEXT, b"a" * 125), "0x81 " + "a" * 125),
    ("126 bytes", frame(TEXT, b"a" * 126), "0x81 " + "a" * 126),
    ("65536 bytes", frame(TEXT, b"a" * 65536), "0x81 " + "a" * 65536),
    ("16-bit length for 5 bytes", frame(TEXT, b"hello", form=16), "0x81 hello"),
    ("64-bit length for 5 bytes", frame(TEXT, b"hello", form=64), "0x81 hello"),
    ("two frames at once", frame(TEXT, b"one") + frame(BINARY, b"two"), "0x81 one|0x82 two"),
    ("two fragments", frame(TEXT, b"one", fin=False) + frame(CONT, b"two"), "0x81 onetwo"),
    ("three fragments", frame(BINARY, b"a", fin=False) + frame(CONT, b"b", fin=False) + frame(CONT, b"c"),
     "0x82 abc"),
    ("empty fragments", frame(TEXT, fin=False) + frame(CONT, fin=False) + frame(CONT), "0x81 "),
    ("fragments with RSV1", frame(TEXT, b"a", fin=False, rsv=4) + frame(CONT, b"b"), "0xC1 ab"),
    ("a ping between fragments",
     frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(CONT, b"b"), "0x89 p|0x81 ab"),
    ("a close between fragments",
     frame(TEXT, b"a", fin=False) + frame(CLOSE) + frame(CONT, b"b"), "0x88 |0x81 ab"),
    ("no mask", frame(TEXT, b"hello", key=None), "CLOSED"),
    ("a ping without mask", frame(PING, b"hello", key=None), "CLOSED"),
    ("a continuation of nothing", frame(CONT, b"x"), "CLOSED"),
    ("a message inside another", frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), "CLOSED"),
    ("a ping in fragments", frame(PING, b"x", fin=False), "CLOSED"),
    ("a ping of 126 bytes", frame(PING, b"x" * 126), "CLOSED"),
    ("a close of 65536 bytes", frame(CLOSE, b"x" * 65536), "CLOSED"),
    ("a length with its top bit set", frame(BINARY, b"x", length=1 << 63, form=64), "CLOSED"),
    ("a length over INT_MAX", frame(BINARY, b"x", length=1 << 31, form=64), "CLOSED"),
]


def open_socket(world, path="/hj"):
    """A WebSocket whose handshake the handler has answered, and the handshake."""
    socket = WebSocket(world.port, path, connect=False).ask(path)
    req = request(world.handler(path[1:]))
    world.handler(path[1:]).reply_handshake(req)
    assert socket.read_head().status == 101
    return socket, req


def told(world, socket, conn_id, end=b".END"):
    """What the handler is told about this connection until the end or the mark."""
    seen = []
    while True:
        req = world.hj.recv()
        if req.conn_id != conn_id:
            continue
        if req.is_disconnect():
            left = b"" if not socket.http.is_closed(PATIENCE_S) else socket.http.unread
            return "|".join([*seen, "CLOSED" + (f" behind {show(left)}" if left else "")])
        if req.body == end:
            return "|".join(seen)
        seen.append(f"{req.headers.first('FLAGS').decode()} {show(req.body)}")


@pytest.mark.parametrize("case, data, tells", FRAMES, ids=[c[0] for c in FRAMES])
def test_frames(world, expect, case, data, tells):
    socket, req = open_socket(world)
    socket.send(data)
    if tells != "CLOSED":
        socket.send(frame(TEXT, b".END"))
    expect(f"frames: {case}", told(world, socket, req.conn_id), tells)
    socket.close()


def test_a_large_message(world, expect):
    socket, req = open_socket(world)
    try:
        socket.send(frame(BINARY, b"x" * (1 << 20 | 1)), frame(TEXT, b".END"))
    except (BrokenPipeError, ConnectionResetError):
        pass
    got = told(world, socket, req.conn_id)
    expect("frames: more than 1 MiB", f"{got[:40]} … {len(got)}", "0x82 " + "x" * 35 + " … 1048582")
    socket.close()


# case, path, message
SAMPLES = [
    ("json", "/hj", '{"PATH":"/hj","FLAGS":"0x81","connection":"Upgrade","host":"localhost",'
     '"sec-websocket-key":"dGhlIHNhbXBsZSBub25jZQ==","sec-websocket-version":"13",'
     '"upgrade":"websocket","x-forwarded-for":"127.0.0.1","METHOD":"WEBSOCKET","VERSION":"HTTP/1.1",'
     '"URI":"/hj","PATTERN":"/hj","URL_SCHEME":"http","REMOTE_ADDR":"127.0.0.1"},5:hello,'),
    ("tnetstring", "/ht", "11:REMOTE_ADDR,9:127.0.0.1,6:METHOD,9:WEBSOCKET,10:URL_SCHEME,4:http,"
     "7:PATTERN,3:/ht,3:URI,3:/ht,7:VERSION,8:HTTP/1.1,4:PATH,3:/ht,10:connection,7:Upgrade,"
     "15:x-forwarded-for,9:127.0.0.1,17:sec-websocket-key,24:dGhlIHNhbXBsZSBub25jZQ==,"
     "21:sec-websocket-version,2:13,4:host,9:localhost,5:FLAGS,4:0x81,7:upgrade,9:websocket,}5:hello,"),
]


@pytest.mark.parametrize("case, path, wanted", SAMPLES, ids=[c[0] for c in SAMPLES])
def test_a_message_has_the_headers_of_the_handshake(world, expect, case, path, wanted):
    socket, _ = open_socket(world, path)
    socket.text("hello")
    shown = show_request(request(world.handler(path[1:])).msg)
    got = shown.split(":", 1)[1]
    if case == "tnetstring":  # the client's headers come in any order: compare what is there
        got, wanted = "".join(sorted(got)), "".join(sorted(wanted))
    expect(f"message: {case}", got, wanted)
    socket.close()


def test_frames_before_the_answer(world, expect):
    socket = WebSocket(world.port, "/hj", connect=False).ask("/hj")
    socket.send(frame(TEXT, b"early"))
    req = request(world.hj)
    got = request(world.hj)
    world.hj.reply_handshake(req)
    world.hj.reply_websocket(got, b"late")
    assert socket.read_head().status == 101
    expect("frames before the answer", f"{show(got.method)} {show(got.body)} {socket.read().payload!r}",
           "WEBSOCKET early b'late'")
    socket.close()


def test_frames_in_one_segment_with_the_handshake(world, expect):
    client = world.client()
    client.send(head().encode() + frame(TEXT, b"one") + frame(TEXT, b"two"))
    got = [request(world.hj) for _ in range(3)]
    expect("frames with the handshake", "|".join(show(r.method + b" " + r.body) for r in got),
           "WEBSOCKET_HANDSHAKE s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|WEBSOCKET one|WEBSOCKET two")
    client.close()


def test_replies_go_out_as_they_are(world, expect):
    socket, req = open_socket(world)
    world.hj.reply(req, b"\x81\x02hi")
    world.hj.reply(req, b"no frame at all")
    got = socket.http.read(19)
    expect("replies: raw bytes", show(got), "\\x81\\x02hino frame at all")
    socket.close()


def test_one_reply_for_two_sockets(world, expect):
    (one, first), (two, second) = open_socket(world), open_socket(world)
    world.hj.deliver_websocket("u", [first.conn_id, second.conn_id], b"both")
    expect("replies: to two", f"{one.read().payload!r} {two.read().payload!r}", "b'both' b'both'")
    one.close()
    two.close()


def test_an_empty_reply_closes_without_a_notice(world, expect):
    socket, req = open_socket(world)
    world.hj.reply_websocket(req, b"\x03\xe8", CLOSE)
    world.hj.close(req)
    left = show(socket.http.read_end())
    with world.client() as barrier:
        barrier.get("/hj", host="localhost")
        notices = [n for n in notices_until(world.hj, b"/hj") if n.conn_id == req.conn_id]
    expect("replies: empty", f"{left}, {len(notices)} notices", "\\x88\\x02\\x03\\xe8, 0 notices")


def test_a_refusal(world, expect):
    socket = WebSocket(world.port, "/hj", connect=False).ask("/hj")
    req = request(world.hj)
    world.hj.reply_http(req, b"no", code=403)
    world.hj.close(req)
    expect("handshake refused", show(socket.http.read_end()),
           "HTTP/1.1 403 Forbidden\\r\\nContent-Length: 2\\r\\n\\r\\nno")


@pytest.mark.parametrize("how", ["close", "half_close"])
def test_the_client_leaves(world, expect, how):
    socket, req = open_socket(world)
    getattr(socket.http, how)()
    while True:
        notice = world.hj.recv()
        if notice.conn_id == req.conn_id:
            break
    expect(f"the client leaves: {how}", show(notice.path + b" " + notice.body),
           '@* {"type":"disconnect"}')
    socket.close()


CASES = (
    [f"recognised: {c[0]}" for c in RECOGNISED]
    + [f"handshake {c[0]}" for c in ELSEWHERE]
    + ["handshake behind a request", "handshake with a body", "handshake refused"]
    + [f"frames: {c[0]}" for c in FRAMES]
    + ["frames: more than 1 MiB"]
    + [f"message: {c[0]}" for c in SAMPLES]
    + ["frames before the answer", "frames with the handshake"]
    + ["replies: raw bytes", "replies: to two", "replies: empty"]
    + ["the client leaves: close", "the client leaves: half_close"]
)
