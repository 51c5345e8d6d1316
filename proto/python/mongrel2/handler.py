"""A classic handler's connection: requests by PULL, replies by PUB.

    from mongrel2 import Connection

    with Connection(sub_addr="tcp://127.0.0.1:9997", pub_addr="tcp://127.0.0.1:9996") as conn:
        for request in conn:
            if not request.is_disconnect():
                conn.reply_http(request, b"hello")

A connection may be connected to any number of nodes. :class:`AsyncConnection` is the same for
asyncio. Neither may be used by several threads at once.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from typing import Any, AsyncIterator, Iterator, List, Optional, Tuple, Type, TypeVar

import zmq
import zmq.asyncio

from .replier import Replier
from .reply import Bytes, as_bytes
from .request import BadMessage, Request

__all__ = ["AsyncConnection", "Connection", "ReceiveTimeout"]

log = logging.getLogger("mongrel2")

_C = TypeVar("_C", bound="_Sockets")


class ReceiveTimeout(TimeoutError):
    """No request came in the time allowed."""


class _Sockets(Replier):
    """What both kinds of connection share: the sockets, and who is connected.

    The reply socket is XPUB, which is PUB on the wire and also tells when a node has subscribed:
    a reply that leaves before that would be lost without a word.
    """

    _context_type: Type[Any] = zmq.Context

    def __init__(
        self,
        sender_id: Optional[Bytes] = None,
        sub_addr: Optional[str] = None,
        pub_addr: Optional[str] = None,
        *,
        context: Optional[Any] = None,
        timeout_s: Optional[float] = None,
        send_hwm: int = 100_000,
        linger_ms: int = 1000,
    ):
        """Connects to one node if both addresses are given; :meth:`connect` adds nodes.

        `sender_id` is the ZeroMQ identity of the reply socket, a fresh UUID by default. `timeout_s`
        is that of :meth:`recv`, None for ever. More than `send_hwm` replies waiting for a node that
        does not take them are dropped; `linger_ms` is how long :meth:`close_sockets` waits for
        replies to leave.
        """
        if bool(sub_addr) != bool(pub_addr):
            raise ValueError("a node is given by both of its addresses")
        self.sender_id = as_bytes(sender_id) if sender_id else str(uuid.uuid4()).encode()
        self.timeout_s = timeout_s
        #: Messages that were no requests and were skipped by iteration.
        self.malformed = 0
        self.nodes: List[Tuple[str, str]] = []
        self._subscriptions = 0
        self._own_context = context is None
        self._context = context or self._context_type()
        self._requests = self._context.socket(zmq.PULL)
        # replies leave at once and subscriptions are there or not: neither is ever waited for
        self._replies = zmq.Context.shadow(self._context.underlying).socket(zmq.XPUB)
        self._replies.setsockopt(zmq.IDENTITY, self.sender_id)
        self._replies.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._replies.setsockopt(zmq.SNDHWM, send_hwm)
        self._replies.setsockopt(zmq.LINGER, linger_ms)
        self._requests.setsockopt(zmq.LINGER, 0)
        if sub_addr and pub_addr:
            self.connect(sub_addr, pub_addr)

    def connect(self, sub_addr: str, pub_addr: str) -> None:
        """Adds a node: `sub_addr` is its Handler's send_spec, `pub_addr` its recv_spec."""
        self._requests.connect(sub_addr)
        self._replies.connect(pub_addr)
        self.nodes.append((sub_addr, pub_addr))

    def disconnect(self, sub_addr: str, pub_addr: str) -> None:
        """Takes a node away."""
        self.nodes.remove((sub_addr, pub_addr))
        self._requests.disconnect(sub_addr)
        self._replies.disconnect(pub_addr)

    def close_sockets(self) -> None:
        """The end of this handler: waits up to `linger_ms` for replies to leave."""
        self._requests.close()
        self._replies.close()
        if self._own_context and not self._context.closed:
            self._context.term()

    @property
    def closed(self) -> bool:
        return bool(self._requests.closed)

    def _send_message(self, node: bytes, message: bytes) -> None:
        self._replies.send(message, zmq.NOBLOCK)

    def _count_subscriptions(self) -> int:
        """How many subscriptions there have been."""
        while self._replies.poll(0):
            frame = self._replies.recv()
            if frame[:1] == b"\1":
                self._subscriptions += 1
        return self._subscriptions

    def _skip(self, error: BadMessage) -> None:
        self.malformed += 1
        log.warning("handler: message skipped: %s", error)


class Connection(_Sockets):
    """A handler's connection to nodes, for ordinary blocking code."""

    def recv(self, timeout_s: Optional[float] = None) -> Request:
        """The next message. Raises :class:`ReceiveTimeout` after `timeout_s` (default: that of the
        connection), :class:`~mongrel2.request.BadMessage` for a message that is none."""
        if not self.poll(self.timeout_s if timeout_s is None else timeout_s):
            raise ReceiveTimeout("no request came in time")
        return Request.parse(self._requests.recv())

    def recv_json(self, timeout_s: Optional[float] = None) -> Request:
        """As :meth:`recv`, with the body decoded in `data`; ValueError if it is no JSON."""
        return _with_json(self.recv(timeout_s))

    def poll(self, timeout_s: Optional[float] = 0) -> bool:
        """Whether a message is there, at the latest after `timeout_s`; None waits for ever."""
        return bool(self._requests.poll(None if timeout_s is None else timeout_s * 1000))

    def wait_ready(self, timeout_s: float = 10, subscriptions: Optional[int] = None) -> bool:
        """Waits until nodes have subscribed to replies: by default as often as there are nodes,
        since a node by itself makes one subscription. A node of a cluster makes two."""
        wanted = len(self.nodes) if subscriptions is None else subscriptions
        deadline = time.monotonic() + timeout_s
        while self._count_subscriptions() < wanted:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._replies.poll(left * 1000)
        return True

    def __iter__(self) -> Iterator[Request]:
        """Requests for ever, or until `timeout_s` of the connection passes without one. What is no
        request is logged, counted and skipped."""
        while True:
            try:
                yield self.recv()
            except BadMessage as error:
                self._skip(error)
            except ReceiveTimeout:
                return

    def __enter__(self: _C) -> _C:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close_sockets()


class AsyncConnection(_Sockets):
    """A handler's connection to nodes, for asyncio. Receiving waits, sending never does, so the
    methods that send are the same plain functions."""

    _context_type = zmq.asyncio.Context

    async def recv(self, timeout_s: Optional[float] = None) -> Request:
        """As :meth:`Connection.recv`."""
        if not await self.poll(self.timeout_s if timeout_s is None else timeout_s):
            raise ReceiveTimeout("no request came in time")
        return Request.parse(await self._requests.recv())

    async def recv_json(self, timeout_s: Optional[float] = None) -> Request:
        """As :meth:`Connection.recv_json`."""
        return _with_json(await self.recv(timeout_s))

    async def poll(self, timeout_s: Optional[float] = 0) -> bool:
        """As :meth:`Connection.poll`."""
        return bool(await self._requests.poll(None if timeout_s is None else timeout_s * 1000))

    async def wait_ready(
        self, timeout_s: float = 10, subscriptions: Optional[int] = None
    ) -> bool:
        """As :meth:`Connection.wait_ready`."""
        wanted = len(self.nodes) if subscriptions is None else subscriptions
        deadline = time.monotonic() + timeout_s
        replies = zmq.asyncio.Socket.from_socket(self._replies)
        while self._count_subscriptions() < wanted:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            await replies.poll(left * 1000)
        return True

    async def __aiter__(self) -> AsyncIterator[Request]:
        """As iteration over a :class:`Connection`."""
        while True:
            try:
                yield await self.recv()
            except BadMessage as error:
                self._skip(error)
            except ReceiveTimeout:
                return

    async def __aenter__(self) -> "AsyncConnection":
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.close_sockets()


def _with_json(request: Request) -> Request:
    if request.data is None:
        request.data = json.loads(request.body)
    return request
