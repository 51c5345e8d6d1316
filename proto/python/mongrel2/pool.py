"""A pool worker's part of the dispatch protocol: which node gets which place.

One :class:`Member` belongs to one pool and speaks with any number of nodes, each by its own DEALER
socket. It knows neither sockets nor a clock: bytes come in by :meth:`Member.on_frames`, go out
through a :class:`Transport`, and every call says what time it is. :mod:`mongrel2.worker` gives it
both.

The scheme is late binding. A worker with free places tells every node so (``CREDIT``, a hint that
several nodes may use at once). A node whose requests wait leaves a reservation (``WANT``). A place
that gets free goes to the oldest reservation and is held for it until the node has used it or
passed it on. A request that finds no place is handed back (``RETURN``). So a request is bound to a
worker only when the worker is free for it.
"""

from __future__ import annotations

import collections
import logging
import os
import re
import socket
import uuid
from typing import Any, Callable, Deque, Dict, Iterable, List, NamedTuple, Optional, Set

from . import tnetstrings
from .request import BadMessage, Request

__all__ = ["Member", "Place", "Transport"]

log = logging.getLogger("mongrel2")

#: Beats without a word after which a node is taken for lost.
BEATS_LOST = 3
#: Until WELCOME says otherwise.
HEARTBEAT_DEFAULT_S = 0.3
#: How long a READY may go unanswered before it is sent on a new connection.
JOIN_TIMEOUT_S = 2.0
CAPACITY_MAX = 1_000_000
POOL_NAME_MAX = 255
REQUEST_ID_MAX = 64
HEARTBEAT_MAX_MS = 3_600_000
#: Longest wait until the nodes have heard that the worker leaves.
LEAVE_TIMEOUT_S = 1.0
#: Longest time between attempts to join a node that refuses.
REFUSED_RETRY_MAX_S = 10.0

_UUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

JOINING, JOINED, AWAY = "joining", "joined", "away"


class Transport:
    """Connections to nodes by endpoint; none of its methods waits or calls back."""

    def open(self, endpoint: str) -> None:
        raise NotImplementedError

    def close(self, endpoint: str) -> None:
        """Drops what has not been sent, unless :meth:`Member.leave` came before."""
        raise NotImplementedError

    def send(self, endpoint: str, frames: List[bytes]) -> bool:
        """False when the node does not take it: then it is as good as lost."""
        raise NotImplementedError


class Place(NamedTuple):
    """What a request occupies: `visit` tells a node's connections apart, `id` is the node's word
    for the request."""

    endpoint: str
    visit: int
    id: bytes


class _Node:
    """One node, as this worker sees it."""

    __slots__ = (
        "endpoint wanted state visit uuid heartbeat_s opened heard sent believed held held_since "
        "retry_at retry_s pings"
    ).split()

    def __init__(self, endpoint: str):
        self.endpoint = endpoint
        self.wanted = True  # named by the caller, or in the coordinator's directory
        self.visit = 0
        self.uuid = b""
        self.retry_s = 0.5
        self.reset(JOINING, 0.0)

    def reset(self, state: str, now: float) -> None:
        self.state = state
        self.heartbeat_s = HEARTBEAT_DEFAULT_S
        self.opened = self.heard = self.sent = now
        self.believed = 0  # credit that the node thinks it has here
        self.pings = 0  # not answered yet
        self.held = 0  # places kept for it, in answer to a WANT
        self.held_since = now
        self.retry_at = 0.0


class Member:
    """A worker of one pool."""

    def __init__(
        self,
        pool: str,
        transport: Transport,
        deliver: Callable[[Request], None],
        capacity: int = 1,
        name: str = "",
        worker: Optional[bytes] = None,
    ):
        """`capacity` requests at a time over all nodes; `deliver` gets each request, which occupies
        its place until :meth:`done` or :meth:`give_back`."""
        if not 1 <= capacity <= CAPACITY_MAX:
            raise ValueError(f"a worker has 1 to {CAPACITY_MAX} places, not {capacity}")
        if not 1 <= len(pool.encode()) <= POOL_NAME_MAX:
            raise ValueError(f"the name of a pool has 1 to {POOL_NAME_MAX} bytes: {pool!r}")
        if worker is not None and not _is_uuid(worker):
            raise ValueError(f"a worker is named by a UUID, not {worker!r}")
        self.pool = pool
        self.capacity = capacity
        self.worker = worker or str(uuid.uuid4()).encode()
        self.name = name or pool
        self.cluster = b""
        self.leaving = False
        self._left = 0.0
        self.malformed = 0
        self.returned = 0
        self._transport = transport
        self._deliver = deliver
        self._nodes: Dict[str, _Node] = {}
        self._by_uuid: Dict[bytes, _Node] = {}
        self._running: Set[Place] = set()
        #: Reservations in order of arrival: [endpoint, count].
        self._wants: Deque[List[Any]] = collections.deque()
        self._verbs = {
            b"WELCOME": self._on_welcome,
            b"REFUSED": self._on_refused,
            b"REQUEST": self._on_request,
            b"WANT": self._on_want,
            b"PING": self._on_ping,
            b"PONG": self._on_pong,
            b"BYE": self._on_bye,
        }

    # ---- nodes -----------------------------------------------------------------------------

    def add(self, endpoint: str, now: float) -> None:
        """Joins the node, now and whenever it comes back, until it is no longer wanted."""
        node = self._nodes.get(endpoint)
        if node is not None:
            node.wanted = True
            return
        if not self.leaving:
            node = self._nodes[endpoint] = _Node(endpoint)
            self._join(node, now)

    def keep(self, endpoints: Iterable[str], now: float) -> None:
        """The nodes there are, by the coordinator's word. New ones are joined; those not named are
        let go of once they are silent: one that still talks is not lost, whatever a coordinator
        that has just started knows."""
        named = set(endpoints)
        for node in self._nodes.values():
            node.wanted = node.endpoint in named
        for endpoint in named:
            self.add(endpoint, now)

    @property
    def nodes(self) -> Dict[str, str]:
        """The state of each node by its endpoint: joining, joined or away."""
        return {node.endpoint: node.state for node in self._nodes.values()}

    @property
    def joined(self) -> int:
        return sum(node.state == JOINED for node in self._nodes.values())

    def _join(self, node: _Node, now: float) -> None:
        node.reset(JOINING, now)
        node.visit += 1
        self._transport.open(node.endpoint)
        ready = {
            "pool": self.pool,
            "worker": self.worker,
            "capacity": self.capacity,
            "name": self.name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }
        self._send(node, now, b"READY", tnetstrings.dump(ready))

    def _let_go(self, node: _Node, now: float, why: str) -> None:
        """The node's connection is over: its reservations and its requests are void."""
        if node.state == JOINED:
            log.warning("pool %s: node %s (%s): %s", self.pool, _text(node.uuid), node.endpoint, why)
        self._wants = collections.deque(w for w in self._wants if w[0] != node.endpoint)
        if self._by_uuid.get(node.uuid) is node:
            del self._by_uuid[node.uuid]
        self._transport.close(node.endpoint)
        node.reset(AWAY, now)

    def _forget(self, node: _Node) -> None:
        del self._nodes[node.endpoint]

    # ---- what nodes say ----------------------------------------------------------------------

    def on_frames(self, endpoint: str, frames: List[bytes], now: float) -> None:
        """A message from the node. What is malformed is logged, counted and dropped; words that are
        not known, and frames behind those that are, belong to later versions of the protocol."""
        node = self._nodes.get(endpoint)
        if node is None or node.state == AWAY:
            return
        node.heard = now
        verb = self._verbs.get(frames[0])
        if verb is None:
            return
        try:
            verb(node, frames[1:], now)
        except (BadMessage, tnetstrings.TnetstringError) as error:
            self.malformed += 1
            log.warning("pool %s: node %s: message dropped: %s", self.pool, endpoint, error)

    def _on_welcome(self, node: _Node, frames: List[bytes], now: float) -> None:
        words = _dict(frames)
        name, cluster = _string(words, b"node"), _string(words, b"cluster")
        heartbeat_ms = words.get(b"heartbeat")
        if not _is_uuid(name) or (cluster and not _is_uuid(cluster)):
            raise BadMessage("a node and its cluster are named by UUIDs", frames[0])
        if not isinstance(heartbeat_ms, int) or not 1 <= heartbeat_ms <= HEARTBEAT_MAX_MS:
            raise BadMessage("WELCOME has a heartbeat in ms", frames[0])
        node.uuid, self.cluster = name, cluster
        other = self._by_uuid.get(node.uuid)
        if other is not None and other is not node:
            self._let_go(other, now, f"is now reached at {node.endpoint}")
            self._forget(other)
        node.heartbeat_s = heartbeat_ms / 1000
        node.retry_s = 0.5
        if node.state != JOINED:
            log.info("pool %s: joined node %s (%s)", self.pool, _text(node.uuid), node.endpoint)
        node.state = JOINED
        self._by_uuid[node.uuid] = node

    def _on_refused(self, node: _Node, frames: List[bytes], now: float) -> None:
        reason = _text(_string(_dict(frames), b"error"))
        was_joined = node.state == JOINED
        self._let_go(node, now, f"refuses: {reason}")
        if was_joined:  # it no longer knows this worker: one new try at once
            node.retry_at = now
        else:
            if node.retry_s == 0.5:
                log.warning("pool %s: node %s refuses: %s", self.pool, node.endpoint, reason)
            node.retry_at = now + node.retry_s
            node.retry_s = min(node.retry_s * 2, REFUSED_RETRY_MAX_S)
        if not node.wanted:
            self._forget(node)

    def _on_request(self, node: _Node, frames: List[bytes], now: float) -> None:
        if len(frames) < 2 or not 1 <= len(frames[0]) <= REQUEST_ID_MAX:
            raise BadMessage("REQUEST has an id and a message", b" ".join(frames))
        is_part = frames[0].startswith(b"+")  # of a request that is here already
        if not is_part:
            node.believed = max(0, node.believed - 1)
        request = Request.parse(frames[1])  # handing back what cannot be read would go on for ever
        request.place = Place(node.endpoint, node.visit, frames[0])
        if is_part or request.is_notice():  # that something is over must not be lost because all is full
            self._deliver(request)
            return
        if node.held > 0:
            node.held -= 1
            node.held_since = now
            room = True
        else:
            self._unreserve(node.endpoint)  # a hint was taken for the answer to a WANT
            room = self._room() > 0
        if not room or self.leaving:
            self.returned += 1
            node.believed = 0
            self._send(node, now, b"RETURN", frames[0])
            return
        self._running.add(request.place)
        self._deliver(request)

    def _on_want(self, node: _Node, frames: List[bytes], now: float) -> None:
        if not frames or not frames[0].isdigit() or len(frames[0]) > 9:
            raise BadMessage("WANT has a number", b" ".join(frames))
        wanted = int(frames[0])
        if wanted == 0:
            node.held = 0
        # held places that it has not heard of yet will serve some of them
        self._reserve(node.endpoint, max(0, wanted - node.held))

    def _on_ping(self, node: _Node, frames: List[bytes], now: float) -> None:
        self._send(node, now, b"PONG")

    def _on_pong(self, node: _Node, frames: List[bytes], now: float) -> None:
        node.pings = max(0, node.pings - 1)

    def _on_bye(self, node: _Node, frames: List[bytes], now: float) -> None:
        """The node stops: no place is kept for it. Its silence will tell when it has gone."""
        log.info("pool %s: node %s (%s) leaves", self.pool, _text(node.uuid), node.endpoint)
        node.held = 0
        self._reserve(node.endpoint, 0)

    # ---- places ------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """Requests that have been delivered and not finished."""
        return len(self._running)

    def _room(self) -> int:
        held = sum(node.held for node in self._nodes.values())
        return self.capacity - len(self._running) - held

    def _reserve(self, endpoint: str, count: int) -> None:
        """The node's reservations are now `count`: new ones stand at the end of the line, the
        latest are the first to go."""
        extra = count - sum(want[1] for want in self._wants if want[0] == endpoint)
        if extra > 0:
            if self._wants and self._wants[-1][0] == endpoint:
                self._wants[-1][1] += extra
            else:
                self._wants.append([endpoint, extra])
        for want in reversed(self._wants):
            if extra >= 0:
                break
            if want[0] == endpoint:
                gone = min(-extra, want[1])
                want[1] -= gone
                extra += gone
        while self._wants and self._wants[-1][1] == 0:
            self._wants.pop()

    def _unreserve(self, endpoint: str) -> None:
        """The node's first reservation is gone."""
        for want in self._wants:
            if want[0] == endpoint and want[1] > 0:
                want[1] -= 1
                return

    def is_current(self, request: Request) -> bool:
        """Whether the node still counts on this worker for the request: not after it was lost,
        since it then has given the request to another."""
        node = self._nodes.get(request.place.endpoint)
        return node is not None and node.visit == request.place.visit and node.state == JOINED

    def done(self, request: Request) -> None:
        """The request's place is free again."""
        self._running.discard(request.place)

    def give_back(self, request: Request, now: float) -> None:
        """Hands back a request that has not been started; another worker gets it."""
        if request.place in self._running:
            self._running.remove(request.place)
            if self.is_current(request):
                self.returned += 1
                node = self._nodes[request.place.endpoint]
                node.believed = 0
                self._send(node, now, b"RETURN", request.place.id)

    def flush(self, now: float) -> None:
        """Once per turn, after all that was received and finished: gives places away."""
        if self.leaving:
            return
        room = self._room()
        if room <= 0:
            return
        grants: Dict[str, int] = {}
        while room > 0 and self._wants:
            endpoint, count = self._wants[0]
            granted = min(room, count)
            if granted:
                grants[endpoint] = grants.get(endpoint, 0) + granted
                room -= granted
            self._wants[0][1] -= granted
            if self._wants[0][1] == 0:
                self._wants.popleft()
        for endpoint, granted in grants.items():
            node = self._nodes[endpoint]
            node.held_since = now
            node.held += granted
            self._send(node, now, b"CREDIT", b"%d" % granted)
        if room > 0:
            self._tell_room(room, now)

    def _tell_room(self, room: int, now: float) -> None:
        """A hint to every node that might not know. One that believes in more than half of the
        room has enough to go on with, so that a busy worker does not answer each request with a
        credit."""
        for node in list(self._nodes.values()):
            if node.state == JOINED and node.believed * 2 <= room and node.believed < room:
                node.believed = room
                self._send(node, now, b"CREDIT", b"%d" % room)

    # ---- replies -----------------------------------------------------------------------------

    def reply(self, node_uuid: bytes, message: bytes, now: float) -> bool:
        """Sends a reply message to the node, or to all when it is addressed to the cluster. False
        when the node is not there: then neither are its listeners."""
        if node_uuid == self.cluster and node_uuid not in self._by_uuid:
            nodes = list(self._by_uuid.values())
        else:
            nodes = [n for n in (self._by_uuid.get(node_uuid),) if n is not None]
        sent = [self._send(node, now, b"REPLY", message) for node in nodes]
        return bool(sent) and all(sent)

    def _send(self, node: _Node, now: float, *frames: bytes) -> bool:
        if not self._transport.send(node.endpoint, list(frames)):
            return False
        node.sent = now
        return True

    # ---- time --------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """What time brings. To be called at :meth:`deadline`, after reading what has come: a
        worker that was itself stopped for a while must not blame its nodes."""
        for node in list(self._nodes.values()):
            if node.state == JOINED:
                self._tick_joined(node, now)
            elif node.state == JOINING and now - node.opened >= JOIN_TIMEOUT_S:
                self._let_go(node, now, "did not answer")
            if node.state == AWAY and now >= node.retry_at:
                if node.wanted and not self.leaving:
                    self._join(node, now)
                else:
                    self._forget(node)

    def _tick_joined(self, node: _Node, now: float) -> None:
        if now - node.heard >= node.heartbeat_s * BEATS_LOST:
            self._let_go(node, now, "is silent")
            return
        if now - node.sent >= node.heartbeat_s:
            self._ping(node, now)
        if node.held and now - node.held_since >= 2 * node.heartbeat_s:
            node.held = 0  # never used nor passed on: not to be lost for ever

    def _ping(self, node: _Node, now: float) -> None:
        if self._send(node, now, b"PING"):
            node.pings += 1

    def deadline(self, now: float) -> float:
        """When :meth:`tick` has something to do."""
        times = [now + 1.0]
        if self.leaving and now < self._left + LEAVE_TIMEOUT_S:
            times.append(self._left + LEAVE_TIMEOUT_S)
        for node in self._nodes.values():
            if node.state == JOINED:
                times.append(node.sent + node.heartbeat_s)
                times.append(node.heard + node.heartbeat_s * BEATS_LOST)
                if node.held:
                    times.append(node.held_since + 2 * node.heartbeat_s)
            elif node.state == JOINING:
                times.append(node.opened + JOIN_TIMEOUT_S)
            else:
                times.append(node.retry_at)
        return min(times)

    def leave(self, now: float) -> None:
        """No new requests from here on; those running may still be answered."""
        if self.leaving:
            return
        self.leaving = True
        self._left = now
        self._wants.clear()
        for node in list(self._nodes.values()):
            if node.state == JOINED:
                self._send(node, now, b"BYE")
                self._ping(node, now)  # its answer comes behind the last request
            else:
                self._transport.close(node.endpoint)
                self._forget(node)

    def has_left(self, now: float) -> bool:
        """After :meth:`leave`: whether nothing runs any more, and the nodes have heard it, so that
        no request is still on its way."""
        heard = all(node.pings == 0 for node in self._nodes.values())
        return self.running == 0 and (heard or now - self._left >= LEAVE_TIMEOUT_S)


def _dict(frames: List[bytes]) -> Dict[bytes, Any]:
    value = tnetstrings.load(frames[0]) if frames else None
    if not isinstance(value, dict):
        raise BadMessage("one dict was expected", b" ".join(frames))
    return value


def _string(words: Dict[bytes, Any], key: bytes) -> bytes:
    value = words.get(key)
    if not isinstance(value, bytes):
        raise BadMessage(f"{_text(key)} is missing or no string", key)
    return value


def _is_uuid(value: bytes) -> bool:
    return _UUID.fullmatch(value) is not None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
