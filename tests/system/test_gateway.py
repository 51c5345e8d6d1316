"""m2gateway: handlers that know Mongrel2 and nothing of a cluster serve all of its nodes."""

from __future__ import annotations

import re
import signal
import threading
from typing import Any, Iterator, List

import pytest
import zmq

from mongrel2 import Connection

from support.cluster import Cluster
from support.load import Ask, Load
from support.program import Program, run
from support.raw import Client
from support.server import ROOT, Kit, Stage
from support.wait import PATIENCE_S, until

POOL = Ask("pool", "/pool/echo", echo=True)


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = Cluster(stage, node, ["alpha", "beta", "gamma"]).start()
    yield cluster
    cluster.stop()


class Gateway:
    def __init__(self, cluster: Cluster, *more: object):
        self.folder = cluster.stage.folder()
        self.send, self.recv = f"ipc://{self.folder}/send", f"ipc://{self.folder}/recv"
        command = [cluster.kit.mongrel2.parent / "m2gateway", "-pool", "echo", "-coordinator", cluster.requests]
        command += ["-send_spec", self.send, "-recv_spec", self.recv, *more]
        self.program: Program = cluster.stage.start(command, self.folder, name="m2gateway")
        self.program.wait_log("ready pool=echo")


def is_notice(message: bytes) -> bool:
    """The site's headers are tnetstrings."""
    return b"6:METHOD,4:JSON," in message and b"disconnect" in message


class Handler(threading.Thread):
    """One of those that were written for Mongrel2: a PULL, a PUB, and the format of the manual."""

    def __init__(self, stage: Stage, gateways: List[Gateway]):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.pull, self.pub = self.context.socket(zmq.PULL), self.context.socket(zmq.PUB)
        self.pub.setsockopt(zmq.LINGER, 0)
        for gateway in gateways:
            self.pull.connect(gateway.send)
            self.pub.connect(gateway.recv)
        self.seen: List[bytes] = []
        self.answers = True
        self.over = threading.Event()
        stage.keep(self)
        self.start()

    def run(self) -> None:
        while not self.over.is_set():
            if self.pull.poll(50):
                self.answer(self.pull.recv())

    def answer(self, message: bytes) -> None:
        sender, conn_id, path, rest = message.split(b" ", 3)
        self.seen.append(message)
        if is_notice(message) or not self.answers:
            return
        found = re.search(rb"x-request,\d+:([^,]*),", rest)
        body = found[1] if found else path
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        self.say(b"%s %d:%s, %s" % (sender, len(conn_id), conn_id, reply))

    def say(self, message: bytes) -> None:
        self.pub.send(message)

    def close(self) -> None:
        self.over.set()
        self.join()
        self.pull.close()
        self.pub.close()
        self.context.term()


def wait_joined(cluster: Cluster, gateways: int) -> None:
    for node in cluster.nodes.values():
        want = b'backend_workers{backend="pool echo"} %d' % gateways
        until(lambda: want in node.get("/metrics").body, f"{gateways} gateways at {node.name}", PATIENCE_S * 2)


def test_a_handler_of_mongrel2_serves_three_nodes(cluster: Cluster) -> None:
    gateway = Gateway(cluster)
    handler = Handler(cluster.stage, [gateway])
    wait_joined(cluster, 1)
    for node in cluster.nodes.values():
        with Client(node.port) as client:
            for _ in range(3):
                answer = client.get("/pool/echo").response()
                assert (answer.status, answer.body) == (200, b"/pool/echo")
    assert len({message.split(b" ")[0] for message in handler.seen}) == 3, "each node by its own name"


def test_one_in_another_language(cluster: Cluster) -> None:
    cluster.push(2)  # headers in JSON
    gateway = Gateway(cluster)
    perl = ROOT / "docs" / "examples" / "handler_perl" / "hello.pl"
    cluster.stage.start(["perl", perl, gateway.send, gateway.recv], gateway.folder, name="perl")
    wait_joined(cluster, 1)
    for node in cluster.nodes.values():
        assert node.get("/pool/echo").body == b"Hello from Perl, /pool/echo\n"


def test_notices_and_malformed_replies(cluster: Cluster) -> None:
    gateway = Gateway(cluster)
    handler = Handler(cluster.stage, [gateway])
    wait_joined(cluster, 1)
    handler.answers = False
    alpha = cluster.nodes["alpha"]
    with Client(alpha.port) as client:
        client.get("/pool/echo")
        until(lambda: handler.seen)
        for bad in (b"", b"nonsense", b"x 1:1, hello", b"!! 1:1, x"):
            handler.say(bad)
        gateway.program.wait_log('a reply was dropped: .* bytes=0 ""')
    until(lambda: any(is_notice(message) for message in handler.seen))
    handler.answers = True
    assert alpha.get("/pool/echo").status == 200


def test_nobody_is_there(cluster: Cluster) -> None:
    """Without handlers the gateway is not in the pool, so nodes say 503 in their time."""
    gateway = Gateway(cluster)
    wait_joined(cluster, 0)
    handler = Handler(cluster.stage, [gateway])
    wait_joined(cluster, 1)
    handler.close()
    cluster.stage._open.remove(handler)
    wait_joined(cluster, 0)
    again = Handler(cluster.stage, [gateway])
    wait_joined(cluster, 1)
    assert cluster.nodes["beta"].get("/pool/echo").status == 200
    assert again.seen


def test_one_of_two_gateways_is_killed(cluster: Cluster) -> None:
    gateways = [Gateway(cluster), Gateway(cluster)]
    handlers = [Handler(cluster.stage, [gateway]) for gateway in gateways]
    wait_joined(cluster, 2)
    cluster.start_balancer()
    load = Load(cluster.stage, cluster.port, [POOL], connections=12)
    until(lambda: all(len(handler.seen) > 50 for handler in handlers))
    gateways[0].program.kill()
    wait_joined(cluster, 1)
    served = len(handlers[1].seen)
    until(lambda: len(handlers[1].seen) > served + 50)
    found = load.stop()
    assert found.events == [], found.story()
    assert found.count() > 200


def test_sigterm_loses_nothing(cluster: Cluster) -> None:
    gateways = [Gateway(cluster), Gateway(cluster)]
    for gateway in gateways:
        Handler(cluster.stage, [gateway])
    wait_joined(cluster, 2)
    cluster.start_balancer()
    asks = [POOL, Ask("post", "/pool/echo", method="POST", body="x", echo=True)]
    load = Load(cluster.stage, cluster.port, asks, connections=12)
    gateways[0].program.signal(signal.SIGTERM)
    assert gateways[0].program.wait_end() == 0
    wait_joined(cluster, 1)
    found = load.stop()
    assert found.events == [], found.story()


USAGE: List[Any] = [
    ([], "-send_spec is missing"),
    (["-send_spec", "ipc://a", "-recv_spec", "ipc://b", "-pool", "p"], "Where are the nodes"),
    (["-send_spec", "ipc://a", "-recv_spec", "ipc://b", "-node", "ipc://c"], "-pool is missing"),
    (["-send_spec", "tcp://0.0.0.0:1", "-recv_spec", "ipc://b"], "can be reached from other machines"),
    (["-capacity", "0"], "capacity"),
    (["extra"], "is no option"),
]


@pytest.mark.parametrize("words, what", USAGE, ids=[what for _, what in USAGE])
def test_usage(stage: Stage, node: Kit, words: List[str], what: str) -> None:
    done = run([node.mongrel2.parent / "m2gateway", *words], stage.folder())
    assert done.returncode == 2 and what in done.stderr.decode(), done.stderr


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_channel_is_reached_through_a_gateway(cluster: Cluster, stage: Stage) -> None:
    """The handler knows one address, and the cluster's UUID."""
    gateway = Gateway(cluster)
    handler = stage.keep(Connection("classic", gateway.send, gateway.recv, timeout_s=PATIENCE_S, linger_ms=0))
    assert handler.wait_ready(PATIENCE_S)
    wait_joined(cluster, 1)
    clients = [Client(node.port).get("/pool/echo") for node in cluster.nodes.values()]
    for _ in clients:
        request = handler.recv()
        handler.reply(request, CHUNKED)
        handler.join(request, b"hall")
    for client in clients:
        assert client.read(len(CHUNKED)) == CHUNKED
    for node in cluster.nodes.values():
        until(lambda: b"mongrel2_channel_members 1\n" in node.get("/metrics").body, "one has joined")
    cluster_uuid = re.search(r"cluster=([0-9a-f-]{36})", cluster.nodes["alpha"].running.log())
    assert cluster_uuid
    handler.send_channel(cluster_uuid[1], b"hall", b"hello", chunk=True)
    for client in clients:
        assert client.read(10) == b"5\r\nhello\r\n"
        client.close()
