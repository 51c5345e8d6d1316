"""Commits over a coordinator and nodes that pretend to serve: policies, conflicts, catching up,
identity, the last known good."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from typing import Iterator

import pytest

from support.control_plane import Cluster, Refused, canonical
from support.program import Failed
from support.server import Stage
from support.wait import until


@pytest.fixture
def cluster(stage: Stage) -> Iterator[Cluster]:
    cluster = Cluster(stage)
    cluster.start_coordinator()
    yield cluster
    cluster.end()


def test_a_push_is_told_step_by_step(cluster: Cluster) -> None:
    for name in ("web-1", "web-2"):
        cluster.start_node(name)
    cluster.wait_joined("web-1", "web-2")
    client = cluster.client()
    done = cluster.push("one", client)
    words = [word for word, _ in client.progress]
    assert words == [
        *("checked", "prepared", "prepared", "decided"),
        *("stored", "applied", "applied"),
    ]
    assert {row["node"] for row in client.reports("applied")} == {"web-1", "web-2"}
    assert done["verdict"] == "applied" and done["applied"] == 2 and done["version"] == 1
    assert cluster.push("one")["verdict"] == "unchanged"
    [line] = client.call("log")
    assert (line["kind"], line["version"], line["who"], line["why"]) == ("commit", 1, "tester", "one")
    assert (line["verdict"], line["nodes"]) == ("applied", "2 of 2 applied")


def test_one_node_that_refuses_stops_everything(cluster: Cluster) -> None:
    for name in ("web-1", "web-2"):
        cluster.start_node(name)
    cluster.wait_joined("web-1", "web-2")
    cluster.push("one")
    with pytest.raises(Refused) as refused:
        cluster.push("two", refused_by="web-2")
    assert refused.value.code == "REFUSED"
    answers = {row["node"]: (row["answer"], row["error"]) for row in refused.value.rows}
    assert answers["web-2"] == ("refused", "This node does not have the directory.")
    cluster.wait_joined("web-1", "web-2", version=1)
    assert list(cluster.committed()) == [1]
    assert [version for version, _ in cluster.served("web-1")] == [1]


def test_a_majority_goes_on_without_it(cluster: Cluster) -> None:
    names = ("web-1", "web-2", "web-3")
    for name in names:
        cluster.start_node(name)
    cluster.wait_joined(*names)
    done = cluster.push("one", refused_by="web-2", policy="majority")
    assert (done["verdict"], done["ready"]) == ("applied", 2)
    cluster.wait_states({"web-1": ("ready", 1), "web-2": ("nacked", 0), "web-3": ("ready", 1)})
    assert cluster.push("two", policy="any")["version"] == 2  # the repair
    cluster.wait_joined(*names, version=2)


def test_a_silent_node_stops_a_push(cluster: Cluster) -> None:
    cluster.start_node("web-1")
    silent = cluster.start_node("web-2")
    cluster.wait_joined("web-1", "web-2")
    silent.signal(signal.SIGSTOP)
    with pytest.raises(Refused) as refused:
        cluster.push("one", timeout_ms=500)
    assert refused.value.code == "TIMEOUT"
    assert {row["node"]: row["answer"] for row in refused.value.rows} == {
        "web-1": "ready",
        "web-2": "silent",
    }
    # once it is suspect it no longer counts, and it catches up by itself
    cluster.wait_states({"web-1": ("ready", 0), "web-2": ("suspect", 0)})
    assert cluster.push("one")["verdict"] == "applied"
    silent.signal(signal.SIGCONT)
    cluster.wait_joined("web-1", "web-2", version=1)


def test_a_dry_push_and_a_check_change_nothing(cluster: Cluster) -> None:
    cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    assert cluster.push("one", dry=True)["verdict"] == "dry"
    client = cluster.client()
    config = canonical(cluster.folder, "one")
    assert client.call("check", config=config) == []
    assert client.call("check", config=config, nodes=True)[0]["verdict"] == "dry"
    with pytest.raises(Refused) as refused:
        client.call("check", config=canonical(cluster.folder, "x", "web-1"), nodes=True)
    assert refused.value.code == "REFUSED"
    assert client.call("head")[0]["version"] == 0
    assert cluster.committed() == {} and cluster.served("web-1") == []


def test_a_moved_base_is_refused_with_the_difference(cluster: Cluster) -> None:
    cluster.push("one")
    cluster.push("two")
    with pytest.raises(Refused) as refused:
        cluster.push("three", base=1)
    assert refused.value.code == "CONFLICT"
    assert any("two" in row["text"] for row in refused.value.rows)
    with pytest.raises(Refused):
        cluster.push("three", base=0)
    with pytest.raises(Refused):
        cluster.push("three", base=7)
    assert cluster.push("three", base=2)["version"] == 3


def test_a_second_push_waits_its_turn(cluster: Cluster) -> None:
    silent = cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    silent.signal(signal.SIGSTOP)
    first = cluster.client()
    config = canonical(cluster.folder, "one")
    seq = first.send("push", config=config, who="a", where="b", timeout_ms=10000)
    assert first.receive()[b"progress"] == b"checked"
    with pytest.raises(Refused) as refused:
        cluster.push("two")
    assert refused.value.code == "CONFLICT" and "by a" in refused.value.text
    assert cluster.client().call("abort", who="b", where="h", why="in the way") == [{"version": 1}]
    last = list(first.answers(seq))[-1]
    assert last[b"code"] == b"REFUSED" and b"in the way" in last[b"error"]
    silent.signal(signal.SIGCONT)
    with pytest.raises(Refused) as refused:
        cluster.client().call("abort", who="b", where="h")
    assert refused.value.code == "NOT_FOUND"
    cluster.wait_joined("web-1")
    assert cluster.push("two")["applied"] == 1


def test_an_invalid_configuration_is_refused_with_all_its_faults(cluster: Cluster) -> None:
    client = cluster.client()
    author = {"who": "a", "where": "b"}
    for config in (b"", b"garbage", canonical(cluster.folder, "one")[:-9]):
        with pytest.raises(Refused) as refused:
            client.call("push", config=config, **author)
        assert refused.value.code == "INVALID"
    broken = canonical(cluster.folder, "one").replace(b"4:6767#", b"4:9767#").replace(
        b"9:localhost,4:main", b"9:localxost,4:main"
    )
    with pytest.raises(Refused) as refused:
        client.call("push", config=broken, **author)
    assert refused.value.code == "INVALID"
    assert {row["severity"] for row in refused.value.rows} >= {"error"}
    assert client.call("head")[0]["version"] == 0


def test_rollback_is_a_new_commit(cluster: Cluster) -> None:
    cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    for text in ("one", "two", "three"):
        cluster.push(text)
    client = cluster.client()
    author = {"who": "a", "where": "b", "why": "worse"}
    [done] = client.call("rollback", version=1, **author)
    assert done["version"] == 4 and done["applied"] == 1
    assert client.call("diff", **{"from": 1}) == []
    assert len(client.call("diff", **{"from": 1, "to": 2})) > 0
    with pytest.raises(Refused) as refused:
        client.call("rollback", version=9, **author)
    assert refused.value.code == "NOT_FOUND"
    assert [line["version"] for line in client.call("log", count=2)] == [4, 3]
    assert [line["version"] for line in client.call("log", before=3)] == [2, 1]


def test_notes_stand_between_the_commits(cluster: Cluster) -> None:
    client = cluster.client()
    cluster.push("one")
    client.call("note", what="disk", who="a", where="b", why="new one in web-1")
    cluster.push("two")
    log = client.call("log")
    assert [(line["kind"], line["version"]) for line in log] == [("commit", 2), ("note", 0), ("commit", 1)]
    assert (log[1]["what"], log[1]["why"]) == ("disk", "new one in web-1")


def test_nodes_serve_without_a_coordinator(cluster: Cluster) -> None:
    node = cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    cluster.push("one")
    cluster.coordinator.kill()
    node.kill()
    again = cluster.start_node("web-1")
    again.wait_log("serving the last known good version=1")
    assert [version for version, _ in cluster.served("web-1")] == [1, 1]
    # an ordinary Mongrel2 database lies beside it
    with sqlite3.connect(cluster.folder / "web-1" / "config.sqlite") as db:
        assert db.execute("SELECT name FROM server").fetchall() == [("main",)]


def test_a_new_node_is_seeded_by_a_neighbours_copy(cluster: Cluster) -> None:
    cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    cluster.push("one")
    cluster.coordinator.kill()
    for name, files in (("web-2", ["commit"]), ("web-3", ["config.sqlite"])):
        (cluster.folder / name).mkdir()
        for file in files:
            shutil.copy(cluster.folder / "web-1" / file, cluster.folder / name / file)
        cluster.start_node(name)
    until(lambda: cluster.served("web-2"), "web-2 serves")
    until(lambda: cluster.served("web-3"), "web-3 serves")
    assert cluster.served("web-2")[0][0] == 1
    cluster.start_coordinator()
    cluster.wait_joined("web-1", "web-2", "web-3", version=1)


def test_a_damaged_last_known_good_is_not_served(cluster: Cluster) -> None:
    node = cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    cluster.push("one")
    node.stop()
    commit = cluster.folder / "web-1" / "commit"
    commit.write_bytes(commit.read_bytes().replace(b"tester", b"teaser"))
    cluster.start_node("web-1").wait_log("last known good can't be used")
    cluster.wait_joined("web-1", version=1)  # fetched again
    assert [version for version, _ in cluster.served("web-1")] == [1, 1]


def test_a_second_node_with_the_uuid_is_refused(cluster: Cluster) -> None:
    uuid = "11111111-2222-4333-8444-555555555555"
    first = cluster.start_node("web-1", uuid=uuid)
    cluster.wait_joined("web-1")
    second = cluster.start_node("web-2", uuid=uuid)
    second.wait_log("The UUID is taken by node web-1 .* at 127.0.0.1:1")
    assert list(cluster.states()) == ["web-1"]
    first.kill()
    until(lambda: "web-2" in cluster.states(), "web-2 has joined")


def test_one_process_per_state_directory(cluster: Cluster) -> None:
    cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    second = cluster.start_node("web-2", state="web-1")
    assert second.wait_end() == 1
    assert "Another node uses the state directory" in second.log()


def test_a_restarted_node_joins_at_once(cluster: Cluster) -> None:
    node = cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    cluster.push("one")
    node.kill()
    cluster.start_node("web-1")
    client = cluster.client()
    until(lambda: client.call("nodes")[0]["restarts"] == 1, "it has joined again")
    cluster.wait_joined("web-1", version=1)


def test_a_store_that_was_rolled_back_is_not_followed(cluster: Cluster) -> None:
    node = cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    cluster.push("one")
    cluster.coordinator.stop()
    shutil.copy(cluster.store, cluster.folder / "backup.sqlite")
    cluster.start_coordinator()
    cluster.wait_joined("web-1", version=1)
    cluster.push("two")
    cluster.coordinator.stop()
    for file in cluster.folder.glob("store.sqlite*"):
        file.unlink()
    shutil.copy(cluster.folder / "backup.sqlite", cluster.store)
    cluster.start_coordinator()
    cluster.wait_states({"web-1": ("diverged", 2)})
    with pytest.raises(Refused) as refused:
        cluster.push("other")
    assert "another history" in str(refused.value.rows)
    assert [version for version, _ in cluster.served("web-1")] == [1, 2]
    assert node.is_running()


def test_another_cluster_is_not_followed(cluster: Cluster) -> None:
    node = cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    cluster.push("one")
    cluster.coordinator.stop()
    cluster.store = cluster.folder / "another.sqlite"
    cluster.start_coordinator()  # at the same address, with a history of its own
    node.wait_log("belongs to cluster")
    for text in ("a", "b", "c"):
        assert cluster.push(text)["nodes"] == 0
    assert cluster.states() == {}
    node.stop()
    cluster.start_node("web-1").wait_log("belongs to cluster")
    assert {version for version, _ in cluster.served("web-1")} == {1}


def test_an_edited_store_is_refused(cluster: Cluster) -> None:
    cluster.push("one")
    cluster.coordinator.stop()
    with sqlite3.connect(cluster.store) as db:
        db.execute("UPDATE commits SET why = 'nothing'")
    with pytest.raises(Failed):
        cluster.start_coordinator()
    assert cluster.coordinator.status == 1
    assert "does not hang together" in cluster.coordinator.log()


def test_events_can_be_followed(cluster: Cluster) -> None:
    client = cluster.client()
    last = client.call("watch")[-1]["id"]
    seq = client.send("watch", since=last, wait_ms=10000)
    cluster.start_node("web-1")
    [reply] = client.answers(seq)
    assert b"it has joined" in reply[b"rows"][0][5]
    assert client.call("watch", since=-1) == []
    with pytest.raises(Refused):
        client.call("watch", since=-2)


def test_a_control_request_reaches_the_node(cluster: Cluster) -> None:
    node = cluster.start_node("web-1")
    cluster.wait_joined("web-1")
    client = cluster.client()
    assert client.call("control", node="web-1", request=b"echo")[0]["reply"] == b"echo"
    with pytest.raises(Refused) as refused:
        client.call("control", node="web-9", request=b"echo")
    assert refused.value.code == "NOT_FOUND"
    node.kill()
    until(lambda: _code(client) == "UNREACHABLE", "the node is not connected any more")


def _code(client) -> str:
    try:
        client.call("control", node="web-1", request=b"echo")
        return ""
    except Refused as refused:
        return refused.code
