"""What people order: nodes to drain, pools to pause. An order is carried out at once, stands over
restarts of nodes and coordinators, and ends by undoing it or by its time."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import Iterator, List

import pytest

from support.cluster import Cluster, Node
from support.load import Ask, Load
from support.raw import Client, Response
from support.server import Kit, Stage
from support.wait import until

POOL = Ask("pool", "/pool/echo?ms=5", echo=True)


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    """Two nodes, alpha and beta, that serve revision 1."""
    cluster = Cluster(stage, node, ["alpha", "beta"]).start()
    yield cluster
    cluster.stop()


def health(node: Node) -> int:
    return node.get("/health").status


def is_paused(node: Node) -> bool:
    return b'backend_paused{backend="pool echo"} 1' in node.get("/metrics").body


# ---- drain ---------------------------------------------------------------------------------------


def test_drain_and_undrain(cluster: Cluster) -> None:
    alpha, beta = cluster.nodes.values()
    with Client(alpha.port) as idle, Client(beta.port) as other:
        assert idle.get("/redirect").response().header("Connection") is None
        assert other.get("/redirect").response().status
        until(lambda: cluster.member("alpha")["connections"] == 1)
        done = cluster.m2sh("drain", "-node", "alpha", "-why", "new disk", "-yes", "1")
        assert "It is empty" in done.stdout
        assert "alpha has 1 connections and 0 requests in flight" in done.stderr
        assert idle.is_closed(1) and not other.is_closed(0)
    assert cluster.member("alpha")["state"] == "draining"
    assert (health(alpha), health(beta)) == (503, 200)
    answer = alpha.get("/redirect")  # whoever comes all the same is served, and sent away
    assert answer.status != 503 and answer.header("Connection") == b"close"
    status = cluster.m2sh("status", status=1).stdout
    assert "Node alpha is drained by order of alice (new disk," in status
    assert "m2sh undrain -node alpha" in status
    [order] = json.loads(cluster.m2sh("status", "-json", status=1).stdout)["orders"]
    assert (order["order"], order["target"], order["who"], order["why"]) == ("drain", "alpha", "alice", "new disk")

    assert "It serves again" in cluster.m2sh("undrain", "-node", "alpha").stdout
    assert health(alpha) == 200
    assert alpha.get("/redirect").header("Connection") is None
    cluster.m2sh("status")


def test_a_drained_node_takes_commits(cluster: Cluster) -> None:
    cluster.m2sh("drain", "-node", "alpha", "-yes", "1")
    cluster.push(2)
    for node in cluster.nodes.values():
        node.wait_serves(2)
    assert health(cluster.nodes["alpha"]) == 503


def test_drain_waits_for_what_runs(cluster: Cluster) -> None:
    alpha = cluster.nodes["alpha"]
    cluster.start_workers(["one"])
    with Client(alpha.port) as client:
        client.get("/pool/echo?ms=3000")
        until(lambda: cluster.member("alpha").get("in_flight") == 1)
        late = cluster.m2sh("drain", "-node", "alpha", "-yes", "1", "-wait", "1", status=5)
        assert "1 connections are still open, 1 requests in flight" in late.stderr
        begun = time.monotonic()
        cluster.m2sh("drain", "-node", "alpha", "-yes", "1")
        assert time.monotonic() - begun > 0.5
        answer = client.response()
        assert answer.status == 200 and client.is_closed(1)


def test_clients_behind_a_balancer_notice_nothing(cluster: Cluster) -> None:
    cluster.start_workers(["one", "two"])
    cluster.start_balancer()
    load = Load(cluster.stage, cluster.port, [POOL, Ask("page", "/files/page")], connections=8)
    for _ in range(2):
        for name in cluster.nodes:
            cluster.m2sh("drain", "-node", name, "-yes", "1")
            until(lambda: cluster.behind_the_balancer() == set(cluster.nodes) - {name})
            cluster.m2sh("undrain", "-node", name)
            until(lambda: cluster.behind_the_balancer() == set(cluster.nodes))
    found = load.stop()
    assert found.events == [], found.story()
    assert found.count() > 1000


def test_an_order_outlives_node_and_coordinator(cluster: Cluster) -> None:
    alpha = cluster.nodes["alpha"]
    cluster.m2sh("drain", "-node", "alpha", "-yes", "1", "-why", "it smokes")
    assert cluster.coordinator is not None
    cluster.coordinator.kill()
    alpha.running.stop()
    alpha.start()
    alpha.wait_serves(1)
    assert health(alpha) == 503, "from the node's own disk"
    cluster.start_coordinator()
    cluster.wait_state("alpha", "draining")
    until(lambda: "it smokes" in cluster.m2sh("status", status=None).stdout)
    cluster.m2sh("undrain", "-node", "alpha")
    assert health(alpha) == 200
    alpha.running.stop()
    alpha.start()
    alpha.wait_serves(1)
    assert health(alpha) == 200, "the undoing is remembered too"


def test_an_order_that_was_given_while_the_node_was_away(cluster: Cluster) -> None:
    alpha = cluster.nodes["alpha"]
    alpha.running.kill()
    cluster.wait_state("alpha", "suspect")
    cluster.m2sh("drain", "-node", "alpha", "-wait", "0", "-yes", "1")
    alpha.start()
    cluster.wait_state("alpha", "draining")
    assert health(alpha) == 503


def test_a_drain_with_an_end(cluster: Cluster) -> None:
    cluster.m2sh("drain", "-node", "alpha", "-max", "2", "-yes", "1")
    assert "s left" in cluster.m2sh("status", status=1).stdout
    cluster.wait_state("alpha", "ready")
    until(lambda: "drained" not in cluster.m2sh("status", status=None).stdout)
    assert "its time is over" in cluster.m2sh("events").stdout
    cluster.m2sh("drain", "-node", "alpha", "-yes", "1")  # taken at once


# ---- pause ---------------------------------------------------------------------------------------


def get_in_thread(node: Node, path: str, into: List[Response]) -> threading.Thread:
    thread = threading.Thread(target=lambda: into.append(node.get(path)))
    thread.start()
    return thread


def test_pause_and_resume(cluster: Cluster) -> None:
    cluster.start_workers(["one"])
    alpha = cluster.nodes["alpha"]
    done = cluster.m2sh("pause", "-pool", "echo", "-max", "30", "-why", "new version")
    assert "Requests of echo wait for at most 30 s" in done.stdout
    assert all(is_paused(node) for node in cluster.nodes.values()), "when it returns, it is true"
    assert "Pool echo is paused by order of alice (new version," in cluster.m2sh("status").stdout
    answers: List[Response] = []
    thread = get_in_thread(alpha, "/pool/echo", answers)
    until(lambda: b'backend_queued_now{backend="pool echo"} 1' in alpha.get("/metrics").body)
    assert answers == []
    cluster.m2sh("resume", "-pool", "echo")
    thread.join()
    assert answers[0].status == 200
    assert not is_paused(alpha)


def test_all_workers_are_replaced_and_no_client_sees_it(cluster: Cluster) -> None:
    nursery = cluster.start_workers(["one", "two"])
    cluster.start_balancer()
    load = Load(cluster.stage, cluster.port, [POOL], connections=16)
    for n in range(3):
        cluster.m2sh("pause", "-pool", "echo")
        until(lambda: all(b'backend_in_flight{backend="pool echo"} 0' in node.get("/metrics").body
                          for node in cluster.nodes.values()))
        for name in list(nursery.pids):
            nursery.kill(name)
        for name in (f"three{n}", f"four{n}"):
            nursery.start(name)
        for node in cluster.nodes.values():
            node.running.wait_log(f"worker joined .* name=four{n} ")
        cluster.m2sh("resume", "-pool", "echo")
        time.sleep(0.2)
    found = load.stop()
    assert found.events == [], found.story()
    assert found.count() > 200


def test_a_pause_ends_by_itself_even_without_a_coordinator(cluster: Cluster) -> None:
    cluster.start_workers(["one"])
    alpha = cluster.nodes["alpha"]
    cluster.m2sh("pause", "-pool", "echo", "-max", "3")
    assert cluster.coordinator is not None
    cluster.coordinator.signal(signal.SIGSTOP)
    assert is_paused(alpha)
    assert alpha.get("/pool/echo").status == 200
    assert not is_paused(alpha)
    cluster.coordinator.signal(signal.SIGCONT)


# ---- what is refused -----------------------------------------------------------------------------


def test_what_is_refused(cluster: Cluster) -> None:
    assert "There is no node gamma" in cluster.m2sh("drain", "-node", "gamma", "-yes", "1", status=1).stderr
    assert "There is no pool none" in cluster.m2sh("pause", "-pool", "none", status=1).stderr
    assert "node alpha is not drained" in cluster.m2sh("undrain", "-node", "alpha", status=1).stderr
    assert "pool echo is not paused" in cluster.m2sh("resume", "-pool", "echo", status=1).stderr
    for words in (["drain"], ["undrain"], ["pause"], ["resume"], ["pause", "-pool", "echo", "-max", "0"]):
        cluster.m2sh(*words, status=2)
    with Client(cluster.nodes["alpha"].port) as client:
        client.get("/redirect").response()
        until(lambda: cluster.member("alpha")["connections"] == 1)
        asked = cluster.m2sh("drain", "-node", "alpha", status=2)
        assert "Nobody can be asked here" in asked.stderr
        assert not client.is_closed(0)
    assert json.loads(cluster.m2sh("status", "-json").stdout)["orders"] == []
