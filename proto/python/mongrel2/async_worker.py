"""A worker of a handler pool for asyncio.

    import asyncio
    from mongrel2 import AsyncWorker

    async def hello(worker, request):
        worker.reply_http(request, b"hello")

    async def main():
        async with AsyncWorker("chat", nodes=["tcp://127.0.0.1:7001"], capacity=32) as worker:
            await worker.run(hello)

    asyncio.run(main())

The sockets are plain ones whose descriptors the loop watches. A ZeroMQ descriptor tells only of
changes, and using a socket may swallow one, so every socket that was used is looked at again before
the loop sleeps.
"""

from __future__ import annotations

import asyncio
import collections
import inspect
import time
from typing import Any, AsyncIterator, Awaitable, Callable, Deque, List, Optional, Set, Union

import zmq

from .handler import ReceiveTimeout
from .request import Request
from .sockets import Sockets
from .worker import WorkerBase, WorkerClosed

__all__ = ["AsyncWorker"]


class AsyncWorker(WorkerBase):
    """A worker for asyncio; to be made and used in one loop. Receiving waits, sending never does,
    so the methods that send are the same plain functions."""

    class LoopSockets(Sockets):
        """Sockets watched by the loop."""

        def __init__(self, context: Any, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]):
            super().__init__(context)
            self._loop = loop
            self._wake = wake

        def added(self, sock: Any) -> None:
            self._loop.add_reader(sock.getsockopt(zmq.FD), self._readable, sock)
            self.touched.add(sock)
            self._wake()

        def removed(self, sock: Any) -> None:
            self._loop.remove_reader(sock.getsockopt(zmq.FD))

        def _readable(self, sock: Any) -> None:
            self.touched.add(sock)
            self._wake()

    def __init__(self, *args: Any, **options: Any):
        self._loop = asyncio.get_running_loop()
        self._turn_planned = False
        self._timer: Optional[asyncio.TimerHandle] = None
        self._closing = False
        self._inbox: Deque[Request] = collections.deque()
        self._waiters: Deque["asyncio.Future[None]"] = collections.deque()
        self._idle: List["asyncio.Future[None]"] = []
        self._joined = 0
        self._joined_changed = asyncio.Event()
        super().__init__(*args, **options)
        self._start_members()
        self._plan_turn()

    def _make_sockets(self, context: Any) -> Sockets:
        return AsyncWorker.LoopSockets(context, self._loop, self._plan_turn)

    # ---- for handlers ------------------------------------------------------------------------

    async def recv(self, timeout_s: Optional[float] = None) -> Request:
        """As :meth:`Worker.recv`."""
        wait_s = self.timeout_s if timeout_s is None else timeout_s
        deadline = None if wait_s is None else time.monotonic() + wait_s
        while True:
            while self._inbox and not self._closing:
                request = self._inbox.popleft()
                if self._member.is_current(request):
                    return request
                self.done(request)  # its node was lost and has given it to another
            if self._closing:
                raise WorkerClosed("the worker has left its pool")
            await self._wait(deadline)

    async def _wait(self, deadline: Optional[float]) -> None:
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise ReceiveTimeout("no request came in time")
            await asyncio.wait_for(waiter, left)
        except asyncio.TimeoutError:
            raise ReceiveTimeout("no request came in time") from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and self._inbox:
                self._wake_one()  # what woke this one may be for another

    def done(self, request: Request) -> None:
        """As :meth:`Worker.done`."""
        self._member.done(request)
        self._plan_turn()

    def give_back(self, request: Request) -> None:
        """As :meth:`Worker.give_back`."""
        self._member.give_back(request, time.monotonic())
        self._plan_turn()

    async def __aiter__(self) -> AsyncIterator[Request]:
        """As iteration over a :class:`Worker`: one request after the other. :meth:`run` serves as
        many at a time as the worker's capacity."""
        while True:
            try:
                request = await self.recv()
            except (ReceiveTimeout, WorkerClosed):
                return
            try:
                yield request
            finally:
                self.done(request)

    async def run(
        self, handle: Callable[["AsyncWorker", Request], Union[None, Awaitable[None]]]
    ) -> None:
        """Calls `handle` with each request, each in a task of its own, until the worker is closed
        (or the task that runs this is cancelled). A handler that raises is logged, and its client
        answered 500."""
        tasks: Set["asyncio.Task[None]"] = set()
        try:
            while True:
                request = await self.recv()
                task = self._loop.create_task(self._handle(handle, request))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        except (ReceiveTimeout, WorkerClosed):
            if tasks:
                await asyncio.wait(tasks)

    async def _handle(
        self,
        handle: Callable[["AsyncWorker", Request], Union[None, Awaitable[None]]],
        request: Request,
    ) -> None:
        try:
            result = handle(self, request)
            if inspect.isawaitable(result):
                await result
        except Exception:
            self._fail(request)
        finally:
            self.done(request)

    async def wait_ready(self, timeout_s: float = 10, nodes: int = 1) -> bool:
        """As :meth:`Worker.wait_ready`."""
        deadline = time.monotonic() + timeout_s
        while self._member.joined < nodes:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._joined_changed.clear()
            await asyncio.wait([self._loop.create_task(self._joined_changed.wait())], timeout=left)
        return True

    async def close_sockets(self, drain_s: float = 10) -> None:
        """As :meth:`Worker.close_sockets`."""
        if self._closing:
            return
        self._closing = True
        now = time.monotonic()
        self._member.leave(now)
        while self._inbox:
            self.give_back(self._inbox.popleft())
        while self._waiters:
            self._wake_one()
        while not self._member.has_left(time.monotonic()) and time.monotonic() < now + drain_s:
            idle = self._loop.create_future()
            self._idle.append(idle)
            await asyncio.wait([idle], timeout=now + drain_s - time.monotonic())
        if self._timer is not None:
            self._timer.cancel()
        self._sockets.close_all(linger_ms=1000)
        await self._loop.run_in_executor(None, self._close_context)

    async def __aenter__(self) -> "AsyncWorker":
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.close_sockets()

    # ---- the loop ----------------------------------------------------------------------------

    def _send_message(self, node: bytes, message: bytes) -> None:
        self._reply_now(node, message)
        self._plan_turn()

    def _deliver(self, request: Request) -> None:
        self._inbox.append(request)
        self._wake_one()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _plan_turn(self) -> None:
        """One turn for all that happens in this turn of the loop."""
        if not self._turn_planned and not self._loop.is_closed():
            self._turn_planned = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_planned = False
        now = time.monotonic()
        for sock in list(self._sockets.touched):
            self._sockets.drain(sock, now)
        deadline = self._sockets.turn(now)
        if self._sockets.has_unread():
            self._plan_turn()
        if self._joined != self._member.joined:
            self._joined = self._member.joined
            self._joined_changed.set()
        if self._member.leaving and self._member.has_left(now):
            for idle in self._idle:
                if not idle.done():
                    idle.set_result(None)
            self._idle.clear()
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, deadline - time.monotonic())
        self._timer = self._loop.call_later(delay_s, self._plan_turn)
