"""Workers of a pool are killed, stopped, slow, or not there: what clients get, what the log and the
figures say about it.

One node serves several pools; its workers are given its handler port. With `-long` it kills more.
"""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any, Dict, Iterator, List

import pytest

from support.load import Ask, Event, Load
from support.nursery import Nursery
from support.raw import Client, Closed
from support.server import Kit, Server, Stage, server_conf
from support.wait import until

LONG = bool(os.environ.get("M2_LONG"))
PATIENCE = float(os.environ.get("M2_PATIENCE", "1"))

pytestmark = pytest.mark.timeout(600)

HOSTS = """
pool = Handler(pool="demo", protocol="tnetstring", retries=8, queue_timeout=10)
small = Handler(pool="small", queue=2, queue_timeout=2)
quick = Handler(pool="quick", timeout=1)
once = Handler(pool="once")

localhost = Host(name="localhost", routes={{
    "/demo/": pool, "/small/": small, "/quick/": quick, "/once/": once,
    "/metrics": Status(what="metrics")
}})
"""


class Node(Server):
    """A node with a handler port of its own, known before it starts."""

    def __init__(self, stage: Stage, kit: Kit):
        super().__init__(stage, kit, server_conf(HOSTS, "localhost", extra="hosts=[localhost]"))
        self.handler_port = f"tcp://127.0.0.1:{stage.port()}"

    def start(self, **options: Any) -> "Node":
        command = [self.kit.mongrel2, self.db, self.uuid, "-handler_port", self.handler_port]
        self.program = self.stage.start(command, self.folder, **options)
        self.program.wait_log("serves on")
        return self

    def metrics(self) -> Dict[str, float]:
        with Client(self.port) as client:
            text = client.get("/metrics").response().body.decode()
        pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name.replace("mongrel2_", "", 1): float(value) for name, value in pairs}

    def at_workers(self, pool: str) -> float:
        """Requests that its workers hold."""
        return self.metrics()[f'backend_in_flight{{backend="pool {pool}"}}']

    def log(self) -> str:
        assert self.program is not None
        return self.program.log()

    def losses(self) -> List[str]:
        return [line for line in self.log().splitlines() if "worker lost" in line]

    def fates(self) -> Dict[str, List[str]]:
        """What became of requests of lost workers: their ids by fate."""
        fates: Dict[str, List[str]] = {}
        for line in self.losses():
            for number, fate in re.findall(r" (\d+)\(conn \d+\):(retried|502|cut off)", line):
                fates.setdefault(fate, []).append(number)
        return fates


@pytest.fixture
def served(stage: Stage, node: Kit) -> Iterator[Node]:
    server = Node(stage, node).load().start()
    yield server
    server.stop()


def workers(stage: Stage, server: Node, pool: str, names: List[str], capacity: int = 4) -> Nursery:
    nursery = Nursery(stage, pool, [server.handler_port], capacity)
    for name in names:
        nursery.start(name)
    wait_joined(server, names)
    return nursery


def wait_joined(server: Node, names: List[str]) -> None:
    assert server.program is not None
    for name in names:
        server.program.wait_log(f"worker joined .* name={name} ")


# ---- killed ------------------------------------------------------------------------------------


def kill_many(server: Node, nursery: Nursery, names: List[str], count: int) -> List[float]:
    """Kills a worker and starts another, many times; returns when. There are always some that the
    node has not lost yet, never fewer than three that live."""
    killed: List[float] = []
    alive = list(names)
    for i in range(count):
        fresh = f"more{i}"
        nursery.kill(alive.pop(0))
        killed.append(time.monotonic())
        nursery.start(fresh)
        alive.append(fresh)
        wait_joined(server, [fresh])
        behind = max(0, i - 1)
        until(lambda: len(server.losses()) >= behind, f"{behind} losses in the log")
    until(lambda: len(server.losses()) >= count, f"{count} losses in the log")
    return killed


def waited_since_kill(event: Event, killed: List[float]) -> float:
    """How long after the last kill before it a request got its answer."""
    return event.at - max(at for at in killed if at <= event.at)


def test_workers_are_killed_under_load(stage: Stage, served: Node) -> None:
    count = 1000 if LONG else 100
    names = [f"first{i}" for i in range(4)]
    nursery = workers(stage, served, "demo", names)
    asks = [
        Ask("get", "/demo/echo?ms=3", echo=True),
        Ask("post", "/demo/echo?ms=3", method="POST", body="x" * 100, echo=True),
        Ask("put", "/demo/echo?ms=3", method="PUT", body="y" * 100, echo=True),
    ]
    load = Load(stage, served.port, asks, connections=12, think_ms=2)
    killed = kill_many(served, nursery, names, count)
    found = load.stop()
    story = found.story()

    # Idempotent requests notice nothing but a delay; the others get 502, soon; none hangs.
    assert {e.name for e in found.events} <= {"post"}, story
    assert {e.status for e in found.events} <= {502}, story
    late = [e for e in found.events if waited_since_kill(e, killed) > 1.0 * PATIENCE]
    assert not late, story
    assert found.count("get", 200) == found.count("get") > count, story
    assert found.count("put", 200) == found.count("put") > count, story

    # It did happen, and log, figures and clients agree on how often.
    lost = found.count("post", 502)
    fates, metrics = served.fates(), served.metrics()
    assert lost > 0 and set(fates) == {"502", "retried"}, story
    assert len(fates["502"]) == metrics["pool_losses_total"] == lost
    assert len(fates["retried"]) == metrics["pool_retries_total"] > 0
    assert len(set(fates["502"])) == lost
    assert metrics["responses_5xx_total"] == lost
    assert metrics["responses_2xx_total"] >= found.count(status=200)
    assert len(served.losses()) == count


def test_a_request_is_not_retried_for_ever(stage: Stage, served: Node) -> None:
    """Every worker that gets it dies: after `retries` (1, the default) more attempts, 502."""
    nursery = workers(stage, served, "once", ["a"], capacity=1)
    with Client(served.port) as client:
        client.get("/once/hang")
        until(lambda: served.at_workers("once") == 1, "sent")
        nursery.kill("a")
        nursery.start("b")
        until(lambda: len(served.losses()) == 1, "the first loss")
        wait_joined(served, ["b"])
        until(lambda: served.at_workers("once") == 1, "sent again")
        nursery.kill("b")
        assert client.response().status == 502
    assert [len(v) for v in served.fates().values()] == [1, 1]


def test_a_reply_broken_off_closes_the_connection(stage: Stage, served: Node) -> None:
    nursery = workers(stage, served, "demo", ["a", "b"])
    with Client(served.port) as client:
        client.get("/demo/half")
        client.read_until(b"only this")
        start = time.monotonic()
        for name in list(nursery.pids):
            nursery.kill(name)
        assert client.read_end(5) == b""
        assert time.monotonic() - start < 1.0 * PATIENCE
    assert len(served.fates()["cut off"]) == 1
    assert served.metrics()["pool_losses_total"] == 1


# ---- stopped -----------------------------------------------------------------------------------


def test_a_hung_worker_is_noticed(stage: Stage, served: Node) -> None:
    nursery = workers(stage, served, "demo", ["a", "b"], capacity=2)
    with Client(served.port) as post, Client(served.port) as get:
        post.get("/demo/hang", method="POST", body=b"x")
        get.get("/demo/hang", method="POST", body=b"x")
        until(lambda: served.at_workers("demo") == 2, "sent")
        start = time.monotonic()
        for name in nursery.pids:
            nursery.signal(name, signal.SIGSTOP)
        assert post.response().status == get.response().status == 502
        assert time.monotonic() - start < 1.2 * PATIENCE
        assert len(served.losses()) == 2
        for name in nursery.pids:
            nursery.signal(name, signal.SIGCONT)
        assert served.program is not None
        until(lambda: len(re.findall("worker joined", served.log())) == 4, "both are back")
        assert post.get("/demo/echo").response().status == 200


def test_a_late_answer_goes_to_nobody(stage: Stage, served: Node) -> None:
    """A worker is stopped in the middle of a request, which another then answers. When it goes on,
    its answer must not reach the client, whose connection has another request in flight."""
    nursery = workers(stage, served, "demo", ["a"], capacity=4)
    with Client(served.port) as client:
        client.get("/demo/echo?ms=300", headers={"X-Request": "first"})
        nursery.program.wait_log("a has begun")
        nursery.signal("a", signal.SIGSTOP)
        nursery.start("b")
        first = client.response(timeout_s=5)
        assert first.body.startswith(b"first worker=b ")
        client.get("/demo/echo?ms=1500", headers={"X-Request": "second"})
        nursery.program.wait_log("(?s)b has begun.*b has begun")
        nursery.signal("a", signal.SIGCONT)
        second = client.response(timeout_s=5)
        assert second.body.startswith(b"second worker=b ")


def test_a_late_answer_goes_to_nobody_even_later(stage: Stage, served: Node) -> None:
    """As above, but the worker has joined again when it answers: then its answer is as good as the
    other's, and it is the other's that must go to nobody."""
    nursery = workers(stage, served, "demo", ["a"], capacity=4)
    with Client(served.port) as client:
        client.get("/demo/echo?ms=3000", headers={"X-Request": "first"})
        nursery.program.wait_log("a has begun")
        nursery.signal("a", signal.SIGSTOP)
        nursery.start("b")
        nursery.program.wait_log("b has begun")
        nursery.signal("a", signal.SIGCONT)
        assert client.response().body.startswith(b"first ")
        client.get("/demo/echo?ms=2500", headers={"X-Request": "second"})
        assert client.response().body.startswith(b"second ")


# ---- slow --------------------------------------------------------------------------------------


def test_a_slow_worker_gets_less(stage: Stage, served: Node) -> None:
    """Each request goes to a worker that is free: with one place each, and one of two workers kept
    busy, the other serves the rest without delay."""
    nursery = workers(stage, served, "demo", ["a", "b"], capacity=1)
    with Client(served.port) as slow:
        slow.get("/demo/echo?ms=2000", headers={"X-Request": "slow"})
        until(lambda: served.at_workers("demo") == 1, "sent")
        load = Load(stage, served.port, [Ask("get", "/demo/echo?ms=1", echo=True)], 4, think_ms=1)
        busy = slow.response(timeout_s=10).body.split()[1]
        found = load.stop()
    assert not found.events, found.story()
    assert found.count("get", 200) > 50, found.story()
    assert found.longest_s["get"] < 1.0 * PATIENCE, "a request waited behind the slow one"
    assert busy in (b"worker=a", b"worker=b")
    assert len(nursery.pids) == 2


# ---- not there, or too few ---------------------------------------------------------------------


def test_a_pool_without_workers(stage: Stage, served: Node) -> None:
    with Client(served.port) as client:
        start = time.monotonic()
        answer = client.get("/small/echo").response()
        assert answer.status == 503
        assert int(answer.header("Retry-After") or b"0") >= 1
        assert 1.9 < time.monotonic() - start < 2.0 + 1.0 * PATIENCE
        client.get("/small/echo", headers={"X-Request": "it"})  # the connection goes on
        nursery = workers(stage, served, "small", ["a"])
        assert client.response().body.startswith(b"it worker=a ")
        assert nursery.pids
    assert served.metrics()["pool_queue_timeouts_total"] == 1


def test_the_queue_is_bounded(stage: Stage, served: Node) -> None:
    clients = [Client(served.port).get("/small/echo") for _ in range(2)]
    until(lambda: served.metrics()["handler_requests_total"] == 2, "both wait")
    with Client(served.port) as third:
        start = time.monotonic()
        answer = third.get("/small/echo").response()
        assert (answer.status, answer.header("Retry-After")) == (503, b"1")
        assert time.monotonic() - start < 1.9 * PATIENCE
    assert served.metrics()["pool_queue_full_total"] == 1
    for client in clients:
        assert client.response().status == 503
        client.close()


def test_a_worker_that_does_not_answer_in_time(stage: Stage, served: Node) -> None:
    workers(stage, served, "quick", ["a"])
    with Client(served.port) as client:
        start = time.monotonic()
        assert client.get("/quick/hang").response().status == 504
        assert 0.9 < time.monotonic() - start < 1.0 + 1.0 * PATIENCE
    with Client(served.port) as client:  # the worker lives, its other places serve
        assert client.get("/quick/echo").response().status == 200
    assert served.metrics()["timeouts_total"] == 1
    assert not served.losses()


def test_an_answer_after_the_timeout_goes_to_nobody(stage: Stage, served: Node) -> None:
    """Above all not to the next request of the connection, where that stays open."""
    workers(stage, served, "quick", ["a"])
    with Client(served.port) as client:
        client.get("/quick/echo?ms=1500", headers={"X-Request": "late"})
        assert client.response().status == 504
        if not client.is_closed(0.1):
            client.get("/quick/echo?ms=800", headers={"X-Request": "next"})
            assert client.response().body.startswith(b"next ")


def test_a_worker_that_leaves_finishes_first(stage: Stage, served: Node) -> None:
    nursery = workers(stage, served, "demo", ["a"], capacity=2)
    with Client(served.port) as client:
        client.get("/demo/echo?ms=300", method="POST", body=b"x", headers={"X-Request": "it"})
        nursery.program.wait_log("a has begun")
        nursery.signal("a", signal.SIGTERM)
        assert client.response().body.startswith(b"it worker=a ")
    assert served.program is not None
    served.program.wait_log("worker left|worker leaves")
    with pytest.raises(Closed), Client(served.port) as client:  # nobody takes it any more
        client.get("/demo/echo").response(timeout_s=0.3)
    assert not [line for line in served.losses() if "502" in line]
