"""The manual is true: each of its pages is gone through in an empty directory, every command is run, and
what it prints is compared with what the page shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import pytest

from support.program import Program
from support.server import ROOT, Kit, Stage
from support.wait import PATIENCE_S, until

MANUAL = ROOT / "docs" / "manual"
PAGES = sorted(path.name for path in MANUAL.glob("[0-9]*.md"))
#: Blocks that are not run, each with its reason on the page.
NOT_RUN = 3

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
PORT = re.compile(r"\b6[78]\d\d\b")
ASKING = ("curl", "m2sh nodes", "m2sh pools", "m2sh status", "m2sh access", "m2sh push")


@dataclass
class Step:
    """A file to be written, or a command with what it prints."""

    file: str
    text: str
    output: str = ""


def commands(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield Step("", command, output)


def steps(text: str) -> Tuple[List[Step], List[str]]:
    """Of a page, in order; and the reasons of what is not run."""
    found: List[Step] = []
    reasons: List[str] = []
    for match in FENCE.finditer(text):
        before = text[: match.start()].rstrip("\n")
        reason = re.search(r"<!-- not run: (.+) -->\Z", before)
        name = re.search(r"^`([\w./-]+)`[^`]*:\Z", before.rpartition("\n\n")[2])
        if reason:
            reasons.append(reason.group(1))
        elif match.group(1) == "console":
            found += commands(match.group(2))
        elif name:
            found.append(Step(name.group(1), match.group(2)))
        else:
            assert match.group(1) == "", f"a block that is neither a file nor commands: {match.group(0)}"
    return found, reasons


def fits(shown: str, printed: str) -> bool:
    """Blanks at the ends of lines do not count. A line that is only ... stands for any lines, elsewhere it stands for any part of a line."""
    pattern = ""
    for line in map(str.rstrip, shown.splitlines()):
        if line == "\u2026":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("\u2026")) + r"\n"
    return re.fullmatch(pattern, re.sub(r" +$", "", printed, flags=re.M)) is not None


class Shell:
    """One bash in which all commands of a page are run."""

    def __init__(self, stage: Stage, kit: Kit):
        self.stage, self.kit = stage, kit
        self.folder: Path = stage.folder()
        self.ports: Dict[str, str] = {}
        environment = {key: "" for key in os.environ if key.startswith("M2SH_")}
        environment.update({"PATH": f"{kit.m2sh.parent}:{os.environ['PATH']}", "LOGNAME": "alice", "HOME": str(self.folder)})
        self.bash: Program = stage.start(["bash"], self.folder, name="bash", env=environment, stdin=subprocess.PIPE)
        self.count = 0
        self.tell("for name in ${!M2SH_*}; do unset $name; done; curl() { command curl -s -m 8 \"$@\"; }")

    def ours(self, text: str) -> str:
        text = text.replace("SOURCE/build/bin", str(self.kit.m2sh.parent))
        text = text.replace("SOURCE/build/lib", str(self.kit.m2sh.parent.parent / "lib")).replace("SOURCE", str(ROOT))
        return PORT.sub(lambda match: self.ports.setdefault(match.group(0), str(self.stage.port())), text)

    def tell(self, command: str) -> None:
        assert self.bash.process.stdin is not None
        self.bash.process.stdin.write(command.encode() + b"\n")
        self.bash.process.stdin.flush()

    def run(self, command: str) -> Tuple[int, str]:
        """Exit status and output; what stays in the background prints into a file."""
        self.count += 1
        mark = f"--- end of {self.count}"
        begin = len(self.bash.log())
        quiet = f" > out.{self.count} 2>&1 &" if command.endswith(" &") and ">" not in command else None
        self.tell((command[:-2] + quiet if quiet else command) + f'\necho "{mark} $?"')
        self.bash.wait(lambda: re.search(rf"{mark} \d+\n", self.bash.log()[begin:]), command, 6 * PATIENCE_S)
        output, _, status = self.bash.log()[begin:].rpartition(mark)
        return int(status), output

    def step(self, step: Step) -> None:
        if step.file:
            (self.folder / step.file).write_text(self.ours(step.text))
            return
        command, shown = self.ours(step.text), self.ours(step.output)
        tries: List[str] = []

        def is_right() -> bool:
            status, output = self.run(command)
            if output and not output.endswith("\n"):
                output += "\n"
            tries.append(f"status {status}\n{output}")
            return status == 0 and (not shown or fits(shown, output))

        if command.startswith(ASKING):
            try:
                until(is_right, command)
            except AssertionError:
                pass
        else:
            is_right()
        status, _, output = tries[-1].partition("\n")
        assert status == "status 0" and (not shown or fits(shown, output)), f"$ {command}\n{tries[-1]}\nshown:\n{shown}"

    def end(self) -> None:
        """Servers in the background are no children of bash."""
        for path in self.folder.rglob("*.pid"):
            try:
                os.kill(int(path.read_text()), signal.SIGKILL)
            except (ValueError, ProcessLookupError):
                pass


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", PAGES)
def test_page(stage: Stage, node: Kit, page: str) -> None:
    shell = Shell(stage, node)
    try:
        for step in steps((MANUAL / page).read_text())[0]:
            shell.step(step)
        assert not list(shell.folder.rglob("run/*.pid")), "a server still runs at the end of the page"
    finally:
        shell.end()


def test_little_is_not_run() -> None:
    reasons = [reason for page in PAGES for reason in steps((MANUAL / page).read_text())[1]]
    assert len(reasons) == NOT_RUN
    assert sum(len(steps((MANUAL / page).read_text())[0]) for page in PAGES) > 100


def test_the_index_has_every_page() -> None:
    index = (MANUAL / "README.md").read_text()
    assert sorted(set(re.findall(r"\]\((\d[^)#]+)\)", index))) == PAGES


def test_what_fits() -> None:
    assert fits("a\u2026\n\u2026\nz\n", "ab\nc\nd\nz\n")
    assert fits("\u2026\nz\n", "z\n")
    assert not fits("a\n", "a\nb\n")
    assert not fits("a\nb\n", "a\n")
