"""TLS on the nodes of a cluster: whoever was at one node goes on at another without a full handshake,
since the coordinator gives all of them the same keys for session tickets, and new ones in time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, Tuple

import pytest

from support.cluster import Cluster, Node
from support.program import run
from support.server import Kit, Stage
from support.tls import make_certificate
from support.wait import PATIENCE_S, until

UUID = "5ad4fc32-5c65-4ba8-9ad3-2a1d2ed6d5f1"
CONF = """
main = Server(uuid="{uuid}", name="main", port={port}, bind_addr="127.0.0.1", chroot="",
    access_log="access.log", error_log="error.log", pid_file="run/mongrel2.pid", default_host="localhost",
    use_ssl=1, hosts=[Host(name="localhost", routes={{"/": Status(what="health")}})])
settings = {{"certdir": "{certs}/"}}
servers = [main]
"""


def start(stage: Stage, node: Kit, *options: object) -> Cluster:
    """Two nodes that speak TLS with the same certificate."""
    cluster = Cluster(stage, node, ["alpha", "beta"])
    cluster.coordinator_options = list(options)
    certs = cluster.folder / "certs"
    certs.mkdir()
    make_certificate(certs, UUID, "localhost")
    for seat in cluster.seats:
        seat.start()
    for each in cluster.nodes.values():
        each.start()
    for name in cluster.nodes:
        until(lambda: cluster.member(name), f"node {name} has joined", PATIENCE_S * 2)
    conf = cluster.folder / "tls.conf"
    conf.write_text(CONF.format(uuid=UUID, port=stage.port(), certs=certs))
    cluster.push_file(conf)
    return cluster


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = start(stage, node)
    yield cluster
    cluster.stop()


def shake(node: Node, session: Path, *options: object) -> Tuple[bool, str]:
    """One handshake: whether it went on with the session, which is kept for the next; and the name of
    the key of the ticket that was given."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{node.port}", "-tls1_2", *options]
    command += ["-sess_in", session] if session.exists() else []
    talk = run([*command, "-sess_out", session], node.folder, input=b"Q").stdout.decode()
    found = re.search(r"(?m)^(New|Reused), TLS", talk)
    assert found is not None, talk
    name = re.search(r"0000 - ((?:[0-9a-f]{2}[ -]){16})", talk)
    return found[1] == "Reused", name[1] if name else ""


def key_at(node: Node, folder: Path) -> str:
    """The name of the key with which it seals tickets now."""
    session = folder / "probe"
    session.unlink(missing_ok=True)
    return shake(node, session)[1]


def same_key(cluster: Cluster, folder: Path) -> bool:
    names = {key_at(each, folder) for each in cluster.nodes.values()}
    return len(names) == 1 and names != {""}


def test_sessions_go_on_at_another_node(cluster: Cluster, tmp_path: Path) -> None:
    alpha, beta = cluster.nodes["alpha"], cluster.nodes["beta"]
    until(lambda: same_key(cluster, tmp_path), "both nodes have the coordinator's key")
    session = tmp_path / "session"
    assert shake(alpha, session)[0] is False
    assert shake(beta, session)[0] is True
    beta.running.stop()
    beta.start()
    until(lambda: same_key(cluster, tmp_path), "a node that was restarted has it again")
    assert shake(beta, session)[0] is True

    seat = cluster.seats[0]
    seat.running.stop()
    assert shake(alpha, session)[0] is True, "without a coordinator"
    assert shake(beta, session)[0] is True
    old = key_at(alpha, tmp_path)
    seat.start()
    until(lambda: key_at(alpha, tmp_path) != old and same_key(cluster, tmp_path), "a new key", PATIENCE_S * 2)
    assert shake(beta, session)[0] is True, "what was sealed with the one before is still opened"


def test_keys_are_replaced_in_time(stage: Stage, node: Kit, tmp_path: Path) -> None:
    cluster = start(stage, node, "-ticket_keys", 3)
    alpha, beta = cluster.nodes["alpha"], cluster.nodes["beta"]
    until(lambda: same_key(cluster, tmp_path), "both nodes have the coordinator's key")
    session, seen = tmp_path / "session", set()
    shake(alpha, session)

    def next_key() -> bool:
        seen.add(key_at(alpha, tmp_path))
        return len(seen) >= 4

    until(next_key, "three more keys", 30)
    assert shake(beta, session)[0] is False, "its key has gone"
    cluster.stop()


def test_without_them_each_node_has_its_own(stage: Stage, node: Kit, tmp_path: Path) -> None:
    cluster = start(stage, node, "-ticket_keys", 0)
    alpha, beta = cluster.nodes["alpha"], cluster.nodes["beta"]
    session = tmp_path / "session"
    shake(alpha, session)
    assert shake(alpha, session)[0] is True
    assert shake(beta, session)[0] is False
    cluster.stop()


def test_they_do_not_travel_in_the_open(stage: Stage, node: Kit, tmp_path: Path) -> None:
    cluster = Cluster(stage, node, [])
    seat = cluster.seats[0]
    seat.requests = seat.requests.replace("127.0.0.1", "0.0.0.0")
    program = seat.start("-insecure")
    program.wait_log("leads: it has taken the lease")
    program.wait_log("ready listen=")
    until(lambda: cluster.m2sh("status", status=None).returncode in (0, 1), "it answers")
    assert "a new key for TLS session tickets" not in program.log()
    cluster.stop()
