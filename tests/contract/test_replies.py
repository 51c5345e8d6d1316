"""Reference 2: what handlers' replies do."""

import base64

import pytest
from compare import show, show_request
from mongrel2 import reply
from support.wait import until
from world import Visitor, World, conf_of, notices_until, request

CONF = conf_of(
    '"/hj": hj, "/ht": ht, "@hj": hj, "@ht": ht, "<hx": hj, "@raw": raw, "/dir/": dir',
    before="""
raw = Handler(send_spec="ipc://{folder}/run/raw.send", send_ident="raw-1",
              recv_spec="ipc://{folder}/run/raw.recv", recv_ident="", raw_payload=1)
dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain")
""",
)

END = b".END"


def prepare(folder):
    (folder / "static").mkdir()
    (folder / "static/index.html").write_text("index\n")


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, CONF, prepare)


@pytest.fixture
def visitors(world):
    one, two = Visitor(world, world.hj), Visitor(world, world.hj)
    yield one, two
    one.close()
    two.close()


def send_frame(conn, frame):
    """Any bytes as a reply."""
    conn._replies.send(frame)


def frame(text, one, two, length=None):
    """A frame from `UUID|TARGETS|REST`, A and B being the ids of the visitors."""
    uuid, targets, rest = text.split("|")
    targets = targets.replace("A", str(one.id)).replace("B", str(two.id))
    size = len(targets) if length is None else len(targets) + length
    return f"{uuid}{size}:{targets},{rest}".encode("latin-1")


def outcome(world, one, two, expected_notices=0):
    """What each visitor has got, and which notices came, once all before is done."""
    for visitor in (one, two):
        for message in reply.messages("u", visitor.id, END):
            send_frame(world.hj, message)
    got = [visitor.client.read_until(END)[: -len(END)] for visitor in (one, two)]
    with world.client() as barrier:
        barrier.send("GET /hj/barrier HTTP/1.1\r\nHost: h\r\n\r\n")
        notices = notices_until(world.hj, b"/hj/barrier")
    ids = {str(one.id): "A", str(two.id): "B"}
    ours = [n for n in notices if n.is_disconnect()]
    gone = [ids.get(n.conn_id.decode(), n.conn_id.decode()) for n in ours]
    known = [name for name in gone if name in ("A", "B", "1999999999")]
    return f"A {show(got[0])} B {show(got[1])} gone {' '.join(known)}".strip()


# case, uuid|targets|payload, difference of the length, what A and B get, ids that are gone
FRAMES = [
    ("one", "u |A| one", None, "A one B  gone"),
    ("two", "u |A B| two", None, "A two B two gone"),
    ("trailing space", "u |A B | two", None, "A two B two gone"),
    ("two spaces", "u |A  B| two", None, "A  B  gone"),
    ("leading space", "u | A| two", None, "A  B  gone"),
    ("twice the same", "u |A A| dup", None, "A dupdup B  gone"),
    ("nobody", "u || zero", None, "A  B  gone"),
    ("length too large", "u |A| bad", 8, "A  B  gone"),
    ("length too small", "u |A B| bad", -1, "A  B  gone"),
    ("no space behind", "u |A|x", None, "A  B  gone"),
    ("no uuid", " |A| x", None, "A  B  gone"),
    ("underscore in the uuid", "a_b |A| x", None, "A  B  gone"),
    ("dot in the uuid", "a.b |A| x", None, "A  B  gone"),
    ("long uuid", "34f9ceee-cd52-4b7f-b197-88bf2f0ec378 |A| x", None, "A x B  gone"),
    ("leading zeros", "u |000A| lz", None, "A lz B  gone"),
    ("one of them unknown", "u |1999999999 A| mix", None, "A mix B  gone 1999999999"),
    ("small x", "u |x A| m", None, "A  B  gone"),
    ("letters", "u |A,B| m", None, "A  B  gone"),
    ("sign", "u |+A| m", None, "A  B  gone"),
    ("any bytes", "u |A| \0\xff\r\n", None, "A \\0\\xff\\r\\n B  gone"),
    ("payload with commas", "u |A| ,1:2, x", None, "A ,1:2, x B  gone"),
]


@pytest.mark.parametrize("case, text, length, wanted", FRAMES, ids=[f[0] for f in FRAMES])
def test_frames(world, expect, visitors, case, text, length, wanted):
    send_frame(world.hj, frame(text, *visitors, length=length))
    expect(f"reply: {case}", outcome(world, *visitors), wanted)


def test_empty_frame(world, expect, visitors):
    send_frame(world.hj, b"")
    expect("reply: empty frame", outcome(world, *visitors), "A  B  gone")


def test_frames_of_a_multipart_message(world, expect, visitors):
    one, two = visitors
    parts = [frame("u |A| first", one, two), frame("u |B| second", one, two)]
    world.hj._replies.send_multipart(parts)
    expect("reply: multipart", outcome(world, one, two), "A first B second gone")


def test_after_a_rejected_extended_reply(world, expect, visitors):
    """Upstream takes the next valid reply for an extended one."""
    send_frame(world.hj, frame("u |X A| zz", *visitors, length=5))
    send_frame(world.hj, frame("u |A| next", *visitors))
    expect("reply: after a rejected X", outcome(world, *visitors), "A  B  gone")


def test_as_many_targets_as_allowed(world, expect, visitors):
    one, two = visitors
    send_frame(world.hj, frame("u |" + " ".join(["1999999999"] * 127 + ["A"]) + "| x", one, two))
    got = outcome(world, one, two)
    expect("reply: 128 targets", got[: got.index(" gone")], "A x B ")
    send_frame(world.hj, frame("u |" + " ".join(["1999999999"] * 128 + ["A"]) + "| x", one, two))
    got = outcome(world, one, two)
    expect("reply: 129 targets", got[: got.index(" gone")], "A  B ")


def test_ids_beyond_32_bits(world, expect, visitors):
    one, two = visitors
    beyond = f"u |{one.id + 2**32}| x"
    send_frame(world.hj, frame(beyond, one, two))
    got = outcome(world, one, two)
    expect("reply: id + 2^32", got[: got.index(" gone")], "A x B ")


def test_any_handler_may_answer(world, expect, visitors):
    one, two = visitors
    send_frame(world.ht, frame("u |A| other", one, two))
    expect("reply: of another handler", show(one.client.read(5)), "other")


def test_seventeen_messages_at_once(world, expect):
    visitor = Visitor(world, world.hj)
    targets = " ".join(["A"] * 17)
    send_frame(world.hj, frame(f"u |{targets}| x", visitor, visitor))
    visitor.client.is_closed(0.3)
    state = "closed" if visitor.client.ended else "open"
    expect("reply: 17 at once", f"{state} {show(visitor.client.received)}", "closed ")


# ---- JSON and XML sockets -----------------------------------------------------------------------

PAYLOADS = [
    ("json", '{"ok":true}', "eyJvayI6dHJ1ZX0="),
    ("json with a NUL", '{"ok":true}\0', "eyJvayI6dHJ1ZX0="),
    ("two NULs", "a\0\0", base64.b64encode(b"a\0").decode()),
    ("long", "x" * 100, base64.b64encode(b"x" * 100).decode()),
]


@pytest.mark.parametrize("case, payload, wanted", PAYLOADS, ids=[p[0] for p in PAYLOADS])
@pytest.mark.parametrize("kind, opening", [("json", "@hj {}\0"), ("xml", "<hx/>\0")])
def test_sockets(world, expect, kind, opening, case, payload, wanted):
    visitor = Visitor(world, world.hj, opening)
    world.hj.reply(visitor.req, payload)
    world.hj.close(visitor.req)
    expect(f"{kind} socket: {case}", show(visitor.client.read_end()), wanted)


def test_raw_payload(world, expect):
    raw = world.stage.handler(*world.specs("raw"))
    visitor = Visitor(world, raw, "@raw {}\0")
    raw.reply(visitor.req, '{"ok":true}\0')
    raw.close(visitor.req)
    expect("raw payload", show(visitor.client.read_end()), '{"ok":true}\\0')


def test_the_handler_that_answers_says_whether_raw(world, expect):
    raw = world.stage.handler(*world.specs("raw"))
    visitor = Visitor(world, world.hj, "@hj {}\0")
    raw.reply(visitor.req, "hi\0")
    raw.close(visitor.req)
    expect("raw payload by another handler", show(visitor.client.read_end()), "hi\\0")


def test_the_latest_message_says_which_kind(world, expect):
    visitor = Visitor(world, world.hj, "@hj {}\0")
    req = visitor.ask("GET /hj HTTP/1.1\r\nHost: h\r\n\r\n")
    world.hj.reply(req, "http")
    world.hj.close(req)
    expect("kind: of the latest message", show(visitor.client.read_end()), "http")


# ---- closing, and what is told ------------------------------------------------------------------


def left(world, handler, visitor):
    """How often the handler is told that the visitor is gone, all else being done."""
    path = {world.hj: "/hj", world.ht: "/ht"}[handler]
    with world.client() as barrier:
        barrier.send(f"GET {path}/barrier HTTP/1.1\r\nHost: h\r\n\r\n")
        found = notices_until(handler, f"{path}/barrier".encode())
    return sum(int(n.conn_id) == visitor.id and n.is_disconnect() for n in found)


def wait_left(handler, visitor):
    """The notice that the visitor is gone."""
    while True:
        req = handler.recv()
        if req.is_disconnect() and int(req.conn_id) == visitor.id:
            return req


def test_an_empty_reply_closes(world, expect):
    visitor = Visitor(world, world.hj)
    world.hj.reply_http(visitor.req, "bye")
    world.hj.close(visitor.req)
    got = show(visitor.client.read_end())
    expect("close: after all before", got, "HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nbye")
    expect("close: is not told", str(left(world, world.hj, visitor)), "0")


def test_a_notice(world, expect):
    visitor = Visitor(world, world.hj)
    visitor.close()
    notice = wait_left(world.hj, visitor)
    wanted = (
        '34f9ceee-cd52-4b7f-b197-88bf2f0ec378 ID @* 17:{"METHOD":"JSON"},21:{"type":"disconnect"},'
    )
    expect("notice: json", show_request(notice.msg), wanted)


def test_a_notice_in_tnetstrings(world, expect):
    visitor = Visitor(world, world.ht, "GET /ht HTTP/1.1\r\nHost: h\r\n\r\n")
    visitor.close()
    notice = wait_left(world.ht, visitor)
    wanted = (
        '54c6755b-9628-40a4-9a2d-cc82a816345e ID @* 16:6:METHOD,4:JSON,}21:{"type":"disconnect"},'
    )
    expect("notice: tnetstring", show_request(notice.msg), wanted)


def half_close(visitor):
    visitor.client.half_close()


def bad_request(visitor):
    visitor.client.send("bad\r\n\r\n").read_end()
    visitor.close()


def unrouted(visitor):
    visitor.client.send("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n").response()
    visitor.close()


def wrong_method(visitor):
    visitor.client.send("POST /dir/ HTTP/1.1\r\nHost: h\r\n\r\n")
    visitor.client.response()
    visitor.close()


def file_and_leave(visitor):
    visitor.client.get("/dir/").response()
    visitor.close()


def reset(visitor):
    visitor.client.reset()


ENDS = [half_close, bad_request, unrouted, wrong_method, file_and_leave, reset]


@pytest.mark.parametrize("end", ENDS, ids=[e.__name__ for e in ENDS])
def test_ends_that_are_told(world, expect, end):
    visitor = Visitor(world, world.hj)
    visitor.answer()
    end(visitor)
    wait_left(world.hj, visitor)
    times = 1 + left(world, world.hj, visitor)
    expect(f"notice: {end.__name__}", str(times), "1")


def test_only_the_last_handler_is_told(world, expect):
    visitor = Visitor(world, world.hj)
    visitor.answer()
    visitor.client.send("GET /ht HTTP/1.1\r\nHost: h\r\n\r\n")
    request(world.ht)
    visitor.close()
    wait_left(world.ht, visitor)
    expect("notice: to an earlier handler", str(left(world, world.hj, visitor)), "0")


def test_a_file_only_is_not_told(world, expect):
    with world.client() as first, world.client() as second:
        first.send("GET /hj/before HTTP/1.1\r\nHost: h\r\n\r\n")
        notices_until(world.hj, b"/hj/before")
        with world.client() as client:
            client.get("/dir/").response()
        second.send("GET /hj/barrier HTTP/1.1\r\nHost: h\r\n\r\n")
        between = notices_until(world.hj, b"/hj/barrier")
    expect("notice: without a handler", str(len(between)), "0")


def test_a_reply_to_who_is_gone(world, expect):
    """The handler that has sent it is told; also for an empty one."""
    for case, payload in (("a reply", b"late"), ("an empty reply", b"")):
        visitor = Visitor(world, world.hj)
        world.hj.close(visitor.req)
        visitor.client.read_end()
        world.ht.send("u", visitor.id, payload)
        notice = wait_left(world.ht, visitor)
        expect(f"gone: {case}", show(notice.sender), "54c6755b-9628-40a4-9a2d-cc82a816345e")


def test_cancel_of_who_is_gone(world, expect):
    visitor = Visitor(world, world.hj)
    world.hj.close(visitor.req)
    visitor.client.read_end()
    world.hj.ctl(visitor.req, cancel=True)
    other = Visitor(world, world.hj)
    world.hj.reply(other.req, END)
    other.client.read_until(END)
    expect("gone: cancel", str(left(world, world.hj, visitor)), "0")


# ---- extended replies -----------------------------------------------------------------------------

EXTENDED = [
    ("no tnetstring", b"hello", "open"),
    ("empty", b"", "open"),
    ("bytes behind", b"31:3:ctl,21:10:keep-alive,4:true!}]x", "open"),
    ("no list", b"5:hello,", "open"),
    ("one element", b"6:3:ctl,]", "open"),
    ("three elements", b"12:3:ctl,0:}0:~]", "open"),
    ("key no string", b"7:1:1#0:}]", "open"),
    ("ctl without a dict", b"9:3:ctl,0:]]", "closed"),
    ("unknown key", b"14:7:unknown,1:1#]", "closed"),
    ("keep-alive", b"31:3:ctl,21:10:keep-alive,4:true!}]", "open"),
    ("unknown ctl", b"27:3:ctl,17:7:nothing,4:true!}]", "open"),
    ("credits", b"26:3:ctl,16:7:credits,3:100#}]", "open"),
    ("cancel", b"26:3:ctl,16:6:cancel,4:true!}]", "closed"),
]


@pytest.mark.parametrize("case, payload, wanted", EXTENDED, ids=[e[0] for e in EXTENDED])
def test_extended(world, expect, case, payload, wanted):
    visitor = Visitor(world, world.hj)
    text = payload.decode("latin-1")
    send_frame(world.hj, frame(f"u |X A| {text}", visitor, visitor))
    send_frame(world.hj, frame("u |1999999999| sync", visitor, visitor))
    send_frame(world.hj, frame("u |A| .END", visitor, visitor))
    got = visitor.client

    def done():
        return got.is_closed(0.05) or END in got.received

    until(done)
    state = "closed" if got.ended else "open"
    expect(f"extended: {case}", state, wanted)


CASES = (
    [f"reply: {f[0]}" for f in FRAMES]
    + [f"{kind} socket: {p[0]}" for p in PAYLOADS for kind in ("json", "xml")]
    + [f"notice: {e.__name__}" for e in ENDS]
    + [f"extended: {e[0]}" for e in EXTENDED]
    + [
        *["reply: empty frame", "reply: multipart", "reply: after a rejected X"],
        *["reply: 128 targets", "reply: 129 targets", "reply: id + 2^32"],
        *["reply: of another handler", "reply: 17 at once"],
        *["raw payload", "raw payload by another handler", "kind: of the latest message"],
        *["close: after all before", "close: is not told", "notice: json", "notice: tnetstring"],
        *["notice: to an earlier handler", "notice: without a handler"],
        *["gone: a reply", "gone: an empty reply", "gone: cancel"],
    ]
)
