"""Pool workers over real sockets; the test is the node and the coordinator."""

import asyncio
import threading

import pytest
import zmq

from mongrel2 import AsyncWorker, Headers, ReceiveTimeout, Request, Worker, WorkerClosed, tnetstrings

WAIT_S = 10


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    """The nodes here do not answer a worker that leaves."""
    monkeypatch.setattr("mongrel2.pool.LEAVE_TIMEOUT_S", 0.01)


class Socket:
    """A ROUTER on a free port, which remembers who spoke last."""

    def __init__(self, context):
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind("tcp://127.0.0.1:*")
        self.peer = b""

    @property
    def endpoint(self):
        return self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def recv(self):
        assert self.socket.poll(WAIT_S * 1000), "nothing came"
        self.peer, *frames = self.socket.recv_multipart()
        return frames

    def send(self, *frames):
        self.socket.send_multipart([self.peer, *frames])

    def close(self):
        self.socket.close()


class Node(Socket):
    """A node's handler port, with a heartbeat so long that it stays out of the way."""

    def __init__(self, context, uuid=b"00000000-0000-4000-8000-000000000001"):
        super().__init__(context)
        self.uuid = uuid
        self.requests = 0

    def until(self, verb):
        """The next message of that kind; beats are left out, and credits until asked for."""
        while True:
            frames = self.recv()
            if frames[0] == verb:
                return frames[1:]
            assert frames[0] in (b"PING", b"PONG", b"CREDIT", b"READY"), frames

    def welcome(self, heartbeat_ms=60_000):
        (ready,) = self.until(b"READY")
        words = {"node": self.uuid, "cluster": "c1057e40-0000-4000-8000-000000000001", "heartbeat": heartbeat_ms}
        self.send(b"WELCOME", tnetstrings.dump(words))
        return tnetstrings.load(ready)

    def request(self, path=b"/", method=b"GET"):
        self.requests += 1
        headers = Headers(METHOD=method, VERSION=b"HTTP/1.1")
        msg = Request(self.uuid, b"%d" % self.requests, path, headers).msg
        self.send(b"REQUEST", b"r%d" % self.requests, msg)
        return b"r%d" % self.requests

    def notice(self, body):
        self.requests += 1
        msg = Request(self.uuid, b"%d" % self.requests, b"@*", Headers(METHOD=b"JSON"), body).msg
        self.send(b"REQUEST", b"r%d" % self.requests, msg)

    def reply(self):
        (message,) = self.until(b"REPLY")
        return message

    def body(self):
        return self.reply().split(b"\r\n\r\n")[1]


@pytest.fixture
def context():
    with zmq.Context() as context:
        yield context


@pytest.fixture
def node(context):
    node = Node(context)
    yield node
    node.close()


@pytest.fixture
def worker(node):
    with Worker("chat", node.endpoint, timeout_s=WAIT_S) as worker:
        yield worker
        worker.close_sockets(drain_s=0)


def test_a_request_and_its_reply(node, worker):
    words = node.welcome()
    assert words[b"pool"] == b"chat" and words[b"capacity"] == 1 and words[b"worker"] == worker.uuid
    assert worker.wait_ready(WAIT_S)
    assert node.until(b"CREDIT") == [b"1"]
    node.request(b"/a")
    req = worker.recv()
    assert req.path == b"/a"
    worker.reply_http(req, b"hi")
    assert node.reply() == b"00000000-0000-4000-8000-000000000001 1:1, HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    worker.done(req)
    assert node.until(b"CREDIT") == [b"1"]
    assert worker.nodes == {node.endpoint: "joined"} and worker.cluster == b"c1057e40-0000-4000-8000-000000000001"


def test_a_worker_beats_while_its_handler_is_busy(node, worker):
    node.welcome(heartbeat_ms=20)
    node.until(b"CREDIT")
    node.request()
    worker.recv()  # and no more calls
    for _ in range(5):
        node.until(b"PING")
        node.send(b"PONG")


def test_iteration_frees_each_place_for_the_next(node, worker):
    node.welcome()
    served = threading.Thread(target=lambda: [worker.reply_http(req, req.path) for req in worker])
    served.start()
    for n in range(3):
        assert node.until(b"CREDIT") == [b"1"]
        node.request(b"/%d" % n)
        assert node.body() == b"/%d" % n
    worker.close_sockets()
    served.join(WAIT_S)
    assert not served.is_alive()


def test_many_requests_through_several_threads(node):
    def handle(worker, req):
        worker.reply_http(req, req.path)

    with Worker("chat", node.endpoint, capacity=8) as worker:
        node.welcome()
        running = threading.Thread(target=worker.run, args=(handle, 4))
        running.start()
        node.until(b"CREDIT")
        bodies, sent = set(), 0
        while len(bodies) < 200:
            while sent < 200 and sent - len(bodies) < 4:  # 4 more may be answered and not yet done
                node.request(b"/%d" % sent)
                sent += 1
            bodies.add(node.body())
        assert bodies == {b"/%d" % n for n in range(200)}
        assert worker.returned == 0
        worker.close_sockets()
        running.join(WAIT_S)
        assert not running.is_alive()


def test_a_handler_that_fails_is_answered_for(node, worker):
    def handle(worker, req):
        if req.path == b"/half":
            worker.reply_head(req)
        raise RuntimeError("no")

    node.welcome()
    threading.Thread(target=worker.run, args=(handle,), daemon=True).start()
    node.until(b"CREDIT")
    node.request()
    assert node.reply().startswith(b"00000000-0000-4000-8000-000000000001 1:1, HTTP/1.1 500 Internal Server Error\r\n")
    assert node.reply() == b"00000000-0000-4000-8000-000000000001 1:1, "
    node.until(b"CREDIT")
    node.request(b"/half")
    assert node.reply().startswith(b"00000000-0000-4000-8000-000000000001 1:2, HTTP/1.1 200 OK\r\n")
    assert node.reply() == b"00000000-0000-4000-8000-000000000001 1:2, "
    node.until(b"CREDIT")
    for id, method in ((3, b"JSON"), (4, b"WEBSOCKET_HANDSHAKE")):  # whose 500 would be a message
        node.request(b"/socket", method)
        assert node.reply() == b"00000000-0000-4000-8000-000000000001 1:%d, " % id


def test_timeouts_and_the_end(node, worker):
    with pytest.raises(ReceiveTimeout):
        worker.recv(0.01)
    worker.timeout_s = 0.01
    assert list(worker) == []
    worker.close_sockets()
    worker.close_sockets()
    with pytest.raises(WorkerClosed):
        worker.recv()
    assert list(worker) == []


def test_what_waits_is_handed_back_at_the_end(node):
    worker = Worker("chat", node.endpoint, capacity=3, timeout_s=WAIT_S)
    node.welcome()
    node.until(b"CREDIT")
    ids = [node.request() for _ in range(3)]
    running = worker.recv()
    leaving = threading.Thread(target=worker.close_sockets)
    leaving.start()
    assert node.until(b"BYE") == []
    assert {node.until(b"RETURN")[0], node.until(b"RETURN")[0]} == set(ids[1:])
    worker.reply_http(running, b"last")
    worker.done(running)
    assert node.body() == b"last"
    leaving.join(WAIT_S)
    assert not leaving.is_alive()


def test_the_end_does_not_wait_for_ever(node):
    worker = Worker("chat", node.endpoint, timeout_s=WAIT_S)
    node.welcome()
    node.until(b"CREDIT")
    node.request()
    worker.recv()
    worker.close_sockets(drain_s=0.05)
    assert not worker._thread.is_alive()


def test_requests_of_a_lost_node_are_not_begun(node):
    with Worker("chat", node.endpoint, capacity=2, timeout_s=WAIT_S) as worker:
        node.welcome(heartbeat_ms=10)
        node.until(b"CREDIT")
        node.request(b"/lost")
        node.welcome()  # after beats that were not answered
        node.until(b"CREDIT")
        node.request(b"/new")
        assert worker.recv().path == b"/new"
        worker.close_sockets(drain_s=0)


def test_who_was_lost_before_the_first_byte_does_not_answer(node):
    with Worker("chat", node.endpoint, timeout_s=WAIT_S) as worker:
        node.welcome(heartbeat_ms=10)
        node.until(b"CREDIT")
        node.request(b"/unanswered")
        unanswered = worker.recv()
        node.welcome()  # after beats that were not answered
        worker.reply_http(unanswered, b"late")
        worker.reply_message(unanswered, text="late")
        worker.sendfile(unanswered, "late")
        worker.done(unanswered)
        node.until(b"CREDIT")
        node.request(b"/new")
        worker.reply_http(worker.recv(), b"new")
        assert node.body() == b"new"
        assert worker.undelivered == 3
        worker.close_sockets(drain_s=0)


def test_an_answer_to_a_disconnect_notice_goes_nowhere(node, worker):
    node.welcome()
    node.until(b"CREDIT")
    node.notice(b'{"type":"disconnect"}')
    notice = worker.recv()
    assert notice.is_disconnect()
    worker.reply_http(notice, b"hello?")
    worker.reply_message(notice, text="hello?")
    worker.close(notice)
    worker.reply_extended(notice, "ctl", {})
    worker.done(notice)
    node.until(b"CREDIT")
    node.request(b"/next")
    worker.reply_http(worker.recv(), b"next")
    assert node.body() == b"next"


def test_replies_to_a_node_that_is_gone_are_counted(node, worker):
    node.welcome()
    assert worker.wait_ready(WAIT_S)
    worker.send(b"00000000-0000-4000-8000-000000000002", 1, b"x")
    worker.send(b"00000000-0000-4000-8000-000000000001", 1, b"x")
    assert node.reply() == b"00000000-0000-4000-8000-000000000001 1:1, x"
    assert worker.undelivered == 1


def test_nodes_are_found_through_a_coordinator(context):
    coordinator, nodes = Socket(context), [Node(context, b"00000000-0000-4000-8000-000000000001"), Node(context, b"00000000-0000-4000-8000-000000000002")]
    updates = context.socket(zmq.XPUB)
    updates.setsockopt(zmq.LINGER, 0)
    updates.bind("tcp://127.0.0.1:*")
    publish = updates.getsockopt_string(zmq.LAST_ENDPOINT)
    answers = {
        b"hello": {"headers": ["coordinator", "updates"], "rows": [["c", publish]]},
        b"pools": {
            "headers": ["pool", "node", "uuid", "endpoint"],
            "rows": [["chat", "n1", "00000000-0000-4000-8000-000000000001", nodes[0].endpoint]],
        },
    }
    with Worker("chat", coordinators=coordinator.endpoint) as worker:
        for _ in range(2):
            frames = coordinator.recv()
            verb, args = tnetstrings.load(frames[-1])
            reply = {"seq": args[b"seq"], **answers[verb]}
            coordinator.send(*frames[:-1], tnetstrings.dump(reply))
        nodes[0].welcome()
        assert updates.poll(WAIT_S * 1000) and updates.recv() == b"\1pool.chat"
        update = {
            "pool": "chat",
            "headers": ["pool", "node", "uuid", "endpoint"],
            "rows": [["chat", "n", n.uuid, n.endpoint] for n in nodes],
        }
        updates.send_multipart([b"pool.chat", tnetstrings.dump(["pool", update])])
        nodes[1].welcome()
        assert worker.wait_ready(WAIT_S, nodes=2)
    for socket in (coordinator, updates, *nodes):
        socket.close()


def test_a_worker_needs_to_know_where():
    with pytest.raises(ValueError):
        Worker("chat")


# ---- asyncio ----------------------------------------------------------------------------------


class AsyncNode:
    """The same node, from a loop: what waits runs in a thread."""

    def __init__(self, node):
        self.node = node

    def __getattr__(self, name):
        method = getattr(self.node, name)

        async def call(*args, **options):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, lambda: method(*args, **options))

        return call


def test_asyncio_serves_as_many_as_its_capacity(node):
    remote = AsyncNode(node)
    inside, gate = [], []

    async def handle(worker, req):
        inside.append(req.path)
        if len(inside) < 4:
            await gate[0].wait()
        else:
            gate[0].set()
        worker.reply_http(req, req.path)

    async def main():
        gate.append(asyncio.Event())
        async with AsyncWorker("chat", node.endpoint, capacity=4) as worker:
            task = asyncio.ensure_future(worker.run(handle))
            assert (await remote.welcome())[b"capacity"] == 4
            assert await worker.wait_ready(WAIT_S)
            assert await remote.until(b"CREDIT") == [b"4"]
            for n in range(4):
                await remote.request(b"/%d" % n)
            bodies = {await remote.body() for _ in range(4)}
            assert bodies == {b"/%d" % n for n in range(4)}
            await worker.close_sockets()
            await task

    asyncio.run(main())


def test_asyncio_many_requests(node):
    remote = AsyncNode(node)

    def handle(worker, req):
        worker.reply_http(req, req.path)

    def drive():
        node.welcome()
        node.until(b"CREDIT")
        bodies, sent = set(), 0
        while len(bodies) < 500:
            while sent < 500 and sent - len(bodies) < 8:
                node.request(b"/%d" % sent)
                sent += 1
            bodies.add(node.body())
        return bodies

    async def main():
        async with AsyncWorker("chat", node.endpoint, capacity=8) as worker:
            task = asyncio.ensure_future(worker.run(handle))
            loop = asyncio.get_running_loop()
            bodies = await loop.run_in_executor(None, drive)
            assert bodies == {b"/%d" % n for n in range(500)}
            assert worker.returned == 0
            await worker.close_sockets()
            await task

    asyncio.run(main())
    assert remote.node is node


def test_asyncio_failures_timeouts_and_the_end(node):
    remote = AsyncNode(node)

    async def fails(worker, req):
        raise RuntimeError("no")

    async def main():
        worker = AsyncWorker("chat", node.endpoint, timeout_s=WAIT_S)
        assert not await worker.wait_ready(0.01)
        with pytest.raises(ReceiveTimeout):
            await worker.recv(0.01)
        await remote.welcome()
        await remote.until(b"CREDIT")
        await remote.request(b"/one")
        req = await worker.recv()
        assert req.path == b"/one"
        worker.give_back(req)
        assert await remote.until(b"RETURN") == [b"r1"]
        await remote.until(b"CREDIT")
        task = asyncio.ensure_future(worker.run(fails))
        await remote.request(b"/two")
        assert (await remote.reply()).startswith(b"00000000-0000-4000-8000-000000000001 1:2, HTTP/1.1 500 ")
        await worker.close_sockets()
        await task
        assert await remote.reply() == b"00000000-0000-4000-8000-000000000001 1:2, "
        assert await remote.until(b"BYE") == []
        with pytest.raises(WorkerClosed):
            await worker.recv()
        assert [req async for req in worker] == []

    asyncio.run(main())


def test_asyncio_waiters_each_get_one(node):
    remote = AsyncNode(node)

    async def main():
        async with AsyncWorker("chat", node.endpoint, capacity=3) as worker:
            waiting = [asyncio.ensure_future(worker.recv(WAIT_S)) for _ in range(3)]
            await remote.welcome()
            await remote.until(b"CREDIT")
            for n in range(3):
                await remote.request(b"/%d" % n)
            got = await asyncio.gather(*waiting)
            assert {req.path for req in got} == {b"/0", b"/1", b"/2"}
            for req in got:
                worker.done(req)

    asyncio.run(main())
