"""Workers in Python, with threads and with asyncio, on real nodes: as many requests at a time as they
have places, over both nodes; when they leave, nobody notices.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mongrel2 import AsyncWorker, Worker
from support.raw import Client
from support.server import Server, server_conf
from support.wait import PATIENCE_S

CONF = server_conf(
    """
work = Handler(pool="work")
localhost = Host(name="localhost", routes={{"/": work}})
""",
    "localhost",
    extra="hosts=[localhost]",
)


class Node(Server):
    def __init__(self, stage, kit):
        super().__init__(stage, kit, CONF)
        self.load()
        self.handler_port = f"tcp://127.0.0.1:{stage.port()}"
        command = [kit.mongrel2, self.db, self.uuid, "-handler_port", self.handler_port]
        self.program = stage.start(command, self.folder)
        self.program.wait_log(r"serves on")


@pytest.fixture
def nodes(stage, node):
    return [Node(stage, node), Node(stage, node)]


def ask(nodes, number):
    with Client(nodes[number % 2].port) as client:
        response = client.get(f"/{number}").response()
        return response.status, response.body


def ask_many(nodes, count):
    """Many at a time; each gets its own answer."""
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: ask(nodes, number), range(count)))
    assert answers == [(200, b"/%d" % number) for number in range(count)]


def answer(worker, request):
    if not request.is_disconnect():
        worker.reply_http(request, request.path)


def test_threads(nodes):
    first = Worker("work", [n.handler_port for n in nodes], capacity=8)
    second = Worker("work", [n.handler_port for n in nodes], capacity=8)
    threads = [threading.Thread(target=w.run, args=(answer, 4)) for w in (first, second)]
    for thread in threads:
        thread.start()
    try:
        assert first.wait_ready(PATIENCE_S, nodes=2) and second.wait_ready(PATIENCE_S, nodes=2)
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(ask_many, nodes, 600)
            first.close_sockets()  # in the middle of it
            load.result()
    finally:
        first.close_sockets()
        second.close_sockets()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)
    assert first.undelivered == second.undelivered == 0


def test_asyncio(nodes):
    most = [0, 0]

    async def slowly(worker, request):
        if request.is_disconnect():
            return
        most[0] += 1
        most[1] = max(most)
        await asyncio.sleep(0.005)
        most[0] -= 1
        worker.reply_http(request, request.path)

    async def main():
        loop = asyncio.get_running_loop()
        async with AsyncWorker("work", [n.handler_port for n in nodes], capacity=8) as worker:
            running = loop.create_task(worker.run(slowly))
            assert await worker.wait_ready(PATIENCE_S, nodes=2)
            await loop.run_in_executor(None, ask_many, nodes, 400)
            await worker.close_sockets()
            await running
            return worker.undelivered

    assert asyncio.run(main()) == 0
    assert 1 < most[1] <= 8
