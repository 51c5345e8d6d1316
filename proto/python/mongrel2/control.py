"""Requests to a node's control port and to the coordinators of a cluster.

Both take ``[verb, {args}]`` and answer with a table or an error. A :class:`ControlPort` is one
endpoint; a :class:`Cluster` is a list of coordinators, of which any may answer.
"""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Union

import zmq

from . import tnetstrings
from .directory import hello

__all__ = ["Cluster", "ControlError", "ControlPort", "Table", "Unreachable"]


class ControlError(Exception):
    """The answer is an error: `code` is for programs, `error` a sentence for people."""

    def __init__(self, code: str, error: str):
        super().__init__(error)
        self.code = code
        self.error = error


class Unreachable(ConnectionError):
    """No answer came in time. What was asked for may have been done all the same."""


class Table:
    """An answer: `headers` are the columns, `rows` lists of cells; a cell is ``str``, ``int``,
    ``bool``, None, a list or a dict. Iteration gives each row as a dict."""

    def __init__(self, headers: List[str], rows: List[List[Any]], reply: Dict[str, Any]):
        self.headers = headers
        self.rows = rows
        #: The whole answer.
        self.reply = reply

    @classmethod
    def parse(cls, message: bytes) -> "Table":
        """Raises :class:`ControlError` when the answer is one, or is no answer at all."""
        try:
            reply = tnetstrings.text(tnetstrings.parse(message)[0])
        except tnetstrings.TnetstringError as error:
            raise ControlError("INVALID_REPLY", f"The answer is malformed: {error}.") from None
        if not isinstance(reply, dict):
            raise ControlError("INVALID_REPLY", "The answer is no dict.")
        if "error" in reply:
            raise ControlError(str(reply.get("code", "")), str(reply["error"]))
        headers, rows = reply.get("headers"), reply.get("rows")
        if not isinstance(headers, list) or not isinstance(rows, list):
            raise ControlError("INVALID_REPLY", "The answer is no table.")
        return cls(headers, rows, reply)

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return (dict(zip(self.headers, row)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def one(self) -> Dict[str, Any]:
        """The only row; ValueError if there is another number of them."""
        if len(self.rows) != 1:
            raise ValueError(f"one row was expected, not {len(self.rows)}")
        return next(iter(self))

    def __repr__(self) -> str:
        return f"<Table {self.headers} with {len(self.rows)} rows>"


class ControlPort:
    """A client of a node's control port."""

    def __init__(
        self,
        endpoint: str,
        timeout_s: float = 5,
        context: Optional[zmq.Context] = None,
    ):
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self._own_context = context is None
        self._context = context or zmq.Context()
        self._socket: Any = None

    def request(self, name: str, timeout_s: Optional[float] = None, **args: Any) -> Table:
        """Asks and waits for the answer. Raises :class:`ControlError` for an error,
        :class:`Unreachable` after `timeout_s`."""
        return Table.parse(self.exchange(tnetstrings.dump([name, args]), timeout_s))

    def exchange(self, message: bytes, timeout_s: Optional[float] = None) -> bytes:
        """Sends any bytes and returns those of the answer."""
        if self._socket is None:
            self._socket = self._context.socket(zmq.REQ)
            self._socket.setsockopt(zmq.LINGER, 0)
            self._socket.connect(self.endpoint)
        self._socket.send(message)
        wait_s = self.timeout_s if timeout_s is None else timeout_s
        if not self._socket.poll(wait_s * 1000):
            self._drop()  # a REQ socket without its answer is of no more use
            raise Unreachable(f"no answer from {self.endpoint} within {wait_s} s")
        answer: bytes = self._socket.recv()
        return answer

    def close(self) -> None:
        self._drop()
        if self._own_context:
            self._context.term()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> "ControlPort":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


class Cluster:
    """A client of a cluster's coordinators."""

    def __init__(
        self,
        coordinators: Union[str, Sequence[str]] = "tcp://127.0.0.1:6780",
        timeout_s: float = 5,
        context: Optional[zmq.Context] = None,
    ):
        """`coordinators` is a list, or a string with commas."""
        if isinstance(coordinators, str):
            coordinators = [spec for spec in coordinators.split(",") if spec]
        self.coordinators = list(coordinators)
        if not self.coordinators:
            raise ValueError("at least one coordinator is needed")
        self.timeout_s = timeout_s
        self._own_context = context is None
        self._context = context or zmq.Context()
        self._seqs = itertools.count(1)
        self._socket: Any = None

    def request(
        self,
        verb: str,
        timeout_s: Optional[float] = None,
        on_progress: Optional[Callable[[Dict[str, Any]], None]] = None,
        **args: Any,
    ) -> Table:
        """Asks the coordinator that answers ``hello`` first, in the order of the list. `timeout_s`
        is between two signs of life: `on_progress` gets what comes before the answer. A request
        that got no answer is not repeated elsewhere, since it may have been done."""
        if self._socket is None:
            self._find()
        return self._ask(verb, self.timeout_s if timeout_s is None else timeout_s, on_progress, args)

    def close(self) -> None:
        self._drop()
        if self._own_context:
            self._context.term()

    def _find(self) -> None:
        share_s = self.timeout_s / len(self.coordinators)
        for endpoint in self.coordinators:
            self._socket = self._context.socket(zmq.DEALER)
            self._socket.setsockopt(zmq.LINGER, 0)
            self._socket.connect(endpoint)
            try:
                self._ask("hello", share_s, None, hello())
                return
            except Unreachable:
                pass
        raise Unreachable(f"no answer from {', '.join(self.coordinators)} within {self.timeout_s} s")

    def _ask(
        self,
        verb: str,
        timeout_s: float,
        on_progress: Optional[Callable[[Dict[str, Any]], None]],
        args: Dict[str, Any],
    ) -> Table:
        seq = next(self._seqs)
        self._socket.send_multipart([b"", tnetstrings.dump([verb, {**args, "seq": seq}])])
        deadline = time.monotonic() + timeout_s
        while self._socket.poll(max(0.0, deadline - time.monotonic()) * 1000):
            message = self._socket.recv_multipart()[-1]
            reply = tnetstrings.parse(message)[0]
            if not isinstance(reply, dict) or reply.get(b"seq") != seq:
                continue
            if b"progress" not in reply:
                return Table.parse(message)
            deadline = time.monotonic() + timeout_s
            if on_progress is not None:
                on_progress(tnetstrings.text(reply))
        self._drop()
        raise Unreachable(f"no answer to {verb} within {timeout_s} s")

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
