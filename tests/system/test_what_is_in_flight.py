"""What has begun when the configuration changes ends as it began, even where the new configuration
knows nothing of it any more.
"""

from __future__ import annotations

import signal
import socket
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from mongrel2 import Connection, ReceiveTimeout, Request

from support.nursery import Nursery
from support.program import run
from support.raw import Client
from support.server import Kit, Stage
from support.wait import PATIENCE_S, Deadline

CONF = """
localhost = Host(name="localhost", routes={{
    "/version": Redirect(to="/v{version}")
    {routes}
}})

servers = [Server(
    uuid="{uuid}", name="main", default_host="localhost", chroot="", hosts=[localhost],
    access_log="logs/access.log", error_log="logs/error.log", pid_file="run/mongrel2.pid",
    control_port="ipc://run/control", bind_addr="127.0.0.1", port={port}
)]

settings = {{"server.daemonize": 0}}
"""

BIG = 40 << 20


class Changing:
    """A server whose configuration is replaced by another."""

    def __init__(self, stage: Stage, kit: Kit):
        self.stage, self.kit = stage, kit
        self.folder: Path = stage.folder()
        for name in ("run", "logs", "www"):
            (self.folder / name).mkdir()
        self.port, self.upstream = stage.port(), stage.port()
        self.handler_port = f"tcp://127.0.0.1:{stage.port()}"
        self.words = {"uuid": str(uuid.uuid4()), "port": self.port}
        self.version = 0

    def load(self, routes: str) -> None:
        self.version += 1
        conf = self.folder / "mongrel2.conf"
        conf.write_text(CONF.format(routes=routes, version=self.version, **self.words))
        self.m2sh("load", "-config", conf)

    def m2sh(self, *args: object) -> None:
        done = run([self.kit.m2sh, *args], self.folder, env={"LOGNAME": "tester"})
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, routes: str) -> "Changing":
        self.load(f', "/files/": Dir(base="www/", index_file="", default_ctype="text/plain"){routes}')
        command = [self.kit.mongrel2, "config.sqlite", self.words["uuid"], "-handler_port", self.handler_port]
        self.program = self.stage.start(command, self.folder)
        self.program.wait_log("serves on")
        return self

    def change(self, routes: str = "") -> None:
        """Only what is in `routes` is left."""
        self.load(routes)
        self.m2sh("reload", "-name", "main")
        where = f"/v{self.version}".encode()
        with Client(self.words["port"]) as client:
            self.program.wait(
                lambda: client.get("/version").response().header("Location") == where, "the new one"
            )


@pytest.fixture
def server(stage: Stage, node: Kit) -> Iterator[Changing]:
    server = Changing(stage, node)
    yield server
    server.program.stop()


def worker(stage: Stage, server: Changing) -> Nursery:
    nursery = Nursery(stage, "demo", [server.handler_port])
    nursery.start("a")
    server.program.wait_log("worker joined")
    return nursery


POOL = ', "/demo/": Handler(pool="demo")'


def test_a_request_of_a_pool_that_goes(stage: Stage, server: Changing) -> None:
    server.start(POOL)
    nursery = worker(stage, server)
    with Client(server.port) as client:
        client.get("/demo/echo?ms=700", headers={"X-Request": "it"})
        nursery.program.wait_log("a has begun")
        server.change()
        assert client.response().body.startswith(b"it worker=a pattern=/demo/ ")
        assert client.get("/demo/echo").response().status == 404
    server.change(POOL)  # and it comes back
    server.program.wait_log("(?s)worker joined.*worker joined", 20)
    with Client(server.port) as client:
        assert client.get("/demo/echo").response().status == 200


def test_a_request_that_waits_for_a_pool_that_goes(stage: Stage, server: Changing) -> None:
    server.start(POOL)
    with Client(server.port) as client:
        client.get("/demo/echo", headers={"X-Request": "it"})
        with Client(server.port) as other:
            other.get("/version").response()  # behind it in the same loop
        server.change()
        worker(stage, server)  # is still told of the pool, since a request waits
        assert client.response().body.startswith(b"it worker=a ")


QUICK = ', "/demo/": Handler(pool="demo", queue_timeout=1)'
QUICK_CLASSIC = (
    ', "/demo/": Handler(send_spec="ipc://run/send", send_ident="node", '
    'recv_spec="ipc://run/recv", recv_ident="", queue_timeout=1)'
)


@pytest.mark.parametrize("handler", [QUICK, QUICK_CLASSIC], ids=["pool", "classic"])
@pytest.mark.parametrize("end", ["kept", "closed", "left", "reset"])
def test_a_request_that_waits_in_vain(server: Changing, handler: str, end: str) -> None:
    """It is the last that knows of its handler, whose end comes with its own."""
    server.start(handler)
    headers = {"Connection": "close"} if end == "closed" else {}
    with Client(server.port) as client:
        client.get("/demo/echo", headers=headers)
        with Client(server.port) as other:
            other.get("/version").response()
        server.change()
        if end == "left":
            client.half_close()
            client.is_closed(5)
        elif end == "reset":
            client.reset()
        else:
            assert client.response().status == 503
            assert client.is_closed(0.1) == (end == "closed")
    with Client(server.port) as client:
        assert client.get("/demo/echo").response().status == 404


@pytest.mark.parametrize("what", ["half", "hang"])
def test_a_worker_of_a_pool_that_goes_dies(stage: Stage, server: Changing, what: str) -> None:
    server.start(POOL)
    nursery = worker(stage, server)
    with Client(server.port) as client:
        client.get(f"/demo/{what}", method="POST", headers={"Connection": "close"})
        if what == "half":
            client.read_until(b"only this")
        else:
            with Client(server.port) as other:
                other.get("/version").response()
        server.change()
        nursery.kill("a")
        assert client.read_end(5).startswith(b"" if what == "half" else b"HTTP/1.1 502 ")
    server.program.wait_log("worker lost")
    server.change()


def test_an_upload_to_a_route_that_goes(stage: Stage, server: Changing) -> None:
    server.start(POOL)
    worker(stage, server)
    with Client(server.port) as client:
        client.send(b"POST /demo/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf")
        with Client(server.port) as other:
            other.get("/version").response()
        server.change()
        client.send(b"more")
        assert client.response().body.endswith(b"body=halfmore")


def test_a_download_from_a_directory_that_goes(stage: Stage, server: Changing) -> None:
    content = bytes(range(256)) * (BIG // 256)
    (server.folder / "www" / "big").write_bytes(content)
    server.start("")
    with Client(server.port, timeout_s=60) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.get("/files/big")
        head = client.read_until(b"\r\n\r\n")
        assert f"Content-Length: {BIG}".encode() in head
        server.change()
        (server.folder / "www" / "big").unlink()
        pieces, left = [client.unread], BIG - len(client.unread)
        while left:
            pieces.append(client.socket.recv(min(left, 1 << 20)))
            left -= len(pieces[-1])
            assert pieces[-1], "the download was cut off"
        assert b"".join(pieces) == content


def test_a_proxied_request_whose_route_goes(stage: Stage, server: Changing) -> None:
    listener = stage.keep(socket.create_server(("127.0.0.1", server.upstream)))
    server.start(f', "/proxy/": Proxy(addr="127.0.0.1", port={server.upstream})')
    with Client(server.port) as client:
        client.get("/proxy/it")
        upstream = stage.keep(listener.accept()[0])
        assert upstream.recv(4096).startswith(b"GET /proxy/it ")
        upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        client.read_until(b"half")
        server.change()
        upstream.sendall(b"more")
        assert client.read(4) == b"more"
        assert client.get("/proxy/it").response().status == 404


def test_a_classic_handler_that_goes(stage: Stage, server: Changing) -> None:
    handler = (
        ', "/classic/": Handler(send_spec="ipc://run/send", send_ident="node", '
        'recv_spec="ipc://run/recv", recv_ident="")'
    )
    server.start(handler)
    where = f"ipc://{server.folder}/run"
    conn = stage.handler(f"{where}/send", f"{where}/recv")
    with Client(server.port) as client:
        client.get("/classic/it")
        request = conn.recv()
        server.change()
        conn.reply_http(request, b"it")
        assert client.response().body == b"it"
    conn.close_sockets()
    server.change(handler)
    conn = stage.handler(f"{where}/send", f"{where}/recv")
    with Client(server.port) as client:
        client.get("/classic/again")
        conn.reply_http(conn.recv(), b"again")
        assert client.response().body == b"again"


def next_request(conn: Connection, timeout_s: float = PATIENCE_S) -> Request:
    """Past the notices of clients that have gone."""
    while True:
        request = conn.recv(timeout_s)
        if not request.is_disconnect():
            return request


def until_served(conn: Connection, port: int) -> None:
    """Asks until `conn` answers: a request may still go to a handler that has just closed, whose
    end of the connection the server has not seen."""
    deadline = Deadline(PATIENCE_S)
    while deadline.left_s > 0:
        with Client(port) as client:
            client.get("/classic/after")
            try:
                conn.reply_http(next_request(conn, 1), b"after")
            except ReceiveTimeout:
                continue
            assert client.response().body == b"after"
            return
    raise AssertionError("no request came to the new handler")


def test_one_end_of_a_classic_handler_changes(stage: Stage, server: Changing) -> None:
    """The end that stays is used by the old and the new handler, as long as there is an old one."""
    specs = [f"tcp://127.0.0.1:{stage.port()}" for _ in range(4)]

    def handler(send: str, recv: str) -> str:
        return (
            f', "/classic/": Handler(send_spec="{send}", send_ident="node", '
            f'recv_spec="{recv}", recv_ident="")'
        )

    send, recv = specs[0], specs[1]
    server.start(handler(send, recv))
    for new_send, new_recv in [(specs[0], specs[2]), (specs[3], specs[2]), (specs[3], specs[1])]:
        old = stage.handler(send, recv)
        with Client(server.port) as before:
            before.get("/classic/before")
            request = next_request(old)
            server.change(handler(new_send, new_recv))
            send, recv = new_send, new_recv
            new = stage.handler(send, recv)
            old.reply_http(request, b"before")
            assert before.response().body == b"before"
        old.close_sockets()
        until_served(new, server.port)
        new.close_sockets()


def test_connections_of_a_port_that_goes(stage: Stage, server: Changing) -> None:
    server.start("")
    old, new = server.port, stage.port()
    with Client(old) as client:
        assert client.get("/version").response().status == 301
        server.words["port"] = new
        server.change()
        assert client.get("/version").response().header("Location") == b"/v2"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", old), timeout=1)
        assert not client.is_closed()


def test_what_has_arrived_when_it_stops_is_answered(stage: Stage, server: Changing) -> None:
    """Requests that the server has not read yet, on connections old and new, are answered before
    it ends; then they are closed."""
    server.start("")
    for _ in range(5):
        with Client(server.port) as idle, Client(server.port) as silent:
            for client in (idle, silent):
                assert client.get("/version").response().status == 301
            server.program.signal(signal.SIGSTOP)
            idle.get("/version")
            with Client(server.port).get("/version") as fresh:
                server.program.signal(signal.SIGTERM)
                server.program.signal(signal.SIGCONT)
                for client in (idle, fresh):
                    assert client.response().status == 301
                    assert client.is_closed(5) and not client.was_reset
            assert silent.is_closed(5)
        assert server.program.wait_end() == 0
        server.start("")


@pytest.mark.parametrize("kind", ["tcp", "ipc"])
def test_endpoints_that_come_and_go(stage: Stage, server: Changing, kind: str) -> None:
    """They can be bound again as soon as they are needed again, and are reached."""
    if kind == "tcp":
        send, recv = [f"tcp://127.0.0.1:{stage.port()}" for _ in range(2)]
    else:
        send, recv = [f"ipc://{server.folder}/run/{end}" for end in ("send", "recv")]
    server.start("")
    for _ in range(5):
        server.change(
            f', "/classic/": Handler(send_spec="{send}", send_ident="n", recv_spec="{recv}", recv_ident="")'
        )
        conn = stage.handler(send, recv)
        with Client(server.port) as client:
            client.get("/classic/it")
            conn.reply_http(conn.recv(), b"it")
            assert client.response().body == b"it"
        conn.close_sockets()
        server.change()
    assert "refused" not in server.program.log()
