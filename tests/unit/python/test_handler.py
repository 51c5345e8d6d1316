"""Classic connections over real sockets; the test is the node."""

import asyncio

import pytest
import zmq

from mongrel2 import AsyncConnection, BadMessage, Connection, Headers, ReceiveTimeout, Request

GET = Request(b"node-1", b"1", b"/", Headers(METHOD=b"GET", VERSION=b"HTTP/1.1")).msg
POST = Request(b"node-1", b"2", b"/", Headers(METHOD=b"POST"), b'{"a": 1}').msg


class Node:
    """The node's two sockets, bound to free ports."""

    def __init__(self, context, ident=b""):
        self.push = context.socket(zmq.PUSH)
        self.sub = context.socket(zmq.SUB)
        self.sub.setsockopt(zmq.SUBSCRIBE, ident)
        for socket in (self.push, self.sub):
            socket.setsockopt(zmq.LINGER, 0)
            socket.bind("tcp://127.0.0.1:*")

    @property
    def specs(self):
        return tuple(s.getsockopt_string(zmq.LAST_ENDPOINT) for s in (self.push, self.sub))

    def reply(self):
        assert self.sub.poll(10_000), "no reply came"
        return self.sub.recv()

    def close(self):
        self.push.close()
        self.sub.close()


def ready(conn, *nodes):
    """A SUB socket subscribes when its owner next looks at it, as a node always does."""
    for _ in range(1000):
        for node in nodes:
            node.sub.poll(0)
        if conn.wait_ready(0.01):
            return True
    return False


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
def conn(node):
    with Connection(b"me", *node.specs, timeout_s=10) as conn:
        assert ready(conn, node)
        yield conn


def test_a_request_and_its_reply(node, conn):
    node.push.send(GET)
    req = conn.recv()
    assert req.msg == GET
    conn.reply_http(req, b"hi")
    assert node.reply() == b"node-1 1:1, HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def test_timeouts(conn):
    with pytest.raises(ReceiveTimeout):
        conn.recv(0)
    with pytest.raises(TimeoutError):
        conn.recv(timeout_s=0.01)
    assert not conn.poll() and not conn.poll(0.01)


def test_poll_sees_a_message(node, conn):
    node.push.send(GET)
    assert conn.poll(10) and conn.poll(None)
    assert conn.recv(0).path == b"/"


def test_json_bodies(node, conn):
    node.push.send(POST)
    assert conn.recv_json().data == {"a": 1}
    node.push.send(GET)
    with pytest.raises(ValueError):
        conn.recv_json()


def test_iteration_skips_and_counts_what_is_no_request(node, conn):
    for message in (b"nonsense", GET, b"", POST):
        node.push.send(message)
    requests = iter(conn)
    assert [next(requests).msg, next(requests).msg] == [GET, POST]
    assert conn.malformed == 2
    conn.timeout_s = 0.01
    assert list(requests) == []
    node.push.send(b"nonsense")
    with pytest.raises(BadMessage):
        conn.recv(10)


def test_several_nodes(context, node):
    other = Node(context, b"node-2")
    try:
        with Connection(timeout_s=10) as conn:
            conn.connect(*node.specs)
            conn.connect(*other.specs)
            assert ready(conn, node, other)
            node.push.send(GET)
            other.push.send(GET.replace(b"node-1", b"node-2"))
            for req in sorted((conn.recv(), conn.recv()), key=lambda req: req.sender):
                conn.reply(req, b"x")
            assert other.reply() == b"node-2 1:1, x"
            assert [node.reply(), node.reply()] == [b"node-1 1:1, x", b"node-2 1:1, x"]
            conn.disconnect(*other.specs)
            assert conn.nodes == [node.specs]
    finally:
        other.close()


def test_a_node_needs_both_addresses():
    with pytest.raises(ValueError):
        Connection(sub_addr="tcp://127.0.0.1:1")


def test_waiting_for_a_node_that_is_not_there():
    with Connection(b"me", "tcp://127.0.0.1:1", "tcp://127.0.0.1:1") as conn:
        assert not conn.wait_ready(0.01)


def test_the_last_replies_leave_before_the_end(node):
    with Connection(b"me", *node.specs) as conn:
        assert ready(conn, node)
        for n in range(1000):
            conn.send(b"u", n, b"x")
    assert conn.closed
    assert [node.reply() for _ in range(1000)][-1] == b"u 3:999, x"


def test_a_context_of_the_caller_stays_open(context, node):
    Connection(b"me", *node.specs, context=context).close_sockets()
    assert not context.closed


def test_asyncio(node):
    async def main():
        async with AsyncConnection(b"me", *node.specs, timeout_s=10) as conn:
            while not await conn.wait_ready(0.01):
                node.sub.poll(0)
            node.push.send(GET)
            conn.reply(await conn.recv(), b"one")
            node.push.send(POST)
            assert (await conn.recv_json()).data == {"a": 1}
            with pytest.raises(ReceiveTimeout):
                await conn.recv(0.01)
            node.push.send(b"nonsense")
            node.push.send(GET)
            async for req in conn:
                conn.reply(req, b"two")
                conn.timeout_s = 0.01
            assert conn.malformed == 1 and not await conn.poll()

    asyncio.run(main())
    assert [node.reply(), node.reply()] == [b"node-1 1:1, one", b"node-1 1:1, two"]
