"""The example handler in C (docs/examples/hello_c), on a node: classic, in a pool, leaving, and when
its node is restarted."""

from __future__ import annotations

import threading
from typing import Any, Iterator, List

import pytest

from support.program import Program
from support.raw import Client, Response
from support.server import Kit, Server, Stage, build_folder, server_conf

pytestmark = pytest.mark.timeout(300)

HOSTS = """
classic = Handler(send_spec="tcp://127.0.0.1:{requests}", send_ident="{{uuid}}",
                  recv_spec="tcp://127.0.0.1:{replies}", recv_ident="")
pool = Handler(pool="hello", protocol="tnetstring", queue_timeout=10)

localhost = Host(name="localhost", routes={{{{"/classic/": classic, "/pool/": pool}}}})
"""


class Node(Server):
    """A node with a Handler of each kind."""

    def __init__(self, stage: Stage, kit: Kit):
        self.requests, self.replies = stage.port(), stage.port()
        hosts = HOSTS.format(requests=self.requests, replies=self.replies)
        super().__init__(stage, kit, server_conf(hosts, "localhost", extra="hosts=[localhost]"))
        self.handler_port = f"tcp://127.0.0.1:{stage.port()}"

    def start(self, **options: Any) -> "Node":
        command = [self.kit.mongrel2, self.db, self.uuid, "-handler_port", self.handler_port]
        self.program = self.stage.start(command, self.folder, **options)
        self.program.wait_log("serves on")
        return self

    def hello(self, name: str, *words: object) -> Program:
        """Starts the example."""
        program = build_folder() / "bin" / "hello_c"
        if not program.exists():
            pytest.skip(f"{program} is not there")
        return self.stage.start([program, *words], self.folder, name=name)

    def worker(self, name: str, capacity: int = 4) -> Program:
        program = self.hello(
            name,
            *("-pool", "hello", "-node", self.handler_port),
            *("-name", name, "-capacity", capacity),
        )
        assert self.program is not None
        self.program.wait_log(f"worker joined .* name={name} ")
        return program


@pytest.fixture
def served(stage: Stage, node: Kit) -> Iterator[Node]:
    server = Node(stage, node).load().start()
    yield server
    server.stop()


def check(response: Response, said: bytes) -> None:
    assert response.status == 200
    assert response.header("content-type") == b"text/plain"
    assert response.body == said


def test_classic(served: Node) -> None:
    handler = served.hello(
        "classic",
        *("-requests", f"tcp://127.0.0.1:{served.requests}"),
        *("-replies", f"tcp://127.0.0.1:{served.replies}"),
    )
    with Client(served.port) as client:
        check(client.get("/classic/a?b=c").response(), b"Hello from GET /classic/a?b=c\n")
        body = bytes(range(256))
        response = client.get("/classic/", method="POST", body=body).response()
        check(response, b"Hello from POST /classic/\n" + body)
        check(client.get("/classic/", method="HEAD").response("HEAD"), b"")
        check(client.get("/classic/", {"Connection": "close"}).response(), b"Hello from GET /classic/\n")
        assert client.is_closed(5)
    handler.stop()


def test_pool(served: Node) -> None:
    worker = served.worker("one", capacity=2)
    with Client(served.port) as client:
        for i in range(100):
            check(client.get(f"/pool/{i}").response(), b"Hello from GET /pool/%d\n" % i)
    clients = [Client(served.port) for _ in range(20)]  # more than it has places
    for i, client in enumerate(clients):
        client.get(f"/pool/{i}")
    for i, client in enumerate(clients):
        check(client.response(), b"Hello from GET /pool/%d\n" % i)
        client.close()
    worker.stop()
    worker.check()


def test_workers_come_and_go_and_nobody_notices(served: Node) -> None:
    failures: List[str] = []
    stop = threading.Event()

    def ask() -> None:
        try:
            with Client(served.port) as client:
                while not stop.is_set():
                    check(client.get("/pool/x").response(), b"Hello from GET /pool/x\n")
        except Exception as error:
            failures.append(repr(error))

    workers = [served.worker("first")]
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for i in range(10):
        workers.append(served.worker(f"next{i}"))
        workers.pop(0).stop()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert served.program is not None and "worker lost" not in served.program.log()


def test_the_node_is_restarted(served: Node) -> None:
    worker = served.worker("one")
    for _ in range(2):
        served.stop()
        served.start()
        assert served.program is not None
        served.program.wait_log("worker joined .* name=one ")
        with Client(served.port) as client:
            check(client.get("/pool/x").response(), b"Hello from GET /pool/x\n")
    assert "leaves" in worker.log() or "lost node" in worker.log()
    worker.stop()
