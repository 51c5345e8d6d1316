"""Reference 7: the HTTP front end."""

import re

import pytest
from compare import show
from support.wait import Deadline, Impatient
from world import World, conf_of, request

CONF = conf_of(
    '"/": hj, "*": hj, "foo": hj, "443": hj, "/dir/": dir, "/t/": hj',
    before='dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain")\n',
    settings=', "limits.content_length": 1000',
)

NOT_FOUND = (
    "HTTP/1.1 404 Not Found\\r\\nContent-Type: text/plain\\r\\nConnection: close\\r\\n"
    "Content-Length: 9\\r\\nServer: Mongrel2/*\\r\\n\\r\\nNot Found"
)


def fixed(status, type, body):
    """A response of the server's own."""
    return (
        f"HTTP/1.1 {status}\\r\\nContent-Type: {type}\\r\\nConnection: close\\r\\n"
        f"Content-Length: {len(body)}\\r\\nServer: Mongrel2/*\\r\\n\\r\\n{body}"
    )


BAD_REQUEST = fixed("400 Bad Request", "text/plain", "Bad Request")


def prepare(folder):
    (folder / "static").mkdir()
    (folder / "static/index.html").write_text("index\n")
    (folder / "static/a.txt").write_text("hello world")


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, CONF, prepare)


def observe(world, client, grace_s=0.0):
    """The request that a handler gets, or None once the client has an answer or is closed.

    `grace_s`: how long a request may still be on its way to the handler when the client already has an
    answer, where the server gives both."""
    deadline = Deadline()
    while deadline.left_s:
        if world.hj.poll(0.02):
            req = world.hj.recv()
            if not req.is_notice():
                return req
        elif client.is_closed(0.02) or client.received:
            late = world.hj.recv() if grace_s and world.hj.poll(grace_s) else None
            return late if late is not None and not late.is_notice() else None
    raise Impatient("neither the handler nor the client hears anything")


def reaction(world, data, method="GET"):
    """What comes of the bytes: a request at the handler, or an answer to the client."""
    with world.client() as client:
        client.send(data)
        req = observe(world, client)
        if req is not None:
            return words(req)
        client.read_end() if client.ended else client.response(method)
        kept = "" if client.is_closed(0.2) else " kept"
        return show(client.received) + kept


def words(req):
    """The parts of the target as the handler has them."""
    names = ("METHOD", "VERSION", "PATH", "URI", "QUERY", "FRAGMENT")
    shown = [f"{n}={show(req.headers[n])}" for n in names if n in req.headers]
    shown.append(f"host={show(req.headers['host'])}" if "host" in req.headers else "no host")
    return " ".join(shown)


def target(path, uri, query=None, fragment=None, method="GET"):
    """As `words` says it."""
    more = f" QUERY={query}" if query is not None else ""
    more += f" FRAGMENT={fragment}" if fragment is not None else ""
    return f"METHOD={method} VERSION=HTTP/1.1 PATH={path} URI={uri}{more} host=h"


# ---- request line -------------------------------------------------------------------------------

TARGETS = [
    ("/hj?a?b", target("/hj", "/hj?a?b", "a?b")),
    ("/hj?", target("/hj", "/hj?", "")),
    ("/hj#", target("/hj", "/hj", None, "")),
    ("/hj?q#f", target("/hj", "/hj?q", "q", "f")),
    ("/hj;a=b", target("/hj;a=b", "/hj;a=b")),
    ("/a//b/", target("/a//b/", "/a//b/")),
    ("/a/../b", target("/a/../b", "/a/../b")),
    ("/hj/%00", target("/hj/%00", "/hj/%00")),
    ("/%c3%a9", target("/%c3%a9", "/%c3%a9")),
    ("//a/b", target("//a/b", "//a/b")),
    ("/-._~!$&'()*+,;=:@", target("/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@")),
    ("http://h/hj?x#y", target("//h/hj", "//h/hj?x", "x", "y")),
    ("http://[::1]:80/x", target("//[::1]:80/x", "//[::1]:80/x")),
    ("*", target("*", "*")),
    ("foo", target("foo", "foo")),
    ("?q", NOT_FOUND),
    ("#f", NOT_FOUND),
    ("/%zz", BAD_REQUEST),
    ("/%4", BAD_REQUEST),
    *((f"/a{c}b", BAD_REQUEST) for c in '"<>\\^{}[]|`\x80\xff\x01\x7f'),
]


@pytest.mark.parametrize("path, wanted", TARGETS, ids=[show(t[0].encode()) for t in TARGETS])
def test_targets(world, expect, path, wanted):
    data = f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode("latin-1")
    expect(f"target: {show(path.encode('latin-1'))}", reaction(world, data), wanted)


GET = target("/", "/")
LINES = [
    ("CONNECT name", "CONNECT localhost:443 HTTP/1.1\r\n", target("443", "443", method="CONNECT")),
    ("CONNECT address", "CONNECT 1.2.3.4:443 HTTP/1.1\r\n", BAD_REQUEST),
    ("any word as method", "FOO9 / HTTP/1.1\r\n", target("/", "/", method="FOO9")),
    ("method of 20", "A" * 20 + " / HTTP/1.1\r\n", target("/", "/", method="A" * 20)),
    ("method of 21", "A" * 21 + " / HTTP/1.1\r\n", BAD_REQUEST),
    ("small method", "get / HTTP/1.1\r\n", BAD_REQUEST),
    ("method with a dash", "M-SEARCH / HTTP/1.1\r\n", BAD_REQUEST),
    ("two spaces", "GET  / HTTP/1.1\r\n", BAD_REQUEST),
    ("two spaces behind", "GET /  HTTP/1.1\r\n", BAD_REQUEST),
    ("tab", "GET\t/ HTTP/1.1\r\n", BAD_REQUEST),
    ("HTTP/1.2", "GET / HTTP/1.2\r\n", BAD_REQUEST),
    ("HTTP/2.0", "GET / HTTP/2.0\r\n", BAD_REQUEST),
    ("http/1.1", "GET / http/1.1\r\n", BAD_REQUEST),
    ("HTTP/1.0", "GET / HTTP/1.0\r\n", GET.replace("HTTP/1.1", "HTTP/1.0")),
    ("HTTP/0.9", "GET /\r\n", BAD_REQUEST),
    ("empty line first", "\r\nGET / HTTP/1.1\r\n", BAD_REQUEST),
    ("bare LF", "GET / HTTP/1.1\n", GET),
]


@pytest.mark.parametrize("case, line, wanted", LINES, ids=[x[0] for x in LINES])
def test_request_lines(world, expect, case, line, wanted):
    expect(f"line: {case}", reaction(world, f"{line}Host: h\r\n\r\n"), wanted)


# ---- header fields ------------------------------------------------------------------------------

FIELDS = [
    ("space before the colon", "A : b\r\n", BAD_REQUEST),
    ("empty name", ": b\r\n", BAD_REQUEST),
    ("folded line", "A: b\r\n c\r\n", BAD_REQUEST),
    ("bare CR in a value", "A: b\rc\r\n", BAD_REQUEST),
    ("NUL in a value", "A: b\0c\r\n", BAD_REQUEST),
    ("DEL in a value", "A: b\x7fc\r\n", BAD_REQUEST),
    ("bare LF", "A: b\n", GET),
    ("comma in a name", "A,b: c\r\n", BAD_REQUEST),
    ("slash in a name", "A/b: c\r\n", BAD_REQUEST),
]


@pytest.mark.parametrize("case, lines, wanted", FIELDS, ids=[x[0] for x in FIELDS])
def test_fields(world, expect, case, lines, wanted):
    data = f"GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n"
    expect(f"field: {case}", reaction(world, data), wanted)


def test_no_host(world, expect):
    wanted = GET.replace("host=h", "no host")
    expect("host: missing", reaction(world, "GET / HTTP/1.1\r\n\r\n"), wanted)
    wanted = wanted.replace("HTTP/1.1", "HTTP/1.0")
    expect("host: missing in HTTP/1.0", reaction(world, "GET / HTTP/1.0\r\n\r\n"), wanted)


def test_two_hosts(world, expect):
    data = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    with world.client() as client:
        accepted = observe(world, client.send(data)) is not None
        got = "accepted" if accepted else show(client.received.split(b"\r\n")[0])
    expect("host: twice", got, "accepted")


# ---- sizes --------------------------------------------------------------------------------------


def head_of(size):
    data = "GET / HTTP/1.1\r\nHost: h\r\nX: "
    return data + "x" * (size - len(data) - 4) + "\r\n\r\n"


@pytest.mark.parametrize("size, wanted", [(4096, GET), (4097, BAD_REQUEST)])
def test_head_size(world, expect, size, wanted):
    expect(f"size: a head of {size}", reaction(world, head_of(size)), wanted)


@pytest.mark.parametrize("segments, wanted", [(3, "accepted"), (5, "refused")])
def test_segments(world, expect, segments, wanted):
    data = b"GET /t/seg HTTP/1.1\r\nHost: h\r\nX-Long: 1234567890\r\n\r\n"
    with world.client() as client:
        try:
            client.send_slowly(data, segments, pause_s=0.05)
        except OSError:
            pass
        got = "refused" if observe(world, client) is None else "accepted"
    expect(f"size: a head in {segments} segments", got, wanted)


# ---- lengths of bodies ----------------------------------------------------------------------------

LENGTHS = [
    ("exact", "Content-Length: 5\r\n", "hello", "hello"),
    ("none", "", "", ""),
    ("zero", "Content-Length: 0\r\n", "", ""),
    ("junk behind", "Content-Length: 5abc\r\n", "hello", "hello"),
    ("plus", "Content-Length: +5\r\n", "hello", "hello"),
    ("two, equal", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello", "hello"),
    ("two, different", "Content-Length: 5\r\nContent-Length: 6\r\n", "hello", "hello"),
    ("no number", "Content-Length: x\r\n", "", ""),
    ("negative", "Content-Length: -5\r\n", "", ""),
    ("too large for 31 bits", "Content-Length: 3000000000\r\n", "", ""),
    (
        "and chunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "0\r\n\r\n",
        "0\\r\\n\\r\\n",
    ),
    ("chunked with a capital", "Transfer-Encoding: Chunked\r\n", "0\r\n\r\n", ""),
    ("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", "", ""),
]


@pytest.mark.parametrize("case, lines, body, wanted", LENGTHS, ids=[x[0] for x in LENGTHS])
def test_lengths(world, expect, case, lines, body, wanted):
    with world.client() as client:
        client.send(f"POST /t/len HTTP/1.1\r\nHost: h\r\n{lines}\r\n{body}")
        req = observe(world, client, grace_s=0.5)
        got = show(client.received.split(b"\r\n")[0]) if req is None else f"body {show(req.body)}"
    expect(f"length: {case}", got, f"body {wanted}")


TOO_LARGE = fixed("413 Request Entity Too Large", "text/plain", "Entity Too Large")
CONTINUE = "HTTP/1.1 100 Continue\\r\\n\\r\\n"


def test_a_body_too_large(world, expect):
    with world.client() as client:
        client.send("POST /t/big HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n")
        expect("413", show(client.read_end()), TOO_LARGE)


def test_a_chunked_body_without_uploads(world, expect):
    with world.client() as client:
        client.send("POST /t/chunk HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send("5\r\nhello\r\n0\r\n\r\n")
        req = observe(world, client)
        got = show(client.read_end()) if req is None else f"body {show(req.body)}"
    expect("chunked", got, TOO_LARGE)


EXPECT = "POST /t/expect HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\nExpect: {}\r\n\r\n"
FAILED = fixed("417 Expectation Failed", "text/plain", "Expectation Failed")


def test_continue(world, expect):
    with world.client() as client:
        client.send(EXPECT.format(5, "100-continue"))
        expect("expect: 100-continue", show(client.response().raw), CONTINUE)
        client.send("hello")
        req = request(world.hj)
        expect("expect: is forwarded", show(req.headers["expect"]), "100-continue")


@pytest.mark.parametrize("word", ["100-Continue", "other"])
def test_expect(world, expect, word):
    with world.client() as client:
        client.send(EXPECT.format(5, word))
        expect(f"expect: {word}", show(client.response().raw), FAILED)


def test_expect_with_a_body_too_large(world, expect):
    with world.client() as client:
        client.send(EXPECT.format(1001, "100-continue"))
        expect("expect: with a body too large", show(client.read_end()), CONTINUE + TOO_LARGE)


# ---- keep-alive and pipelining --------------------------------------------------------------------


def is_kept(world, data, handler=True):
    """Whether the connection takes another request after the answer to the first."""
    with world.client() as client:
        client.send(data)
        if handler:
            world.hj.reply_http(request(world.hj), b"x")
        client.response()
        return "closed" if client.is_closed(0.25) else "kept"


KEEP = [
    ("handler", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", True, "kept"),
    ("handler, close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", True, "kept"),
    ("handler, HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", True, "kept"),
    ("file", "GET /dir/ HTTP/1.1\r\nHost: h\r\n\r\n", False, "kept"),
    ("file, close", "GET /dir/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", False, "closed"),
    ("file, Close", "GET /dir/ HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", False, "closed"),
    ("file, HTTP/1.0", "GET /dir/ HTTP/1.0\r\n\r\n", False, "closed"),
    (
        "file, HTTP/1.0 keep-alive",
        "GET /dir/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        False,
        "closed",
    ),
    ("file missing", "GET /dir/none HTTP/1.1\r\nHost: h\r\n\r\n", False, "kept"),
    (
        "file not modified",
        "GET /dir/ HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\n\r\n",
        False,
        "kept",
    ),
    ("file, method", "POST /dir/ HTTP/1.1\r\nHost: h\r\n\r\n", False, "closed"),
]


@pytest.mark.parametrize("case, data, handler, wanted", KEEP, ids=[x[0] for x in KEEP])
def test_keep_alive(world, expect, case, data, handler, wanted):
    expect(f"keep-alive: {case}", is_kept(world, data, handler), wanted)


def test_pipelined_files_come_in_order(world, expect):
    with world.client() as client:
        one = "GET /dir/a.txt HTTP/1.1\r\nHost: h\r\n\r\n"
        two = "GET /dir/ HTTP/1.1\r\nHost: h\r\n\r\n"
        client.send(one + two + one)
        bodies = [show(client.response().body) for _ in range(3)]
    expect("pipeline: files", " ".join(bodies), "hello world index\\n hello world")


def test_pipelined_requests_to_handlers(world, expect):
    """Upstream hands on what it reads, and writes answers in the order in which they come."""
    with world.client() as client:
        client.send("".join(f"GET /t/{n} HTTP/1.1\r\nHost: h\r\n\r\n" for n in (1, 2)))
        first = request(world.hj)
        if world.hj.poll(0.3):
            second = request(world.hj)
            world.hj.reply_http(second, second.path)
            world.hj.reply_http(first, first.path)
        else:
            world.hj.reply_http(first, first.path)
            second = request(world.hj)
            world.hj.reply_http(second, second.path)
        bodies = [show(client.response().body) for _ in range(2)]
    expect("pipeline: handlers, answered the other way round", " ".join(bodies), "/t/2 /t/1")


# ---- fixed responses ------------------------------------------------------------------------------

NOT_ALLOWED = fixed("405 Method Not Allowed", "text/plain", "Method Not Allowed")
FIXED = [
    ("404", "GET /none HTTP/1.1\r\nHost: h\r\n\r\n", NOT_FOUND),
    ("404 in a Dir", "GET /dir/none HTTP/1.1\r\nHost: h\r\n\r\n", NOT_FOUND),
    ("405", "POST /dir/ HTTP/1.1\r\nHost: h\r\n\r\n", NOT_ALLOWED),
]


@pytest.mark.parametrize("case, data, wanted", FIXED[1:], ids=[x[0] for x in FIXED[1:]])
def test_fixed_responses(world, expect, case, data, wanted):
    with world.client() as client:
        got = show(client.send(data).response().raw)
    expect(f"response: {case}", got, wanted)


def test_head_of_an_error(world, expect):
    with world.client() as client:
        client.send("HEAD /dir/none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        client.read_until(b"\r\n\r\n")
        client.is_closed(0.3)
        expect("response: HEAD of what is missing", show(client.unread), "Not Found")


# ---- access log -----------------------------------------------------------------------------------


def test_access_log(module_stage, kit, expect):
    world = World(module_stage, kit, CONF, prepare)
    with world.client() as client:
        for data in ("GET /dir/a.txt?q HTTP/1.1\r\n", "HEAD /dir/a.txt HTTP/1.1\r\n"):
            client.send(f"{data}Host: h\r\n\r\n").response(data.split()[0])
        client.send("POST /t/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        world.hj.reply_http(request(world.hj), b"answer", 201)
        client.response()
    world.server.stop()
    shown = [show(line) for line in world.server.access_log()]
    expect("access log: file", tail(shown, "/dir/a.txt", "GET"), "3:200#2:11#]")
    expect("access log: head", tail(shown, "/dir/a.txt", "HEAD"), "3:200#1:0#]")
    expect("access log: handler", tail(shown, "/t/x", "POST"), "3:200#1:5#]")
    first = world.server.access_log()[0]
    pattern = (
        rb"\d+:9:localhost,9:127\.0\.0\.1,\d:\d+#10:\d{10}#3:GET,10:/dir/a\.txt,8:HTTP/1\.1,"
        rb"3:200#2:11#\]"
    )
    assert re.fullmatch(pattern, first), first


def tail(lines, path, method):
    found = [line for line in lines if path in line and f":{method}," in line]
    assert len(found) == 1, lines
    return found[0].rpartition("HTTP/1.1,")[2]


def test_shutdown(module_stage, kit, expect):
    """TERM ends it with status 0, and its pid file goes."""
    world = World(module_stage, kit, CONF, prepare)
    pid_file = world.server.folder / "run/mongrel2.pid"
    pid = pid_file.read_text().strip()
    assert int(pid) == world.server.program.pid
    world.server.stop()
    state = f"status {world.server.program.status}, pid file {pid_file.exists()}"
    expect("process: TERM", state, "status 0, pid file False")


CASES = (
    [f"target: {show(t[0].encode('latin-1'))}" for t in TARGETS]
    + [f"line: {x[0]}" for x in LINES]
    + [f"field: {x[0]}" for x in FIELDS]
    + [f"length: {x[0]}" for x in LENGTHS]
    + [f"keep-alive: {x[0]}" for x in KEEP]
    + [f"response: {x[0]}" for x in FIXED]
    + [
        *["host: missing", "host: missing in HTTP/1.0", "host: twice"],
        *["size: a head of 4096", "size: a head of 4097"],
        *["size: a head in 3 segments", "size: a head in 5 segments"],
        *["413", "chunked", "expect: 100-continue", "expect: is forwarded"],
        *["expect: 100-Continue", "expect: other", "expect: with a body too large"],
        *["pipeline: files", "pipeline: handlers, answered the other way round"],
        *["response: HEAD of what is missing"],
        *["access log: file", "access log: head", "access log: handler", "process: TERM"],
    ]
)
