"""Who may do what: CURVE keys at the coordinators and at the handler ports of nodes, their roles, and
keys that come and go while everything runs."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest
import zmq
import zmq.auth

from mongrel2 import tnetstrings

from support.cluster import Cluster, Node
from support.load import Ask, Load
from support.nursery import Nursery
from support.program import Program, run
from support.raw import Client
from support.redis import Redis
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until

POOL = Ask("pool", "/pool/echo?ms=2", echo=True)
DENIED, REFUSED, USAGE = 8, 4, 2


class Keys:
    """A folder of certificates, as an operator makes them."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.folder = cluster.folder / "keys"
        for role, owner in [("coordinator", ""), ("admin", "ann"), ("node", "any"), ("handler", "shop")]:
            self.make(role, owner)

    def make(self, role: str, owner: str = "", folder: str = "keys", name: str = "") -> Path:
        """A pair of keys; returns the public certificate."""
        words: List[object] = ["keys", "-out", folder, "-role", role]
        words += ["-owner", owner] if owner else []
        words += ["-name", name] if name else []
        done = self.cluster.m2sh(*words)
        assert role in done.stdout, done
        return self.cluster.folder / folder / f"{name or role}.cert"

    def stranger(self, role: str, owner: str) -> Path:
        """A pair that nobody knows yet, with the coordinator's public certificate beside it."""
        cert = self.make(role, owner, folder=owner)
        (cert.parent / "coordinator.cert").write_bytes((self.folder / "coordinator.cert").read_bytes())
        return cert


@pytest.fixture
def guarded(stage: Stage, node: Kit) -> Iterator[Tuple[Cluster, Keys]]:
    """Two nodes that serve revision 1, and a coordinator, with keys; its sockets are in the open."""
    cluster = Cluster(stage, node, ["alpha", "beta"])
    keys = Keys(cluster)
    cluster.key_options = ["-keys", keys.folder]
    for seat in cluster.seats:
        seat.requests = seat.requests.replace("127.0.0.1", "0.0.0.0")
        seat.updates = seat.updates.replace("127.0.0.1", "0.0.0.0")
    for each in cluster.nodes.values():
        each.handler_port = each.handler_port.replace("127.0.0.1", "0.0.0.0")
    cluster.start()
    yield cluster, keys
    cluster.stop()


def coordinator_log(cluster: Cluster) -> Program:
    return cluster.seats[0].running


class Raw:
    """A peer that speaks the protocol itself, with any keys or none."""

    def __init__(self, kind: int, spec: str, own: Optional[Path] = None, server: Optional[Path] = None):
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        if own is not None and server is not None:
            public, secret = zmq.auth.load_certificate(f"{own}_secret")
            self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
            self.socket.curve_serverkey = zmq.auth.load_certificate(str(server))[0]
        self.socket.connect(spec)

    def call(self, verb: str, timeout_s: float = PATIENCE_S, **args: Any) -> Optional[Dict[bytes, Any]]:
        """None: nobody answers."""
        self.socket.send(tnetstrings.dump([verb, {"seq": 7, **args}]))
        if not self.socket.poll(int(timeout_s * 1000)):
            return None
        return tnetstrings.load(self.socket.recv())

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()
        self.context.term()


def stat(cluster: Cluster, name: str, keys: Keys) -> int:
    with Raw(zmq.DEALER, cluster.requests, keys.folder / "admin.cert", keys.folder / "coordinator.cert") as raw:
        reply = raw.call("stats")
        assert reply is not None
        return {row[0].decode(): row[1] for row in reply[b"rows"]}[name]


def workers(cluster: Cluster) -> List[Tuple[str, str]]:
    return sorted((row["node"], row["name"]) for row in cluster.rows("workers", "-pool", "echo"))


def nursery(cluster: Cluster, keys: Path) -> Nursery:
    return Nursery(cluster.stage, "echo", [], coordinator=cluster.requests, keys=str(keys))


def test_a_cluster_with_keys_works(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    children = nursery(cluster, keys.folder)
    children.start("one")
    until(lambda: workers(cluster) == [("alpha", "one"), ("beta", "one")], "the worker is there", PATIENCE_S * 2)
    for each in cluster.nodes.values():
        answer = each.get("/pool/echo")
        assert answer.status == 200 and b"worker=one" in answer.body
    cluster.push(2, why="with keys")
    log = cluster.rows("log")
    assert log[0]["who"] == "ann", "the author is the owner of the key, not whoever m2sh runs as"
    assert log[0]["why"] == "with keys"


def test_a_handler_in_c_has_keys(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    folder = cluster.stage.folder()
    command = [cluster.kit.mongrel2.parent / "m2gateway", "-pool", "echo", "-coordinator", cluster.requests]
    command += ["-send_spec", f"ipc://{folder}/send", "-recv_spec", f"ipc://{folder}/recv"]
    gateway = cluster.stage.start([*command, "-keys", keys.folder], folder, name="m2gateway")
    context = zmq.Context()
    pull, pub = context.socket(zmq.PULL), context.socket(zmq.PUB)
    pull.connect(f"ipc://{folder}/send")
    pub.connect(f"ipc://{folder}/recv")
    try:
        until(lambda: sorted(node for node, _ in workers(cluster)) == ["alpha", "beta"], "it has joined", PATIENCE_S * 2)
        with Client(cluster.nodes["beta"].port) as client:
            client.get("/pool/echo")
            assert pull.poll(PATIENCE_S * 1000)
            sender, conn, *_ = pull.recv().split(b" ")
            reply = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsealed"
            pub.send(b"%s %d:%s, %s" % (sender, len(conn), conn, reply))
            assert client.response().body == b"sealed"
    finally:
        context.destroy(linger=0)
    gateway.stop()
    wrong = cluster.stage.start([*command, "-keys", keys.stranger("viewer", "eve")], folder, name="wrong")
    assert wrong.process.wait(PATIENCE_S) != 0 and "viewer" in wrong.log()


def test_who_has_no_key_or_a_wrong_one_stays_outside(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    log = coordinator_log(cluster)
    before = stat(cluster, "keys_refused", keys)
    stranger = keys.stranger("admin", "mallory")
    done = cluster.m2sh("nodes", "-keys", stranger, status=DENIED)
    assert "does not accept this key" in done.stderr
    log.wait_log("connection refused: the key .* is not known socket=requests address=127.0.0.1")
    assert stat(cluster, "keys_refused", keys) > before

    cluster.key_options, with_keys = [], cluster.key_options
    done = cluster.m2sh("nodes", status=DENIED)
    assert "without a key" in done.stderr and "-keys" in done.stderr
    cluster.key_options = with_keys
    log.wait_log("connection refused: (one side brings a key and the other does not|the peer has gone)")
    assert stat(cluster, "handshakes_failed", keys) > 0

    (stranger.parent / "coordinator.cert").write_bytes(stranger.read_bytes())
    done = cluster.m2sh("nodes", "-keys", stranger, status=DENIED)
    assert "coordinator.cert" in done.stderr, "whoever claims to be the coordinator is not believed"

    for port in (cluster.requests, cluster.seats[0].updates.replace("0.0.0.0", "127.0.0.1")):
        with Raw(zmq.DEALER, port) as raw:
            assert raw.call("head", timeout_s=0.5) is None
    handler_port = cluster.nodes["alpha"].handler_port.replace("0.0.0.0", "127.0.0.1")
    refused = re.compile(rb"handler_keys_refused_total (\d+)")
    for own in (None, stranger):
        with Raw(zmq.DEALER, handler_port, own, keys.folder / "node.cert") as raw:
            raw.socket.send_multipart([b"READY", tnetstrings.dump({"pool": "echo", "worker": "x"})])
            assert not raw.socket.poll(500)
    found = refused.search(cluster.nodes["alpha"].get("/metrics").body)
    assert found is not None and int(found[1]) >= 2


def test_a_role_is_all_that_a_key_may_do(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    viewer = keys.make("viewer", "vic", name="vic")
    until(lambda: "vic" in cluster.m2sh("keys").stdout, "the key is known")
    assert {row["node"] for row in cluster.rows("nodes", "-keys", viewer)} == {"alpha", "beta"}
    before = stat(cluster, "requests_denied", keys)
    conf = cluster.site.write(2)
    for words in (
        ["push", "-config", conf, "-why", "no"],
        ["drain", "-node", "alpha", "-yes", "1"],
        ["keys", "-revoke", "ann"],
        ["commit", "-what", "x", "-why", "y"],
    ):
        done = cluster.m2sh(*words, "-keys", viewer, status=DENIED)
        assert "vic is that of a viewer" in done.stderr, done
    assert stat(cluster, "requests_denied", keys) >= before + 4
    coordinator_log(cluster).wait_log('denied: The key of vic is that of a viewer, and may not ask for "push"')
    assert cluster.rows("log")[0]["version"] == 1

    handler, server = keys.folder / "handler.cert", keys.folder / "coordinator.cert"
    with Raw(zmq.DEALER, cluster.requests, handler, server) as raw:
        join = {"uuid": "0a0a0a0a-0000-4000-8000-000000000001", "boot": "0a0a0a0a-0000-4000-8000-000000000002"}
        join.update(name="fake", server="main", host="h", program="p")
        reply = raw.call("join", pid=1, version=0, **join)
        assert reply is not None and reply[b"code"] == b"DENIED" and b"handler" in reply[b"error"]
        reply = raw.call("get", version=1)
        assert reply is not None and reply[b"code"] == b"DENIED"
        reply = raw.call("pools", pool="echo")
        assert reply is not None and len(reply[b"rows"]) == 2
    updates = cluster.seats[0].updates.replace("0.0.0.0", "127.0.0.1")
    with Raw(zmq.SUB, updates, handler, server) as raw:  # of pools, and of nothing else
        raw.socket.subscribe(b"")
        raw.socket.subscribe(b"pool.echo")
        cluster.push(2)
        topics = set()
        until(lambda: stat(cluster, "requests_denied", keys) > before + 4, "the subscription was denied")
        end = time.monotonic() + 2.5  # two beats
        while time.monotonic() < end:
            if raw.socket.poll(100):
                topics.add(raw.socket.recv_multipart()[0])
        assert topics <= {b"pool.echo"}, topics
    with Raw(zmq.DEALER, cluster.nodes["alpha"].handler_port.replace("0.0.0.0", "127.0.0.1"), viewer,
             keys.folder / "node.cert") as raw:
        raw.socket.send_multipart([b"READY", tnetstrings.dump({"pool": "echo", "worker": "x"})])
        assert not raw.socket.poll(500), "a viewer is no worker"
    done = run([cluster.kit.mongrel2, "-coordinator", cluster.requests, "-server", "main", "-node", "n",
                "-state", cluster.folder / "n", "-keys", handler], cluster.folder)
    assert done.returncode != 0 and b"that of a handler" in done.stderr


def test_a_node_speaks_for_itself_only(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    other = keys.make("node", "other", name="other")
    until(lambda: "other" in cluster.m2sh("keys").stdout, "the key is known")
    alpha = cluster.member("alpha")
    with Raw(zmq.DEALER, cluster.requests, other, keys.folder / "coordinator.cert") as raw:
        ack = {"uuid": alpha["uuid"], "version": 2, "hash": "0" * 64, "ok": True}
        reply = raw.call("applied", **ack)
        assert reply is not None and b"joined with another key" in reply[b"error"]
        reply = raw.call("leave", uuid=alpha["uuid"], boot=alpha["uuid"], reason="x")
        assert reply is not None and reply[b"code"] == b"DENIED"
    assert cluster.member("alpha")["state"] == "ready"


def test_keys_come_and_go_while_everything_runs(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    ours = nursery(cluster, keys.folder)
    ours.start("ours")
    until(lambda: workers(cluster) == [("alpha", "ours"), ("beta", "ours")], "our worker", PATIENCE_S * 2)
    load = Load(cluster.stage, cluster.nodes["alpha"].port, [POOL], connections=8)

    guest = keys.stranger("handler", "guest")
    children = nursery(cluster, guest.parent)
    children.start("guest")
    cluster.m2sh("keys", "-add", guest, "-why", "for a week")
    listed = {row["owner"]: row for row in cluster.rows("keys")}
    assert (listed["guest"]["role"], listed["guest"]["who"]) == ("handler", "ann")
    everyone = [(node, name) for node in ("alpha", "beta") for name in ("guest", "ours")]
    until(lambda: workers(cluster) == everyone, "the guest works", PATIENCE_S * 2)

    new = Node(cluster, "gamma")
    cluster.nodes["gamma"] = new
    edge = keys.stranger("node", "gamma")
    cluster.m2sh("keys", "-add", edge)
    cluster.key_options, ours_too = ["-keys", edge], cluster.key_options
    new.start().wait_serves(1)
    cluster.key_options = ours_too
    until(lambda: ("gamma", "guest") in workers(cluster), "the new node has it too", PATIENCE_S * 2)

    cluster.m2sh("keys", "-revoke", "guest", "-why", "the week is over")
    until(lambda: {name for _, name in workers(cluster)} == {"ours"}, "the guest is gone", PATIENCE_S * 2)
    cluster.nodes["beta"].running.wait_log("worker lost: its key is no longer accepted")
    assert {row["owner"]: row for row in cluster.rows("keys")}["guest"]["role"] == "revoked"
    events = cluster.m2sh("events").stdout
    assert "ann accepts the key of guest" in events and "ann revokes the key of guest" in events
    found = load.stop()
    assert found.events == [] and found.count() > 100, found.story()


def test_who_is_revoked_hears_no_more(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    watcher = keys.stranger("viewer", "wes")
    cluster.m2sh("keys", "-add", watcher)
    updates = cluster.seats[0].updates.replace("0.0.0.0", "127.0.0.1")
    server = keys.folder / "coordinator.cert"
    with Raw(zmq.SUB, updates, watcher, server) as ears, Raw(zmq.DEALER, cluster.requests, watcher, server) as raw:
        ears.socket.subscribe(b"")
        assert ears.socket.poll(PATIENCE_S * 1000), "it hears the beats"
        assert raw.call("head") is not None
        cluster.m2sh("keys", "-revoke", watcher)
        while ears.socket.poll(500):
            ears.socket.recv_multipart()
        cluster.push(2)
        assert not ears.socket.poll(1500), "neither commits nor beats"
        reply = raw.call("head")
        assert reply is not None and b"no longer accepted" in reply[b"error"], "nor is it answered"
    for each in cluster.nodes.values():
        each.wait_serves(2)


def test_the_last_admin_stays(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    done = cluster.m2sh("keys", "-revoke", keys.folder / "admin.cert", status=REFUSED)
    assert "only key of an admin" in done.stderr
    done = cluster.m2sh("keys", "-add", keys.folder / "admin.cert", "-role", "viewer", status=REFUSED)
    assert "only key of an admin" in done.stderr
    cluster.m2sh("keys", "-add", keys.stranger("admin", "bea"))
    bea = cluster.folder / "bea" / "admin.cert"
    cluster.m2sh("keys", "-revoke", "ann", "-keys", bea)
    assert "does not accept" in cluster.m2sh("nodes", status=DENIED).stderr
    seat = cluster.seats[0]
    seat.running.stop()
    seat.start()  # her certificate still lies in the coordinator's directory
    until(lambda: cluster.m2sh("nodes", "-keys", bea, status=None).returncode == 0, "it is back", PATIENCE_S * 2)
    assert "does not accept" in cluster.m2sh("nodes", status=DENIED).stderr


def test_a_node_knows_its_workers_without_a_coordinator(guarded: Tuple[Cluster, Keys]) -> None:
    cluster, keys = guarded
    alpha = cluster.nodes["alpha"]
    cluster.seats[0].running.stop()
    alpha.running.stop()
    alpha.start().wait_serves(1)
    handler_port = alpha.handler_port.replace("0.0.0.0", "127.0.0.1")
    children = Nursery(cluster.stage, "echo", [handler_port], keys=str(keys.folder))
    children.start("one")
    alpha.running.wait_log("worker joined .* name=one ")
    assert alpha.get("/pool/echo").status == 200


def test_a_node_and_a_coordinator_that_disagree_about_keys(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, ["alpha", "beta"])
    keys = Keys(cluster)
    cluster.seats[0].start("-keys", keys.folder)
    plain = cluster.nodes["alpha"].start()
    plain.running.wait_log("the coordinator lets us not in|one side brings a key")
    wrong = cluster.nodes["beta"].start("-keys", keys.stranger("node", "zed"))
    wrong.running.wait_log("the key is not accepted")
    cluster.stop()


def test_in_the_open_keys_are_needed(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, [])
    program = cluster.kit.mongrel2.parent / "mongrel2-coordinator"
    options = ["-store", "memory:", "-listen", "tcp://0.0.0.0:*", "-publish", "tcp://0.0.0.0:*"]
    done = run([program, *options], cluster.folder)
    assert done.returncode == USAGE and b"-keys" in done.stderr and b"-insecure" in done.stderr
    done = run([program, *options, "-keys", "nowhere"], cluster.folder)
    assert done.returncode == USAGE and b"There is no" in done.stderr
    keys = Keys(cluster)
    secret = keys.folder / "coordinator.cert_secret"
    secret.chmod(0o644)
    done = run([program, *options, "-keys", keys.folder], cluster.folder)
    assert done.returncode == USAGE and b"chmod 600" in done.stderr
    secret.write_text("rubbish")
    secret.chmod(0o600)
    done = run([program, *options, "-keys", keys.folder], cluster.folder)
    assert done.returncode == USAGE and b"is no certificate" in done.stderr
    done = run([cluster.kit.mongrel2, "-coordinator", "tcp://127.0.0.1:1", "-server", "main", "-node", "n",
                "-state", "n", "-handler_port", "tcp://0.0.0.0:*"], cluster.folder)
    assert done.returncode == USAGE and b"-keys" in done.stderr


def test_making_keys(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, [])
    keys = Keys(cluster)
    public, secret = keys.folder / "admin.cert", keys.folder / "admin.cert_secret"
    assert secret.stat().st_mode & 0o077 == 0
    assert "secret-key" in secret.read_text() and "secret-key" not in public.read_text()
    assert zmq.auth.load_certificate(str(public))[0] == zmq.auth.load_certificate(str(secret))[0]
    before = secret.read_bytes()
    done = cluster.m2sh("keys", "-out", "keys", "-role", "admin", status=1)
    assert "is there already" in done.stderr and secret.read_bytes() == before
    assert "Which role" in cluster.m2sh("keys", "-out", "keys", "-role", "king", status=USAGE).stderr
    assert cluster.m2sh("keys", "-out", "keys", "-add", public, status=USAGE)
    cluster.m2sh("keys", "-out", "keys", "-role", "viewer", "-name", "../x", status=USAGE)
    made = cluster.rows("keys", "-out", "keys", "-role", "viewer", "-owner", "vic", "-name", "vic")
    assert made[0]["owner"] == "vic" and made[0]["public"] == "keys/vic.cert" and len(made[0]["key"]) == 40


def test_all_coordinators_know_the_keys(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, ["alpha"], store=Redis(stage).start().url, coordinators=2)
    keys = Keys(cluster)
    cluster.key_options = ["-keys", keys.folder]
    cluster.start()
    guest = keys.stranger("viewer", "guest")
    cluster.m2sh("keys", "-add", guest)
    for seat in cluster.seats:
        until(
            lambda: cluster.m2sh("nodes", "-keys", guest, at=seat.requests, status=None).returncode == 0,
            f"{seat.name} knows the new key",
        )
    server = keys.folder / "coordinator.cert"
    with Raw(zmq.SUB, cluster.seats[1].updates, guest, server) as ears:  # of one that need not lead
        ears.socket.subscribe(b"beat")
        assert ears.socket.poll(PATIENCE_S * 1000)
        cluster.m2sh("keys", "-revoke", "guest")

        def is_silent() -> bool:
            while ears.socket.poll(50):
                ears.socket.recv_multipart()
            return not ears.socket.poll(2500)

        until(is_silent, "no coordinator tells it anything", PATIENCE_S * 2)
    for seat in cluster.seats:
        until(
            lambda: cluster.m2sh("nodes", "-keys", guest, at=seat.requests, status=None).returncode == DENIED,
            f"{seat.name} knows that it was revoked",
        )
    cluster.stop()
