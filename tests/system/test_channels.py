"""Channels: one message of a handler to all members on all nodes, to each in the form that its protocol
needs; members join and leave, and leave by closing."""

from __future__ import annotations

import base64
import hashlib
import queue
import re
import threading
from typing import Any, Callable, Dict, Iterator, List

import pytest

from mongrel2 import Connection, Listener, Request, Worker
from support.cluster import Cluster, Node
from support.raw import Client
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until
from support.websocket import BINARY, TEXT, WebSocket

CONFIG = """
main = Server(
    name="main", uuid="7f2b63f2-8a0e-4c6c-9b5b-0b6f0d3d9a55", bind_addr="127.0.0.1", port={port},
    default_host="localhost", chroot="", access_log="access.log", error_log="error.log",
    pid_file="run/m2.pid", control_port="ipc://run/control",
    hosts=[Host(name="localhost", routes={{
        "/": Handler(pool="room", protocol="tnetstring"),
        "/messages": Handler(pool="room", protocol="tnetstring", websocket="messages"),
        "/classic": Handler(send_spec="ipc://run/send", send_ident="classic",
                            recv_spec="ipc://run/recv", recv_ident=""),
        "/metrics": Status(what="metrics")
    }})]
)
servers = [main]
"""

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
POLLED = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnews"


class Room:
    """A worker: connections join the channel that their query names; WebSockets say join NAME or leave
    NAME."""

    def __init__(self, cluster: Cluster):
        self.worker = Worker("room", coordinators=cluster.requests.split(","), capacity=50)
        self.here: Dict[Listener, bytes] = {}
        self.joined: "queue.Queue[Listener]" = queue.Queue()
        self.gone: "queue.Queue[Listener]" = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for request in self.worker:
            self._take(request)
            self.worker.done(request)

    def _take(self, request: Request) -> None:
        if request.is_disconnect():
            self.gone.put(request.listener)
            return
        path, _, name = (request.headers.first("URI") or b"").partition(b"?")
        if request.is_websocket():
            word, _, name = request.body.partition(b" ")
            (self.worker.join if word == b"join" else self.worker.leave)(request, name)
            self.worker.deliver_to([request.listener], b"done") if path == b"/messages" else (
                self.worker.reply_websocket(request, b"done")
            )
            return
        if request.is_handshake():
            if path == b"/raw":
                key = request.headers.first("sec-websocket-key") or b""
                accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
                self.worker.reply(
                    request,
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n",
                )
            elif path == b"/silent":
                self.worker.join(request, name)
            return
        head = {b"/chunked": CHUNKED, b"/events": EVENTS}.get(path, b"")
        if head:
            self.worker.reply(request, head)
        self.worker.join(request, name)
        self.joined.put(request.listener)

    def send(self, name: bytes, data: bytes, **form: Any) -> None:
        self.worker.send_channel(self.worker.cluster, name, data, **form)

    def close(self) -> None:
        self.worker.close_sockets(drain_s=1)
        self._thread.join(PATIENCE_S)


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = Cluster(stage, node, ["alpha", "beta"])
    conf = cluster.folder / "room.conf"
    conf.write_text(CONFIG.format(port=stage.port()))
    cluster.start_coordinator()
    for each in cluster.nodes.values():
        each.start()
    for name in cluster.nodes:
        until(lambda: cluster.member(name), f"node {name} has joined")
    cluster.push_file(conf)
    for each in cluster.nodes.values():
        each.wait_serves(1)
    yield cluster
    cluster.stop()


@pytest.fixture
def room(cluster: Cluster) -> Iterator[Room]:
    room = Room(cluster)
    for each in cluster.nodes.values():
        each.running.wait_log("worker joined pool=room ")
    yield room
    room.close()


def figure(node: Node, name: str) -> int:
    found = re.search(rf"^\w*{name} (\d+)$", node.get("/metrics").body.decode(), re.M)
    assert found, name
    return int(found[1])


def members(cluster: Cluster) -> List[int]:
    return [figure(each, "channel_members") for each in cluster.nodes.values()]


def on_both(cluster: Cluster, make: Callable[[int], Any]) -> List[Any]:
    return [make(each.port) for each in cluster.nodes.values()]


def open_client(room: Room, path: str) -> Callable[[int], Client]:
    def make(port: int) -> Client:
        client = Client(port).get(path)
        room.joined.get(timeout=PATIENCE_S)
        return client

    return make


def say(socket: WebSocket, what: str) -> None:
    socket.text(what)
    assert socket.message().payload == b"done"


def test_each_gets_the_form_that_it_needs(cluster: Cluster, room: Room) -> None:
    messages = on_both(cluster, lambda port: WebSocket(port, "/messages"))
    raw = on_both(cluster, lambda port: WebSocket(port, "/raw"))
    for socket in [*messages, *raw]:
        say(socket, "join hall")
    chunked = on_both(cluster, open_client(room, "/chunked?hall"))
    events = on_both(cluster, open_client(room, "/events?hall"))
    until(lambda: members(cluster) == [4, 4], "all have joined")
    room.send(b"hall", b"hello", frame="text", chunk=True)
    room.send(b"hall", b"\x00\xff", frame="binary", chunk=True)
    room.send(b"other", b"nobody", frame="text")
    for socket in [*messages, *raw]:
        first, second = socket.message(), socket.message()
        assert (first.opcode, first.payload) == (TEXT, b"hello")
        assert (second.opcode, second.payload) == (BINARY, b"\x00\xff")
    for client in chunked:
        assert client.read(len(CHUNKED)) == CHUNKED
        assert client.read(17) == b"5\r\nhello\r\n2\r\n\x00\xff\r\n"
    for client in events:
        assert client.read(len(EVENTS)) == EVENTS
        assert client.read(7) == b"hello\x00\xff"
    assert [figure(each, "channel_sends_total") for each in cluster.nodes.values()] == [3, 3]


def test_long_messages_are_whole(cluster: Cluster, room: Room) -> None:
    sockets = on_both(cluster, lambda port: WebSocket(port, "/messages"))
    sockets += on_both(cluster, lambda port: WebSocket(port, "/raw"))
    for socket in sockets:
        say(socket, "join hall")
    chunked = on_both(cluster, open_client(room, "/chunked?hall"))
    data = bytes(range(256)) * 1000
    until(lambda: members(cluster) == [3, 3], "all have joined")
    room.send(b"hall", data, frame="binary", chunk=True)
    for socket in sockets:
        assert socket.message().payload == data
    for client in chunked:
        client.read(len(CHUNKED))
        assert client.read(len(data) + 9) == b"3e800\r\n" + data + b"\r\n"


def test_a_whole_response_answers_who_waits(cluster: Cluster, room: Room) -> None:
    polls = on_both(cluster, open_client(room, "/poll?news"))
    until(lambda: members(cluster) == [1, 1], "both have joined")
    room.send(b"news", POLLED)
    for client in polls:
        assert client.response().body == b"news"
    room.send(b"news", POLLED)  # nobody waits now: nothing is sent
    for client in polls:
        client.get("/metrics")
        assert client.response().body != b"news"
    assert members(cluster) == [1, 1]  # but they are in there still


def test_members_come_and_go(cluster: Cluster, room: Room) -> None:
    here, there = on_both(cluster, lambda port: WebSocket(port, "/messages"))
    say(here, "join a")
    say(here, "join b")
    say(there, "join a")
    until(lambda: members(cluster) == [2, 1], "all have joined")
    say(here, "leave a")
    room.send(b"a", b"to a", frame="text")
    room.send(b"b", b"to b", frame="text")
    assert there.message().payload == b"to a"
    assert here.message().payload == b"to b"
    there.close()  # leaves all, and its handler is told
    room.gone.get(timeout=PATIENCE_S)
    until(lambda: members(cluster) == [1, 0], "it has left")
    assert figure(cluster.nodes["beta"], "channels") == 0
    say(here, "join a")
    room.send(b"a", b"again", frame="text")
    assert here.message().payload == b"again"


def test_nothing_before_the_handshake_is_answered(cluster: Cluster, room: Room) -> None:
    port = cluster.nodes["alpha"].port
    waiting = WebSocket(port, connect=False).ask("/silent?hall")
    there = WebSocket(port, "/messages")
    say(there, "join hall")
    until(lambda: members(cluster) == [2, 0], "both have joined")
    room.send(b"hall", b"hello", frame="text")
    assert there.message().payload == b"hello"
    assert waiting.http.unread == b"" and not waiting.http.is_closed(0)


def test_a_classic_handler_joins_and_sends(stage: Stage, cluster: Cluster) -> None:
    """It connects to each node, and addresses the cluster by its UUID at any one of them, or all."""
    handlers = []
    for each in cluster.nodes.values():
        run = each.folder / "run"
        handler = Connection(
            "classic", f"ipc://{run}/send", f"ipc://{run}/recv", timeout_s=PATIENCE_S, linger_ms=0
        )
        handlers.append(stage.keep(handler))
        assert handler.wait_ready(PATIENCE_S, subscriptions=2)  # the node's UUID and the cluster's
    clients = on_both(cluster, lambda port: Client(port).get("/classic"))
    for handler in handlers:
        request = handler.recv()
        handler.reply(request, CHUNKED)
        handler.join(request, b"hall")
    for client in clients:
        assert client.read(len(CHUNKED)) == CHUNKED
    until(lambda: members(cluster) == [1, 1], "both have joined")
    uuid = re.search(r"cluster=([0-9a-f-]{36})", cluster.nodes["alpha"].running.log())
    assert uuid
    for handler in handlers:
        handler.send_channel(uuid[1], b"hall", b"hello", chunk=True)
    for client in clients:
        assert client.read(10) == b"5\r\nhello\r\n"


def test_what_names_connections_of_the_cluster_is_dropped(cluster: Cluster, room: Room) -> None:
    """An id counts within a node: it would meet somebody else at every other one."""
    client = open_client(room, "/chunked?hall")(cluster.nodes["alpha"].port)
    listener = Listener(room.worker.cluster, 1)
    room.worker.join(listener, b"hall")
    for each in cluster.nodes.values():
        each.running.wait_log("it names connections, but of no node")
    client.close()
