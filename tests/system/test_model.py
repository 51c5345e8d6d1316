"""The model of a push (tests/model/push.pml), searched through by spin: nothing that must hold breaks in
any order of steps, and the search does find what breaks when a guard is left out."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import List

import pytest

from support.program import run
from support.server import ROOT, Stage

MODEL = ROOT / "tests" / "model" / "push.pml"

#: What is searched: all deaths together take a minute and two gigabytes, by tests/run -long.
BOUNDS = [
    ["COORDINATOR_DEATHS=1", "NODE_DEATHS=0"],
    ["COORDINATOR_DEATHS=0", "NODE_DEATHS=1"],
]
WHOLE = [["COORDINATOR_DEATHS=1", "NODE_DEATHS=1"]]

#: Guards, and what the search must stumble over without each.
GUARDS = [
    ("NO_FENCE", "my_token[me]==token"),
    ("EARLY_ACTIVATE", "version<=head"),
    ("NO_BEAT", "serves[0]==head"),
    ("BLIND_RESOLVE", "taken_back"),
    ("FENCE_FIRST", "taken_back"),
]

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("spin") is None, reason="spin is not installed"),
]


def search(stage: Stage, defines: List[str]) -> str:
    """What the search prints."""
    folder = stage.folder()
    made = run(["spin", "-a", *(f"-D{word}" for word in defines), MODEL], folder)
    assert made.returncode == 0 and (folder / "pan.c").exists(), made
    options = ["-w", "-O2", "-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=2048"]
    built = run(["gcc", *options, "-o", "pan", "pan.c"], folder, timeout_s=120)
    assert built.returncode == 0, built.stderr.decode()
    done = run([folder / "pan", "-m100000"], folder, timeout_s=500)
    return done.stdout.decode()


@pytest.mark.parametrize("bounds", WHOLE if os.environ.get("M2_LONG") else BOUNDS, ids=" ".join)
def test_what_must_hold_holds(stage: Stage, bounds: List[str]) -> None:
    told = search(stage, bounds)
    assert "errors: 0" in told and "not completed" not in told, told
    found = re.search(r"(\S+) states, stored", told)
    assert found is not None and float(found[1]) > 100_000, told


@pytest.mark.parametrize("guard, stumbles_over", GUARDS, ids=[guard for guard, _ in GUARDS])
def test_each_guard_is_needed(stage: Stage, guard: str, stumbles_over: str) -> None:
    told = search(stage, [guard])
    found = re.search(r"assertion violated (.*) \(at depth", told)
    assert found is not None and stumbles_over in found[1].replace(" ", ""), told


def states(header: Path, enum: str) -> List[str]:
    body = re.search(rf"enum {enum} \{{(.*?)\}}", header.read_text(), re.S)
    assert body is not None
    words = re.findall(r"\b([A-Z]+_[A-Z_]+)\b\s*[,/\n]", re.sub(r"/\*.*?\*/", "", body[1], flags=re.S) + "\n")
    return [word for word in words if not word.endswith("_COUNT")]


def test_the_model_has_the_states_of_the_code() -> None:
    text = MODEL.read_text()
    declared = set(re.findall(r"\b(?:PUSH|FOLLOW)_[A-Z]+\b", " ".join(re.findall(r"mtype = \{(.*?)\}", text))))
    code = set(states(ROOT / "coordinator/push.h", "push_state"))
    code |= set(states(ROOT / "node/cluster/follow.h", "follow_state"))
    left_out = {"PUSH_WAIT", "FOLLOW_NACKED"}
    assert left_out < code and declared == code - left_out
    said = text[: text.index("*/")]
    assert all(word in said for word in left_out)
