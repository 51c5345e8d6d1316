"""Keep-alive load by a process of its own. Every answer is checked; whatever is unusual is told.

:class:`Load` is for tests: it starts the process, stops it, reads what it found. The rest is the
process (`python3 -m support.load SPEC`): a fixed number of connections, each with one request in
flight (or a few, pipelined in one segment), each going through the list of requests from its own
place in it.

A request has a number of its own in the header `X-Request`; where the answer must repeat it
(`echo`), an answer to another request is noticed. `marks` are expressions whose first group is the
revision of the configuration that a part of the answer came from: all of an answer must name the
same, and it never goes back, per connection and node.
"""

from __future__ import annotations

import collections
import json
import re
import select
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Deque, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent.parent
EVENTS_MAX = 5000


@dataclass
class Ask:
    """One kind of request, and what its answer must be."""

    name: str
    path: str
    method: str = "GET"
    host: str = "localhost"
    body: str = ""
    #: Statuses that are in order.
    status: List[int] = field(default_factory=lambda: [200])
    #: Whether the answer has the request's number in its body.
    echo: bool = False
    #: The whole body; None: any.
    exact: Optional[str] = None
    #: Each is found in the answer, and all name one revision.
    marks: List[str] = field(default_factory=list)


@dataclass
class Event:
    """Something that was not as it should be: another status, a wrong answer, a closed connection."""

    at: float  # CLOCK_MONOTONIC, which all processes share
    name: str
    status: int  # 0: none came
    waited_s: float
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what} after {self.waited_s * 1000:.0f} ms"


@dataclass
class Found:
    """What a load has found."""

    #: Answers by name and status.
    answers: Dict[str, Dict[str, int]]
    events: List[Event]
    opened: int  # connections
    longest_s: Dict[str, float]

    def count(self, name: str = "", status: int = 0) -> int:
        return sum(
            count
            for ask, by_status in self.answers.items()
            for number, count in by_status.items()
            if name in ("", ask) and status in (0, int(number))
        )

    def story(self, most: int = 20) -> str:
        lines = [str(event) for event in self.events[:most]]
        return f"{self.count()} answers {self.answers}, {len(self.events)} events:\n" + "\n".join(lines)


class Load:
    """A load that runs until :meth:`stop`."""

    def __init__(
        self,
        stage: Any,
        port: int,
        asks: List[Ask],
        connections: int = 16,
        think_ms: float = 2,
        pipeline: int = 1,
        node_mark: str = "",
    ):
        """`think_ms` is between an answer and the next request of its connection. `node_mark` finds
        the name of the node in an answer, when several stand behind the port."""
        folder = stage.folder()
        self._result = folder / "found.json"
        spec = folder / "spec.json"
        spec.write_text(
            json.dumps(
                {
                    "port": port,
                    "asks": [asdict(ask) for ask in asks],
                    "connections": connections,
                    "think_ms": think_ms,
                    "pipeline": pipeline,
                    "node_mark": node_mark,
                    "result": str(self._result),
                }
            )
        )
        self.program = stage.start(
            ["/usr/bin/python3", "-B", "-m", "support.load", spec],
            folder,
            name="load",
            env={"PYTHONPATH": str(ROOT / "tests")},
        )
        self.program.wait_log("^flowing")

    def stop(self, patience_s: float = 10) -> Found:
        """Waits for the answers that are due, which may take `patience_s`, and ends."""
        self.program.signal(signal.SIGTERM)
        self.program.wait_end(patience_s + 10)
        self.program.check()
        found = json.loads(self._result.read_text())
        return Found(
            found["answers"],
            [Event(**event) for event in found["events"]],
            found["opened"],
            found["longest_s"],
        )


# ---- the process ---------------------------------------------------------------------------------


class _Request:
    __slots__ = ("ask", "number", "sent_at")

    def __init__(self, ask: "_Ask", number: bytes, sent_at: float):
        self.ask, self.number, self.sent_at = ask, number, sent_at


class _Ask:
    """An Ask made ready."""

    def __init__(self, spec: Dict[str, Any]):
        self.name: str = spec["name"]
        self.status = set(spec["status"])
        self.echo: bool = spec["echo"]
        self.exact = None if spec["exact"] is None else spec["exact"].encode("latin-1")
        self.marks = [re.compile(mark.encode("latin-1"), re.I) for mark in spec["marks"]]
        body = spec["body"].encode("latin-1")
        length = f"Content-Length: {len(body)}\r\n" if body or spec["method"] == "POST" else ""
        self.before = (
            f"{spec['method']} {spec['path']} HTTP/1.1\r\nHost: {spec['host']}\r\n{length}X-Request: "
        ).encode("latin-1")
        self.after = b"\r\n\r\n" + body
        self.counts: Dict[int, int] = {}
        self.longest_s = 0.0


class _Connection:
    def __init__(self, index: int):
        self.index = index
        self.next_ask = index
        self.asked = 0
        self.socket: Optional[socket.socket] = None
        self.unread = b""
        self.due: Deque[_Request] = collections.deque()
        self.revisions: Dict[bytes, int] = {}  # by node, the newest seen


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.I)
_CLOSE = re.compile(rb"\r\nconnection: *close\r\n", re.I)


def _split(data: bytes) -> Optional[Tuple[bytes, bytes, int]]:
    """Head, body and length of the response that `data` begins with, if it is whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[: end + 4]
    found = _LENGTH.search(head)
    if found:
        total = end + 4 + int(found[1])
        return (head, data[end + 4 : total], total) if len(data) >= total else None
    if not _CHUNKED.search(head):
        return head, b"", end + 4
    body, at = b"", end + 4
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(data[at:line].split(b";")[0], 16)
        at = line + 2 + size + 2
        if len(data) < at:
            return None
        if size == 0:
            return head, body, at
        body += data[line + 2 : line + 2 + size]


class _Client:
    def __init__(self, spec: Dict[str, Any]):
        self.address = ("127.0.0.1", spec["port"])
        self.asks = [_Ask(ask) for ask in spec["asks"]]
        self.think_s = spec["think_ms"] / 1000
        self.pipeline = spec["pipeline"]
        self.node_mark = re.compile(spec["node_mark"].encode(), re.I) if spec["node_mark"] else None
        self.connections = [_Connection(i) for i in range(spec["connections"])]
        self.events: List[Event] = []
        self.opened = 0
        self.answered = 0
        self.stopping = False
        self.poll = select.epoll()
        self.by_fd: Dict[int, _Connection] = {}
        #: When each idle connection asks again, in order of time.
        self.thinking: Deque[Tuple[float, _Connection]] = collections.deque()

    def tell(self, name: str, status: int, since: float, what: str) -> None:
        now = time.monotonic()
        if len(self.events) < EVENTS_MAX:
            self.events.append(Event(now, name, status, now - since, what))

    # ---- connections ---------------------------------------------------------------------------

    def open(self, c: _Connection) -> bool:
        now = time.monotonic()
        try:
            c.socket = socket.create_connection(self.address, timeout=10)
        except OSError as error:
            self.tell("connect", 0, now, str(error))
            return False
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c.socket.setblocking(False)
        c.unread = b""
        c.revisions.clear()
        self.by_fd[c.socket.fileno()] = c
        self.poll.register(c.socket, select.EPOLLIN)
        self.opened += 1
        return True

    def ask(self, c: _Connection) -> None:
        if c.socket is None and not self.open(c):
            self.thinking.append((time.monotonic() + 0.05, c))
            return
        now = time.monotonic()
        data = b""
        for _ in range(self.pipeline):
            ask = self.asks[c.next_ask % len(self.asks)]
            c.next_ask += 1
            c.asked += 1
            number = b"%d-%d." % (c.index, c.asked)
            c.due.append(_Request(ask, number, now))
            data += ask.before + number + ask.after
        try:
            assert c.socket is not None
            c.socket.sendall(data)
        except OSError as error:
            self.closed(c, str(error))

    def closed(self, c: _Connection, why: str) -> None:
        """Another one is opened for it."""
        assert c.socket is not None
        self.poll.unregister(c.socket)
        del self.by_fd[c.socket.fileno()]
        c.socket.close()
        c.socket = None
        was_idle = not c.due
        if was_idle:
            self.tell("idle", 0, time.monotonic(), why)
        for request in c.due:
            part = f", {len(c.unread)} bytes of an answer had come" if c.unread else ""
            self.tell(request.ask.name, 0, request.sent_at, why + part)
        c.due.clear()
        if not was_idle:
            self.thinking.append((time.monotonic() + self.think_s, c))

    # ---- answers -------------------------------------------------------------------------------

    def read(self, c: _Connection) -> None:
        try:
            assert c.socket is not None
            data = c.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError as error:
            self.closed(c, str(error))
            return
        if not data:
            self.closed(c, "closed")
            return
        c.unread += data
        while c.due and c.unread:
            answer = _split(c.unread)
            if answer is None:
                return
            head, body, length = answer
            c.unread = c.unread[length:]
            self.take(c, c.due.popleft(), head, body)
        if c.unread:
            self.tell("idle", 0, time.monotonic(), f"bytes that nobody asked for: {c.unread[:80]!r}")
            c.unread = b""
        if not c.due:
            self.thinking.append((time.monotonic() + self.think_s, c))

    def take(self, c: _Connection, request: _Request, head: bytes, body: bytes) -> None:
        ask, status = request.ask, int(head[9:12])
        self.answered += 1
        ask.counts[status] = ask.counts.get(status, 0) + 1
        waited_s = time.monotonic() - request.sent_at
        ask.longest_s = max(ask.longest_s, waited_s)
        problem = self.problem(c, request, status, head, body)
        if problem:
            self.tell(ask.name, status, request.sent_at, f"{problem} [{request.number.decode()}]")
        if _CLOSE.search(head):
            self.tell(ask.name, status, request.sent_at, f"{status} with Connection: close")

    def problem(self, c: _Connection, request: _Request, status: int, head: bytes, body: bytes) -> str:
        ask = request.ask
        if status not in ask.status:
            return f"status {status}"
        if ask.echo and request.number not in body:
            return f"an answer to something else: {body[:80]!r}"
        if ask.exact is not None and body != ask.exact:
            return f"another body: {body[:80]!r}"
        if not ask.marks:
            return ""
        return self.revision_problem(c, ask, head + body)

    def revision_problem(self, c: _Connection, ask: _Ask, answer: bytes) -> str:
        found = [mark.search(answer) for mark in ask.marks]
        if not all(found):
            return f"a mark is missing: {answer[:400]!r}"
        revisions = {int(match[1]) for match in found if match}
        if len(revisions) != 1:
            return f"a mixture of revisions: {answer[:400]!r}"
        node = self.node_mark.search(answer) if self.node_mark else None
        if self.node_mark and node is None:
            return f"no node is named: {answer[:400]!r}"
        key = node[1] if node else b""
        revision, newest = revisions.pop(), c.revisions.get(key, 0)
        c.revisions[key] = max(revision, newest)
        return f"revision {revision} after {newest}" if revision < newest else ""

    # ---- the loop ------------------------------------------------------------------------------

    def run(self) -> None:
        for c in self.connections:
            self.ask(c)
        end = flowing = 0.0
        while True:
            now = time.monotonic()
            while not self.stopping and self.thinking and self.thinking[0][0] <= now:
                self.ask(self.thinking.popleft()[1])
            if self.stopping:
                end = end or now + 10
                if now >= end or not any(c.due for c in self.connections):
                    break
            wait_s = self.thinking[0][0] - now if self.thinking and not self.stopping else 0.05
            for fd, _ in self.poll.poll(min(max(wait_s, 0.0), 0.05)):
                if fd in self.by_fd:
                    self.read(self.by_fd[fd])
            if not flowing and self.answered >= len(self.connections):
                flowing = now
                print("flowing", flush=True)
        for c in self.connections:
            for request in c.due:
                self.tell(request.ask.name, 0, request.sent_at, "no answer until the end")

    def found(self) -> Dict[str, Any]:
        return {
            "answers": {ask.name: ask.counts for ask in self.asks},
            "longest_s": {ask.name: ask.longest_s for ask in self.asks},
            "events": [asdict(event) for event in self.events],
            "opened": self.opened,
        }


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text())
    client = _Client(spec)

    def stop(*_: object) -> None:
        client.stopping = True

    signal.signal(signal.SIGTERM, stop)
    client.run()
    Path(spec["result"]).write_text(json.dumps(client.found()))


if __name__ == "__main__":
    main()
