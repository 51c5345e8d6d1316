"""A coordinator that is killed at any point of a push, and nodes that are: what was promised holds.

The promises are the invariants of docs/reference/commits.md: a commit that was reported as stored is
never lost; no node serves what was not committed; an aborted push leaves everything as it was; whoever
missed something finds out; afterwards everything goes on.
"""

from __future__ import annotations

from typing import Iterator

import pytest

from support.control_plane import Cluster, Refused, canonical
from support.server import Stage

#: Where the coordinator dies, and the head that must then be in the store.
DEATHS = [
    ("push.checked", 1),  # before anything was published
    ("push.prepared", 1),  # prepare is out, nobody has answered
    ("push.decided", 1),  # all are ready, the store was not asked
    ("store.append", 1),  # within the store's transaction
    ("store.committed", 2),  # it is on disk, nobody knows
    ("push.stored", 2),  # before activate is out
    ("push.activated", 2),  # activate is out
]

NODE_DEATHS = ["node.prepared", "node.activated", "node.saved", "node.applied"]


@pytest.fixture
def cluster(stage: Stage) -> Iterator[Cluster]:
    cluster = Cluster(stage)
    yield cluster
    cluster.end()


def check_history(cluster: Cluster, head: int) -> None:
    """The store is one chain up to `head`, and no node has ever served anything else."""
    committed = cluster.committed()
    assert sorted(committed) == list(range(1, head + 1))
    for name in cluster.nodes:
        served = cluster.served(name)
        assert served, f"{name} has served nothing"
        for version, hash in served:
            assert committed.get(version) == hash, f"{name} has served {version} {hash}"
        versions = [version for version, _ in served]
        assert versions == sorted(versions), f"{name} has stepped back: {versions}"


@pytest.mark.parametrize("failpoint, head", DEATHS)
def test_a_coordinator_dies(cluster: Cluster, failpoint: str, head: int) -> None:
    coordinator = cluster.start_coordinator()
    for name in ("web-1", "web-2"):
        cluster.start_node(name)
    cluster.wait_joined("web-1", "web-2")
    assert cluster.push("one")["verdict"] == "applied"
    coordinator.stop()

    doomed = cluster.start_coordinator(failpoint)
    cluster.wait_joined("web-1", "web-2", version=1)
    client = cluster.client()
    client.send("push", config=canonical(cluster.folder, "two"), who="a", where="b")
    doomed.wait_end()
    doomed.kill()
    words = client.drain()
    assert "" not in words, "the push was answered"
    assert "stored" not in words or head == 2, "it was reported as stored"

    cluster.start_coordinator()
    cluster.wait_joined("web-1", "web-2", version=head)
    check_history(cluster, head)
    assert cluster.push("three")["version"] == head + 1
    cluster.wait_joined("web-1", "web-2", version=head + 1)
    check_history(cluster, head + 1)


@pytest.mark.parametrize("failpoint", NODE_DEATHS)
def test_a_node_dies(cluster: Cluster, failpoint: str) -> None:
    cluster.start_coordinator()
    cluster.start_node("web-1")
    victim = cluster.start_node("web-2", failpoint)
    cluster.wait_joined("web-1", "web-2")
    try:
        cluster.push("one", timeout_ms=1500)
        head = 1
    except Refused as refused:
        assert refused.code == "TIMEOUT"
        head = 0
    assert head == (0 if failpoint == "node.prepared" else 1)
    victim.wait_end()
    victim.kill()
    cluster.start_node("web-2")
    cluster.wait_joined("web-1", "web-2", version=head)
    assert cluster.push("two")["applied"] == 2
    check_history(cluster, head + 1)


def test_a_node_dies_while_it_catches_up(cluster: Cluster) -> None:
    cluster.start_coordinator()
    cluster.push("one")
    victim = cluster.start_node("web-1", "node.fetched")
    victim.wait_end()
    victim.kill()
    assert cluster.served("web-1") == []
    cluster.start_node("web-1")
    cluster.wait_joined("web-1", version=1)
    check_history(cluster, 1)


def test_a_client_dies_and_the_push_goes_on(cluster: Cluster) -> None:
    cluster.start_coordinator()
    cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    client = cluster.client()
    client.send("push", config=canonical(cluster.folder, "one"), who="a", where="b")
    assert client.receive()[b"progress"] == b"checked"
    client.close()
    cluster._clients.remove(client)
    cluster.wait_joined("web-1", version=1)
    check_history(cluster, 1)
