"""A cluster of real programs: pushes that are taken, refused, missed; nodes and coordinators that
come, go and stop; what m2sh shows of it.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from typing import Iterator

import pytest

from support.cluster import Cluster, Node
from support.load import Ask, Load
from support.program import run
from support.raw import Client
from support.revisions import status_of
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    """Two nodes, alpha and beta, that serve revision 1."""
    cluster = Cluster(stage, node, ["alpha", "beta"]).start()
    yield cluster
    cluster.stop()


def restart(node: Node) -> Node:
    node.running.stop()
    return node.start()


def shows(node: Node, n: int) -> bool:
    """Whether it serves revision `n` of the site, and nothing of its neighbours."""
    there = [node.get(f"/only/{k}").status for k in (n - 1, n, n + 1)]
    return there == [404, 301, 404] and node.get("/redirect").status == status_of(n)


# ---- who missed something ------------------------------------------------------------------------


def test_a_node_starts_and_serves_without_a_coordinator(cluster: Cluster) -> None:
    alpha = cluster.nodes["alpha"]
    assert cluster.coordinator is not None
    cluster.coordinator.kill()
    restart(alpha).wait_serves(1)
    assert shows(alpha, 1)
    done = run([cluster.kit.m2sh, "servers", "-db", alpha.state / "config.sqlite"], cluster.folder)
    assert b"main" in done.stdout, "the last known good is an ordinary database"

    start = time.monotonic()
    cluster.start_coordinator()
    for name in cluster.nodes:
        assert cluster.wait_state(name, "ready")["version"] == 1
    assert time.monotonic() - start < PATIENCE_S / 2, "members are back within two heartbeats"
    cluster.push(2)
    assert all(shows(node, 2) for node in cluster.nodes.values())


def test_a_node_that_was_stopped_catches_up(cluster: Cluster) -> None:
    alpha, beta = cluster.nodes.values()
    beta.running.signal(signal.SIGSTOP)
    cluster.wait_state("beta", "suspect")
    done = cluster.push(2)
    assert "Revision 2 is the head and runs on 1 node" in done.stdout
    status = cluster.m2sh("status", status=1)
    assert "node beta has not been heard of for" in status.stdout
    assert shows(alpha, 2)
    beta.running.signal(signal.SIGCONT)
    beta.wait_serves(2)
    assert shows(beta, 2)
    cluster.wait_state("beta", "ready")
    cluster.m2sh("status")


def test_a_node_that_was_away_catches_up(cluster: Cluster) -> None:
    beta = cluster.nodes["beta"]
    beta.running.stop()
    until(lambda: not cluster.member("beta"), "it said goodbye")
    for n in (2, 3, 4):
        cluster.push(n)
    beta.start().wait_serves(4)
    assert shows(beta, 4)
    assert re.search("serving the last known good version=1 ", beta.running.log()), "from its disk, before it heard more"


def test_a_new_node_gets_everything(stage: Stage, cluster: Cluster) -> None:
    cluster.push(2)
    gamma = Node(cluster, "gamma").start()
    gamma.wait_serves(2)
    assert shows(gamma, 2)
    row = cluster.wait_state("gamma", "ready")
    assert str(gamma.port) in row["addresses"]
    gamma.running.stop()


# ---- pushes that are refused ---------------------------------------------------------------------


def unchanged(cluster: Cluster, n: int = 1) -> None:
    """The cluster still has one version, and serves it."""
    assert [node.serves() for node in cluster.nodes.values()] == [1, 1]
    assert all(shows(node, n) for node in cluster.nodes.values())
    assert cluster.rows("nodes")[0]["version"] == 1
    head = json.loads(cluster.m2sh("log", "-json").stdout)
    assert [row["version"] for row in head if row["kind"] == "commit"] == [1]


def test_a_silent_node_takes_a_push_back(cluster: Cluster) -> None:
    beta = cluster.nodes["beta"]
    beta.running.signal(signal.SIGSTOP)
    done = cluster.push(2, "-timeout", 1, status=5)
    assert "1 of 2 nodes have not answered" in done.stderr
    assert "silent   beta" in done.stderr
    beta.running.signal(signal.SIGCONT)
    cluster.wait_state("beta", "ready")
    unchanged(cluster)


def test_a_directory_that_is_not_there_is_found_before_the_decision(cluster: Cluster) -> None:
    path = cluster.site.write(2)
    path.write_text(path.read_text().replace("/www/2/", "/www/nowhere/"))
    done = cluster.push_file(path, status=4)
    assert re.search(r"(?m)^refused  (alpha|beta): .*www/nowhere/.* is not there on this node", done.stdout), done.stdout
    unchanged(cluster)


@pytest.fixture
def picky(stage: Stage, node: Kit) -> Iterator[Cluster]:
    """Alpha listens where the configuration says, beta on a port of its own."""
    cluster = Cluster(stage, node, ["alpha", "beta"])
    alpha, beta = cluster.nodes.values()
    alpha.port = cluster.site.words["port"]
    cluster.start_coordinator()
    alpha.start(port=False)
    beta.start()
    for name in cluster.nodes:
        until(lambda: cluster.member(name), f"node {name} has joined")
    cluster.push(1)
    for each in cluster.nodes.values():
        each.wait_serves(1)
    yield cluster
    cluster.stop()


def test_a_push_that_one_node_refuses(stage: Stage, picky: Cluster) -> None:
    old_port = picky.site.words["port"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        picky.site.words["port"] = port
        done = picky.push(2, status=4)
        assert re.search(rf"(?m)^refused  alpha: server \"main\": .*{port}.*in use", done.stdout), done.stdout
        assert "1 of 2 nodes cannot run this configuration; nothing has changed." in done.stderr
        unchanged(picky)
        picky.push(2, "-policy", "majority", status=4)
        unchanged(picky)

        done = picky.push(2, "-policy", "any")
        assert "runs on 1 node" in done.stdout
        assert shows(picky.nodes["beta"], 2)
        assert shows(picky.nodes["alpha"], 1), "who cannot run it serves what it has"
        row = picky.wait_state("alpha", "nacked")
        assert row["version"] == 1 and str(port) in row["error"]
        status = picky.m2sh("status", status=1).stdout
        assert "node alpha stays at revision 1" in status
    picky.nodes["alpha"].port = port  # now it is free, and alpha tries again
    until(lambda: picky.nodes["alpha"].serves() == 2, "alpha has taken it", 3 * PATIENCE_S)
    picky.wait_state("alpha", "ready")
    picky.m2sh("status")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", old_port), timeout=1)


def test_majority_goes_on_without_one_of_three(stage: Stage, picky: Cluster) -> None:
    gamma = Node(picky, "gamma").start()
    gamma.wait_serves(1)
    picky.wait_state("gamma", "ready")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        picky.site.words["port"] = taken.getsockname()[1]
        picky.push(2, status=4)
        assert "runs on 2 nodes" in picky.push(2, "-policy", "majority").stdout
    assert shows(gamma, 2)
    gamma.running.stop()


def test_a_dry_push_changes_nothing(cluster: Cluster) -> None:
    done = cluster.push(2, "-dry", 1)
    assert "2 nodes would take it; nothing was changed" in done.stdout
    unchanged(cluster)
    assert "Nothing to do" in cluster.push(1).stdout
    unchanged(cluster)


def test_exit_statuses(stage: Stage, cluster: Cluster) -> None:
    bad = cluster.folder / "bad.conf"
    bad.write_text("servers = [Server(uuid=)]")
    assert "bad.conf:1:" in cluster.push_file(bad, status=3).stderr
    cluster.m2sh("push", "-config", cluster.site.write(2), status=2)  # without a reason
    cluster.push(2, "-base", 0, status=7)
    unchanged(cluster)
    cluster.push(2, "-base", 1)
    cluster.push(3, "-base", 1, status=7)
    cluster.requests = f"tcp://127.0.0.1:{stage.port()}"
    for command in (["nodes"], ["status"], ["log"]):
        cluster.m2sh(*command, status=6)
    cluster.push(3, status=6)


# ---- identities ----------------------------------------------------------------------------------


def test_two_nodes_with_one_uuid(stage: Stage, cluster: Cluster) -> None:
    beta = cluster.nodes["beta"]
    owner = cluster.member("beta")
    twin = Node(cluster, "twin").start("-uuid", owner["uuid"])
    found = twin.running.wait_log(r"The UUID is taken by node beta .*")
    assert f":{beta.port}" in found[0] or f" {beta.port}" in found[0], found[0]
    assert cluster.member("twin") == {}
    assert cluster.member("beta")["pid"] == beta.running.pid
    twin.running.signal(signal.SIGTERM)
    twin.running.wait_end()


def test_two_nodes_with_one_name(stage: Stage, cluster: Cluster) -> None:
    other = Node(cluster, "beta").start()
    other.running.wait_log(r"The name is taken by node beta .*")
    assert cluster.member("beta")["pid"] == cluster.nodes["beta"].running.pid
    other.running.signal(signal.SIGTERM)
    other.running.wait_end()


def test_two_nodes_in_one_state_directory(cluster: Cluster) -> None:
    beta = cluster.nodes["beta"]
    other = Node(cluster, "other")
    other.state = beta.state
    assert other.start().running.wait_end() == 1
    assert str(beta.running.pid) in other.running.log() or "use" in other.running.log()


# ---- what m2sh shows -----------------------------------------------------------------------------


def test_history(cluster: Cluster) -> None:
    cluster.push(2, why="a better shop")
    cluster.m2sh("rollback", "-rev", 1, "-why", "it was worse")
    assert all(shows(node, 1) for node in cluster.nodes.values())
    assert [node.serves() for node in cluster.nodes.values()] == [3, 3]
    rows = [row for row in json.loads(cluster.m2sh("log", "-json").stdout) if row["kind"] == "commit"]
    found = {row["version"]: (row["who"], row["why"]) for row in rows}
    assert found == {1: ("alice", "revision 1"), 2: ("alice", "a better shop"), 3: ("alice", "it was worse")}

    cluster.m2sh("diff", "-rev", 1, "-to", 3)  # the same
    assert "/only/2" in cluster.m2sh("diff", "-rev", 1, "-to", 2, status=1).stdout
    plan = cluster.m2sh("diff", "-config", cluster.site.write(2), status=1).stdout
    assert "/only/2" in plan and re.search(r"(?m)^Closes 0 of \d+ connections\.$", plan), plan
    shown = cluster.folder / "shown.conf"
    shown.write_text(cluster.m2sh("show", "-rev", 2).stdout)
    cluster.m2sh("diff", "-config", shown, status=1)
    cluster.push_file(shown, why="once more")
    assert all(shows(node, 2) for node in cluster.nodes.values())
    cluster.m2sh("diff", "-rev", 2, "-to", 4)
    cluster.m2sh("rollback", "-rev", 99, "-why", "no such thing", status=1)


def test_what_m2sh_shows(stage: Stage, cluster: Cluster) -> None:
    cluster.start_workers(["a", "b"])
    rows = {row["node"]: row for row in cluster.rows("nodes")}
    for name, node in cluster.nodes.items():
        cluster.wait_state(name, "ready")
        assert rows[name]["pid"] == node.running.pid
        assert rows[name]["handler"] == node.handler_port
    table = cluster.m2sh("nodes").stdout
    assert re.search(r"(?m)^alpha\tSYNCED\t1\tmain\t", table), table
    pools = cluster.rows("pools")
    assert {(r["pool"], r["node"], r["endpoint"]) for r in pools if r["pool"] == "echo"} == {
        ("echo", name, node.handler_port) for name, node in cluster.nodes.items()
    }
    answer = cluster.m2sh("control", "-node", "beta", "-cmd", "uuid").stdout
    assert rows["beta"]["uuid"] in answer
    assert "All is well: 2 nodes serve revision 1." in cluster.m2sh("status").stdout
    events = cluster.m2sh("events").stdout
    assert "alpha" in events and "revision 1" in events or "version 1" in events


# ---- leaving ---------------------------------------------------------------------------------------


def test_a_node_is_stopped_under_load(stage: Stage, cluster: Cluster) -> None:
    """Behind a load balancer nobody notices, and the node comes back."""
    cluster.start_workers(["a", "b"])
    cluster.start_balancer()
    asks = [
        Ask("redirect", "/redirect", status=[status_of(1)]),
        Ask("pool", "/pool/echo?ms=5", echo=True),
        Ask("file", "/files/page", exact="page of r1."),
    ]
    load = Load(stage, cluster.port, asks, connections=12, think_ms=5, node_mark=r"x-node: (\w+)")
    for name in ("beta", "alpha", "beta"):
        node = cluster.nodes[name]
        node.running.stop()
        node.start().wait_serves(1)
        back = re.compile(f"X-Node: {name}".encode(), re.I)
        until(lambda: back.search(_front(cluster)), f"{name} is behind the load balancer again")
    found = load.stop()
    assert not found.events, found.story()
    assert found.opened == 12
    assert min(found.count(ask.name) for ask in asks) > 20, found.story()


def test_a_node_that_drains(stage: Stage, cluster: Cluster) -> None:
    """It finishes what it has, says that it drains, and takes nothing new."""
    nursery = cluster.start_workers(["a"])
    beta = cluster.nodes["beta"]
    with Client(beta.port) as busy, Client(beta.port) as idle:
        assert idle.get("/health").response().status == 200
        busy.get("/pool/echo?ms=1500", headers={"X-Request": "it"})
        nursery.program.wait_log("a has begun")
        beta.running.signal(signal.SIGTERM)
        assert cluster.wait_state("beta", "draining")
        assert "DRAINING" in cluster.m2sh("nodes").stdout
        assert idle.is_closed(1)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", beta.port), timeout=1)
        answer = busy.response()
        assert answer.body.startswith(b"it worker=a ")
        assert answer.header("Connection") == b"close" or busy.is_closed(1)
    assert beta.running.wait_end() == 0
    until(lambda: not cluster.member("beta"), "it said goodbye")


def test_the_first_coordinator_of_a_list_is_not_there(stage: Stage, cluster: Cluster) -> None:
    there = cluster.requests
    cluster.requests = f"tcp://127.0.0.1:{stage.port()},{there}"
    assert len(cluster.rows("nodes")) == 2
    gamma = Node(cluster, "gamma").start()
    gamma.wait_serves(1)
    gamma.running.stop()


def test_a_push_before_there_is_a_node(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, ["alpha"])
    cluster.start_coordinator()
    cluster.coordinator.wait_log("requests|listen|serves|ready")  # type: ignore[union-attr]
    done = cluster.push(1)
    assert "Revision 1 is the head" in done.stdout
    assert "no node has joined" in cluster.m2sh("status", status=1).stdout
    alpha = cluster.nodes["alpha"].start()
    alpha.wait_serves(1)
    assert shows(alpha, 1)
    cluster.stop()


def _front(cluster: Cluster) -> bytes:
    with Client(cluster.port) as client:
        return client.get("/redirect").response().head
