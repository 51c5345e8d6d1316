"""Real Redis servers and Sentinels, on free ports of loopback."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import List, Optional, Union

from .program import Program
from .server import Stage
from .wait import PATIENCE_S, until

Reply = Union[None, int, bytes, List["Reply"]]


def ask(port: int, *words: object, timeout_s: float = 5) -> Reply:
    """One command; an error is raised."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as link:
        parts = [str(word).encode() if not isinstance(word, bytes) else word for word in words]
        message = b"*%d\r\n" % len(parts)
        for part in parts:
            message += b"$%d\r\n%s\r\n" % (len(part), part)
        link.sendall(message)
        with link.makefile("rb") as stream:
            return _reply(stream)


def _reply(stream: "socket.SocketIO") -> Reply:  # type: ignore[name-defined]
    line = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"-" or not kind:
        raise RuntimeError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return None if rest == b"-1" else [_reply(stream) for _ in range(int(rest))]
    return rest


class Redis:
    """A server that keeps an append-only file, so that it can be killed and started again."""

    def __init__(self, stage: Stage, master: Optional["Redis"] = None):
        self.stage, self.master = stage, master
        self.port = stage.port()
        self.folder = stage.folder()
        self.program: Optional[Program] = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def running(self) -> Program:
        assert self.program is not None
        return self.program

    def start(self) -> "Redis":
        command: List[object] = [
            *[_server(), "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder],
            *["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            *["--repl-diskless-sync-delay", 0, "--repl-timeout", 5],
        ]
        if self.master is not None:
            command += ["--replicaof", f"127.0.0.1 {self.master.port}"]
        self.program = self.stage.start(command, self.folder, name=f"redis-{self.port}")
        self.program.wait(lambda: self.answers(), "answering")
        return self

    def answers(self) -> bool:
        try:
            return self.ask("PING") == b"PONG"
        except (OSError, RuntimeError):
            return False

    def ask(self, *words: object) -> Reply:
        return ask(self.port, *words)

    def is_master(self) -> bool:
        role = self.ask("ROLE")
        return isinstance(role, list) and role[0] == b"master"

    def wait_replicas(self, count: int, timeout_s: float = PATIENCE_S) -> None:
        def there() -> bool:
            role = self.ask("ROLE")
            return isinstance(role, list) and isinstance(role[2], list) and len(role[2]) >= count

        until(there, f"{count} replicas", timeout_s)


class Sentinels:
    """Three of them, watching a master called "mongrel2"."""

    def __init__(self, stage: Stage, master: Redis, down_ms: int = 1000):
        self.ports = [stage.port() for _ in range(3)]
        self.programs: List[Program] = []
        for port in self.ports:
            folder = stage.folder()
            conf = Path(folder) / "sentinel.conf"
            conf.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
                f"sentinel monitor mongrel2 127.0.0.1 {master.port} 2\n"
                f"sentinel down-after-milliseconds mongrel2 {down_ms}\n"
                "sentinel failover-timeout mongrel2 5000\n"
            )
            program = stage.start([_server(), conf, "--sentinel"], folder, name=f"sentinel-{port}")
            self.programs.append(program)
        for port in self.ports:
            until(lambda: self._knows_all(port), "Sentinels that know each other", PATIENCE_S * 2)

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{p}" for p in self.ports) + "/mongrel2"

    def _knows_all(self, port: int) -> bool:
        try:
            state = ask(port, "SENTINEL", "ckquorum", "mongrel2")
            others = ask(port, "SENTINEL", "sentinels", "mongrel2")
            replicas = ask(port, "SENTINEL", "replicas", "mongrel2")
        except (OSError, RuntimeError):
            return False
        known = isinstance(others, list) and len(others) == len(self.ports) - 1
        return known and isinstance(state, bytes) and isinstance(replicas, list) and bool(replicas)


def _server() -> str:
    return shutil.which("redis-server") or "/usr/bin/redis-server"
