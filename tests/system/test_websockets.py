"""WebSockets on a node that lives: many listeners, pools, reloads, workers that die, the end."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from typing import Any, List

import pytest

from support.server import Kit, Server, Stage, server_conf
from support.tls import TlsClient, make_certificate
from support.wait import PATIENCE_S, until
from support.websocket import BINARY, CLOSE, TEXT, MessageEcho, WebSocket, close_payload, frame

ROOT = Path(__file__).resolve().parent.parent.parent

HOSTS = """
chat = Handler(send_spec="ipc://{folder}/run/chat.send", send_ident="0d0f9ab4-93b5-4a1c-8b44-8f3d1f6f3c02",
               recv_spec="ipc://{folder}/run/chat.recv", recv_ident="", websocket="messages")
pool = Handler(pool="work", websocket="messages", protocol="tnetstring")
none = Handler(pool="none", websocket="messages", queue_timeout=1)
raw = Handler(pool="none", queue_timeout=1)
localhost = Host(name="localhost", routes={{"/chat": chat, "/pool": pool, "/none": none, "/raw": raw}})
"""


class Node(Server):
    def __init__(self, stage: Stage, kit: Kit, tls: bool = False):
        extra = "hosts=[localhost], use_ssl=1" if tls else "hosts=[localhost]"
        settings = ', "certdir": "certs/"' if tls else ""
        super().__init__(stage, kit, server_conf(HOSTS, "localhost", settings, extra))
        if tls:
            (self.folder / "certs").mkdir()
            make_certificate(self.folder / "certs", self.uuid, "localhost.test")
        self.load()
        self.handler_port = f"tcp://127.0.0.1:{stage.port()}"
        command = [kit.mongrel2, self.db, self.uuid, "-handler_port", self.handler_port]
        self.program = stage.start(command, self.folder)
        self.program.wait_log("serves on")

    def chat(self) -> MessageEcho:
        specs = [f"ipc://{self.folder}/run/chat.{way}" for way in ("send", "recv")]
        echo = MessageEcho(self.stage.handler(*specs))
        # the thread must be gone before its sockets are
        self.stage.keep(echo)
        return echo

    def worker(self) -> Any:
        return self.stage.start(
            ["/usr/bin/python3", "-B", "-m", "support.websocket", "work", self.handler_port],
            self.stage.folder(),
            name="worker",
            env={"PYTHONPATH": f"{ROOT}/tests:{ROOT}/proto/python"},
        )

    def workers(self) -> int:
        return self.program.log().count("worker joined")


@pytest.fixture
def server(stage, node):
    return Node(stage, node)


def sockets(server: Node, path: str, count: int, *headers: str) -> List[WebSocket]:
    return [server.stage.keep(WebSocket(server.port, path, headers)) for _ in range(count)]


def say_and_hear(socket: WebSocket, text: bytes) -> None:
    got = socket.text(text).message()
    assert (got.opcode, got.payload) == (TEXT, text)


@pytest.mark.parametrize("size", [20, 1000, 100000])
@pytest.mark.parametrize("kind", ["plain", "text", "binary"])
def test_one_message_for_a_hundred_listeners(server, kind, size):
    """Half of them compress."""
    chat = server.chat()
    listeners = sockets(server, "/chat", 50)
    listeners += sockets(server, "/chat", 50, "Sec-WebSocket-Extensions: permessage-deflate")
    requests = until(lambda: len(chat.seen) == 100 and list(chat.seen), "a hundred handshakes")
    ids = [r.conn_id for r in requests]
    payload = (b"to all of you " * (size // 14 + 1))[:size]
    if kind == "plain":
        chat.conn.deliver(requests[0].sender, ids, payload)
    else:
        chat.conn.deliver_message(requests[0].sender, ids, **{kind: payload})
    for socket in listeners:
        got = socket.message()
        assert (got.opcode, got.payload) == (BINARY if kind == "binary" else TEXT, payload)
    assert all(len(s.http.received) < size + 1000 for s in listeners[:50])
    if size >= 1000:
        assert all(len(s.http.received) < 300 + size / 5 for s in listeners[50:])


def test_workers_of_a_pool_and_one_is_killed(server):
    """Connections outlive workers; what a client says next goes to another."""
    first, _ = server.worker(), server.worker()
    until(lambda: server.workers() == 2, "two workers")
    all_sockets = sockets(server, "/pool", 20)
    for number, socket in enumerate(all_sockets):
        say_and_hear(socket, b"first %d" % number)
    os.kill(first.pid, signal.SIGKILL)
    server.program.wait_log("worker lost|worker left")
    for number, socket in enumerate(all_sockets):
        say_and_hear(socket, b"second %d" % number)


def test_reloads_leave_them_alone(server):
    """Echoes on twenty sockets while the configuration is put in place again and again."""
    server.chat()
    all_sockets = sockets(server, "/chat", 20)
    ends, problems = threading.Event(), []

    def chatter() -> None:
        number = 0
        try:
            while not ends.is_set():
                for socket in all_sockets:
                    say_and_hear(socket, b"%d" % number)
                number += 1
        except BaseException as problem:  # told by the test
            problems.append(problem)

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        for number in range(1, 21):
            os.kill(server.program.pid, signal.SIGHUP)
            until(lambda: server.program.log().count("in place again") == number, "a reload")
    finally:
        ends.set()
        thread.join(PATIENCE_S)
    assert problems == []
    for socket in all_sockets:
        say_and_hear(socket, b"still there")


def test_the_end_says_away(server):
    chat = server.chat()
    all_sockets = sockets(server, "/chat", 10)
    for socket in all_sockets:
        say_and_hear(socket, b"x")
    os.kill(server.program.pid, signal.SIGTERM)
    for socket in all_sockets:
        got = socket.read()
        assert (got.opcode, got.code) == (CLOSE, 1001)
        socket.send(frame(CLOSE, close_payload(1001)))
    for socket in all_sockets:
        assert socket.http.is_closed(PATIENCE_S)
    assert server.program.wait_end() == 0
    assert chat.conn is not None


def test_nobody_is_there(server):
    """In mode messages the client is told to come back later, in mode raw the handshake fails."""
    (socket,) = sockets(server, "/none", 1)
    assert socket.closed() == 1013
    raw = server.stage.keep(WebSocket(server.port, "/raw", connect=False))
    raw.shake_hands("/raw")
    assert raw.response.status == 503 and raw.http.is_closed(PATIENCE_S)


def test_a_flood_arrives_whole_and_in_order(server):
    """More than may wait, from several clients, while the handler does nothing else."""
    chat = server.chat()
    all_sockets = sockets(server, "/chat", 4)
    count = 3000
    threads = [
        threading.Thread(target=s.send, args=[frame(TEXT, b"%d" % n) for n in range(count)])
        for s in all_sockets
    ]
    for thread in threads:
        thread.start()
    for socket in all_sockets:
        assert [socket.message().payload for _ in range(count)] == [b"%d" % n for n in range(count)]
    for thread in threads:
        thread.join(PATIENCE_S)
    assert chat.disconnects() == []


def test_over_tls(stage, node):
    """Messages of all sizes, many at once: whatever lies in a record is read without another byte
    on the wire, also after a pause."""
    server = Node(stage, node, tls=True)
    chat = server.chat()
    socket = stage.keep(WebSocket(0, "/chat", http=TlsClient(server.port)))
    chance = random.Random(7)
    sizes = [chance.choice([1, 100, 5000, 16000, 17000, 70000]) for _ in range(300)]
    for at in range(0, len(sizes), 3):  # by one thread: a TLS connection of Python's is not for two
        batch = sizes[at : at + 3]
        socket.send(*[frame(BINARY, bytes(n)) for n in batch])
        assert [len(socket.message().payload) for _ in batch] == batch
    handshake = next(r for r in chat.seen if r.is_handshake())
    assert handshake.headers.first("URL_SCHEME") == b"https"
    assert socket.send(frame(CLOSE, close_payload(1000))).closed() == 1000
