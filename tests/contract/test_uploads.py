"""Reference 4: large bodies, as files and in parts."""

import re

import pytest
from compare import show, show_request
from support.wait import until
from world import World, conf_of, notices_until, request

ROUTES = '"/hj": hj, "/ht": ht'
LARGE = b"0123456789" * 3000


def head(length, target="/hj", more=""):
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST {target} HTTP/1.1\r\nHost: h\r\n{framing}\r\n{more}\r\n"


def world_with(stage, kit, settings):
    return World(stage, kit, conf_of(ROUTES, settings=f", {settings}"))


# ---- files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(module_stage, kit):
    return world_with(module_stage, kit, '"upload.temp_store": "tmp/up.XXXXXX"')


def stored(world):
    return sorted((world.server.folder / "tmp").glob("up.*"))


def path_of(world, req):
    return world.server.folder / req.upload_path.decode()


def without_name(text):
    """The six letters that are different each time."""
    return re.sub(r"up\.[A-Za-z0-9]{6}", "up.ABCDEF", text)


def nothing_is_left(world):
    until(lambda: not stored(world), "the file is removed")
    return "removed"


def test_a_file(files, expect):
    with files.client() as client:
        client.send(head(len(LARGE)))
        start = request(files.hj)
        shown = without_name(show_request(start.msg))
        expect(
            "upload: start", shown.split(" ", 3)[3],
            '258:{"PATH":"/hj","content-length":"30000","host":"h","x-forwarded-for":"127.0.0.1",'
            '"x-mongrel2-upload-start":"tmp/up.ABCDEF","METHOD":"POST","VERSION":"HTTP/1.1",'
            '"URI":"/hj","PATTERN":"/hj","URL_SCHEME":"http","REMOTE_ADDR":"127.0.0.1"},0:,'.replace(
                "258", re.match(r"\S+ \S+ \S+ (\d+)", shown).group(1)
            ),
        )
        client.send(LARGE)
        done = request(files.hj)
        assert start.is_upload_start() and done.is_upload_done()
        assert start.upload_path == done.upload_path and start.conn_id == done.conn_id
        path = path_of(files, done)
        expect("upload: the file", str(path.read_bytes() == LARGE), "True")
        expect("upload: its mode", oct(path.stat().st_mode & 0o7777), "0o600")
        path.unlink()
        files.hj.reply_http(done, b"thanks")
        assert client.response().body == b"thanks"
        expect("upload: the connection", str(client.is_closed(0.1)), "False")


def test_a_chunked_file(files, expect):
    with files.client() as client:
        client.send(head(None))
        for _ in range(3):
            client.send(b"2710\r\n" + LARGE[:10000] + b"\r\n")
        client.send(b"0\r\n\r\n")
        start, done = request(files.hj), request(files.hj)
        assert start.is_upload_start() and done.is_upload_done()
        path = path_of(files, done)
        expect("upload: chunked", str(path.read_bytes() == LARGE[:10000] * 3), "True")
        path.unlink()


def test_a_small_chunked_body(files, expect):
    with files.client() as client:
        client.send(head(None) + "5\r\nhello\r\n0\r\n\r\n")
        req = request(files.hj)
        if req.is_upload_start():
            req = request(files.hj)
            body = path_of(files, req).read_bytes()
            path_of(files, req).unlink()
            expect("upload: a small chunked body", f"file {show(body)}", "file hello")
        else:
            expect("upload: a small chunked body", f"message {show(req.body)}", "file hello")


@pytest.mark.parametrize("way", ["close", "cancel", "403"])
def test_a_file_that_is_refused(files, expect, way):
    with files.client() as client, files.client() as barrier:
        client.send(head(len(LARGE))).send(LARGE[:10000])
        start = request(files.hj)
        until(lambda: stored(files), "the file is there")
        if way == "403":
            files.hj.reply_http(start, b"no", code=403)
        if way == "cancel":
            files.hj.ctl(start, cancel=True)
        else:
            files.hj.close(start)
        got = client.read_end()
        barrier.send("GET /hj/barrier HTTP/1.1\r\nHost: h\r\n\r\n")
        notices = [n for n in notices_until(files.hj, b"/hj/barrier") if n.conn_id == start.conn_id]
        line = show(got.split(b"\r\n")[0])
        seen = f"{line} {nothing_is_left(files)} notices {len(notices)}"
    line = "HTTP/1.1 403 Forbidden" if way == "403" else ""
    expect(f"upload: refused by {way}", seen, f"{line} removed notices 0")


def test_the_client_leaves(files, expect):
    with files.client() as client:
        client.send(head(len(LARGE))).send(LARGE[:10000])
        start = request(files.hj)
    notice = files.hj.recv()
    assert notice.is_disconnect() and notice.conn_id == start.conn_id
    expect("upload: the client leaves", nothing_is_left(files), "removed")


def test_a_request_behind_it(files, expect):
    with files.client() as client:
        client.send(head(len(LARGE)).encode() + LARGE + b"GET /hj/next HTTP/1.1\r\nHost: h\r\n\r\n")
        done = [request(files.hj), request(files.hj)][1]
        path = path_of(files, done)
        size = path.stat().st_size
        path.unlink()
        files.hj.reply_http(done, b"")
        while not client.is_closed(0.02) and not files.hj.poll(0.3):
            if size != len(LARGE):
                break
        following = request(files.hj).path if size == len(LARGE) else b""
    expect("upload: a request behind it", f"{size} {show(following)}", "30034 ")


def test_a_mode(stage, kit, expect):
    world = world_with(
        stage, kit, '"upload.temp_store": "tmp/up.XXXXXX", "upload.temp_store_mode": "0640"'
    )
    with world.client() as client:
        client.send(head(len(LARGE))).send(LARGE)
        done = [request(world.hj), request(world.hj)][1]
        expect("upload: mode 0640", oct(path_of(world, done).stat().st_mode & 0o7777), "0o640")


def test_a_file_that_cannot_be_made(stage, kit, expect):
    world = world_with(stage, kit, '"upload.temp_store": "nowhere/up.XXXXXX"')
    with world.client() as client:
        client.send(head(len(LARGE)))
        expect("upload: no such directory", show(client.read_end().split(b"\r\n")[0]), "")


# ---- parts ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(module_stage, kit):
    return world_with(
        module_stage, kit, '"upload.stream": 1, "upload.temp_store": "tmp/up.XXXXXX"'
    )


def place(req):
    return f"{req.upload_offset}+{len(req.body)}" + (" last" if req.is_last_piece() else "")


def show_part(req):
    """What is between the path and the body."""
    return show(req.msg.split(b" ", 3)[3]).replace(show(b"%d:%b," % (len(req.body), req.body)), "")


def no_more(world, req):
    """Nothing comes of this upload until a later request has come."""
    with world.client() as barrier:
        barrier.send(f"GET {req.path.decode()}/barrier HTTP/1.1\r\nHost: h\r\n\r\n")
        return request(world.handler(req.path[1:].decode())).path.endswith(b"/barrier")


def test_parts_of_a_length(parts, expect):
    with parts.client() as client:
        client.send(head(60000))
        first = request(parts.hj)
        assert first.method == b"POST" and first.headers.first("content-length") == b"60000"
        expect("stream: first", place(first), "0+0")
        client.send(b"B" * 60000)
        seen = []
        for credit in (100, 200):
            parts.hj.ctl(first, credits=credit)
            seen.append(request(parts.hj))
        assert no_more(parts, first)
        expect("stream: credit", " ".join(map(place, seen)), "0+100 100+200")
        expect("stream: continuation", show_part(seen[1]), '23:{"UPLOAD_STREAM":"100"},')
        parts.hj.ctl(first, credits=1000000)
        body = 300
        while True:
            part = request(parts.hj)
            assert part.upload_offset == body and len(part.body) <= 20480
            body += len(part.body)
            if part.is_last_piece():
                break
        headers = show_part(part)
        assert re.match(r'\d+:{"UPLOAD_STREAM":"\d+","UPLOAD_STREAM_DONE":"1"},$', headers), headers
        expect("stream: all of it", str(body), "60000")
        parts.hj.reply_http(first, b"thanks")
        assert client.response().body == b"thanks"
        client.send("GET /hj/next HTTP/1.1\r\nHost: h\r\n\r\n")
        expect("stream: the next request", show(request(parts.hj).path), "/hj/next")


def test_parts_that_are_chunks(parts, expect):
    with parts.client() as client:
        client.send(head(None) + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        first = request(parts.hj)
        expect("stream: chunks, first", place(first), "0+0")
        parts.hj.ctl(first, credits=1)
        one = request(parts.hj)
        expect("stream: a chunk overdraws", f"{place(one)} {show(one.body)}", "0+5 hello")
        parts.hj.ctl(first, credits=1)
        assert no_more(parts, first)
        parts.hj.ctl(first, credits=100)
        two, three = request(parts.hj), request(parts.hj)
        expect("stream: the rest", f"{place(two)} {show(two.body)} {place(three)}",
               "5+6  world 11+0 last")


def test_parts_in_tnetstrings(parts, expect):
    with parts.client() as client:
        client.send(head(30000, "/ht"))
        first = request(parts.ht)
        client.send(b"C" * 30000)
        parts.ht.ctl(first, credits=100)
        part = request(parts.ht)
        expect("stream: tnetstring", show_part(part), "21:13:UPLOAD_STREAM,1:0,}")
        parts.ht.ctl(first, credits=40000)
        while not part.is_last_piece():
            part = request(parts.ht)
        shown = show_part(part)
        assert re.match(r"\d+:18:UPLOAD_STREAM_DONE,1:1,13:UPLOAD_STREAM,5:\d+,}$", shown) or (
            re.match(r"\d+:13:UPLOAD_STREAM,5:\d+,18:UPLOAD_STREAM_DONE,1:1,}$", shown)
        ), shown


def test_a_stream_that_is_cancelled(parts, expect):
    with parts.client() as client:
        client.send(head(30000))
        first = request(parts.hj)
        parts.hj.ctl(first, cancel=True)
        expect("stream: cancelled", show(client.read_end()), "")


def closed_while_it_waits(parts, client, first):
    parts.hj.reply_http(first, b"no", code=403)
    parts.hj.close(first)
    return show(client.read_end().split(b"\r\n")[0])


def test_a_stream_that_is_closed(parts, expect):
    with parts.client() as client:
        client.send(head(30000))
        first = request(parts.hj)
        expect("stream: closed", closed_while_it_waits(parts, client, first),
               "HTTP/1.1 403 Forbidden")
        parts.hj.ctl(first, cancel=True)  # upstream's task waits for it


@pytest.mark.parametrize("sent", [0, 50000], ids=["nothing", "much"])
def test_a_client_that_leaves_while_it_waits(parts, expect, sent):
    """Also when there is more behind the head than the server reads without credit."""
    with parts.client() as client:
        client.send(head(30 << 20))
        first = request(parts.hj)
        client.send(b"x" * sent)
    told = parts.hj.poll(1.0) and parts.hj.recv().is_disconnect()
    expect(f"stream: the client leaves, {'much' if sent else 'nothing'} sent", str(bool(told)), "False")
    if not told:
        parts.hj.ctl(first, cancel=True)


def test_a_large_chunk(parts, expect):
    with parts.client() as client:
        client.send(head(None))
        first = request(parts.hj)
        parts.hj.ctl(first, credits=1 << 30)
        client.send(b"19001\r\n" + b"z" * 0x19001 + b"\r\n0\r\n\r\n")
        seen = []
        while not client.is_closed(0.01):
            if parts.hj.poll(0.05):
                req = parts.hj.recv()
                if req.is_notice():
                    continue
                seen.append(place(req))
                if req.is_last_piece():
                    break
        expect("stream: a chunk over 102400", " ".join(seen) or "closed", "closed")


# ---- ctl ------------------------------------------------------------------------------------------


CTL = [
    ("credits and keep-alive", {"credits": 100, "keep-alive": None}, "0+100"),
    ("an unknown word", {"credits": 100, "what": None}, "0+100"),
    ("cancel by nothing", {"cancel": None}, "closed"),
    ("credits in letters", {"credits": b"100"}, "open or misread"),
    ("no dict", 100, "closed"),
    ("nothing", {}, "open"),
]


@pytest.mark.parametrize("case, value, wanted", CTL, ids=[c[0] for c in CTL])
def test_ctl(parts, expect, case, value, wanted):
    with parts.client() as client:
        client.send(head(30000))
        first = request(parts.hj)
        while not first.method:  # parts of a connection before
            first = request(parts.hj)
        client.send(b"x" * 30000)
        parts.hj.reply_extended(first, "ctl", value)
        got = "open"
        while got == "open" and parts.hj.poll(0.3):
            req = parts.hj.recv()
            if not req.is_notice() and req.conn_id == first.conn_id:
                got = place(req)
        if client.is_closed(0.05):
            got = "closed"
        elif wanted == "open or misread":  # as some number, positive or negative
            got = wanted
        expect(f"ctl: {case}", got, wanted)
        parts.hj.ctl(first, cancel=True)


CASES = (
    ["upload: " + name for name in (
        "start", "the file", "its mode", "the connection", "chunked", "a small chunked body",
        "refused by close", "refused by cancel", "refused by 403", "the client leaves",
        "a request behind it", "mode 0640", "no such directory",
    )]
    + ["stream: " + name for name in (
        "first", "credit", "continuation", "all of it", "the next request", "chunks, first",
        "a chunk overdraws", "the rest", "tnetstring", "cancelled", "closed",
        "the client leaves, nothing sent", "the client leaves, much sent", "a chunk over 102400",
    )]
    + [f"ctl: {c[0]}" for c in CTL]
)
