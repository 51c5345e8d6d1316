"""Reference 3.5: what a handler may have on the way to a client."""

import pytest
from compare import show
from world import World, conf_of

SETTINGS = ', "download.flow_control": 1'


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, conf_of('"/hj": hj, "/ht": ht', settings=SETTINGS))


def get(client, target="/hj"):
    client.send(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")


def own(handler, conn_id=None):
    """The next message, past what is left of other connections."""
    while True:
        req = handler.recv()
        if conn_id is None and not req.is_notice() or req.conn_id == conn_id:
            return req


def test_the_first_request_announces(world, expect):
    with world.client() as client:
        get(client)
        first = own(world.hj)
        world.hj.reply_http(first, b"x")
        client.response()
        assert own(world.hj, first.conn_id).is_credits()
        get(client)
        second = own(world.hj, first.conn_id)
        seen = [show(req.headers.first("DOWNLOAD_CREDITS") or b"-") for req in (first, second)]
    expect("flow: announced", " ".join(seen), "102400 -")


@pytest.mark.parametrize("name", ["hj", "ht"])
def test_each_reply_is_credited(world, expect, name):
    handler = world.handler(name)
    with world.client() as client:
        get(client, f"/{name}")
        first = own(handler)
        for payload in (b"hello", b"x" * 1000):
            handler.reply(first, payload)
            client.read(len(payload))
            notice = own(handler, first.conn_id)
            text = show(notice.msg.split(b" ", 2)[2])
            wanted = {
                "hj": '@* {}:{{"METHOD":"JSON","DOWNLOAD_CREDITS":"{}"}},18:{{"type":"credits"}},',
                "ht": '@* {}:16:DOWNLOAD_CREDITS,{}:{},6:METHOD,4:JSON,}}18:{{"type":"credits"}},',
            }[name]
            size = str(len(payload))
            words = [40 + len(size) - 1, size] if name == "hj" else [
                40 + len(size) - 1, len(size), size]
            expect(f"flow: {name}, {size} bytes", text, wanted.format(*words))


@pytest.mark.parametrize("size", [102400, 102401])
def test_the_limit(world, expect, size):
    with world.client() as client:
        get(client)
        first = own(world.hj)
        world.hj.reply(first, b"x" * size)
        got = 0
        while got < size and not client.is_closed(0.01):
            got = len(client.received)
            if got == size:
                break
        seen = "written" if len(client.received) == size else "closed"
    expect(f"flow: {size} bytes", seen, "written" if size == 102400 else "closed")


def test_the_number_of_messages(world, expect):
    with world.client() as client:
        get(client)
        first = own(world.hj)
        world.hj.deliver(first.sender, [first.conn_id] * 50, b"x")
        expect("flow: 50 messages", show(client.read(50)), "x" * 50)


CASES = (
    ["flow: announced", "flow: 102400 bytes", "flow: 102401 bytes", "flow: 50 messages"]
    + [f"flow: {name}, {size} bytes" for name in ("hj", "ht") for size in (5, 1000)]
)
