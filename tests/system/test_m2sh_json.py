"""`-json 1` with every command of the cluster: one JSON text on stdout, when all is well and when not."""

from __future__ import annotations

import json
from typing import Any, Iterator, List

import pytest

from support.cluster import Cluster
from support.program import run
from support.raw import Client
from support.server import Kit, Stage

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def cluster(module_stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = Cluster(module_stage, node, ["alpha", "beta"]).start()
    cluster.start_workers(["ada"])
    yield cluster
    cluster.stop()


#: Command, and the kind of answer: a list of rows, one object, or (metrics) a text.
READING = [
    ("status", dict),
    ("nodes", list),
    ("pools", list),
    ("workers -pool echo", list),
    ("conns -node alpha", list),
    ("top -n 1 -every 1", list),
    ("events -n 5", list),
    ("doctor", list),
    ("metrics -node alpha", str),
    ("log", list),
    ("show -rev 1", dict),
    ("diff -rev 1 -to 1", list),
    ("servers", list),
    ("hosts -server main", list),
    ("routes -server main -host localhost", list),
]


def answer(cluster: Cluster, line: str, status: Any = 0) -> Any:
    done = cluster.m2sh(*line.split(), "-json", "1", status=None)
    assert status is None or done.returncode == status, f"{line}: {done}"
    return json.loads(done.stdout)


@pytest.mark.parametrize("line, kind", READING, ids=[line for line, _ in READING])
def test_what_is_asked(cluster: Cluster, line: str, kind: type) -> None:
    told = answer(cluster, line, None if line == "doctor" else 0)
    assert isinstance(told, kind), told
    rows: List[Any] = told if isinstance(told, list) else [told]
    assert kind is str or all(isinstance(row, dict) for row in rows)
    assert rows or line.startswith(("conns", "diff"))


def test_what_is_done(cluster: Cluster) -> None:
    path = cluster.site.write(2)
    told = answer(cluster, f"push -config {path} -why two")
    assert [word["progress"] for word in told["reports"]][:2] == ["checked", "prepared"], told
    assert answer(cluster, f"check -config {path}")["valid"]
    assert answer(cluster, "rollback -rev 1 -why back")["reports"]
    assert answer(cluster, "commit -what x -why y") == {"done": True}
    shown = answer(cluster, "show -rev 2")
    assert (shown["version"], shown["who"], shown["why"]) == (2, "alice", "two")
    again = cluster.folder / "again.conf"
    again.write_text(shown["config"])
    assert answer(cluster, f"check -config {again}")["valid"]
    for line in ("drain -node alpha -yes 1", "undrain -node alpha", "pause -pool echo -max 60", "resume -pool echo"):
        assert answer(cluster, line) is not None, line
    cluster.wait_state("alpha", "ready")
    with Client(cluster.nodes["alpha"].port) as client:
        client.get("/pool/echo").response()
        listed = [row["id"] for row in answer(cluster, "conns -node alpha") if row["id"] is not None]
        assert answer(cluster, f"kill -node alpha -id {listed[0]} -yes 1") == {"done": True}
    assert answer(cluster, f"backup -file {cluster.folder}/backup") is not None


REFUSED = [
    ("nodes -node nobody", 1),
    ("workers -pool nothing", None),
    ("push -config /does/not/exist -why x", None),
    ("rollback -rev 99 -why x", None),
    ("promote -rev 99", None),
    ("abort -rev 99 -why x", None),
    ("drain -node nobody -yes 1", None),
    ("pause -pool nothing -max 1", None),
    ("show -rev 99", None),
    ("kill -node alpha -id 999999 -yes 1", None),
    ("keys", None),
]


@pytest.mark.parametrize("line, status", REFUSED, ids=[line for line, _ in REFUSED])
def test_what_is_refused(cluster: Cluster, line: str, status: Any) -> None:
    done = cluster.m2sh(*line.split(), "-json", "1", status=None)
    assert done.returncode not in (0, 9) or line == "nodes -node nobody", done
    told = json.loads(done.stdout)
    if line != "nodes -node nobody":
        assert set(told["error"]) >= {"code", "text"} and told["error"]["text"], told


def test_nobody_there(cluster: Cluster) -> None:
    lines = [line for line, _ in READING] + ["push -config x.conf -why x", "drain -node a -yes 1", "backup -file x"]
    (cluster.folder / "x.conf").write_text(cluster.site.write(1).read_text())
    for line in lines:
        words = line.split()
        command = [cluster.kit.m2sh, words[0], "-cluster", "tcp://127.0.0.1:1", *words[1:], "-json", "1"]
        done = run(command, cluster.folder)
        told = json.loads(done.stdout)
        assert done.returncode == 6 and told["error"]["code"] == "UNREACHABLE", f"{line}: {done}"
