"""Two nodes behind a load balancer get one configuration after the other, under load: over files,
a pool, classic handlers, a proxied server, redirects. No request fails, no connection is closed,
neither on the nodes nor through the load balancer, and no answer is of two configurations.
"""

from __future__ import annotations

import os

import pytest

from support import echo
from support.cluster import Cluster
from support.load import Load
from support.revisions import Site, status_of
from support.server import Kit, Stage

ROUNDS = 1000 if os.environ.get("M2_LONG") else 200

pytestmark = pytest.mark.timeout(600)


def check(cluster: Cluster, n: int) -> None:
    """What came, what went, what changed: on every node as soon as the push has ended."""
    for node in cluster.nodes.values():
        assert node.get(f"/only/{n}").header("Location").endswith(f"/r{n}".encode())  # type: ignore
        assert node.get(f"/only/{n - 1}").status == 404
        assert node.get("/redirect").status == status_of(n)


def test_a_push_drops_no_request(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, ["alpha", "beta"])
    echo.start(stage, "upstream", cluster.upstream).wait_log("ready")
    cluster.start()
    runs = [f"ipc://{n.folder}/run" for n in cluster.nodes.values()]
    echo.start(stage, "classic", *[f"{run}/{end}" for run in runs for end in ("send", "recv")])
    cluster.start_workers(["a", "b"])
    cluster.start_balancer()

    asks = Site.asks()
    front = Load(
        stage, cluster.port, asks, connections=8, think_ms=20, node_mark=r"\r\nX-Node: (\w+)\r\n"
    )
    direct = [Load(stage, n.port, asks, connections=4, think_ms=20) for n in cluster.nodes.values()]
    for n in range(2, 2 + ROUNDS):
        cluster.push(n)
        check(cluster, n)
        if n == 13:
            early = [node.running.descriptors() for node in cluster.nodes.values()]
    for load in [front, *direct]:
        found = load.stop()
        assert not found.events, found.story()
        assert found.opened == (8 if load is front else 4)
        for ask in asks:
            assert found.count(ask.name) > ROUNDS / 10, found.story()
    late = [node.running.descriptors() for node in cluster.nodes.values()]
    assert max(late) < max(early) + 20, "nodes keep descriptors of configurations that are gone"
    for name in cluster.nodes:
        row = cluster.wait_state(name, "ready")
        assert row["version"] == 1 + ROUNDS
    assert cluster.m2sh("status").stdout.startswith("All is well: 2 nodes serve revision")
    cluster.stop()
