"""Replies as bytes, and everything a handler can say."""

import pytest

from mongrel2 import Headers, Listener, Replier, Request, reply, tnetstrings


class Said(Replier):
    """Keeps what would have been sent."""

    def __init__(self):
        self.messages = []

    def _send_message(self, node, message):
        assert message.startswith(node + b" ")
        self.messages.append(message)


@pytest.fixture
def said():
    return Said()


def req(method=b"GET", version=b"HTTP/1.1", conn_id=b"7", body=b"", **headers):
    return Request(b"u", conn_id, b"/", Headers(METHOD=method, VERSION=version, **headers), body)


# ---- the message ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids, expected",
    [
        (6, b"u 1:6, abc"),
        (b"6", b"u 1:6, abc"),
        ("6", b"u 1:6, abc"),
        ([5, "66", b"777"], b"u 8:5 66 777, abc"),
        ((i for i in (1, 2)), b"u 3:1 2, abc"),
    ],
)
def test_messages(ids, expected):
    assert list(reply.messages("u", ids, "abc")) == [expected]


def test_many_ids_are_split_at_100():
    sent = list(reply.messages(b"u", range(1000, 1250), b"x"))
    assert len(sent) == 3
    ids = []
    for message in sent:
        head, payload = message.split(b", ")
        length, names = head[2:].split(b":")
        assert payload == b"x" and int(length) == len(names)
        assert len(names.split()) <= reply.TARGETS_MAX
        ids += names.split()
    assert ids == [b"%d" % i for i in range(1000, 1250)]


def test_nobody_needs_no_message():
    assert list(reply.messages(b"u", [], b"x")) == []


@pytest.mark.parametrize("uuid", [b"", b"a_b", b"a b", b"a.b", "é"])
def test_idents_that_nodes_reject_are_not_sent(uuid):
    with pytest.raises(ValueError):
        list(reply.messages(uuid, 1, b"x"))
    with pytest.raises(ValueError):
        reply.to_all_nodes(uuid, b"x")


@pytest.mark.parametrize("conn_id", [b"", "X", -1, b"1 2", b"+1", "1,"])
def test_ids_that_nodes_reject_are_not_sent(conn_id):
    with pytest.raises(ValueError):
        list(reply.messages(b"u", conn_id, b"x"))


# ---- HTTP -----------------------------------------------------------------------------------


def test_http_response():
    assert reply.http_response(b"abc") == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    assert reply.http_response("é", 404, headers=[("X", 1), ("Y", ["a", "b"])]) == (
        b"HTTP/1.1 404 Not Found\r\nX: 1\r\nY: a\r\nY: b\r\nContent-Length: 2\r\n\r\n\xc3\xa9"
    )
    assert reply.http_response(b"", 299).startswith(b"HTTP/1.1 299 \r\n")
    assert reply.http_response(b"", 200, "Fine").startswith(b"HTTP/1.1 200 Fine\r\n")


def test_content_length_is_always_that_of_the_body():
    response = reply.http_response(b"abc", headers={"content-LENGTH": "99"})
    assert response == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize("code", [100, 101, 204, 304])
def test_responses_without_a_body(code):
    response = reply.http_response(b"abc", code, headers={"Content-Length": "3"})
    assert response.endswith(b"\r\n\r\n") and b"Content-Length" not in response


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nY: b"}, {"X\r\nY": "a"}, {"X": "a\0"}, {"": "a"}, {"a b": "c"}, {"X": ["a", "\n"]}],
)
def test_nothing_breaks_out_of_its_line(headers):
    with pytest.raises(ValueError):
        reply.http_response(b"", headers=headers)
    with pytest.raises(ValueError):
        reply.http_response(b"", 200, "OK\r\nX: y")


def test_chunks():
    assert reply.chunk(b"x" * 31) == b"1f\r\n" + b"x" * 31 + b"\r\n"
    assert reply.chunk(b"") == b""
    assert reply.last_chunk() == b"0\r\n\r\n"
    assert reply.last_chunk({"Sum": "1"}) == b"0\r\nSum: 1\r\n\r\n"


# ---- WebSocket ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, head",
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\0\0\0\0\0\1\0\0"),
    ],
)
def test_frame_lengths(size, head):
    assert reply.websocket_frame(b"a" * size) == head + b"a" * size


def test_frame_bits():
    assert reply.websocket_frame(b"", 2, 4) == b"\xc2\x00"
    for opcode, rsvd in ((16, 0), (-1, 0), (1, 8)):
        with pytest.raises(ValueError):
            reply.websocket_frame(b"", opcode, rsvd)
    with pytest.raises(ValueError):
        reply.websocket_frame(b"a" * 126, 9)


def test_close_frame():
    assert reply.websocket_close(1001, "bye") == b"\x88\x05\x03\xe9bye"
    assert reply.websocket_close(None) == b"\x88\x00"
    with pytest.raises(ValueError):
        reply.websocket_close(999)
    with pytest.raises(ValueError):
        reply.websocket_close(1000, b"x" * 124)


# ---- what a handler says ----------------------------------------------------------------------


def extended_of(message):
    head, payload = message.split(b", ", 1)
    return head, tnetstrings.load(payload)


CASES = [
    (lambda s: s.send("u", [1, 2], "x"), [b"u 3:1 2, x"]),
    (lambda s: s.reply(req(), b"x"), [b"u 1:7, x"]),
    (lambda s: s.deliver(b"u", "5", b"x"), [b"u 1:5, x"]),
    (lambda s: s.close(req()), [b"u 1:7, "]),
    (lambda s: s.deliver_close(b"u", [1, 2]), [b"u 3:1 2, "]),
    (lambda s: s.reply_json(req(), {"a": "é"}), [b'u 1:7, {"a":"\xc3\xa9"}']),
    (lambda s: s.deliver_json(b"u", 1, [1, 2]), [b"u 1:1, [1,2]"]),
    (lambda s: s.reply_http(req(), b"hi"), [b"u 1:7, HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]),
    (
        lambda s: s.reply_http(req(b"HEAD"), b"hi"),
        [b"u 1:7, HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"],
    ),
    (
        lambda s: s.deliver_http(b"u", 1, b"hi", 201),
        [b"u 1:1, HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi"],
    ),
    (lambda s: s.reply_handshake(req(body=b"key=")), [
        b"u 1:7, HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: key=\r\n\r\n"
    ]),
    (lambda s: s.reply_websocket(req(), "hey"), [b"u 1:7, \x81\x03hey"]),
    (lambda s: s.deliver_websocket(b"u", [1, 2], b"hey", 2), [b"u 3:1 2, \x82\x03hey"]),
    (lambda s: s.close_websocket(req(), 1000), [b"u 1:7, \x88\x02\x03\xe8", b"u 1:7, "]),
    (lambda s: s.deliver_chunk(b"u", 1, b"abc"), [b"u 1:1, 3\r\nabc\r\n"]),
    (lambda s: s.deliver_chunk(b"u", 1, b""), []),
    (lambda s: s.finish(req()), []),
    (lambda s: s.finish(req(version=b"HTTP/1.0")), [b"u 1:7, "]),
    (lambda s: s.sendfile(req(), "f.txt"), [b"u 3:X 7, 19:8:sendfile,5:f.txt,]"]),
    (lambda s: s.ctl(req(), keep_alive=True), [b"u 3:X 7, 31:3:ctl,21:10:keep-alive,4:true!}]"]),
    (lambda s: s.ctl(req(), credits=100), [b"u 3:X 7, 26:3:ctl,16:7:credits,3:100#}]"]),
    (lambda s: s.ctl(Listener(b"u", b"9"), cancel=True), [b"u 3:X 9, 26:3:ctl,16:6:cancel,4:true!}]"]),
]


@pytest.mark.parametrize("say, messages", CASES)
def test_what_is_said(said, say, messages):
    say(said)
    assert said.messages == messages


def test_a_body_of_unknown_length(said):
    request = req()
    said.reply_head(request, headers={"X": "y"})
    said.reply_chunk(request, b"abc")
    said.reply_chunk(request, b"")
    said.reply_end(request)
    assert said.messages == [
        b"u 1:7, HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"u 1:7, 3\r\nabc\r\n",
        b"u 1:7, 0\r\n\r\n",
    ]


def test_a_body_of_unknown_length_for_http10(said):
    request = req(version=b"HTTP/1.0")
    said.reply_head(request)
    said.reply_chunk(request, b"abc")
    said.reply_end(request)
    assert said.messages == [b"u 1:7, HTTP/1.1 200 OK\r\n\r\n", b"u 1:7, abc", b"u 1:7, "]


def test_a_body_of_unknown_length_for_head(said):
    request = req(b"HEAD")
    said.reply_head(request)
    said.reply_chunk(request, b"abc")
    said.reply_end(request)
    assert said.messages == [b"u 1:7, HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]


def test_listeners_of_several_nodes_are_grouped(said):
    other = Request(b"v", b"3", b"/", Headers())
    said.deliver_to([Listener(b"u", b"1"), other, Listener(b"u", b"2")], b"x")
    assert said.messages == [b"u 3:1 2, x", b"v 1:3, x"]


def test_messages_mode(said):
    said.reply_message(req(), text="hé")
    said.deliver_message(b"u", [1, 2], binary=b"\xff")
    said.close_message(req(), 1001, "bye")
    assert [extended_of(m) for m in said.messages] == [
        (b"u 3:X 7", [b"ws", {b"text": b"h\xc3\xa9"}]),
        (b"u 5:X 1 2", [b"ws", {b"binary": b"\xff"}]),
        (b"u 3:X 7", [b"ws", {b"close": 1001, b"reason": b"bye"}]),
    ]
    with pytest.raises(ValueError):
        said.reply_message(req())
    with pytest.raises(ValueError):
        said.reply_message(req(), text="a", binary=b"b")


def test_channels(said):
    said.join(req(), "lobby")
    said.leave(Listener(b"u", b"9"), "lobby")
    said.send_channel("cluster-1", "lobby", b"\0", frame="text", chunk=True)
    said.send_channel("cluster-1", "lobby", "hi")
    assert [extended_of(m) for m in said.messages] == [
        (b"u 3:X 7", [b"channel", {b"join": b"lobby"}]),
        (b"u 3:X 9", [b"channel", {b"leave": b"lobby"}]),
        (
            b"cluster-1 1:X",
            [b"channel", {b"send": b"lobby", b"data": b"\0", b"frame": b"text", b"chunk": 1}],
        ),
        (b"cluster-1 1:X", [b"channel", {b"send": b"lobby", b"data": b"hi"}]),
    ]
    for wrong in (
        lambda: said.send_channel("c", "lobby", b"", frame="ping"),
        lambda: said.join(req(), ""),
        lambda: said.leave(req(), "x" * 256),
        lambda: said.close_message(req(), 999),
        lambda: said.close_message(req(), 1000, "x" * 124),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_a_request_remembers_that_it_was_answered(said):
    request = req()
    assert not request.replied
    said.ctl(request, keep_alive=True)
    assert not request.replied
    said.reply_http(request)
    assert request.replied
