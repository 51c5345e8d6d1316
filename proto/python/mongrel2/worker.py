"""A worker of a handler pool: no request is lost in a queue, and a slow worker gets fewer.

    from mongrel2 import Worker

    def hello(worker, request):
        worker.reply_http(request, b"hello")

    with Worker("chat", coordinators=["tcp://127.0.0.1:6780"]) as worker:
        worker.run(hello)

Nodes are found through the coordinators, or given by their handler ports, or both. They may come and
go. :class:`Worker` has a thread of its own for the network, so that a handler may take its time and
any number of threads may call it; :class:`~mongrel2.async_worker.AsyncWorker` lives in an asyncio
loop.
"""

from __future__ import annotations

import collections
import logging
import math
import queue
import socket
import threading
import time
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Union

import zmq

from .directory import Directory
from .handler import ReceiveTimeout
from .keys import Keys
from .pool import Member
from .replier import Replier
from .reply import Bytes, as_bytes
from .request import Request
from .sockets import Sockets

__all__ = ["Worker", "WorkerBase", "WorkerClosed"]

log = logging.getLogger("mongrel2")


#: METHOD of messages to which no HTTP response belongs; a handshake may have been answered by the node.
_SOCKET_METHODS = frozenset((b"JSON", b"XML", b"WEBSOCKET", b"WEBSOCKET_HANDSHAKE"))


class WorkerClosed(Exception):
    """The worker has left its pool."""


Addresses = Union[str, Sequence[str], None]


class WorkerBase(Replier):
    """What both kinds of worker share."""

    def __init__(
        self,
        pool: str,
        nodes: Addresses = None,
        coordinators: Addresses = None,
        *,
        capacity: int = 1,
        name: str = "",
        worker: Optional[Bytes] = None,
        timeout_s: Optional[float] = None,
        context: Optional[zmq.Context] = None,
        keys: Union[str, Path, None] = None,
    ):
        """Joins `pool` on the nodes with handler ports `nodes`, and on all that `coordinators` name.

        `capacity` requests are taken at a time, over all nodes. `name` is shown to people; `worker`
        is a UUID, a fresh one by default. `timeout_s` is that of :meth:`recv`, None for ever.
        `keys` is a directory with handler.cert and coordinator.cert, or a certificate in it; None for
        a cluster without keys.
        """
        endpoints = _list(nodes)
        coordinator_endpoints = _list(coordinators)
        if not endpoints and not coordinator_endpoints:
            raise ValueError("a worker needs nodes, or coordinators that know them")
        self.timeout_s = timeout_s
        self._context = context or zmq.Context()
        self._own_context = context is None
        self._sockets = self._make_sockets(self._context)
        self._sockets.keys = Keys(keys) if keys is not None else None
        self._member = Member(
            pool,
            self._sockets,
            self._deliver,
            capacity,
            name,
            as_bytes(worker) if worker else None,
        )
        self._sockets.member = self._member
        self._static = endpoints
        if coordinator_endpoints:
            self._sockets.directory = Directory(
                pool, coordinator_endpoints, self._sockets, self._on_directory
            )
        #: Replies to nodes that were not there (any more).
        self.undelivered = 0

    def _make_sockets(self, context: Any) -> Sockets:
        return Sockets(context)

    def _deliver(self, request: Request) -> None:
        raise NotImplementedError

    def _on_directory(self, endpoints: List[str]) -> None:
        self._member.keep([*self._static, *endpoints], time.monotonic())

    def _start_members(self) -> None:
        for endpoint in self._static:
            self._member.add(endpoint, time.monotonic())

    def _close_context(self) -> None:
        if self._own_context and not self._context.closed:
            self._context.term()

    @property
    def pool(self) -> str:
        return self._member.pool

    @property
    def uuid(self) -> bytes:
        return self._member.worker

    @property
    def cluster(self) -> bytes:
        """The cluster's UUID, for :meth:`send_channel`; empty until a node has answered."""
        return self._member.cluster

    @property
    def nodes(self) -> Dict[str, str]:
        """The state of each node by its endpoint: joining, joined or away."""
        return self._member.nodes

    @property
    def malformed(self) -> int:
        """Messages of nodes that were malformed and dropped."""
        return self._member.malformed

    @property
    def returned(self) -> int:
        """Requests handed back."""
        return self._member.returned

    def _may_answer(self, req: Request) -> bool:
        """Not when the node was lost before the first byte: it then has given the request to
        another worker."""
        if not super()._may_answer(req):
            return False
        if req.place is None or req.replied or self._member.is_current(req):
            return True
        self.undelivered += 1
        return False

    def _reply_now(self, node: bytes, message: bytes) -> None:
        if not self._member.reply(node, message, time.monotonic()):
            self.undelivered += 1

    def _fail(self, request: Request) -> None:
        """Answers for a handler that has raised."""
        log.exception("pool %s: the handler failed on %r", self.pool, request)
        if request.is_notice():
            return
        if not request.replied and request.method not in _SOCKET_METHODS:
            headers = {"Content-Type": "text/plain", "Connection": "close"}
            self.reply_http(request, "Internal Server Error", 500, headers=headers)
        self.close(request)


class Worker(WorkerBase):
    """A worker for ordinary, blocking code. Its methods may be called by any thread."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self._inbox: "queue.SimpleQueue[Optional[Request]]" = queue.SimpleQueue()
        self._commands: Deque[Callable[[], None]] = collections.deque()
        self._joined = 0
        self._joined_changed = threading.Condition()
        self._sleeping = False
        self._closing = False
        self._stop_at: Optional[float] = None
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._thread = threading.Thread(target=self._io, name=f"pool {self.pool}", daemon=True)
        self._thread.start()

    # ---- for handlers ------------------------------------------------------------------------

    def recv(self, timeout_s: Optional[float] = None) -> Request:
        """The next request. Its place is occupied until :meth:`done`, or :meth:`give_back`. Raises
        :class:`~mongrel2.handler.ReceiveTimeout` after `timeout_s` (default: that of the worker),
        :class:`WorkerClosed` once the worker was closed."""
        wait_s = self.timeout_s if timeout_s is None else timeout_s
        deadline = None if wait_s is None else time.monotonic() + wait_s
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                request = self._inbox.get(timeout=left)
            except queue.Empty:
                raise ReceiveTimeout("no request came in time") from None
            if request is None:
                self._inbox.put(None)  # for the other threads
                raise WorkerClosed("the worker has left its pool")
            if self._closing:
                self.give_back(request)
            elif self._member.is_current(request):
                return request
            else:
                self.done(request)  # its node was lost and has given it to another

    def done(self, request: Request) -> None:
        """The request is dealt with: its place is free. Replies may still follow."""
        self._do(lambda: self._member.done(request))

    def give_back(self, request: Request) -> None:
        """Hands back a request to which no reply has been sent: another worker gets it."""
        self._do(lambda: self._member.give_back(request, time.monotonic()))

    def __iter__(self) -> Iterator[Request]:
        """Requests until the worker is closed, or `timeout_s` of the worker passes without one.
        Each is done when the next is asked for."""
        while True:
            try:
                request = self.recv()
            except (ReceiveTimeout, WorkerClosed):
                return
            try:
                yield request
            finally:
                self.done(request)

    def run(self, handle: Callable[["Worker", Request], Any], threads: int = 1) -> None:
        """Calls `handle` with each request, in `threads` threads, until the worker is closed. A
        handler that raises is logged, and its client answered 500."""
        others = [threading.Thread(target=self._run, args=(handle,)) for _ in range(threads - 1)]
        for thread in others:
            thread.start()
        self._run(handle)
        for thread in others:
            thread.join()

    def _run(self, handle: Callable[["Worker", Request], Any]) -> None:
        for request in self:
            try:
                handle(self, request)
            except Exception:
                self._fail(request)

    def wait_ready(self, timeout_s: float = 10, nodes: int = 1) -> bool:
        """Waits until `nodes` nodes have accepted this worker."""
        with self._joined_changed:
            return self._joined_changed.wait_for(lambda: self._joined >= nodes, timeout_s)

    def close_sockets(self, drain_s: float = 10) -> None:
        """Leaves: takes no new requests, waits up to `drain_s` for those that run, lets their
        replies go out, ends."""
        if self._closing:
            return
        self._closing = True

        def leave() -> None:
            now = time.monotonic()
            self._stop_at = now + drain_s
            self._member.leave(now)
            self._give_back_waiting(now)

        self._do(leave)
        if self._thread is not threading.current_thread():
            self._thread.join()
            self._wake_read.close()
            self._wake_write.close()
            self._close_context()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close_sockets()

    def _give_back_waiting(self, now: float) -> None:
        """Requests that no thread has begun."""
        try:
            while True:
                request = self._inbox.get_nowait()
                if request is not None:
                    self._member.give_back(request, now)
        except queue.Empty:
            self._inbox.put(None)

    # ---- the network's thread ------------------------------------------------------------------

    def _send_message(self, node: bytes, message: bytes) -> None:
        self._do(lambda: self._reply_now(node, message))

    def _deliver(self, request: Request) -> None:
        self._inbox.put(request)

    def _do(self, command: Callable[[], None]) -> None:
        """To be done by the network's thread. The order (append, then look) and the thread's own
        (say that it sleeps, then look) make sure that one of them sees the other."""
        self._commands.append(command)
        if self._sleeping:
            try:
                self._wake_write.send(b"\0")
            except OSError:
                pass  # full: it is awake; closed: it has ended

    def _io(self) -> None:
        poller = zmq.Poller()
        poller.register(self._wake_read, zmq.POLLIN)
        self._sockets.added = lambda sock: poller.register(sock, zmq.POLLIN)  # type: ignore
        self._sockets.removed = lambda sock: poller.unregister(sock)  # type: ignore
        self._start_members()
        try:
            while True:
                left_s = self._turn() - time.monotonic()
                if self._is_finished():
                    break
                self._sleeping = True
                if self._commands or self._sockets.touched:
                    left_s = 0
                ready = poller.poll(max(0, math.ceil(left_s * 1000)))
                self._sleeping = False
                for sock, _ in ready:
                    if sock == self._wake_read.fileno():
                        self._wake_read.recv(4096)
                    else:
                        self._sockets.touched.add(sock)
        except Exception:
            log.exception("pool %s: the worker has failed", self.pool)
            self._closing = True
            self._inbox.put(None)
        finally:
            self._sockets.close_all(linger_ms=1000)

    def _turn(self) -> float:
        while self._commands:
            self._commands.popleft()()
        now = time.monotonic()
        for sock in list(self._sockets.touched):
            self._sockets.drain(sock, now)
        deadline = self._sockets.turn(now)
        self._sockets.has_unread()
        if self._joined != self._member.joined:
            with self._joined_changed:
                self._joined = self._member.joined
                self._joined_changed.notify_all()
        return min(deadline, self._stop_at) if self._stop_at else deadline

    def _is_finished(self) -> bool:
        if self._stop_at is None or self._commands:
            return False
        now = time.monotonic()
        return self._member.has_left(now) or now >= self._stop_at


def _list(addresses: Addresses) -> List[str]:
    if addresses is None:
        return []
    return [a for a in addresses.split(",") if a] if isinstance(addresses, str) else list(addresses)
