"""Several coordinators on one Redis: one leads, the others stand by; whatever dies, hangs or forgets,
no acknowledged commit is lost, two leaders never both store, and the nodes notice nothing."""

from __future__ import annotations

import json
import signal
import time
from typing import Iterator, List, Optional

import pytest

from support.cluster import Cluster, Seat
from support.program import Program
from support.redis import Redis, Sentinels
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until

#: goals.md: from the death of the leader until another takes pushes.
FAILOVER_S = 10

#: A Sentinel looks at roles every ten seconds.
SENTINEL_S = 45

#: Where the leader dies in a push of version 2, and the head that must then be in the store.
DEATHS = [
    ("push.checked", 1),
    ("push.prepared", 1),
    ("push.decided", 1),
    ("push.stored", 2),
    ("push.activated", 2),
]


@pytest.fixture
def redis(stage: Stage) -> Redis:
    return Redis(stage).start()


@pytest.fixture
def cluster(stage: Stage, node: Kit, redis: Redis) -> Iterator[Cluster]:
    """Three coordinators and two nodes that serve revision 1."""
    cluster = Cluster(stage, node, ["alpha", "beta"], store=redis.url, coordinators=3).start()
    yield cluster
    cluster.stop()


def leads(cluster: Cluster, seat: Seat) -> bool:
    """Asked at this coordinator alone, which would name another."""
    if seat.program is None or not seat.program.is_running():
        return False
    done = cluster.m2sh("status", "-json", at=seat.requests, status=None)
    return done.returncode in (0, 1) and bool(json.loads(done.stdout)["coordinators"][0]["leads"])


def leader(cluster: Cluster) -> Seat:
    def found() -> Optional[Seat]:
        seats = [seat for seat in cluster.seats if leads(cluster, seat)]
        return seats[0] if len(seats) == 1 else None

    return until(found, "one leader", FAILOVER_S + PATIENCE_S)


def others(cluster: Cluster, seat: Seat) -> List[Seat]:
    return [other for other in cluster.seats if other is not seat]


def push_when_led(cluster: Cluster, n: int) -> float:
    """Pushes as soon as somebody leads: seconds until it was done."""
    start = time.monotonic()

    def pushed() -> bool:
        return cluster.m2sh("push", "-config", cluster.site.write(n), "-why", "again", status=None).returncode == 0

    until(pushed, f"revision {n} is pushed", FAILOVER_S + PATIENCE_S)
    return time.monotonic() - start


def history(cluster: Cluster) -> List[int]:
    """The versions in the store, oldest first; it may be about to come back."""

    def log() -> str:
        done = cluster.m2sh("log", "-json", status=None)
        return done.stdout if done.returncode == 0 else ""

    rows = json.loads(until(log, "the log can be read", FAILOVER_S + PATIENCE_S))
    return sorted(row["version"] for row in rows if row.get("kind") == "commit")


def check_served(cluster: Cluster, version: int) -> None:
    for node in cluster.nodes.values():
        node.wait_serves(version)
    assert history(cluster) == list(range(1, version + 1))


# ---- in good times --------------------------------------------------------------------------------


def test_one_leads_and_the_others_name_it(cluster: Cluster) -> None:
    first = leader(cluster)
    for n, seat in enumerate(cluster.seats, 2):
        pushed = cluster.m2sh(
            "push", "-config", cluster.site.write(n), "-why", seat.name, at=seat.requests
        )
        assert f"revision {n}" in pushed.stdout.lower()
        for reader in cluster.seats:
            until(lambda: f"Revision {n}" in cluster.m2sh("status", at=reader.requests, status=None).stdout)
    check_served(cluster, 4)
    assert leader(cluster) is first


def test_a_coordinator_that_stops_hands_over(cluster: Cluster) -> None:
    first = leader(cluster)
    first.running.stop()
    push_when_led(cluster, 2)
    check_served(cluster, 2)
    assert leader(cluster) is not first
    first.start()
    push_when_led(cluster, 3)
    assert leader(cluster) is not first


def test_orders_outlive_their_coordinator(cluster: Cluster) -> None:
    cluster.m2sh("drain", "-node", "alpha", "-why", "disk", "-yes", "1")
    leader(cluster).running.kill()
    leader(cluster)
    status = until(lambda: "drained by order" in cluster.m2sh("status", status=None).stdout)
    assert status and cluster.nodes["alpha"].get("/health").status == 503
    cluster.m2sh("undrain", "-node", "alpha")
    assert cluster.nodes["alpha"].get("/health").status == 200


# ---- the leader dies, or hangs --------------------------------------------------------------------


def test_the_leader_is_killed(cluster: Cluster) -> None:
    leader(cluster).running.kill()
    took_s = push_when_led(cluster, 2)
    assert took_s < FAILOVER_S, f"{took_s:.1f} s until another one led"
    check_served(cluster, 2)


def pair(stage: Stage, node: Kit, redis: Redis, failpoints: str) -> Cluster:
    """Two coordinators, the first of which leads with failpoints armed, and a node at revision 1."""
    cluster = Cluster(stage, node, ["alpha"], store=redis.url, coordinators=2)
    cluster.coordinator_options = ["-settle", 0, "-lease", 2]
    doomed, heir = cluster.seats
    doomed.start()
    until(lambda: leads(cluster, doomed), "the first one leads")
    cluster.nodes["alpha"].start()
    until(lambda: cluster.member("alpha"))
    cluster.push(1)
    doomed.running.stop()
    doomed.start(env={"M2_FAILPOINTS": failpoints})
    until(lambda: leads(cluster, doomed), "it leads again", FAILOVER_S + PATIENCE_S)
    heir.start()
    until(lambda: cluster.member("alpha").get("version") == 1)
    heir.running.wait_log("joined|ready")
    return cluster


@pytest.mark.parametrize("failpoint, head", DEATHS)
def test_the_leader_dies_in_a_push(
    stage: Stage, node: Kit, redis: Redis, failpoint: str, head: int
) -> None:
    cluster = pair(stage, node, redis, f"{failpoint}=kill")
    doomed, heir = cluster.seats
    pushed = cluster.m2sh(
        "push", "-config", cluster.site.write(2), "-why", "doomed", at=doomed.requests, status=None
    )
    assert pushed.returncode != 0
    doomed.running.kill()
    until(lambda: leads(cluster, heir), "the other one leads", FAILOVER_S + PATIENCE_S)
    check_served(cluster, head)
    push_when_led(cluster, 3)
    check_served(cluster, head + 1)
    cluster.stop()


def is_stopped(program: Program) -> bool:
    with open(f"/proc/{program.pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize("failpoint, head", DEATHS)
def test_the_leader_hangs_in_a_push(
    stage: Stage, node: Kit, redis: Redis, failpoint: str, head: int
) -> None:
    """It wakes when another has led, and pushed, and is no longer believed."""
    cluster = pair(stage, node, redis, f"{failpoint}=stop")
    doomed, heir = cluster.seats
    config = cluster.folder / "doomed.conf"
    config.write_text(cluster.site.write(2).read_text())
    command = [cluster.kit.m2sh, "push", "-cluster", doomed.requests, "-config", config, "-why", "doomed"]
    pushing = stage.start(command, cluster.folder, name="push")
    until(lambda: is_stopped(doomed.running), f"it has stopped at {failpoint}")
    until(lambda: leads(cluster, heir), "the other one leads", FAILOVER_S + PATIENCE_S)
    check_served(cluster, head)
    push_when_led(cluster, 3)
    check_served(cluster, head + 1)
    doomed.running.signal(signal.SIGCONT)
    doomed.running.wait_log("does not lead|another holds the lease")
    assert pushing.wait_end(PATIENCE_S * 3) != 0 or head == 2, "what was not stored was reported"
    pushing.kill()
    push_when_led(cluster, 4)
    check_served(cluster, head + 2)
    cluster.stop()


def test_a_leader_that_hung_stores_nothing(cluster: Cluster) -> None:
    hung = leader(cluster)
    hung.running.signal(signal.SIGSTOP)
    push_when_led(cluster, 2)
    hung.running.signal(signal.SIGCONT)
    hung.running.wait_log("does not lead|another holds the lease")
    assert not leads(cluster, hung)
    push_when_led(cluster, 3)
    check_served(cluster, 3)


# ---- the store dies, hangs, forgets ---------------------------------------------------------------


def test_redis_is_away_for_a_while(cluster: Cluster, redis: Redis) -> None:
    first = leader(cluster)
    redis.running.kill()
    refused = cluster.m2sh("push", "-config", cluster.site.write(2), "-why", "too early", status=None)
    assert refused.returncode != 0
    assert "Redis" in refused.stderr or "leader" in refused.stderr, refused.stderr
    for node in cluster.nodes.values():
        assert node.serves() == 1
    until(lambda: "Redis" in cluster.m2sh("status", at=first.requests, status=None).stdout, "status says so")
    redis.start()
    push_when_led(cluster, 3)
    check_served(cluster, 2)


def test_redis_hangs(cluster: Cluster, redis: Redis) -> None:
    leader(cluster)
    redis.running.signal(signal.SIGSTOP)
    refused = cluster.m2sh("push", "-config", cluster.site.write(2), "-why", "a", status=None, timeout_s=90)
    redis.running.signal(signal.SIGCONT)
    assert refused.returncode != 0
    push_when_led(cluster, 3)
    leader(cluster)
    versions = history(cluster)
    assert versions in ([1, 2], [1, 2, 3])  # what was in its socket may have been kept
    for node in cluster.nodes.values():
        node.wait_serves(versions[-1])


def test_a_coordinator_waits_for_its_store(stage: Stage, node: Kit) -> None:
    redis = Redis(stage)
    cluster = Cluster(stage, node, [], store=redis.url)
    early = cluster.start_coordinator()
    early.wait_log("Connection refused")
    redis.start()
    early.wait_log("ready listen=")
    push_when_led(cluster, 1)
    cluster.stop()


def head_of(cluster: Cluster, seat: Seat) -> int:
    status = json.loads(cluster.m2sh("status", "-json", at=seat.requests, status=None).stdout)
    return int(status["head"])


def test_a_store_that_has_forgotten_is_not_followed(cluster: Cluster, redis: Redis) -> None:
    cluster.push(2)
    for seat in cluster.seats:  # its own head: only who knew it can miss it
        until(lambda: head_of(cluster, seat) == 2, f"{seat.name} knows version 2")
    redis.ask("HDEL", "{mongrel2}:commits", "2")
    first = redis.ask("HGET", "{mongrel2}:commits", "1")
    assert isinstance(first, bytes)
    redis.ask("HSET", "{mongrel2}:meta", "version", "1", "hash", first[:64])
    for seat in cluster.seats:
        seat.running.wait_log("lost acknowledged commits")
    status = cluster.m2sh("status", status=1).stdout
    assert "coordinator-1 cannot push: The store has lost acknowledged commits" in status
    leader(cluster).running.kill()  # the next one looks before it takes a push
    heir = leader(cluster)
    refused = cluster.m2sh("push", "-config", cluster.site.write(3), "-why", "no", at=heir.requests, status=None)
    assert refused.returncode != 0 and "lost acknowledged commits" in refused.stderr, refused.stderr
    assert "lost acknowledged commits" in cluster.m2sh("events", at=heir.requests).stdout
    for node in cluster.nodes.values():
        assert node.serves() == 2


def test_an_edited_history_is_not_followed(stage: Stage, node: Kit, redis: Redis) -> None:
    cluster = Cluster(stage, node, [], store=redis.url)
    cluster.start_coordinator()
    for n in (1, 2, 3):
        push_when_led(cluster, n)
    cluster.stop()
    kept = redis.ask("HGET", "{mongrel2}:commits", "1")
    assert isinstance(kept, bytes) and b"alice" in kept
    redis.ask("HSET", "{mongrel2}:commits", "1", kept.replace(b"alice", b"mallo"))
    refusing = cluster.start_coordinator()
    assert refusing.wait_end() == 1
    assert "Commit 1 has the hash" in refusing.log()


# ---- Sentinel -------------------------------------------------------------------------------------


@pytest.fixture
def watched(stage: Stage, node: Kit) -> Iterator["Watched"]:
    watched = Watched(stage, node)
    yield watched
    watched.cluster.stop()


class Watched:
    """A cluster on a master with a replica, watched by three Sentinels."""

    def __init__(self, stage: Stage, kit: Kit):
        self.master = Redis(stage).start()
        self.replica = Redis(stage, self.master).start()
        self.master.wait_replicas(1)
        self.sentinels = Sentinels(stage, self.master)
        store = f"{self.sentinels.url}?replicas=1&timeout_ms=1500"
        self.cluster = Cluster(stage, kit, ["alpha"], store=store, coordinators=2).start()


def test_the_master_dies(watched: Watched) -> None:
    cluster, replica = watched.cluster, watched.replica
    cluster.push(2)
    watched.master.running.kill()
    until(replica.is_master, "the replica is promoted", 30)
    assert history(cluster) == [1, 2]
    refused = cluster.m2sh("push", "-config", cluster.site.write(3), "-why", "alone", status=None)
    assert refused.returncode != 0  # no replica has confirmed it
    watched.master.master = None
    watched.master.start()  # the Sentinels make it a replica
    replica.wait_replicas(1, SENTINEL_S)
    push_when_led(cluster, 4)
    versions = history(cluster)
    assert versions[:2] == [1, 2]
    cluster.nodes["alpha"].wait_serves(versions[-1])


def test_a_master_that_hung_is_not_believed(watched: Watched) -> None:
    cluster = watched.cluster
    cluster.push(2)
    watched.master.running.signal(signal.SIGSTOP)
    until(watched.replica.is_master, "the replica is promoted", 30)
    watched.master.running.signal(signal.SIGCONT)
    watched.replica.wait_replicas(1, SENTINEL_S)
    push_when_led(cluster, 3)
    versions = history(cluster)
    cluster.nodes["alpha"].wait_serves(versions[-1])
    assert versions == list(range(1, len(versions) + 1))


def test_sentinels_die(watched: Watched) -> None:
    first: Program = watched.sentinels.programs[0]
    first.kill()
    leader(watched.cluster).running.kill()
    push_when_led(watched.cluster, 2)
    check_served(watched.cluster, 2)
