"""The commands over the cluster, against a coordinator that answers from a table: what they ask, what
they print, how they end."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
import zmq

from mongrel2 import tnetstrings
from support.m2sh import m2sh, server, site

GOOD = site(server("main", 18001))
HASH = "5" * 64

Answer = Dict[str, Any]
Handler = Callable[[Dict[str, Any]], List[Answer]]


def table(headers: List[str], *rows: List[Any], progress: Optional[str] = None) -> Answer:
    answer: Answer = {"headers": headers, "rows": list(rows)}
    return {"progress": progress, **answer} if progress else answer


def refusal(code: str, error: str, **more: Any) -> Answer:
    return {"code": code, "error": error, **more}


class Coordinator(threading.Thread):
    """Answers requests by verb; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.verbs: Dict[str, Handler] = {}
        self.asked: List[List[Any]] = []
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.spec = f"tcp://127.0.0.1:{port}"
        self.wake = self.context.socket(zmq.PAIR)
        self.wake.bind("inproc://wake")
        self.start()

    def run(self) -> None:
        stop = self.context.socket(zmq.PAIR)
        stop.connect("inproc://wake")
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(stop, zmq.POLLIN)
        while not dict(poller.poll()).get(stop):
            *envelope, bytes_ = self.socket.recv_multipart()
            verb, args = tnetstrings.load(bytes_)
            name, fields = verb.decode(), {k.decode(): v for k, v in args.items()}
            self.asked.append([name, fields])
            for answer in self.verbs.get(name, nothing)(fields):
                answer = {"seq": fields["seq"], **answer}
                self.socket.send_multipart([*envelope, tnetstrings.dump(answer)])
        stop.close()

    def answers(self, verb: str, *answers: Answer) -> None:
        self.verbs[verb] = lambda fields: list(answers)

    def args(self, verb: str) -> Dict[str, Any]:
        return next(fields for name, fields in reversed(self.asked) if name == verb)

    def close(self) -> None:
        self.wake.send(b"")
        self.join()
        self.wake.close()
        self.socket.close()
        self.context.term()


def nothing(fields: Dict[str, Any]) -> List[Answer]:
    return [refusal("UNSUPPORTED", "The test has no answer.")]


@pytest.fixture
def coordinator() -> Iterator[Coordinator]:
    c = Coordinator()
    c.answers("head", table(["version", "hash"], [7, HASH]))
    c.answers("hello", table(["coordinator", "leader", "leads", "problem"], ["main", "", True, ""]))
    yield c
    c.close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "mongrel2.conf").write_text(GOOD)
    return tmp_path


NODE_ANSWER = ["node", "uuid", "ok", "code", "object", "error", "ms"]


def push_reports(second_ok: bool) -> List[Answer]:
    return [
        table(["text"], ["the nodes report first"], progress="waiting"),
        table(["version", "hash", "parent", "changes", "nodes"], [8, HASH, HASH, 3, 2], progress="checked"),
        table(NODE_ANSWER, ["a", "u1", True, "", "", "", 4], progress="prepared"),
        table(
            NODE_ANSWER,
            ["b", "u2", second_ok, "" if second_ok else "IO", "route /x", "" if second_ok else "no such folder", 5],
            progress="prepared",
        ),
        table(
            ["version", "decision", "nodes", "ready", "refused", "silent"],
            [8, "store" if second_ok else "abort", 2, 1 + second_ok, 1 - second_ok, 0],
            progress="decided",
        ),
    ]


VERDICT = ["version", "hash", "parent", "verdict", "nodes", "ready", "refused", "silent", "applied", "ms"]


def test_push(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers(
        "diff", table(["change", "table", "object", "column", "text"], ["added", "route", 'route "/x"', "", "new"])
    )
    coordinator.answers(
        "push",
        *push_reports(True),
        table(["version", "hash"], [8, HASH], progress="stored"),
        table(NODE_ANSWER, ["b", "u2", True, "", "", "", 2], progress="applied"),
        table(NODE_ANSWER, ["a", "u1", True, "", "", "", 3], progress="applied"),
        table(VERDICT, [8, HASH, HASH, "applied", 2, 2, 0, 0, 2, 45]),
    )
    done = m2sh("push", "-why", "a new shop", "-cluster", coordinator.spec, cwd=shop)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        '+ route "/x": new',
        "waiting  the nodes report first",
        "checked  revision 8, 3 changes; asking 2 nodes",
        "ready    a (4 ms)",
        "ready    b (5 ms)",
        "decided  store: 2 ready, 0 refused, 0 silent",
        f"stored   revision 8 {HASH[:12]}",
        "applied  b (2 ms)",
        "applied  a (3 ms)",
        "Revision 8 is the head and runs on 2 nodes (45 ms).",
    ]
    assert done.returncode == 0
    asked = coordinator.args("push")
    assert (asked["who"], asked["why"], asked["base"]) == (b"alice", b"a new shop", 7)
    assert asked["how"] == f"m2sh push -why a new shop -cluster {coordinator.spec}".encode()
    assert set(tnetstrings.load(asked["config"])) >= {b"server", b"host", b"route", b"directory"}


def test_push_of_a_database_is_the_same_push(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("push", table(VERDICT, [7, HASH, HASH, "unchanged", 0, 0, 0, 0, 0, 0]))
    for options in (["-config", "mongrel2.conf"], ["-config", "config.sqlite"]):
        if options[1].endswith("sqlite"):
            assert m2sh("load", cwd=shop).returncode == 0
        done = m2sh("push", "-why", "x", *options, "-cluster", coordinator.spec, cwd=shop)
        assert done.stdout == "Nothing to do: this is the configuration of revision 7.\n"
        assert done.returncode == 0
    pushes = [fields["config"] for name, fields in coordinator.asked if name == "push"]
    assert len(pushes) == 2 and pushes[0] == pushes[1]


def test_push_options(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("push", table(VERDICT, [8, HASH, HASH, "dry", 2, 2, 0, 0, 0, 9]))
    options = ["-policy", "majority", "-base", "5", "-dry", "1", "-timeout", "3", "-canary", "10%", "-hold", "5"]
    done = m2sh("push", "-why", "x", *options, "-cluster", coordinator.spec, cwd=shop)
    assert done.stdout == "Every check passed, 2 nodes would take it; nothing was changed.\n"
    asked = coordinator.args("push")
    assert (asked["policy"], asked["base"], asked["dry"]) == (b"majority", 5, True)
    assert (asked["timeout_ms"], asked["canary"], asked["hold_s"]) == (3000, b"10%", 5)


VOTERS = ["node", "uuid", "answer", "code", "object", "error"]


def test_push_refused_by_a_node(coordinator: Coordinator, shop: Path) -> None:
    end = refusal(
        "REFUSED",
        "1 of 2 nodes refuses it; nothing has changed.",
        headers=VOTERS,
        rows=[["a", "u1", "ready", "", "", ""], ["b", "u2", "refused", "IO", "route /x", "no such folder"]],
    )
    coordinator.answers("push", *push_reports(False), end)
    done = m2sh("push", "-why", "x", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == 4
    assert "refused  b: route /x: no such folder" in done.stdout.splitlines()
    assert done.stderr == "m2sh push: 1 of 2 nodes refuses it; nothing has changed.\n"


FAILURES = [
    ("TIMEOUT", 5, {"headers": VOTERS, "rows": [["c", "u", "silent", "", "", ""]]}, "silent   c"),
    ("CONFLICT", 7, {"headers": ["change", "object", "text"], "rows": [["added", "host x", "new"]]}, "since then: + host x: new"),
    ("DENIED", 8, {}, ""),
    ("INVALID", 3, {"headers": ["severity", "object", "text"], "rows": [["error", "host x", "bad"]]}, "host x: bad"),
    ("IO", 1, {}, ""),
    ("INTERNAL", 9, {}, ""),
]


@pytest.mark.parametrize("code,status,more,line", FAILURES)
def test_how_a_push_ends(
    coordinator: Coordinator, shop: Path, code: str, status: int, more: Dict[str, Any], line: str
) -> None:
    coordinator.answers("push", refusal(code, "A sentence.", **more))
    done = m2sh("push", "-why", "x", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == status
    assert done.stderr.startswith("m2sh push: A sentence.\n")
    assert line in done.stderr
    done = m2sh("push", "-why", "x", "-json", "1", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == status
    answer = json.loads(done.stdout)
    assert answer["error"]["code"] == code
    assert len(answer["details"]) == len(more.get("rows", []))


def test_push_that_not_all_nodes_have_acknowledged(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("push", table(VERDICT, [8, HASH, HASH, "stored", 3, 3, 0, 0, 2, 9]))
    done = m2sh("push", "-why", "x", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == 5
    assert done.stdout.startswith("Revision 8 is the head; 2 of 3 nodes that were ready")


def test_push_in_json(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("push", *push_reports(True), table(VERDICT, [8, HASH, HASH, "applied", 2, 2, 0, 0, 2, 45]))
    done = m2sh("push", "-why", "x", "-json", "1", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    assert [report["progress"] for report in answer["reports"]] == [
        *["waiting", "checked", "prepared", "prepared", "decided"]
    ]
    assert answer["reports"][2]["rows"][0]["node"] == "a"
    assert answer["verdict"][0]["verdict"] == "applied"


def test_push_checks_first(coordinator: Coordinator, shop: Path) -> None:
    (shop / "mongrel2.conf").write_text("servers = [nowhere]")
    done = m2sh("push", "-why", "x", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == 3
    assert "mongrel2.conf:1:12:" in done.stderr
    (shop / "mongrel2.conf").write_text(GOOD)
    done = m2sh("push", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == 2
    assert "Say why" in done.stderr
    assert [name for name, _ in coordinator.asked if name == "push"] == []


def test_nobody_there(shop: Path) -> None:
    for command in (["push", "-why", "x"], ["nodes"], ["status"], ["events"], ["log"], ["show"], ["diff"]):
        done = m2sh(*command, "-cluster", "tcp://127.0.0.1:1", cwd=shop)
        assert done.returncode == 6
        assert "No coordinator answers at tcp://127.0.0.1:1." in done.stderr
    done = m2sh("nodes", "-json", "1", "-cluster", "tcp://127.0.0.1:1", cwd=shop)
    assert json.loads(done.stdout)["error"]["code"] == "UNREACHABLE"


def test_a_coordinator_elsewhere_needs_keys(shop: Path) -> None:
    done = m2sh("nodes", "-cluster", "tcp://192.0.2.1:6780", cwd=shop)
    assert done.returncode == 8
    assert m2sh("nodes", "-cluster", "nonsense", cwd=shop).returncode == 2


def test_rollback(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("rollback", table(VERDICT, [8, HASH, HASH, "applied", 1, 1, 0, 0, 1, 4]))
    done = m2sh("rollback", "-rev", 5, "-why", "it was better", "-cluster", coordinator.spec, cwd=shop)
    assert (done.returncode, done.stdout) == (0, "Revision 8 is the head and runs on 1 node (4 ms).\n")
    assert (coordinator.args("rollback")["version"], coordinator.args("rollback")["why"]) == (5, b"it was better")
    assert m2sh("rollback", "-why", "x", "-cluster", coordinator.spec, cwd=shop).returncode == 2


LOG = [
    *["kind", "version", "hash", "who", "where", "when_ms", "how"],
    *["why", "what", "scope", "verdict", "nodes", "effect"],
]
ORDERS = ["order", "target", "who", "where", "how", "why", "when_ms", "expires_ms"]
WHEN = 1795374654000  # 2026-11-22 19:10:54 UTC


@pytest.fixture
def log(coordinator: Coordinator) -> Coordinator:
    coordinator.answers("orders", table(ORDERS))
    coordinator.answers(
        "log",
        table(
            LOG,
            ["note", 0, "", "bob", "vm2", WHEN, "m2sh", "lunch", "out", "", "", "", ""],
            ["commit", 7, HASH, "alice", "vm", WHEN, "m2sh push", "a shop", "", "all", "applied", "2 of 2 applied", ""],
        ),
    )
    return coordinator


def test_log(log: Coordinator, shop: Path) -> None:
    done = m2sh("log", "-n", 2, "-cluster", log.spec, cwd=shop)
    assert done.stdout == (
        "revision\twhen\twho\twhere\tverdict\tnodes\twhy\teffect\n"
        "\t2026-11-22 19:10:54\tbob\tvm2\tnote\tout\tlunch\t\n"
        "7\t2026-11-22 19:10:54\talice\tvm\tapplied\t2 of 2 applied\ta shop\t\n"
    )
    assert log.args("log")["count"] == 2
    assert json.loads(m2sh("log", "-json", "-cluster", log.spec, cwd=shop).stdout)[1]["hash"] == HASH


def test_scope(log: Coordinator, shop: Path) -> None:
    """Local unless -cluster is given, or M2SH_CLUSTER is set and -db is not given."""
    assert m2sh("load", cwd=shop).returncode == 0
    environment = {"M2SH_CLUSTER": log.spec}
    assert m2sh("log", cwd=shop).stdout.startswith("LOG MESSAGES:")
    assert m2sh("log", cwd=shop, env=environment).stdout.startswith("revision\t")
    assert m2sh("log", "-db", "config.sqlite", cwd=shop, env=environment).stdout.startswith("LOG MESSAGES:")


def test_commit_is_a_note(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("note", table(["when_ms"], [WHEN]))
    done = m2sh("commit", "-what", "shop", "-why", "sale", "-where", "here", "-cluster", coordinator.spec, cwd=shop)
    assert (done.returncode, done.stdout) == (0, "")
    asked = coordinator.args("note")
    assert (asked["what"], asked["why"], asked["where"], asked["who"]) == (b"shop", b"sale", b"here", b"alice")


NODES = [
    *["node", "uuid", "state", "server", "host", "addresses", "version", "hash", "connections", "in_flight"],
    *["requests", "errors", "p50_us", "p99_us", "age_ms", "up_ms", "restarts", "program", "pid", "pools"],
    *["handler", "control", "error"],
]


def node(name: str, state: str, version: int, error: str = "", age_ms: int = 400) -> List[Any]:
    return [
        *[name, f"uuid-of-{name}", state, "main", "vm", "127.0.0.1:80", version, HASH, 3, 1],
        *[100, 2, 1500, 25000, age_ms, 60000, 0, "mongrel2 2.0.0", 77, "", "", "", error],
    ]


def test_nodes(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("nodes", table(NODES, node("a", "ready", 7), node("b", "ready", 6), node("c", "gone", 7)))
    done = m2sh("nodes", "-cluster", coordinator.spec, cwd=shop)
    assert done.stdout == (
        "node\tstate\trevision\tserver\taddresses\tconnections\trequests\terrors\tp50_ms\tp99_ms\tage_s\terror\n"
        "a\tSYNCED\t7\tmain\t127.0.0.1:80\t3\t100\t2\t1.5\t25.0\t0.4\t\n"
        "b\tBEHIND\t6\tmain\t127.0.0.1:80\t3\t100\t2\t1.5\t25.0\t0.4\t\n"
        "c\tLOST\t7\tmain\t127.0.0.1:80\t3\t100\t2\t1.5\t25.0\t0.4\t\n"
    )
    answer = json.loads(m2sh("nodes", "-node", "a", "-json", "-cluster", coordinator.spec, cwd=shop).stdout)
    assert answer[0]["uuid"] == "uuid-of-a" and answer[0]["p99_us"] == 25000
    assert coordinator.args("nodes")["node"] == b"a"


def test_status_when_all_is_well(log: Coordinator, shop: Path) -> None:
    log.answers("nodes", table(NODES, node("a", "ready", 7), node("b", "ready", 7)))
    done = m2sh("status", "-cluster", log.spec, cwd=shop)
    lines = done.stdout.splitlines()
    assert lines[0] == "All is well: 2 nodes serve revision 7."
    assert re.fullmatch(r"Revision 7: a shop \(alice@vm, 2026-11-22 19:10:54, .*\)", lines[1])
    assert done.returncode == 0


def test_status_names_the_worst_first(log: Coordinator, shop: Path) -> None:
    log.answers(
        "nodes",
        table(
            NODES,
            node("a", "ready", 7),
            node("b", "ready", 6),
            node("c", "nacked", 6, "the folder static/ is missing"),
            node("d", "gone", 7, age_ms=34000),
        ),
    )
    done = m2sh("status", "-cluster", log.spec, cwd=shop)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:8] == [
        "3 things are wrong: node d has not been heard of for 34 s; it had revision 7.",
        "  node d has not been heard of for 34 s; it had revision 7",
        "      m2sh nodes -node d",
        "  node c stays at revision 6: the folder static/ is missing",
        "      m2sh diff -rev 6 -to 7",
        "  node b is ready at revision 6",
        "      m2sh nodes -node b",
        "1 of 4 nodes serve revision 7.",
    ]
    answer = json.loads(m2sh("status", "-json", "-cluster", log.spec, cwd=shop).stdout)
    assert (answer["well"], answer["nodes"], answer["synced"], len(answer["problems"])) == (False, 4, 1, 3)


def test_status_of_an_empty_cluster(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("head", table(["version", "hash"], [0, ""]))
    coordinator.answers("nodes", table(NODES))
    coordinator.answers("orders", table(ORDERS))
    coordinator.answers("log", table(LOG))
    done = m2sh("status", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == 1
    assert "no configuration has been pushed yet" in done.stdout
    assert "no node has joined" in done.stdout


def test_pools_and_workers(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("pools", table(["pool", "node", "uuid", "endpoint"], ["jobs", "a", "u", "tcp://10.0.0.1:9"]))
    done = m2sh("pools", "-cluster", coordinator.spec, cwd=shop)
    assert done.stdout == "pool\tnode\tendpoint\njobs\ta\ttcp://10.0.0.1:9\n"
    coordinator.answers("workers", table(["pool", "node", "worker", "busy"], ["jobs", "a", "w1", 3]))
    done = m2sh("workers", "-pool", "jobs", "-cluster", coordinator.spec, cwd=shop)
    assert done.stdout == "pool\tnode\tworker\tbusy\njobs\ta\tw1\t3\n"
    assert m2sh("workers", "-cluster", coordinator.spec, cwd=shop).returncode == 2


EVENTS = ["id", "when_ms", "kind", "node", "version", "text"]


def test_events(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers(
        "watch", table(EVENTS, [4, WHEN, "node", "a", 7, "it has joined"], [5, WHEN, "push", "", 8, "revision 8"])
    )
    done = m2sh("events", "-since", 3, "-cluster", coordinator.spec, cwd=shop)
    assert done.stdout == (
        "4 2026-11-22 19:10:54 node a: it has joined\n5 2026-11-22 19:10:54 push revision 8\n"
    )
    assert coordinator.args("watch")["since"] == 3


def test_events_follow_asks_on_from_the_last(coordinator: Coordinator, shop: Path) -> None:
    def watch(fields: Dict[str, Any]) -> List[Answer]:
        since = fields.get("since", 0)
        if since == 3:
            return [refusal("INTERNAL", "The end of the test.")]
        return [table(EVENTS, [since + 1, WHEN, "beat", "", 0, "tick"])]

    coordinator.verbs["watch"] = watch
    done = m2sh("events", "-follow", "-cluster", coordinator.spec, cwd=shop)
    assert [line[0] for line in done.stdout.splitlines()] == ["1", "2", "3"]
    assert done.returncode == 9


def test_diff(coordinator: Coordinator, shop: Path) -> None:
    rows = [["added", "route", "route x", "", "new"], ["removed", "host", "host y", "", "was"]]
    coordinator.answers("diff", table(["change", "table", "object", "column", "text"], *rows))
    done = m2sh("diff", "-rev", 5, "-to", 6, "-cluster", coordinator.spec, cwd=shop)
    assert (done.returncode, done.stdout) == (1, "+ route x: new\n- host y: was\n")
    assert (coordinator.args("diff")["from"], coordinator.args("diff")["to"]) == (5, 6)
    coordinator.answers("diff", table(["change", "table", "object", "column", "text"]))
    done = m2sh("diff", "-config", "mongrel2.conf", "-cluster", coordinator.spec, cwd=shop)
    assert (done.returncode, done.stdout) == (0, "")
    assert b"18001" in coordinator.args("diff")["config"]


def test_check_asks_the_nodes(coordinator: Coordinator, shop: Path) -> None:
    coordinator.answers("check", *push_reports(True), table(VERDICT, [8, HASH, HASH, "dry", 2, 2, 0, 0, 0, 9]))
    done = m2sh("check", "-cluster", coordinator.spec, cwd=shop)
    assert done.stdout.splitlines() == [
        "ready    a",
        "ready    b",
        "1 server, 1 host, 2 routes, 0 expects: mongrel2.conf is valid.",
    ]
    assert coordinator.args("check")["nodes"] is True
    coordinator.answers(
        "check", refusal("REFUSED", "A node refuses.", headers=VOTERS, rows=[["b", "u", "refused", "IO", "dir", "bad"]])
    )
    done = m2sh("check", "-cluster", coordinator.spec, cwd=shop)
    assert done.returncode == 4
    assert "refused  b: dir: bad" in done.stderr
    assert done.stdout == ""


def test_control_of_nodes(coordinator: Coordinator, shop: Path) -> None:
    uuid = tnetstrings.dump({"headers": ["uuid"], "rows": [["one-uuid"]]})
    coordinator.answers("control", table(["reply"], [uuid]))
    coordinator.answers("nodes", table(NODES, node("a", "ready", 7), node("b", "ready", 7)))
    done = m2sh("control", "-node", "a", "-cmd", "uuid", "-cluster", coordinator.spec, cwd=shop)
    assert (done.returncode, done.stdout) == (0, "uuid:  one-uuid\n")
    asked = coordinator.args("control")
    assert (asked["node"], asked["request"]) == (b"a", b"10:4:uuid,0:}]")
    done = m2sh("control", "-every", "-cmd", "uuid", "-cluster", coordinator.spec, cwd=shop)
    assert done.stdout == "a:\nuuid:  one-uuid\nb:\nuuid:  one-uuid\n"
    done = m2sh("control", "-node", "a", "-cluster", coordinator.spec, cwd=shop, stdin="uuid\nuuid\n")
    assert done.stdout == "uuid:  one-uuid\n" * 2
    coordinator.answers("control", refusal("NOT_FOUND", "There is no node x."))
    done = m2sh("control", "-node", "x", "-cmd", "uuid", "-cluster", coordinator.spec, cwd=shop)
    assert (done.returncode, done.stderr) == (1, "m2sh control: There is no node x.\n")


def test_promote_and_abort(coordinator: Coordinator, shop: Path) -> None:
    for verb, words in (("promote", "goes on"), ("abort", "is taken back")):
        coordinator.answers(verb, table(["version"], [8]))
        done = m2sh(verb, "-rev", 8, "-why", "x", "-cluster", coordinator.spec, cwd=shop)
        assert done.returncode == 0
        assert done.stdout.startswith(f"Revision 8 {words}")
        assert (coordinator.args(verb)["version"], coordinator.args(verb)["why"]) == (8, b"x")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def commit(config: bytes, why: str = "a shop") -> bytes:
    """The record of revision 7, sealed."""
    hashed = {
        **{"version": 7, "parent": HASH, "config": sha(config), "who": "alice", "where": "vm"},
        **{"when": WHEN, "how": "m2sh push", "why": why},
    }
    record = {
        **{"version": 7, "parent": HASH, "hash": sha(tnetstrings.dump(hashed)), "config_hash": sha(config)},
        **{"who": "alice", "where": "vm", "when": WHEN, "how": "m2sh push", "why": why},
        **{"scope": "all", "config": config},
    }
    return tnetstrings.dump(record)


@pytest.fixture
def stored(coordinator: Coordinator, shop: Path) -> Coordinator:
    """A cluster whose head is the shop."""
    coordinator.answers("push", table(VERDICT, [7, HASH, HASH, "applied", 0, 0, 0, 0, 0, 0]))
    m2sh("push", "-why", "x", "-cluster", coordinator.spec, cwd=shop)
    record = commit(coordinator.args("push")["config"], "a shop\nfor all")
    coordinator.answers("get", table(["version", "hash", "commit"], [7, HASH, record]))
    return coordinator


def test_show_a_revision(stored: Coordinator, shop: Path) -> None:
    done = m2sh("show", "-rev", 7, "-cluster", stored.spec, cwd=shop)
    assert done.returncode == 0
    assert re.match(
        r"# revision 7 [0-9a-f]{64}\n# who      alice\n# where    vm\n# when     2026-11-22 19:10:54\n"
        r"# how      m2sh push\n# why      a shop\n#          for all\n\n",
        done.stdout,
    )
    assert stored.args("get")["version"] == 7
    (shop / "again.conf").write_text(done.stdout)
    for config, db in (("again.conf", "again.sqlite"), ("mongrel2.conf", "config.sqlite")):
        assert m2sh("load", "-config", config, "-db", db, cwd=shop).returncode == 0
    assert m2sh("diff", "-config", "again.sqlite", cwd=shop).returncode == 0


def test_listings_of_the_head(stored: Coordinator, shop: Path) -> None:
    servers = m2sh("servers", "-cluster", stored.spec, cwd=shop).stdout
    assert servers == "SERVERS:\n------\nmain main.example aaaaaaaa-bbbb-4ccc-8ddd-000000018001 \n"
    hosts = m2sh("hosts", "-server", "main", "-cluster", stored.spec, cwd=shop).stdout
    assert hosts == "HOSTS in main:\n-----\n1 main.example \n"
    routes = m2sh("routes", "-id", 1, "-cluster", stored.spec, cwd=shop).stdout
    assert routes == "ROUTES in host id 1\n-----\n/ \n/more/(.*) \n"


def test_a_revision_that_was_changed_is_not_shown(stored: Coordinator, shop: Path) -> None:
    config = stored.args("push")["config"]
    changed = commit(config).replace(b"18001", b"18002")
    stored.answers("get", table(["version", "hash", "commit"], [7, HASH, changed]))
    done = m2sh("show", "-rev", 7, "-cluster", stored.spec, cwd=shop)
    assert (done.returncode, done.stdout) == (9, "")
    assert "changed after it was made" in done.stderr
