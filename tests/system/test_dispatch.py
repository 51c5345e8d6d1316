"""The dispatch of real nodes and workers beside the ideal: one queue for all, without a network.

Uneven load from 8 nodes on 4 workers of capacity 1, arrivals by chance (Poisson), times of service
exponential with a heavy tail. Every request says when it was asked, begun and ended; what the ideal
queue would have made of the very same arrivals and times is computed from that.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import random
import re
import threading
import time
from dataclasses import dataclass
from typing import Iterator, List, Tuple

import pytest

from support.cluster import Cluster, Node
from support.nursery import Nursery
from support.raw import Client
from support.server import Kit, Stage
from support.wait import until

NODES, WORKERS = 8, 4
LOAD, SKEW = 0.7, 4  # of the workers' time; the first node gets so many times what the others get
SERVICE_MS = 60.0
REQUESTS = 700

#: What messages, threads and the clock of a loaded machine take; a wait below it is none.
GRAIN_S = 0.015


#: The way of a request to its worker, which an ideal queue does not have.
PATH_S = 0.005


@dataclass
class Served:
    """One request, in seconds on the clock that all processes share."""

    asked: float
    begun: float
    ended: float

    @property
    def waited(self) -> float:
        return self.begun - self.asked


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = Cluster(stage, node, [f"node-{n}" for n in range(NODES)]).start()
    nursery = Nursery(stage, "echo", [], capacity=1, coordinator=cluster.requests)
    for n in range(WORKERS):
        nursery.start(f"worker-{n}")
    for member in cluster.nodes.values():
        until(lambda: b'backend_workers{backend="pool echo"} 4' in member.get("/metrics").body)
    yield cluster
    cluster.stop()


class Asking:
    """Asks whether or not there is an answer yet: each request by whichever thread is free."""

    def __init__(self, nodes: List[Node], threads: int = 80):
        self.nodes = nodes
        self.served: List[Served] = []
        self.failures: List[object] = []
        self.asked = 0
        self._work: "queue.Queue[Tuple[int, float]]" = queue.Queue()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        clients: List[Client] = [Client(node.port) for node in self.nodes]
        while True:
            at, ms = self._work.get()
            if at < 0:
                break
            asked = time.monotonic()
            clients[at].get(f"/pool/echo?ms={ms:.3f}")
            answer = clients[at].response()
            took = re.search(rb"took=([\d.]+),([\d.]+)", answer.body)
            if answer.status != 200 or took is None:
                self.failures.append(answer)
            else:
                self.served.append(Served(asked, float(took[1]), float(took[2])))
        for client in clients:
            client.close()

    def ask(self, at: int, ms: float) -> None:
        self.asked += 1
        self._work.put((at, ms))

    def end(self) -> List[Served]:
        until(lambda: self._work.empty() and len(self.served) + len(self.failures) == self.asked)
        for _ in self._threads:
            self._work.put((-1, 0))
        for thread in self._threads:
            thread.join()
        assert not self.failures, self.failures[0]
        return sorted(self.served, key=lambda served: served.asked)


def ask_by_chance(nodes: List[Node], seed: int) -> List[Served]:
    chance = random.Random(seed)
    asking = Asking(nodes)
    rate = LOAD * WORKERS / (SERVICE_MS / 1000)
    weights = [SKEW] + [1] * (len(nodes) - 1)
    at = time.monotonic()
    for _ in range(REQUESTS):
        at += chance.expovariate(rate)
        ms = chance.expovariate(1.45 / SERVICE_MS) * (10 if chance.random() < 0.05 else 1)
        time.sleep(max(0.0, at - time.monotonic()))
        asking.ask(chance.choices(range(len(nodes)), weights)[0], ms)
    return asking.end()


def ideal_mean_wait(served: List[Served]) -> float:
    """Of one queue before all workers, in the order of asking."""
    free = [0.0] * WORKERS
    total = 0.0
    for one in served:
        begun = max(one.asked, heapq.heappop(free))
        heapq.heappush(free, begun + one.ended - one.begun)
        total += begun - one.asked
    return total / len(served)


def idle_while_waited(served: List[Served]) -> float:
    """The time in which a request had waited for longer than the grain while a worker had had
    nothing to do for longer than the grain."""
    events = []
    for one in served:
        if one.waited > GRAIN_S:
            events += [(one.asked + GRAIN_S, 1, 0), (one.begun, -1, 0)]
        events += [(one.begun, 0, 1), (one.ended, 0, -1)]
    events.sort()
    waiting = busy = 0
    idle_since, bad = events[0][0], 0.0
    for (now, w, b), (then, _, _) in itertools.pairwise([*events, events[-1]]):
        was_full = busy == WORKERS
        waiting, busy = waiting + w, busy + b
        if was_full and busy < WORKERS:
            idle_since = now
        if waiting > 0 and busy < WORKERS:
            bad += max(0.0, then - max(now, idle_since + GRAIN_S))
    return bad


def test_it_is_nearly_one_queue(cluster: Cluster) -> None:
    nodes = list(cluster.nodes.values())
    served = ask_by_chance(nodes, seed=1)
    assert len(served) == REQUESTS
    mean = sum(one.waited for one in served) / len(served)
    ideal = ideal_mean_wait(served)
    lasted = served[-1].ended - served[0].asked
    idle = idle_while_waited(served)
    work = sum(one.ended - one.begun for one in served) / (lasted * WORKERS)
    print(
        f"mean wait {mean * 1000:.1f} ms, of one ideal queue {ideal * 1000:.1f} ms, "
        f"ratio {mean / ideal:.2f}; load {work:.2f}; waited while idle {idle / lasted:.4f} of the time"
    )
    assert mean <= 1.3 * ideal + PATH_S
    assert idle <= 0.01 * lasted
