"""Nodes and workers come and go on their own: whoever is there finds the others, under load, with
nothing else restarted."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List

import pytest

from support.cluster import Cluster, Node
from support.load import Ask, Load
from support.nursery import Nursery
from support.raw import Client
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until

POOL = Ask("pool", "/pool/echo?ms=2", echo=True)


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    """Two nodes, alpha and beta, that serve revision 1."""
    cluster = Cluster(stage, node, ["alpha", "beta"]).start()
    yield cluster
    cluster.stop()


def workers(cluster: Cluster) -> List[Dict[str, Any]]:
    return json.loads(cluster.m2sh("workers", "-pool", "echo", "-json").stdout)


def seats(cluster: Cluster) -> Dict[str, List[str]]:
    """The workers of each node, by name."""
    found: Dict[str, List[str]] = {}
    for row in workers(cluster):
        found.setdefault(row["node"], []).append(row["name"])
    return {node: sorted(names) for node, names in found.items()}


def wait_seats(cluster: Cluster, **expected: str) -> None:
    wanted = {node: names.split() for node, names in expected.items()}
    until(lambda: seats(cluster) == wanted, f"the workers are {wanted}", PATIENCE_S * 2)


def served_by(node: Node) -> str:
    answer = node.get("/pool/echo")
    found = re.search(rb"worker=(\w+)", answer.body)
    assert found is not None, answer
    return found[1].decode()


def test_the_workers_of_a_pool_are_listed(cluster: Cluster) -> None:
    nursery = cluster.start_workers(["one", "two"])
    alpha = cluster.nodes["alpha"]
    with Client(alpha.port) as client:
        client.get("/pool/echo?ms=1500")
        until(lambda: sum(row["in_flight"] for row in workers(cluster)) == 1, "one works")
        rows = workers(cluster)
        assert {(row["node"], row["name"], row["pid"]) for row in rows} == {
            (node, name, pid) for node in cluster.nodes for name, pid in nursery.pids.items()
        }
        assert [row["node"] for row in rows if row["in_flight"]] == ["alpha"]
        assert all(row["capacity"] == 4 and row["heard_ms"] < 3000 and not row["leaving"] for row in rows)
        assert client.response().status == 200
    text = cluster.m2sh("workers", "-pool", "echo").stdout
    assert re.search(r"echo\talpha\t[0-9a-f-]{36}\tone\t", text), text
    assert 'No live node has a pool "none"' in cluster.m2sh("workers", "-pool", "none", status=1).stderr
    cluster.push(3)  # with a pool that has no worker
    assert json.loads(cluster.m2sh("workers", "-pool", "extra", "-json").stdout) == []


def test_nodes_and_workers_come_and_go_under_load(cluster: Cluster) -> None:
    nursery = cluster.start_workers(["one", "two"])
    load = Load(cluster.stage, cluster.nodes["alpha"].port, [POOL], connections=12)

    gamma = cluster.nodes["gamma"] = Node(cluster, "gamma")
    gamma.start().wait_serves(1)
    wait_seats(cluster, alpha="one two", beta="one two", gamma="one two")
    assert served_by(gamma) in ("one", "two")
    more = Load(cluster.stage, gamma.port, [POOL], connections=12)

    nursery.start("three")
    wait_seats(cluster, alpha="one three two", beta="one three two", gamma="one three two")
    nursery.signal("one", 15)  # it leaves in good order
    wait_seats(cluster, alpha="three two", beta="three two", gamma="three two")

    cluster.nodes.pop("beta").running.stop()
    wait_seats(cluster, alpha="three two", gamma="three two")
    delta = cluster.nodes["delta"] = Node(cluster, "delta")
    delta.start().wait_serves(1)
    nursery.start("four")
    wait_seats(cluster, alpha="four three two", gamma="four three two", delta="four three two")
    nursery.signal("two", 15)
    nursery.signal("three", 15)
    wait_seats(cluster, alpha="four", gamma="four", delta="four")
    assert served_by(delta) == "four"

    for found in (load.stop(), more.stop()):
        assert found.events == [], found.story()
        assert found.count() > 300


def test_workers_that_were_there_before_anyone_else(stage: Stage, node: Kit) -> None:
    """Nothing has to be started in a certain order."""
    cluster = Cluster(stage, node, ["alpha"])
    nursery = Nursery(stage, "echo", [], coordinator=cluster.requests)
    nursery.start("early")
    alpha = cluster.nodes["alpha"].start()
    cluster.start_coordinator("-settle", "1")
    until(lambda: cluster.member("alpha"), "node alpha has joined", PATIENCE_S * 2)
    cluster.push(1)
    wait_seats(cluster, alpha="early")
    assert served_by(alpha) == "early"
    cluster.stop()
