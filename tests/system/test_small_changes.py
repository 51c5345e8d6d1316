"""A small change of a large configuration travels as the change, and is the whole where it arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import pytest

from support.cluster import Cluster
from support.server import Kit, Stage
from support.wait import until

pytestmark = pytest.mark.timeout(180)

ROUTES = 2000


def large(cluster: Cluster, changed: str) -> Path:
    """The site with many more routes, one of which leads to `changed`."""
    text = cluster.site.write(1).read_text()
    more = "".join(f',\n    "/many/{n}": Redirect(to="/to/{n}")' for n in range(ROUTES))
    more += f',\n    "/changed": Redirect(to="{changed}")'
    text = text.replace('"/metrics": Status(what="metrics")', f'"/metrics": Status(what="metrics"){more}')
    path = cluster.folder / "large.conf"
    path.write_text(text)
    return path


def sent(cluster: Cluster, version: int) -> Tuple[int, int, bool]:
    """How large the configuration was, how many bytes were published, and whether as a delta."""
    assert cluster.coordinator is not None
    line = cluster.coordinator.wait_log(
        rf"publishes version={version} config_bytes=(\d+) sent_bytes=(\d+)( delta)?"
    )
    return int(line[1]), int(line[2]), line[3] is not None


def location(cluster: Cluster, name: str) -> bytes:
    return cluster.nodes[name].get("/changed").header("location") or b""


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Cluster:
    return Cluster(stage, node, ["alpha", "beta", "gamma"])


def test_one_route_of_many(cluster: Cluster) -> None:
    late = cluster.nodes.pop("gamma")
    cluster.start()
    cluster.push_file(large(cluster, "/first"))
    whole, published, is_delta = sent(cluster, 2)
    assert not is_delta and published > whole > 50 * ROUTES
    cluster.push_file(large(cluster, "/second"))
    whole, published, is_delta = sent(cluster, 3)
    assert is_delta and published < 2000 < whole
    for name in cluster.nodes:
        assert location(cluster, name) == b"/second"
    # who comes later gets the whole, and so the same
    cluster.nodes["gamma"] = late.start()
    late.wait_serves(3)
    cluster.push_file(large(cluster, "/third"))
    assert sent(cluster, 4)[2]
    for name in cluster.nodes:
        assert location(cluster, name) == b"/third"
    # what is on disk is whole: a node starts from it with nobody to ask
    assert cluster.coordinator is not None
    cluster.coordinator.stop()
    alpha = cluster.nodes["alpha"]
    alpha.running.stop()
    alpha.start()
    alpha.wait_serves(4)
    assert location(cluster, "alpha") == b"/third"
    cluster.stop()


def test_a_canary_and_what_follows_it(cluster: Cluster) -> None:
    """Nodes that do not run the head cannot use what has changed from it."""
    cluster.start()
    cluster.push_file(large(cluster, "/first"))
    cluster.push_file(large(cluster, "/second"), "-canary", "alpha", "-hold", "1")
    assert sent(cluster, 3)[2]
    assert [location(cluster, name) for name in ("alpha", "beta")] == [b"/second", b"/first"]
    cluster.m2sh("promote", "-rev", 3)
    until(lambda: location(cluster, "gamma") == b"/second", "gamma serves it too")
    assert location(cluster, "beta") == b"/second"
    cluster.push_file(large(cluster, "/third"))
    for name in cluster.nodes:
        assert location(cluster, name) == b"/third"
    cluster.stop()
