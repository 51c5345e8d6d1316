"""Ports and folders that belong to one test only."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any, List

#: Below the ports that the kernel gives to connections, so that none of those is in the way.
PORTS = range(10240, 32000)


class Ports:
    """Free TCP ports. A locked file for each keeps test runs beside this one away from them, also
    between the moment of choosing and that of listening."""

    def __init__(self) -> None:
        self._locks: List[Any] = []
        self._folder = Path(tempfile.gettempdir()) / f"m2-ports-{os.getuid()}"
        self._folder.mkdir(exist_ok=True)

    def free(self) -> int:
        for _ in range(1000):
            port = random.choice(PORTS)
            if self._lock(port) and is_free(port):
                return port
        raise RuntimeError("no free port was found")

    def _lock(self, port: int) -> bool:
        try:
            lock = open(self._folder / str(port), "w")
        except PermissionError:  # another user's
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._locks.append(lock)
        return True

    def release(self) -> None:
        for lock in self._locks:
            os.unlink(lock.name)
            lock.close()
        self._locks.clear()


def is_free(port: int) -> bool:
    """Whether nothing listens on the port, at any address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether someone accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class Folders:
    """Folders with short names, since the path of a Unix socket has at most 107 bytes."""

    def __init__(self) -> None:
        self._made: List[Path] = []

    def new(self) -> Path:
        self._made.append(Path(tempfile.mkdtemp(prefix="m2-")))
        return self._made[-1]

    def remove(self) -> None:
        for folder in self._made:
            shutil.rmtree(folder, ignore_errors=True)
        self._made.clear()
