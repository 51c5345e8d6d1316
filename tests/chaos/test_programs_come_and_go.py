"""Pushes one after the other, while nodes and the coordinator are killed, stopped, ended and started
again at random: seeded, so that a failure can be repeated (M2_SEED).

At the end all nodes serve the head, and every push that was said to be applied is in the history,
which has no gap.
"""

from __future__ import annotations

import json
import os
import random
import signal
from typing import Dict, List

import pytest

from support.cluster import Cluster, Node
from support.server import Kit, Stage
from support.wait import PATIENCE_S, until

ROUNDS = 500 if os.environ.get("M2_LONG") else 25
SEED = int(os.environ.get("M2_SEED", "1"))

pytestmark = pytest.mark.timeout(1800)


def hurt(cluster: Cluster, node: Node, how: str) -> None:
    if how == "kill node":
        node.running.kill()
    elif how == "end node":
        until(lambda: node.serves() > 0, f"{node.name} serves")
        node.running.stop()
    elif how == "stop node":
        node.running.signal(signal.SIGSTOP)
    elif how == "kill coordinator":
        assert cluster.coordinator is not None
        cluster.coordinator.kill()
        cluster.start_coordinator("-settle", 1)


def heal(node: Node, how: str) -> None:
    if how in ("kill node", "end node"):
        node.start()
    elif how == "stop node":
        node.running.signal(signal.SIGCONT)


def test_programs_come_and_go(stage: Stage, node: Kit) -> None:
    chance = random.Random(SEED)
    cluster = Cluster(stage, node, ["alpha", "beta", "gamma"]).start()
    applied: Dict[str, int] = {}
    for n in range(2, 2 + ROUNDS):
        how = chance.choice(["", "kill node", "end node", "stop node", "kill coordinator"])
        victim = chance.choice(list(cluster.nodes.values()))
        policy = chance.choice(["all", "majority", "any"])
        hurt(cluster, victim, how)
        options: List[object] = ["-json", "-policy", policy, "-timeout", 1]
        done = cluster.push(n, *options, status=None)
        story = f"seed {SEED}, round {n}, {how or 'nothing'}: {done.stdout[-500:]}{done.stderr}"
        assert done.returncode in (0, 5, 6), story
        if done.returncode == 0:
            applied[f"revision {n}"] = json.loads(done.stdout)["verdict"][0]["version"]
        heal(victim, how)

    until(lambda: cluster.m2sh("status", status=None).returncode == 0, "all is well", 3 * PATIENCE_S)
    rows = json.loads(cluster.m2sh("log", "-n", 2 * ROUNDS, "-json").stdout)
    history = {row["version"]: row["why"] for row in rows if row["kind"] == "commit"}
    head = max(history)
    assert sorted(history) == list(range(1, head + 1))
    assert applied and all(history[version] == why for why, version in applied.items())
    newest = history[head].replace("revision ", "/r").encode()
    for each in cluster.nodes.values():
        assert each.serves() == head
        assert each.get("/redirect").header("Location") == newest
    cluster.stop()
