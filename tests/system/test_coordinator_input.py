"""What a coordinator does with nonsense: an error that says what is wrong, and nothing else."""

from __future__ import annotations

import random
import socket
from typing import Iterator

import pytest

from mongrel2 import tnetstrings
from support.control_plane import BIN, Client, Cluster, Lost, Refused
from support.program import run
from support.server import Stage

ROUNDS = 2000


@pytest.fixture
def cluster(stage: Stage) -> Iterator[Cluster]:
    cluster = Cluster(stage)
    cluster.start_coordinator()
    yield cluster
    assert cluster.coordinator.is_running()
    cluster.end()


def refusal(client: Client, verb: str, **args) -> Refused:
    with pytest.raises(Refused) as refused:
        client.call(verb, **args)
    return refused.value


def test_malformed_requests(cluster: Cluster) -> None:
    client = cluster.client()
    assert refusal(client, "nose").code == "UNSUPPORTED"
    assert "nose" in refusal(client, "nose").text
    assert "missing" in refusal(client, "push").text
    assert '"abc"' in refusal(client, "head", abc=1).text
    assert "integer" in refusal(client, "get", version="1").text
    assert refusal(client, "get", version=3).code == "NOT_FOUND"
    assert refusal(client, "hello", protocol=2, program="x").code == "UNSUPPORTED"
    for raw in (b"", b"x", b"0:}", b"0:]", b"5:hello,", b"1" * 100, b"99:"):
        client.send_raw(raw)
    client.send_raw(b"a", b"b", b"c", b"d", b"e", b"f")
    assert client.call("head")[0]["version"] == 0
    assert client.call("diff") == [] and client.call("log") == [] and client.call("nodes") == []
    stats = {row["name"]: row["value"] for row in client.call("stats")}
    assert stats["requests_refused"] >= 10


def test_oversize_is_refused_and_too_much_cut_off(cluster: Cluster) -> None:
    client = cluster.client()
    big = b"x" * (65 << 20)
    assert refusal(client, "push", config=big, who="a", where="b").code == "TOO_LARGE"
    client.send("push", config=big * 2, who="a", where="b")  # over twice the limit: cut off
    with pytest.raises(Lost):
        client.receive(1)
    assert cluster.client().call("head")[0]["version"] == 0


def test_mutated_requests(cluster: Cluster) -> None:
    """Real messages with bytes changed, cut and doubled, from a fixed seed."""
    chance = random.Random(6780)
    uuid = "0f6e8a2c-93a1-4a6e-9a53-6d0a3c4c2d11"
    author = {"who": "a", "where": "b", "why": "c"}
    seeds = [
        tnetstrings.dump(message)
        for message in (
            ["push", {"seq": 1, "config": b"0:}", "dry": True, **author}],
            ["join", {"seq": 1, "uuid": uuid, "boot": uuid, "name": "n", "server": "s", "host": "h",
                      "pid": 1, "program": "p", "version": 0, "pools": ["a", "b"]}],
            ["beat", {"uuid": uuid, "boot": uuid, "version": 1, "latency": [1, 2, 3, 4]}],
            ["log", {"seq": 1, "count": 5}],
            ["watch", {"seq": 1, "wait_ms": 5}],
            ["note", {"seq": 1, "what": "x", **author}],
            ["prepared", {"uuid": uuid, "version": 1, "hash": "0" * 64, "ok": True}],
            {"seq": 1, "headers": ["reply"], "rows": [["x"]]},
        )
    ]
    client = cluster.client()
    for _ in range(ROUNDS):
        message = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(0, 4)):
            at = chance.randrange(len(message))
            kind = chance.randrange(4)
            if kind == 0:
                message[at] = chance.randrange(256)
            elif kind == 1:
                del message[at:]
            elif kind == 2:
                message[at:at] = message[: chance.randrange(len(message))]
            else:
                del message[at : at + 3]
            message = message or bytearray(b"?")
        client.send_raw(bytes(message))
    assert cluster.client().call("head", timeout_s=30)[0]["version"] == 0
    assert cluster.committed() == {}


def test_bytes_that_are_no_zeromq(cluster: Cluster) -> None:
    for spec in (cluster.requests, cluster.updates):
        host, port = spec[len("tcp://") :].split(":")
        for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\xff" * 1000):
            with socket.create_connection((host, int(port))) as raw:
                raw.sendall(junk)
    assert cluster.client().call("head")[0]["version"] == 0


@pytest.mark.parametrize(
    "arguments, status, says",
    [
        (["-help"], 0, "-store URL"),
        (["-version"], 0, "mongrel2-coordinator 2"),
        (["-nose"], 2, "no option -nose"),
        (["file"], 2, '"file" is no option'),
        (["-settle", "soon"], 2, "-settle must be"),
        (["-log_level", "loud"], 2, "-log_level is"),
        (["-store", "tape:x"], 2, "begins with sqlite:, redis:"),
        (["-store", "redis://:hush@h:x"], 2, "a port is a number"),
        (["-store", "memory:", "-advertise", "a b"], 2, "-advertise takes a host"),
        (["-lease", "1"], 2, "-lease must be"),
        (["-store", "memory:", "-listen", "localhost"], 2, "no endpoint"),
        (["-store", "memory:", "-listen", "tcp://0.0.0.0:1"], 2, "-insecure"),
        (["-store", "sqlite:/nowhere/at/all/x", "-listen", "tcp://127.0.0.1:*"], 1, "Cannot"),
    ],
)
def test_command_lines(stage: Stage, arguments, status: int, says: str) -> None:
    done = run([BIN / "mongrel2-coordinator", *arguments], stage.folders.new())
    assert done.returncode == status
    assert says in (done.stdout + done.stderr).decode()


def test_a_port_in_use(cluster: Cluster) -> None:
    done = run(
        [BIN / "mongrel2-coordinator", "-store", "memory:", "-listen", cluster.requests],
        cluster.folder,
    )
    assert done.returncode == 1 and b"Address already in use" in done.stderr
    done = run([BIN / "mongrel2-coordinator", "-store", f"sqlite:{cluster.store}"], cluster.folder)
    assert done.returncode == 1 and b"Another coordinator uses the store" in done.stderr


def test_json_log_and_a_clean_end(stage: Stage) -> None:
    import json

    cluster = Cluster(stage)
    command = ["-store", "memory:", "-listen", "tcp://127.0.0.1:*", "-publish", "tcp://127.0.0.1:*"]
    program = stage.programs.start(
        [BIN / "mongrel2-coordinator", *command, "-log_format", "json"], cluster.folder
    )
    program.wait_log("ready listen=")
    program.stop()
    lines = [json.loads(line) for line in program.log().splitlines()]
    assert {"time", "level", "area", "text"} == set(lines[0])
    assert "stopping" in lines[-1]["text"]
