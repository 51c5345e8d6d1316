"""Real programs: started, waited for by what they do, stopped for certain.

A program gets a process group of its own, which is killed at the end, and a signal if the test run
itself dies. What it prints goes to a file; a report of a sanitizer in it fails the test.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .wait import PATIENCE_S, until

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

SANITIZER = re.compile(
    r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer).*"
)


def die_with_the_test() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Failed(AssertionError):
    """A program did not do what was expected; the message has the end of its output."""


class Program:
    """One process, from start to end."""

    def __init__(
        self,
        command: Sequence[object],
        folder: Path,
        name: str = "",
        env: Optional[Mapping[str, str]] = None,
        stdin: Any = subprocess.DEVNULL,
        before: Any = None,
        pass_fds: Sequence[int] = (),
    ):
        """Starts `command` in `folder`. Its output is `NAME.log` there. `before` is called in the
        child first, to set limits for example; it keeps the descriptors `pass_fds`."""
        self.command = [str(word) for word in command]
        self.name = name or Path(self.command[0]).name
        self.folder = folder
        self.log_path = folder / f"{self.name}.log"
        self._killed = False

        def prepare() -> None:
            die_with_the_test()
            if before is not None:
                before()

        with open(self.log_path, "ab") as log:
            self._start = log.tell()
            self.process = subprocess.Popen(
                self.command,
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=prepare,
                pass_fds=pass_fds,
            )

    # ---- what it does ----------------------------------------------------------------------

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def status(self) -> Optional[int]:
        """Exit status; negative for a signal; None while it runs."""
        return self.process.poll()

    def is_running(self) -> bool:
        return self.status is None

    def log(self) -> str:
        """What it has printed since it was started."""
        with open(self.log_path, "rb") as log:
            log.seek(self._start)
            return log.read().decode("utf-8", "replace")

    def wait_log(self, pattern: str, timeout_s: float = PATIENCE_S) -> "re.Match[str]":
        """Waits for a line that the pattern is found in."""
        return self.wait(lambda: re.search(pattern, self.log()), f"/{pattern}/ in its log", timeout_s)

    def wait(self, condition: Any, what: str, timeout_s: float = PATIENCE_S) -> Any:
        """Waits for a condition that depends on this program; fails at once when it ends."""

        def check() -> Any:
            value = condition()
            if not value and not self.is_running():
                value = condition()  # it may have become true with the end
                if not value:
                    raise Failed(self._story(f"ended with {self.status} before: {what}"))
            return value

        try:
            return until(check, f"{self.name}: {what}", timeout_s)
        except AssertionError as error:
            raise Failed(self._story(str(error))) from None

    def wait_end(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit status."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed(self._story(f"has not ended within {timeout_s:g} s")) from None

    def cpu_s(self) -> float:
        """Processor time used so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # ---- what is done to it ----------------------------------------------------------------

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """At once, with its children; that it dies so is then no failure."""
        self._killed = True
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def stop(self, timeout_s: float = PATIENCE_S, expect: Sequence[int] = (0,)) -> None:
        """Asks it to end, and checks how it did."""
        if self.is_running():
            self.signal(signal.SIGTERM)
            self.wait_end(timeout_s)
        self.check(expect)

    def check(self, expect: Sequence[int] = (0,)) -> None:
        """Fails if it has ended in another way, or if a sanitizer has spoken."""
        if self._killed:
            return
        report = SANITIZER.search(self.log())
        if report:
            raise Failed(self._story(report.group(0), lines=120))
        if self.status is not None and self.status not in expect:
            raise Failed(self._story(f"ended with {self.status}"))

    def _story(self, what: str, lines: int = 40) -> str:
        tail = "\n".join(self.log().split("\n")[-lines:])
        return f"{self.name}: {what}\n$ {' '.join(self.command)}\n{tail}"


class Programs:
    """Everything that a test has started, so that nothing is left behind."""

    def __init__(self) -> None:
        self._running: List[Program] = []

    def start(self, command: Sequence[object], folder: Path, **options: Any) -> Program:
        program = Program(command, folder, **options)
        self._running.append(program)
        return program

    def end(self) -> None:
        """Kills what still runs. What ended by itself, or was stopped, is checked for sanitizer
        reports."""
        problems = []
        for program in reversed(self._running):
            if program.is_running():
                program.kill()
            report = SANITIZER.search(program.log())
            if report:
                problems.append(program._story(report.group(0), lines=120))
        self._running.clear()
        if problems:
            raise Failed("\n\n".join(problems))


def run(
    command: Sequence[object],
    folder: Optional[Path] = None,
    timeout_s: float = 60,
    env: Optional[Dict[str, str]] = None,
    input: Optional[bytes] = None,
) -> "subprocess.CompletedProcess[bytes]":
    """Runs a program that ends by itself; the caller looks at its status."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, **(env or {})},
        input=input if input is not None else b"",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=timeout_s,
        preexec_fn=die_with_the_test,
    )
    report = SANITIZER.search(done.stderr.decode("utf-8", "replace"))
    if report:
        raise Failed(f"{command[0]}: {report.group(0)}\n{done.stderr.decode('utf-8', 'replace')}")
    return done
