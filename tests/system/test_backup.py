"""The history goes into a file and out of it, from one kind of store into another, and the nodes
notice nothing but that no coordinator is there for a moment."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from mongrel2 import tnetstrings

from support.cluster import Cluster
from support.program import run
from support.raw import Client
from support.redis import Redis
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    """Two nodes that serve revision 1."""
    cluster = Cluster(stage, node, ["alpha", "beta"]).start()
    yield cluster
    cluster.stop()


@pytest.fixture
def redis(stage: Stage) -> Redis:
    return Redis(stage).start()


def items(path: Path) -> List[List[Any]]:
    """What is in a backup."""
    out, rest = [], path.read_bytes()
    while rest:
        length = rest.index(b":")
        end = length + 1 + int(rest[:length]) + 1
        out.append(tnetstrings.load(rest[:end]))
        rest = rest[end:]
    return out


def tool(cluster: Cluster, *words: object, status: int = 0, failpoint: str = "") -> str:
    """Runs `m2sh` without a cluster; what it has said."""
    env = {"M2_FAILPOINTS": failpoint} if failpoint else {}
    done = run([cluster.kit.m2sh, *words], cluster.folder, timeout_s=60, env=env)
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == status, f"{done.returncode}\n{text}"
    return text


def backup(cluster: Cluster, name: str = "history.m2b") -> Path:
    cluster.m2sh("backup", "-file", name)
    return cluster.folder / name


def restart(cluster: Cluster, store: str) -> None:
    """The coordinator ends and another begins, on this store."""
    program = cluster.seats[0].program
    if program is not None and program.is_running():
        program.stop()
    cluster.store = store
    cluster.start_coordinator("-settle", "1").wait_log("ready listen=")


def wait_synced(cluster: Cluster, version: int) -> None:
    def synced() -> bool:
        rows = cluster.rows("nodes")
        return [(row["state"], row["version"]) for row in rows] == [("ready", version)] * len(cluster.nodes)

    until(synced, f"all nodes are ready at {version}", PATIENCE_S * 2)


def test_a_backup_has_everything(cluster: Cluster) -> None:
    cluster.push(2)
    cluster.m2sh("rollback", "-rev", "1", "-why", "back")
    cluster.m2sh("commit", "-what", "new cables", "-why", "the old ones were old")
    cluster.m2sh("drain", "-node", "beta", "-why", "to see")
    path = backup(cluster)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = items(path)
    assert [item[0] for item in found].count(b"config") == 2  # of three commits
    assert [item[0] for item in found].count(b"commit") == 3
    kinds = [item[1] for item in found if item[0] == b"record"]
    assert kinds.count(b"outcome") == 3 and b"note" in kinds and b"order" in kinds
    assert found[0][1][b"version"] == 3 and found[-1][0] == b"end"
    assert not Path(f"{path}.part").exists()
    # the same from the store itself
    cluster.seats[0].running.stop()
    said = tool(cluster, "backup", "-store", cluster.store, "-file", "other.m2b")
    assert "saved 3 commits" in said
    assert items(cluster.folder / "other.m2b")[1:-1] == found[1:-1]
    restart(cluster, cluster.store)


def test_what_was_lost_is_there_again(cluster: Cluster) -> None:
    cluster.push(2)
    cluster.m2sh("commit", "-what", "new cables", "-why", "the old ones were old")
    cluster.m2sh("pause", "-pool", "echo", "-why", "to see", "-max", "600")
    before = cluster.m2sh("log").stdout
    backup(cluster)
    cluster.seats[0].running.stop()
    for path in cluster.folder.glob("store.sqlite*"):
        path.unlink()
    said = tool(cluster, "restore", "-file", "history.m2b", "-store", "sqlite:new.sqlite")
    assert "restored 5 of 5" in said or "restored 6 of 6" in said
    restart(cluster, "sqlite:new.sqlite")
    wait_synced(cluster, 2)
    assert cluster.m2sh("log").stdout == before
    assert "echo is paused by order of alice" in cluster.m2sh("status").stdout
    cluster.push(3)
    wait_synced(cluster, 3)
    for node in cluster.nodes.values():
        assert "diverged" not in node.running.log()


def test_from_sqlite_to_redis_and_back(cluster: Cluster, redis: Redis) -> None:
    """With someone who asks all the time."""
    over, wrong = threading.Event(), []

    def ask() -> None:
        with Client(cluster.nodes["alpha"].port) as client:
            while not over.wait(0.002):
                answer = client.get("/redirect").response()
                if answer.status >= 400:
                    wrong.append(answer.status)

    visitor = threading.Thread(target=ask)
    visitor.start()
    try:
        for n, store in [(2, redis.url), (3, "sqlite:again.sqlite")]:
            cluster.push(n)
            backup(cluster, f"{n}.m2b")
            cluster.seats[0].running.stop()
            tool(cluster, "restore", "-file", f"{n}.m2b", "-store", store)
            restart(cluster, store)
            wait_synced(cluster, n)
    finally:
        over.set()
        visitor.join()
    assert not wrong
    cluster.push(4)
    wait_synced(cluster, 4)
    versions = [row["version"] for row in cluster.rows("log") if row["kind"] == "commit"]
    assert versions == [4, 3, 2, 1]
    for node in cluster.nodes.values():
        assert "diverged" not in node.running.log()


def test_a_damaged_file_changes_nothing(cluster: Cluster) -> None:
    path = backup(cluster)
    whole = path.read_bytes()
    for name, content in [
        ("cut.m2b", whole[:-20]),
        ("changed.m2b", whole.replace(b"revision 1", b"revision 2", 1)),
        ("other.m2b", b"SQLite format 3"),
        ("empty.m2b", b""),
    ]:
        (cluster.folder / name).write_bytes(content)
        said = tool(cluster, "restore", "-file", name, "-store", "sqlite:fresh.sqlite", status=1)
        assert "damaged" in said or "no backup" in said or "is empty" in said or "commit 1" in said.lower(), said
    assert not (cluster.folder / "fresh.sqlite").exists()
    assert "Cannot read" in tool(cluster, "restore", "-file", "none", "-store", "sqlite:fresh.sqlite", status=1)


def test_only_what_fits_is_added(cluster: Cluster, stage: Stage, node: Kit) -> None:
    backup(cluster, "1.m2b")
    cluster.push(2)
    backup(cluster, "2.m2b")
    tool(cluster, "restore", "-file", "1.m2b", "-store", "sqlite:copy.sqlite")
    assert "version 2" in tool(cluster, "restore", "-file", "2.m2b", "-store", "sqlite:copy.sqlite")
    said = tool(cluster, "restore", "-file", "1.m2b", "-store", "sqlite:copy.sqlite", status=1)
    assert "The store has version 2, the backup ends with 1" in said
    other = Cluster(stage, node, [])
    other.start_coordinator()
    other.push(1, "-policy", "any")
    backup(other)
    os.rename(other.folder / "history.m2b", cluster.folder / "other.m2b")
    other.stop()
    said = tool(cluster, "restore", "-file", "other.m2b", "-store", "sqlite:copy.sqlite", status=1)
    assert "The store has version 2" in said
    said = tool(other, "restore", "-file", cluster.folder / "2.m2b", "-store", other.store, status=1)
    assert "is not that of the backup" in said
    other.start_coordinator().wait_log("ready listen=")  # it was not marked
    other.stop()


def test_a_store_in_use_is_left_alone(cluster: Cluster, redis: Redis, stage: Stage, node: Kit) -> None:
    backup(cluster)
    said = tool(cluster, "restore", "-file", "history.m2b", "-store", cluster.store, status=1)
    assert "Another coordinator uses the store" in said
    other = Cluster(stage, node, [], store=redis.url)
    other.start_coordinator().wait_log("leads")
    said = tool(cluster, "restore", "-file", "history.m2b", "-store", redis.url, status=1)
    assert "A coordinator uses this store" in said
    other.stop()


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_a_restore_that_breaks_off(cluster: Cluster, redis: Redis, kind: str) -> None:
    store = redis.url if kind == "redis" else "sqlite:copy.sqlite"
    cluster.push(2)
    path = backup(cluster)
    tool(cluster, "restore", "-file", path, "-store", store, status=-9, failpoint="restore.kept=kill")
    cluster.seats[0].running.stop()
    cluster.store = store
    half = cluster.start_coordinator("-lease", "2")
    half.wait_log("A restore into this store was begun and has not ended", 45)
    half.stop()
    for node in cluster.nodes.values():
        assert node.serves() == 2
    said = tool(cluster, "restore", "-file", path, "-store", store)
    assert "version 2" in said
    restart(cluster, store)
    wait_synced(cluster, 2)
