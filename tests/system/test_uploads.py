"""Large request bodies, on a real node: of any length, and whatever goes wrong, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, List, Optional

import pytest

from mongrel2 import Connection, Request, Worker
from support.raw import Client
from support.server import ROOT, Kit, Server, Stage, server_conf
from support.wait import PATIENCE_S, until

FILES = ', "upload.temp_store": "tmp/up.XXXXXX"'
PARTS = ', "upload.stream": 1'
CLASSIC = (
    'Handler(send_spec="ipc://{folder}/run/send", send_ident="node-1", '
    'recv_spec="ipc://{folder}/run/recv", recv_ident="", queue_timeout=2)'
)
POOL = 'Handler(pool="work")'
BODY = bytes(range(256)) * 400  # above limits.content_length


def conf(handler: str, settings: str) -> str:
    hosts = f'h = {handler}\nlocalhost = Host(name="localhost", routes={{{{"/": h}}}})\n'
    return server_conf(hosts, "localhost", settings=settings, extra="hosts=[localhost]")


class Node(Server):
    """A server with one handler."""

    def __init__(
        self,
        stage: Stage,
        kit: Kit,
        settings: str,
        handler: str = CLASSIC,
        before: Optional[List[str]] = None,
    ):
        super().__init__(stage, kit, conf(handler, settings))
        self.load()
        self.handler_port = f"tcp://127.0.0.1:{stage.port()}"
        command = [kit.mongrel2, self.db, self.uuid, "-handler_port", self.handler_port]
        self.program = stage.start([*(before or []), *command], self.folder)
        self.program.wait_log("serves on")

    def handler(self) -> Connection:
        where = f"ipc://{self.folder}/run"
        return self.stage.handler(f"{where}/send", f"{where}/recv")

    def files(self) -> List[Path]:
        return sorted((self.folder / "tmp").glob("up.*"))

    def nothing_is_left(self) -> None:
        until(lambda: not self.files(), "no file is left")


def head(length: int, target: str = "/up", more: str = "") -> str:
    return f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n"


def request(conn: Connection) -> Request:
    """The next message that is no notice."""
    while True:
        req = conn.recv()
        if not req.is_notice():
            return req


def gone(conn: Connection, req: Request) -> None:
    """Waits for the notice that the connection of `req` is closed."""
    while True:
        notice = conn.recv()
        if notice.is_disconnect() and notice.conn_id == req.conn_id:
            return


# ---- files ----------------------------------------------------------------------------------------


def test_a_length_above_32_bits(stage: Stage, node: Kit) -> None:
    server = Node(stage, node, FILES)
    conn = server.handler()
    with Client(server.port) as client:
        client.send(head((5 << 30) + 7))
        start = request(conn)
        assert start.headers.first("content-length") == b"5368709127"
        client.send(BODY)
        path = server.folder / (start.upload_path or b"").decode()
        until(lambda: path.stat().st_size == len(BODY), "the bytes are in the file")
    gone(conn, start)
    server.nothing_is_left()


@pytest.mark.skipif("M2_LONG" not in os.environ, reason="writes 5 GB; tests/run -long")
def test_more_than_4_gib(stage: Stage, node: Kit) -> None:
    server = Node(stage, node, FILES)
    conn = server.handler()
    piece, count = bytes(1 << 20), 4100
    with Client(server.port, timeout_s=300) as client:
        client.send(head(len(piece) * count))
        for _ in range(count):
            client.send(piece)
        request(conn)
        done = conn.recv(timeout_s=300)
        assert done.is_upload_done()
        [path] = server.files()
        assert path.stat().st_size == len(piece) * count
        path.unlink()


def test_two_at_once_and_a_request_behind(stage: Stage, node: Kit) -> None:
    server = Node(stage, node, FILES)
    conn = server.handler()
    bodies = {b"/a": BODY, b"/b": BODY[::-1] + b"b"}
    with Client(server.port) as a, Client(server.port) as b:
        a.send(head(len(bodies[b"/a"]), "/a")).send(bodies[b"/a"][:5000])
        b.send(head(len(bodies[b"/b"]), "/b")).send(bodies[b"/b"][:90000])
        starts = {r.path: r for r in (request(conn), request(conn))}
        assert starts[b"/a"].upload_path != starts[b"/b"].upload_path
        b.send(bodies[b"/b"][90000:] + b"GET /behind HTTP/1.1\r\nHost: localhost\r\n\r\n")
        a.send(bodies[b"/a"][5000:])
        for done in (request(conn), request(conn)):
            path = server.folder / (done.upload_path or b"").decode()
            assert path.read_bytes() == bodies[done.path]
            path.unlink()
            conn.reply_http(done, done.path)
        assert a.response().body == b"/a" and b.response().body == b"/b"
        behind = request(conn)
        assert behind.path == b"/behind"
        conn.reply_http(behind, b"behind")
        assert b.response().body == b"behind"


def test_no_handler_no_file(stage: Stage, node: Kit) -> None:
    server = Node(stage, node, FILES)
    with Client(server.port) as client:
        client.send(head(len(BODY), more="Expect: 100-continue\r\n"))
        assert client.response().status == 503
    server.nothing_is_left()


def test_continue_comes_with_the_way_clear(stage: Stage, node: Kit) -> None:
    server = Node(stage, node, FILES)
    conn = server.handler()
    with Client(server.port) as client:
        client.send(head(len(BODY), more="Expect: 100-continue\r\n"))
        assert request(conn).is_upload_start()
        assert client.response().status == 100
        client.send(BODY)
        done = request(conn)
        assert done.is_upload_done()
        conn.reply_http(done, b"")
        assert client.response().status == 200
    (server.folder / "tmp").rename(server.folder / "away")
    with Client(server.port) as client:
        client.send(head(len(BODY), more="Expect: 100-continue\r\n"))
        assert client.response().status == 500


def assert_too_large(server: Node) -> None:
    """Twice, as nothing of the first is left; what fits goes through."""
    conn = server.handler()
    for _ in range(2):
        with Client(server.port) as client:
            client.send(head(2 << 20, more="Expect: 100-continue\r\n"))
            start = request(conn)
            assert client.response().status == 100
            try:
                client.send(bytes(2 << 20))
            except OSError:
                pass  # it was not read to its end
            assert client.response().status == 507
            gone(conn, start)
            server.nothing_is_left()
    with Client(server.port) as client:
        client.send(head(len(BODY))).send(BODY)
        assert request(conn).is_upload_start() and request(conn).is_upload_done()


def test_a_limit_on_the_size_of_files(stage: Stage, node: Kit) -> None:
    assert_too_large(Node(stage, node, FILES, before=["prlimit", "--fsize=1000000"]))


def test_a_full_disk(stage: Stage, node: Kit) -> None:
    private = ["unshare", "-m"]
    if subprocess.run([*private, "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode:
        pytest.skip("this machine does not allow a mount namespace")
    mount = 'mount -t tmpfs -o size=1m none tmp && exec "$@"'
    server = Node(stage, node, FILES, before=[*private, "sh", "-c", mount, "sh"])
    inside = Path(f"/proc/{server.program.pid}/root{server.folder}")
    server.files = lambda: sorted((inside / "tmp").glob("up.*"))  # type: ignore[method-assign]
    assert_too_large(server)


def test_a_reload_in_the_middle(stage: Stage, node: Kit) -> None:
    """It ends under the settings that it began with."""
    server = Node(stage, node, FILES)
    conn = server.handler()
    with Client(server.port) as client:
        client.send(head(len(BODY))).send(BODY[:50000])
        start = request(conn)
        server.conf = server.conf.replace("tmp/up.XXXXXX", "nowhere/other.XXXXXX")
        server.load()
        server.program.signal(signal.SIGHUP)
        server.program.wait_log('uploads will fail: no file can be made in "nowhere/"')
        server.program.wait_log("is in place again")
        client.send(BODY[50000:])
        done = request(conn)
        assert done.is_upload_done() and done.upload_path == start.upload_path
        assert server.files()[0].read_bytes() == BODY
        conn.reply_http(done, b"")
        assert client.response().status == 200
        client.send(head(len(BODY)))
        assert client.response().status == 500


def test_a_stop_in_the_middle(stage: Stage, node: Kit) -> None:
    server = Node(stage, node, FILES + ', "limits.drain_timeout": 0')
    conn = server.handler()
    with Client(server.port) as client:
        client.send(head(len(BODY))).send(BODY[:50000])
        request(conn)
        until(lambda: bool(server.files()), "the file is there")
        server.stop()
        client.read_end()
    assert not server.files()


def test_an_answer_before_the_end(stage: Stage, node: Kit) -> None:
    """It is delivered, and the upload goes on; the connection is good afterwards."""
    server = Node(stage, node, FILES)
    conn = server.handler()
    with Client(server.port) as client:
        client.send(head(len(BODY))).send(BODY[:50000])
        conn.reply_http(request(conn), b"early")
        assert client.response().body == b"early"
        client.send(BODY[50000:] + b"GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert request(conn).is_upload_done()
        conn.reply_http(request(conn), b"next")
        assert client.response().body == b"next"


# ---- in a pool ------------------------------------------------------------------------------------


class Workers:
    """Workers of a pool in this process; what each gets is noted under its number."""

    def __init__(self, server: Node, count: int, credit: int = 0):
        self.credit = credit
        self.seen: List[List[Request]] = [[] for _ in range(count)]
        self.workers = [Worker("work", [server.handler_port], capacity=1) for _ in range(count)]
        self.threads = [
            threading.Thread(target=worker.run, args=(self._of(i), 1))
            for i, worker in enumerate(self.workers)
        ]
        for thread, worker in zip(self.threads, self.workers):
            thread.start()
            assert worker.wait_ready(PATIENCE_S)

    def _of(self, index: int) -> Any:
        def take(worker: Worker, req: Request) -> None:
            if req.is_notice():
                return
            self.seen[index].append(req)
            if req.is_upload_done() or req.is_last_piece():
                worker.reply_http(req, b"%d" % index)
            elif req.is_upload_piece():
                worker.ctl(req, credits=self.credit)

        return take

    def end(self) -> None:
        for worker, thread in zip(self.workers, self.threads):
            worker.close_sockets()
            thread.join(PATIENCE_S)


@pytest.mark.parametrize("way", ["file", "parts"])
def test_one_worker_gets_all_of_it(stage: Stage, node: Kit, way: str) -> None:
    server = Node(stage, node, FILES if way == "file" else PARTS, POOL)
    workers = Workers(server, 2, credit=30000)
    try:
        with Client(server.port) as a, Client(server.port) as b:
            for client in (a, b):
                client.send(head(len(BODY))).send(BODY[:30000])
            until(lambda: all(workers.seen), "each has one")
            for client in (a, b):
                client.send(BODY[30000:])
            answers = [client.response().body for client in (a, b)]
        assert sorted(answers) == [b"0", b"1"]
        for seen in workers.seen:
            assert len({req.conn_id for req in seen}) == 1
            if way == "parts":
                assert b"".join(req.body for req in seen) == BODY
            else:
                assert len(seen) == 2 and seen[0].is_upload_start() and seen[1].is_upload_done()
    finally:
        workers.end()


LOST = """
import sys, mongrel2
worker = mongrel2.Worker('work', [sys.argv[1]], capacity=1)
worker.recv()
print('has it', flush=True)
worker.recv()
"""


def lose_a_worker(stage: Stage, server: Node, client: Client, method: str) -> None:
    """With the first message of an upload."""
    env = {"PYTHONPATH": str(ROOT / "proto" / "python")}
    command = ["/usr/bin/python3", "-c", LOST, server.handler_port]
    worker = stage.start(command, server.folder, env=env)
    client.send(head(len(BODY)).replace("POST", method)).send(BODY[:30000])
    worker.wait_log("has it")
    worker.kill()
    server.program.wait_log("worker lost")


@pytest.mark.parametrize("way, method", [("file", "POST"), ("parts", "POST"), ("parts", "PUT")])
def test_a_worker_is_lost_in_the_middle(stage: Stage, node: Kit, way: str, method: str) -> None:
    """Nobody else can go on with it: the client is told."""
    server = Node(stage, node, FILES if way == "file" else PARTS, POOL)
    with Client(server.port) as client:
        lose_a_worker(stage, server, client, method)
        assert client.response().status == 502
    server.nothing_is_left()


def test_another_worker_takes_a_file_over(stage: Stage, node: Kit) -> None:
    """If the request may be repeated: nothing of it was with the first but its headers."""
    server = Node(stage, node, FILES, POOL)
    with Client(server.port) as client:
        lose_a_worker(stage, server, client, "PUT")
        client.send(BODY[30000:])
        workers = Workers(server, 1)
        try:
            assert client.response().body == b"0"
        finally:
            workers.end()
    [start, done] = workers.seen[0]
    assert start.is_upload_start() and done.is_upload_done()
    assert server.files()[0].read_bytes() == BODY


# ---- parts ----------------------------------------------------------------------------------------


def test_a_stream_goes_as_far_as_it_is_allowed(stage: Stage, node: Kit) -> None:
    server = Node(stage, node, PARTS)
    conn = server.handler()
    piece, count = bytes(range(256)) * 4096, 64

    def send() -> None:
        for _ in range(count):
            client.send(piece)

    with Client(server.port) as client:
        client.send(head((5 << 30) + 7))
        first = request(conn)
        sender = threading.Thread(target=send)
        sender.start()
        seen = 0
        while seen < len(piece) * count:
            conn.ctl(first, credits=1 << 20)
            granted = seen + (1 << 20)
            while seen < granted:
                part = request(conn)
                assert part.upload_offset == seen
                assert part.body == (piece * 2)[seen % len(piece) :][: len(part.body)]
                seen += len(part.body)
            assert seen == granted and not conn.poll(0)
        sender.join()
    gone(conn, first)


def test_a_handler_that_is_slow_slows_its_client(stage: Stage, node: Kit) -> None:
    """Parts that a classic handler does not take wait with the client, not in the node."""
    server = Node(stage, node, PARTS)
    conn = server.handler()
    with Client(server.port) as client:
        client.send(head(1 << 40))
        conn.ctl(request(conn), credits=1 << 40)
        client.socket.settimeout(1)
        sent = 0
        try:
            while sent < 512 << 20:
                sent += client.socket.send(bytes(1 << 20))
        except TimeoutError:
            pass
        assert sent < 512 << 20, "the client was never slowed"
