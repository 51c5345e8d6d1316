"""procer with profiles of a test. What it has started does not end with it: :meth:`Profiles.end`
finds that by its environment and kills it."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any, Dict, List, Optional

from .program import Program, run
from .server import build_folder
from .wait import until

#: Pauses for tests: short, but long enough for a loaded machine to get a process started.
QUICK = ["-delay", 20, "-max_delay", 40, "-front", 300, "-pid_file", 400]

#: Puts a program in the background, as the manual does it.
BACKGROUND = 'sleep 1000 &\necho $! > "$PROCER_PIDFILE"\n'


def is_alive(pid: int) -> bool:
    """Whether the process exists, and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def read_pid(path: Path) -> int:
    """The number in a pid file; 0 when there is none."""
    try:
        return int(path.read_text() or 0)
    except (OSError, ValueError):
        return 0


class Profiles:
    """A folder of profiles, and procers that keep it."""

    def __init__(self, stage: Any):
        self.stage = stage
        self.top = stage.folder()
        self.top.chmod(0o755)
        self.folder = self.top / "profiles"
        self.pid_file = self.top / "procer.pid"
        (self.top / "run").mkdir()
        self.folder.mkdir()
        (self.top / "started").touch()
        (self.top / "started").chmod(0o666)
        self.procer = build_folder() / "bin" / "procer"
        stage.keep(self)

    def add(
        self,
        name: str,
        script: str = BACKGROUND,
        depends: Optional[str] = "",
        restart: bool = True,
        pid_file: Optional[str] = "../run/{name}.pid",
        owner: Optional[int] = None,
    ) -> Path:
        """A profile; its `run` is a shell script that appends its name to the file `started` first."""
        where = self.folder / name
        where.mkdir()
        (where / "run").write_text(f'#!/bin/sh\necho "$PROCER_ACTION" >> {self.top}/started\n{script}')
        (where / "run").chmod(0o755)
        if pid_file is not None:
            (where / "pid_file").write_text(pid_file.format(name=name) + "\n")
        if depends is not None:
            (where / "depends").write_text(depends)
        if restart:
            (where / "restart").touch()
        if owner is not None:
            os.chown(where, owner, owner)
        return where

    # ---- procer ----------------------------------------------------------------------------

    def keep(self, *options: object, **more: Any) -> Program:
        """A procer in front."""
        command = [self.procer, self.folder, self.pid_file, "-foreground", *options, *QUICK]
        program: Program = self.stage.start(command, self.top, **more)
        program.wait_log("keeps the profiles in")
        return program

    def daemon(self, *words: object, env: Optional[Dict[str, str]] = None, cwd: Optional[Path] = None) -> Any:
        """Runs procer as it is; returns what the caller sees."""
        words = words or (self.folder, self.pid_file)
        return run([self.procer, *words, *QUICK], cwd or self.top, env=env)

    def stop_daemon(self, number: int = signal.SIGTERM) -> None:
        pid = read_pid(self.pid_file)
        os.kill(pid, number)
        until(lambda: not is_alive(pid), f"the end of procer {pid}")

    # ---- what it keeps ---------------------------------------------------------------------

    def started(self, name: str) -> int:
        """How often the `run` of this profile has been started."""
        return (self.top / "started").read_text().split().count(name)

    def pid(self, name: str, other_than: int = 0) -> int:
        """Waits for a living process in the profile's pid file."""
        path = self.top / "run" / f"{name}.pid"

        def find() -> int:
            pid = read_pid(path)
            return pid if pid not in (0, other_than) and is_alive(pid) else 0

        return until(find, f"a process in {path}")

    def log(self, name: str) -> str:
        """The output of this profile's programs."""
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def living(self) -> List[int]:
        """Every process that was started from here."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            here = str(self.top).encode()
            is_kept = b"PROCER_ACTION=" in environment and here in environment + command
            if (is_kept or here + b"/procer.pid" in command) and is_alive(int(entry.name)):
                found.append(int(entry.name))
        return found

    def close(self) -> None:
        """Ends all of it; procer first, so that nothing comes back."""
        keeper = read_pid(self.pid_file)
        for pid in ([keeper] if keeper and is_alive(keeper) else []) + self.living():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        until(lambda: not [os.kill(pid, signal.SIGKILL) for pid in self.living()], "the end of all")


def count(pattern: str, text: str) -> int:
    return len(re.findall(pattern, text))
