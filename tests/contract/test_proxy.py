"""Reference 10: what a proxied server gets, and what the client gets of its answers."""

import re
import socket
import threading

import pytest
from compare import show
from support.raw import Closed
from support.wait import PATIENCE_S
from world import World, conf_of

GET = b"GET /p/x?y=z HTTP/1.1\r\nHost: shop\r\nX-Own: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"


class Backend(threading.Thread):
    """Answers the requests of all its connections with what it is told, one after the other."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen, self.answers, self.connections = [], [], 0
        self.lock = threading.Condition()
        self.may_close = threading.Event()
        self.may_close.set()
        self.start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        unread = b""
        with sock:
            while True:
                while b"\r\n\r\n" not in unread:
                    data = sock.recv(65536)
                    if not data:
                        return
                    unread += data
                head, _, unread = unread.partition(b"\r\n\r\n")
                found = re.search(rb"\r\ncontent-length: (\d+)", head, re.I)
                length = int(found[1]) if found else 0
                while len(unread) < length:
                    unread += sock.recv(65536)
                with self.lock:
                    self.seen.append(head + b"\r\n\r\n" + unread[:length])
                    answer, closes = self.answers.pop(0) if self.answers else (OK, False)
                unread = unread[length:]
                sock.sendall(answer)
                if closes:
                    self.may_close.wait(PATIENCE_S)
                    return

    def close(self):
        self.listener.close()


@pytest.fixture(scope="module")
def backend():
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def world(module_stage, kit, backend):
    def prepare(folder):
        (folder / "static").mkdir()
        (folder / "static/a.txt").write_text("a file")

    down = module_stage.port()
    conf = conf_of(
        '"/p/": proxy, "/q/": proxy, "/down/": down, "/hj": hj, "/dir/": dir',
        before=f'proxy = Proxy(addr="127.0.0.1", port={backend.port})\n'
        f'down = Proxy(addr="127.0.0.1", port={down})\n'
        'dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain")\n',
    )
    return World(module_stage, kit, conf, prepare)


def end_of(client, patience_s=0.5):
    return "closed" if client.is_closed(patience_s) else "open"


def drained(client):
    """Whatever has come when nothing more does."""
    try:
        return client.read_end(timeout_s=0.5)
    except Closed:
        return client.unread


# ---- 10.1 ----------------------------------------------------------------------------------------

REQUESTS = [
    ("GET", GET),
    ("1.0", b"GET /p/x HTTP/1.0\r\nHost: shop\r\n\r\n"),
    ("POST", b"POST /p/x HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc"),
    ("forwarded", b"GET /p/x HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"),
    ("connection", b"GET /p/x HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, X-Own\r\nX-Own: 1\r\n\r\n"),
]


@pytest.mark.parametrize("name, data", REQUESTS, ids=[name for name, _ in REQUESTS])
def test_what_the_backend_gets(world, backend, expect, name, data):
    with world.client() as client:
        client.send(data)
        assert client.response().body == b"hello"
    expect(f"proxy request: {name}", show(backend.seen[-1]), show(data))


def test_nobody_listens(world, expect):
    with world.client() as client:
        client.send(b"GET /down/x HTTP/1.1\r\nHost: shop\r\n\r\n")
        got = client.response()
        expect("proxy: nobody listens", f"{got.status} {end_of(client)}", "502 closed")


# ---- 10.2, 10.3 ----------------------------------------------------------------------------------

ANSWERS = [
    ("length", OK, False, "{} open"),
    ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", False, "{} open"),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\n", False, "{} open"),
    ("304", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", False, "{} open"),
    ("until the end", b"HTTP/1.1 200 OK\r\n\r\nhello", True, "{} closed"),
    ("close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", True, "{} closed"),
    ("1.0", b"HTTP/1.0 200 OK\r\n\r\nhello", True, "{} closed"),
    ("a strange status", b"HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", False, "{} open"),
    ("nothing", b"", True, " closed"),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le", True, " closed"),
    ("garbage", b"what is this?\r\n\r\n", True, " closed"),
    ("a short body", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", True, "{} closed"),
]


@pytest.mark.parametrize("name, answer, closes, wanted", ANSWERS, ids=[row[0] for row in ANSWERS])
def test_what_the_client_gets(world, backend, expect, name, answer, closes, wanted):
    backend.answers.append((answer, closes))
    if answer == b"":  # where other attempts are made they end likewise
        backend.answers += [(answer, closes)] * 5
    with world.client() as client:
        if name == "a short body":  # which the server could otherwise see before it has said anything
            backend.may_close.clear()
        client.send(GET)
        if name == "a short body":
            try:
                client.wait(len("HTTP/1.1 200 OK"))
            except Closed:
                expect.skip_the_oracle("sometimes Mongrel2 says nothing before it has the whole body")
                raise
            finally:
                backend.may_close.set()
        got = drained(client)
        expect(f"proxy answer: {name}", f"{show(got)} {end_of(client)}", wanted.format(show(answer)))
    backend.answers.clear()


# ---- 10.4 ----------------------------------------------------------------------------------------

NEXT = [
    ("the same", b"/p/again", "200 hello open, +0"),
    ("a file", b"/dir/a.txt", "200 a file open, +0"),
    ("nothing", b"/none", "404 Not Found closed, +0"),
]


@pytest.mark.parametrize("name, path, wanted", NEXT, ids=[row[0] for row in NEXT])
def test_the_next_request_of_a_client(world, backend, expect, name, path, wanted):
    with world.client() as client:
        client.send(GET)
        assert client.response().body == b"hello"
        before = backend.connections
        client.send(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = client.response()
        more = backend.connections - before
        expect(f"proxy next: {name}", f"{got.status} {show(got.body)} {end_of(client)}, +{more}", wanted)


def test_the_backend_has_closed_an_idle_connection(world, backend, expect):
    with world.client() as client:
        backend.answers.append((OK, True))
        client.send(GET)
        assert client.response().body == b"hello"
        client.send(GET)
        got = drained(client)
        expect("proxy: an idle connection has gone", f"{show(got)} {end_of(client)}", " closed")


CASES = {
    *[f"proxy request: {row[0]}" for row in REQUESTS],
    *[f"proxy answer: {row[0]}" for row in ANSWERS],
    *[f"proxy next: {row[0]}" for row in NEXT],
    *["proxy: nobody listens", "proxy: an idle connection has gone"],
}
