"""Processes that a run starts, and their end.

Every process gets a session of its own; its processes are those of the session, so that workers and
helpers of a server count as the server and none outlives the run. `Processes.stop_all` is called on
every way out: the normal one, a failure, Ctrl-C, SIGTERM, SIGHUP.
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

GRACE_S = 0.1  # between SIGTERM and SIGKILL: nothing a server could still save is of interest


class Failure(Exception):
    """Something that a person has to look at: a program that does not start, an answer that is wrong."""


def free_port():
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find_program(name):
    """Path of an installed program, also where a user's PATH does not look; None when missing."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    return shutil.which(name, path=path)


def session_pids(session):
    """Ids of the living processes of a session."""
    pids = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            pids.append(int(entry))
    return sorted(pids)


class Process:
    """One started program with everything it starts itself."""

    def __init__(self, command, log, cwd=None, core=None, pipe=False, nice=0):
        prefix = ["taskset", "-c", str(core)] if core is not None else []
        self.command = [str(word) for word in command]
        self.log = Path(log)
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                prefix + self.command, cwd=cwd, start_new_session=True,
                stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else out, stderr=out)
        if nice:
            self._set_group_nice(nice)

    def _set_group_nice(self, nice):
        """With sched_autogroup each session is a group of its own, and a nice value counts only
        within it; what counts between sessions is the group's."""
        group = Path(f"/proc/{self.popen.pid}/autogroup")
        if group.exists():
            group.write_text(str(nice))

    @property
    def pids(self):
        return session_pids(self.popen.pid)

    def is_running(self):
        return self.popen.poll() is None

    def read_line(self, timeout_s):
        """The next line of a piped process; Failure when none comes in time."""
        line, deadline = b"", time.monotonic() + timeout_s
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.popen.stdout], [], [], left)[0]:
                raise Failure(f"{self.name} said nothing for {timeout_s:g} s: {self.log_tail()}")
            byte = os.read(self.popen.stdout.fileno(), 1)
            if not byte:
                raise Failure(f"{self.name} ended: {self.log_tail()}")
            line += byte
        return line.decode().strip()

    @property
    def name(self):
        return Path(self.command[0]).name

    def log_tail(self):
        text = self.log.read_text(errors="replace").strip()
        return " | ".join(text.splitlines()[-3:]) or "no message"

    def stop(self, grace_s=GRACE_S):
        """Ends the whole session, politely first; returns when nothing of it is left."""
        session = self.popen.pid
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            self.popen.poll()  # reaps
            if not session_pids(session):
                break
            time.sleep(0.01)
        for pid in session_pids(session):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()

    def _signal(self, number):
        try:
            os.killpg(self.popen.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


class Processes:
    """All that is running."""

    def __init__(self, nice=0):
        self._nice = nice
        self._running = []

    def start(self, *args, **kwargs):
        process = Process(*args, nice=self._nice, **kwargs)
        self._running.append(process)
        return process

    def stop(self, process, grace_s=GRACE_S):
        process.stop(grace_s)
        self._running.remove(process)

    def stop_all(self):
        for process in reversed(self._running):
            process._signal(signal.SIGTERM)
        while self._running:
            self._running.pop().stop()


def end_on_signals():
    """Makes SIGTERM and SIGHUP leave through the same `finally` blocks as Ctrl-C."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def ignore_signals():
    """For the last steps, which are bounded in time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
