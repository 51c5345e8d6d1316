"""A configuration that a few nodes try first: watched, judged beside what was before, gone on with
or taken back, by itself or by people."""

from __future__ import annotations

import json
import re
import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from support.cluster import Cluster, Node
from support.raw import Client
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    """Three nodes that serve revision 1."""
    cluster = Cluster(stage, node, ["alpha", "beta", "gamma"]).start()
    yield cluster
    cluster.stop()


class Pushing:
    """A push in the background."""

    def __init__(self, cluster: Cluster, path: Path, *more: object, why: str = "try it"):
        self._done: List[Any] = []
        words = ["push", "-config", path, "-why", why, *more]
        self._thread = threading.Thread(
            target=lambda: self._done.append(cluster.m2sh(*words, status=None, timeout_s=120))
        )
        self._thread.start()

    def end(self, status: int = 0) -> str:
        """What it has said."""
        self._thread.join()
        [done] = self._done
        assert done.returncode == status, f"{done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@contextmanager
def visitors(*nodes: Node) -> Iterator[None]:
    """Someone asks each node for /redirect all the time, whatever the answer."""
    over = threading.Event()

    def visit(node: Node) -> None:
        while not over.is_set():
            try:
                with Client(node.port) as client:
                    for _ in range(50):
                        client.get("/redirect").response()
                        if over.wait(0.002):
                            return
            except (OSError, AssertionError):
                over.wait(0.05)  # it is being restarted

    threads = [threading.Thread(target=visit, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def broken(cluster: Cluster, n: int) -> Path:
    """Revision `n` with a proxied server that is not there."""
    path = cluster.site.write(n)
    text = path.read_text()
    target = f'redirect = Redirect(to="/r{n}", status='
    assert target in text
    start = text.index(target)
    end = text.index("\n", start)
    dead = f'redirect = Proxy(addr="127.0.0.1", port={cluster.stage.port()})'
    path.write_text(text[:start] + dead + text[end:])
    return path


def serves(cluster: Cluster) -> Dict[str, int]:
    return {node.name: node.serves() for node in cluster.nodes.values()}


def wait_serves(cluster: Cluster, **expected: int) -> None:
    until(lambda: serves(cluster) == expected, f"{expected} are served", PATIENCE_S * 2)


def status_json(cluster: Cluster) -> Dict[str, Any]:
    return json.loads(cluster.m2sh("status", "-json", status=None).stdout)


def wait_held(cluster: Cluster) -> Dict[str, Any]:
    def held() -> Dict[str, Any]:
        status = status_json(cluster)
        return status if status.get("held") else {}

    return until(held, "a canary is held", PATIENCE_S * 2)


def log(cluster: Cluster) -> List[Dict[str, Any]]:
    """The commits, the latest first."""
    return [row for row in cluster.rows("log") if row["kind"] == "commit"]


# ---- by itself -----------------------------------------------------------------------------------


def test_one_that_does_well_goes_on(cluster: Cluster) -> None:
    with visitors(cluster.nodes["alpha"]):
        until(lambda: cluster.member("alpha")["requests"] > 300, "there is a before", PATIENCE_S * 2)
        pushing = Pushing(cluster, cluster.site.write(2), "-canary", "1", "-hold", "4")
        held = wait_held(cluster)
        assert (held["head"], held["scope"], held["synced"]) == (2, "alpha", 3)
        assert serves(cluster) == {"alpha": 2, "beta": 1, "gamma": 1}
        text = cluster.m2sh("status").stdout
        assert "All is well: 3 nodes serve what is meant for them." in text
        assert "Revision 2 is held at its canary, alpha. It is being watched." in text
        assert "m2sh promote -rev 2" in text and "m2sh abort -rev 2" in text
        refused = cluster.push(3, status=7)
        assert "Version 2 is held at its canary (alpha)" in refused.stderr
        done = pushing.end()
    assert "at alpha for 4 s" in done and "promoted: It does as well as before." in done
    assert "Revision 3 is the head and runs on 3 nodes" in done
    wait_serves(cluster, alpha=3, beta=3, gamma=3)
    first, second = log(cluster)[:2]
    assert (first["version"], first["scope"], first["who"]) == (3, "all", "alice")
    assert first["why"].startswith("canary of version 2 promoted: It does as well as before.")
    assert (second["version"], second["scope"]) == (2, "alpha")
    assert re.match(r"promoted: It does as well as before\. \d s: \d{3,} requests, 0\.00% errors", second["effect"])
    assert first["hash"] != second["hash"]
    assert status_json(cluster)["held"] == ""
    cluster.push(4)


def test_one_that_fails_is_taken_back(cluster: Cluster) -> None:
    with visitors(*cluster.nodes.values()):
        until(lambda: cluster.member("alpha")["requests"] > 300, "there is a before", PATIENCE_S * 2)
        done = Pushing(cluster, broken(cluster, 2), "-canary", "alpha", "-hold", "60").end(status=1)
    assert re.search(r"taken back: (.*% of its requests fail, before it were 0\.00%|Its p99)", done), done
    assert "Revision 3 is the head" in done
    wait_serves(cluster, alpha=3, beta=3, gamma=3)
    assert cluster.nodes["alpha"].get("/redirect").header("Location") == b"/r1"
    for name in ("beta", "gamma"):
        text = cluster.nodes[name].running.log()
        assert "not for this node: version=2" in text
    first, second = log(cluster)[:2]
    assert second["effect"].startswith("taken back: ")
    assert cluster.m2sh("diff", "-rev", "1", "-to", "3").stdout == ""


def test_a_node_of_it_that_dies(cluster: Cluster) -> None:
    pushing = Pushing(cluster, cluster.site.write(2), "-canary", "60%", "-hold", "60")
    assert wait_held(cluster)["scope"] == "alpha beta"
    cluster.nodes["beta"].running.signal(signal.SIGKILL)
    done = pushing.end(status=1)
    assert "taken back: Node beta of it is lost." in done
    until(lambda: cluster.nodes["alpha"].serves() == cluster.nodes["gamma"].serves() == 3)
    cluster.nodes["beta"].start().wait_serves(3)


# ---- by people -----------------------------------------------------------------------------------


def test_without_requests_people_decide(cluster: Cluster) -> None:
    done = Pushing(cluster, cluster.site.write(2), "-canary", "beta,gamma", "-hold", "1").end()
    assert "Revision 2 is held at its canary." in done
    assert "requests are too few to judge it" in done
    assert serves(cluster) == {"alpha": 1, "beta": 2, "gamma": 2}
    promoted = cluster.m2sh("promote", "-rev", "2")
    assert "The canary goes on to all nodes: revision 3 is the head." in promoted.stdout
    wait_serves(cluster, alpha=3, beta=3, gamma=3)
    assert log(cluster)[1]["effect"].startswith("promoted: by alice. ")


def test_people_need_not_wait(cluster: Cluster) -> None:
    pushing = Pushing(cluster, cluster.site.write(2), "-canary", "1", "-hold", "60")
    wait_held(cluster)
    assert "No such commit is held" in cluster.m2sh("promote", "-rev", "7", status=1).stderr
    cluster.m2sh("abort", "-why", "it looks bad")
    done = pushing.end(status=1)
    assert "The canary of revision 2 was taken back by alice (it looks bad)." in done
    wait_serves(cluster, alpha=3, beta=3, gamma=3)
    assert cluster.nodes["alpha"].get("/redirect").header("Location") == b"/r1"
    assert log(cluster)[0]["why"] == "it looks bad"


def test_a_rollback_may_have_a_canary_too(cluster: Cluster) -> None:
    cluster.push(2)
    cluster.m2sh("rollback", "-rev", "1", "-why", "slower", "-canary", "1", "-hold", "1")
    wait_serves(cluster, alpha=3, beta=2, gamma=2)
    cluster.m2sh("promote")
    wait_serves(cluster, alpha=4, beta=4, gamma=4)


def test_what_no_canary_can_be(cluster: Cluster) -> None:
    def refused(canary: str) -> str:
        return cluster.push(2, "-canary", canary, status=2).stderr

    assert "All 3 live nodes would be the canary" in refused("3")
    assert "A canary needs a node" in refused("0%")
    assert 'There is no live node "delta"' in cluster.push(2, "-canary", "delta", status=1).stderr
    assert serves(cluster) == {"alpha": 1, "beta": 1, "gamma": 1}


# ---- while it is held ----------------------------------------------------------------------------


def test_nodes_that_come_and_return(cluster: Cluster) -> None:
    """A node that restarts, and one that was never there, are on the right side of it."""
    Pushing(cluster, cluster.site.write(2), "-canary", "beta", "-hold", "0").end()
    for name, version in [("alpha", 1), ("beta", 2)]:
        node = cluster.nodes[name]
        node.running.stop()
        node.start().wait_serves(version)
    new = cluster.nodes["delta"] = Node(cluster, "delta")
    new.start().wait_serves(1)
    until(lambda: status_json(cluster)["synced"] == 4, "all are where they are to be", PATIENCE_S * 2)
    cluster.m2sh("promote")
    wait_serves(cluster, alpha=3, beta=3, gamma=3, delta=3)


def test_a_coordinator_that_restarts(cluster: Cluster) -> None:
    pushing = Pushing(cluster, cluster.site.write(2), "-canary", "alpha", "-hold", "60")
    wait_held(cluster)
    cluster.seats[0].running.signal(signal.SIGKILL)
    cluster.seats[0].running.wait_end()
    cluster.start_coordinator("-settle", "1")
    pushing.end(status=6)
    assert "has no figures to judge it by" in wait_held(cluster)["held"]
    assert serves(cluster) == {"alpha": 2, "beta": 1, "gamma": 1}
    assert "is held at its canary" in cluster.push(3, status=7).stderr
    until(lambda: status_json(cluster).get("synced") == 3, "all have joined again", PATIENCE_S * 2)
    cluster.m2sh("abort", "-why", "who knows")
    wait_serves(cluster, alpha=3, beta=3, gamma=3)
