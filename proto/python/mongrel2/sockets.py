"""The sockets of a pool worker: one DEALER for each node, one for the coordinator that is asked, one
SUB for what it publishes. Nothing here waits; :mod:`mongrel2.worker` does.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Set, Tuple

import zmq

from .directory import Directory, Links
from .keys import Keys
from .pool import Member, Transport

__all__ = ["Sockets"]

#: Messages read from one socket before the others get their turn.
BATCH = 256
#: Replies that may wait for one node before it counts as gone.
SEND_HWM = 100_000
#: Questions to a coordinator without any answer after which it gets a new connection.
QUESTIONS_OPEN = 2


class Sockets(Transport, Links):
    """The sockets, and who gets what they receive."""

    def __init__(self, context: Any):
        self._context = context
        #: With them every connection is encrypted, and to a known peer.
        self.keys: Optional[Keys] = None
        self._nodes: Dict[str, Any] = {}
        self._asked: Tuple[str, Any] = ("", None)
        self._unanswered = 0
        self._heard: Any = None
        #: What to do with the frames of each socket.
        self.on_frames: Dict[Any, Callable[[List[bytes], float], None]] = {}
        #: Sockets that may have something to read.
        self.touched: Set[Any] = set()
        self.member: Member
        self.directory: Optional[Directory] = None
        self.linger_ms = 0

    def _add(self, kind: int, handle: Callable[[List[bytes], float], None]) -> Any:
        sock = self._context.socket(kind)
        sock.setsockopt(zmq.LINGER, 0)
        sock.setsockopt(zmq.SNDHWM, SEND_HWM)
        self.on_frames[sock] = handle
        self.added(sock)
        return sock

    def _remove(self, sock: Any) -> None:
        if sock is not None:
            del self.on_frames[sock]
            self.touched.discard(sock)
            self.removed(sock)
            sock.close(self.linger_ms)

    def added(self, sock: Any) -> None:
        """For whoever waits for the sockets."""

    def removed(self, sock: Any) -> None:
        """For whoever waits for the sockets."""

    # Transport
    def open(self, endpoint: str) -> None:
        self.close(endpoint)
        sock = self._add(
            zmq.DEALER, lambda frames, now: self.member.on_frames(endpoint, frames, now)
        )
        if self.keys is not None:
            self.keys.put(sock, self.keys.of_node(endpoint))
        sock.connect(endpoint)
        self._nodes[endpoint] = sock

    def close(self, endpoint: str) -> None:
        self._remove(self._nodes.pop(endpoint, None))

    def send(self, endpoint: str, frames: List[bytes]) -> bool:
        sock = self._nodes.get(endpoint)
        if sock is None:
            return False
        self.touched.add(sock)
        try:
            sock.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    # Links
    def ask(self, endpoint: str, message: bytes) -> None:
        asked, sock = self._asked
        # libzmq does not try again what was refused for its key: a new socket does
        stuck = self.keys is not None and self._unanswered >= QUESTIONS_OPEN
        if asked != endpoint or stuck:
            self._remove(sock)
            self._unanswered = 0
            sock = self._add(
                zmq.DEALER, lambda frames, now: self._directory_reply(endpoint, frames[-1], now)
            )
            self._trust_coordinator(sock)
            sock.connect(endpoint)
            self._asked = (endpoint, sock)
        self._unanswered += 1
        self.touched.add(sock)
        try:
            sock.send_multipart([b"", message], zmq.NOBLOCK)
        except zmq.Again:
            pass  # it will be asked again

    def listen(self, endpoint: str, topic: bytes) -> None:
        self._remove(self._heard)
        self._heard = self._add(zmq.SUB, lambda frames, now: self._directory_update(frames))
        self._heard.setsockopt(zmq.SUBSCRIBE, topic)
        self._trust_coordinator(self._heard)
        self._heard.connect(endpoint)

    def node_keys(self, keys: Dict[str, bytes]) -> None:
        if self.keys is not None:
            self.keys.nodes = keys

    def _trust_coordinator(self, sock: Any) -> None:
        if self.keys is not None:
            self.keys.put(sock, self.keys.coordinator)

    def _directory_reply(self, endpoint: str, message: bytes, now: float) -> None:
        self._unanswered = 0
        if self.directory is not None:
            self.directory.on_reply(endpoint, message, now)

    def _directory_update(self, frames: List[bytes]) -> None:
        if self.directory is not None:
            self.directory.on_update(frames)

    # one turn
    def drain(self, sock: Any, now: float) -> None:
        """Reads what `sock` has, up to a batch."""
        handle = self.on_frames.get(sock)
        self.touched.discard(sock)
        for _ in range(BATCH):
            if handle is None or sock not in self.on_frames:
                return
            try:
                frames = sock.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            handle(frames, now)
        self.touched.add(sock)

    def turn(self, now: float) -> float:
        """Timers, then places: once after everything was read. Returns when to come back."""
        self.member.tick(now)
        if self.directory is not None and not self.member.leaving:
            self.directory.tick(now)
        self.member.flush(now)
        deadline = self.member.deadline(now)
        return min(deadline, self.directory.deadline()) if self.directory else deadline

    def has_unread(self) -> bool:
        """Whether a socket that was used has become readable: its descriptor may not say so."""
        for sock in list(self.touched):
            if sock.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                return True
            self.touched.discard(sock)
        return False

    def close_all(self, linger_ms: int) -> None:
        self.linger_ms = linger_ms
        for sock in list(self.on_frames):
            self._remove(sock)
        self._nodes.clear()
