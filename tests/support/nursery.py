"""Pool workers that can be killed one by one, and made quickly: forked from a process that has
already loaded everything.

:class:`Nursery` is for tests; the rest is the process (`python3 -m support.nursery POOL CAPACITY
NODE…`), which forks a worker for each name it reads. What a worker does is said by the path:

    …/echo?ms=N   answers after N ms with the request's number, the worker's name, the route, when it
                  began and ended (CLOCK_MONOTONIC, which all processes share), and the body; from
                  100 ms on it prints that it has begun
    …/half        a head that promises more than comes
    …/hang        never answers
    …/stop        stops its own process (SIGSTOP)
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List
from urllib.parse import parse_qs

ROOT = Path(__file__).resolve().parent.parent.parent
_PR_SET_PDEATHSIG = 1


class Nursery:
    """Workers of one pool on some nodes."""

    def __init__(
        self,
        stage: Any,
        pool: str,
        nodes: List[str],
        capacity: int = 4,
        coordinator: str = "",
        keys: str = "",
    ):
        command = ["/usr/bin/python3", "-B", "-m", "support.nursery", pool, capacity, coordinator, *nodes]
        self.program = stage.start(
            command,
            stage.folder(),
            name=f"workers-{pool}",
            env={"PYTHONPATH": f"{ROOT}/tests:{ROOT}/proto/python", "WORKER_KEYS": keys},
            stdin=subprocess.PIPE,
        )
        self.pids: Dict[str, int] = {}

    def start(self, name: str) -> int:
        """A worker of this name; returns its process id. It joins on its own."""
        self.program.process.stdin.write(f"{name}\n".encode())
        self.program.process.stdin.flush()
        found = self.program.wait_log(rf"(?m)^{name} is (\d+)$")
        self.pids[name] = int(found[1])
        return self.pids[name]

    def signal(self, name: str, number: int) -> None:
        os.kill(self.pids[name], number)

    def kill(self, name: str) -> None:
        self.signal(name, signal.SIGKILL)
        del self.pids[name]


# ---- the process ---------------------------------------------------------------------------------


def _answer(worker: Any, request: Any) -> None:
    what = request.path.rpartition(b"/")[2]
    if what == b"hang":
        threading.Event().wait()
    elif what == b"stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == b"half":
        worker.reply(request, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        threading.Event().wait()
    query = parse_qs((request.headers.first("QUERY") or b"").decode())
    pause_ms = float(query.get("ms", ["0"])[0])
    begun = time.monotonic()
    if pause_ms >= 100:
        print(f"{worker.pool_name} has begun", flush=True)
    time.sleep(pause_ms / 1000)
    words = [
        request.headers.first("x-request") or b"",
        b"worker=" + worker.pool_name.encode(),
        b"pattern=" + (request.headers.first("PATTERN") or b""),
        b"took=%.6f,%.6f" % (begun, time.monotonic()),
        b"body=" + request.body,
    ]
    worker.reply_http(request, b" ".join(words))


def _be_worker(name: str, pool: str, capacity: int, coordinator: str, nodes: List[str]) -> None:
    from mongrel2 import Worker

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: leave.start())
    coordinators = [coordinator] if coordinator else None
    keys = os.environ["WORKER_KEYS"] or None
    worker = Worker(pool, nodes, coordinators, capacity=capacity, name=name, keys=keys)
    worker.pool_name = name
    leave = threading.Thread(target=worker.close_sockets)
    worker.run(_answer, threads=capacity)
    leave.join()


def main() -> None:
    pool, capacity, coordinator, *nodes = sys.argv[1:]
    importlib.import_module("mongrel2")  # loaded once for all

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    for line in sys.stdin:
        name = line.strip()
        pid = os.fork()
        if pid == 0:
            os.close(0)
            try:
                _be_worker(name, pool, int(capacity), coordinator, nodes)
            finally:
                os._exit(0)
        print(f"{name} is {pid}", flush=True)


if __name__ == "__main__":
    main()
