"""Which nodes serve a pool, as the coordinators know it.

A :class:`Directory` asks one coordinator after the other until one answers, listens to what that one
publishes, and asks again from time to time: what is published is a hint, the answer is the truth. It
knows neither sockets nor a clock, as :class:`mongrel2.pool.Member`. While no coordinator answers,
what was known stays.
"""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict, List, Sequence

from . import tnetstrings

__all__ = ["Directory", "hello", "rows"]

log = logging.getLogger("mongrel2")

#: Between two questions to a coordinator that answers.
REFRESH_S = 5.0
#: Until a coordinator that does not answer is given up for the next.
ANSWER_TIMEOUT_S = 2.0
#: Version of the cluster protocol that is spoken here.
PROTOCOL = 1


class Links:
    """Connections to coordinators; none of its methods waits or calls back."""

    def ask(self, endpoint: str, message: bytes) -> None:
        """Sends a request, on a new connection when `endpoint` is another than before."""
        raise NotImplementedError

    def listen(self, endpoint: str, topic: bytes) -> None:
        """Subscribes at `endpoint`, instead of where it was subscribed before."""
        raise NotImplementedError

    def node_keys(self, keys: Dict[str, bytes]) -> None:
        """The CURVE keys of nodes by their endpoints; called before these are told."""


class Directory:
    """The nodes of one pool."""

    def __init__(
        self,
        pool: str,
        coordinators: Sequence[str],
        links: Links,
        found: Callable[[List[str]], None],
    ):
        """`found` gets the endpoints of all nodes of the pool, whenever they are told."""
        if not coordinators:
            raise ValueError("at least one coordinator is needed")
        self.topic = b"pool." + pool.encode()
        self._pool = pool
        self._coordinators = list(coordinators)
        self._links = links
        self._found = found
        self._current = 0
        self._seq = 0
        self._hello_seq = 0
        self._pools_seq = 0
        self._answered = False
        self._listening = ""
        self._next_at = 0.0

    @property
    def coordinator(self) -> str:
        return self._coordinators[self._current]

    def deadline(self) -> float:
        """When :meth:`tick` has something to do."""
        return self._next_at

    def tick(self, now: float) -> None:
        """Asks; goes on to the next coordinator if the last question is still open."""
        if now < self._next_at:
            return
        if self._pools_seq and not self._answered:
            if len(self._coordinators) > 1:
                log.warning("pool %s: coordinator %s does not answer", self._pool, self.coordinator)
            self._current = (self._current + 1) % len(self._coordinators)
        self._hello_seq = self._ask("hello", **hello())
        self._pools_seq = self._ask("pools", pool=self._pool)
        self._answered = False
        self._next_at = now + ANSWER_TIMEOUT_S

    def on_reply(self, endpoint: str, message: bytes, now: float) -> None:
        """An answer of a coordinator; late and malformed ones are ignored."""
        try:
            reply = tnetstrings.load(message)
        except tnetstrings.TnetstringError as error:
            log.warning("pool %s: coordinator %s: %s", self._pool, endpoint, error)
            return
        if endpoint != self.coordinator or not isinstance(reply, dict):
            return
        seq = reply.get(b"seq")
        if b"error" in reply:
            if seq in (self._hello_seq, self._pools_seq):
                sentence = tnetstrings.text(reply[b"error"])
                log.warning("pool %s: coordinator %s: %s", self._pool, endpoint, sentence)
        elif seq == self._hello_seq:
            self._on_hello(rows(reply))
        elif seq == self._pools_seq:
            self._answered = True
            self._next_at = now + REFRESH_S
            self._tell(rows(reply))

    def on_update(self, frames: List[bytes]) -> None:
        """A publication; topics that only begin like ours are not ours."""
        if len(frames) != 2 or frames[0] != self.topic:
            return
        try:
            update = tnetstrings.load(frames[1])
        except tnetstrings.TnetstringError as error:
            log.warning("pool %s: publication dropped: %s", self._pool, error)
            return
        if isinstance(update, list) and len(update) == 2 and update[0] == b"pool":
            table = update[1]
            if isinstance(table, dict) and isinstance(table.get(b"rows"), list):
                self._tell(rows(table))

    def _ask(self, verb: str, **args: Any) -> int:
        self._seq += 1
        message = tnetstrings.dump([verb, {**args, "seq": self._seq}])
        self._links.ask(self.coordinator, message)
        return self._seq

    def _on_hello(self, table: List[dict]) -> None:
        told = table[0].get(b"updates") if table else None
        if not isinstance(told, bytes) or not told:
            return
        updates = seen_from(told.decode(), self.coordinator)
        if updates != self._listening:
            self._listening = updates
            self._links.listen(self._listening, self.topic)

    def _tell(self, nodes: List[dict]) -> None:
        keys: Dict[str, bytes] = {}
        for node in nodes:
            endpoint, key = node.get(b"endpoint"), node.get(b"key")
            if isinstance(endpoint, bytes) and endpoint:
                seen = seen_from(endpoint.decode(), self.coordinator)
                keys[seen] = key if isinstance(key, bytes) else b""
        self._links.node_keys({endpoint: key for endpoint, key in keys.items() if key})
        self._found(list(keys))


def seen_from(endpoint: str, via: str) -> str:
    """An endpoint with a wildcard host has the host that its teller was reached by."""
    host, colon, port = endpoint.rpartition(":")
    via_host, via_colon, _ = via.rpartition(":")
    if host in ("tcp://0.0.0.0", "tcp://*", "tcp://[::]") and via_host.startswith("tcp://"):
        return via_host + via_colon + port
    return endpoint


def hello() -> Dict[str, Any]:
    """The arguments of the verb of this name: who is asking."""
    return {"protocol": PROTOCOL, "program": "mongrel2 for Python"}


def rows(table: Any) -> List[dict]:
    """The rows of a table reply, each as a dict by column."""
    headers, lines = table.get(b"headers"), table.get(b"rows")
    if not isinstance(headers, list) or not isinstance(lines, list):
        return []
    return [dict(zip(headers, line)) for line in lines if isinstance(line, list)]
