"""Settings that change what handlers and clients see."""

import pytest
from compare import show
from world import World, conf_of, request


def world_with(stage, kit, settings, routes='"/": hj'):
    return World(stage, kit, conf_of(routes, settings=f", {settings}"))


def seen_by(world, data, name):
    """The value of a header at the handler."""
    with world.client() as client:
        client.send(f"GET / HTTP/1.1\r\nHost: h\r\n{data}\r\n")
        req = request(world.hj)
        return ",".join(show(value) for value in req.headers.all(name)) or "none"


def test_forwarded_for_is_left_alone(stage, kit, expect):
    world = world_with(stage, kit, '"no_clobber_xff": 1')
    got = seen_by(world, "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n", "x-forwarded-for")
    expect("no_clobber_xff: sent", got, "1.2.3.4,5.6.7.8")
    expect("no_clobber_xff: not sent", seen_by(world, "", "x-forwarded-for"), "none")


@pytest.mark.parametrize("target", ["/a{b}", "/a^b", "/?{^}", "/a|b", "/a<b"])
def test_relaxed_targets(stage, kit, expect, target):
    world = world_with(stage, kit, '"request.relaxed": 1')
    with world.client() as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")
        while not client.is_closed(0.02) and not client.received and not world.hj.poll(0.02):
            pass
        got = "refused" if client.received else show(request(world.hj).headers["URI"])
    expect(f"relaxed: {target}", got, "refused" if target[2:3] in "|<" else target)


def test_targets_of_a_reply(stage, kit, expect):
    world = world_with(stage, kit, '"limits.handler_targets": 2')
    with world.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        req = request(world.hj)
        for count in (2, 3):
            world.hj.send("u", [req.conn_id] * count, f"{count}")
        world.hj.send("u", req.conn_id, ".")
        expect("handler_targets: 2", show(client.read_until(b".")), "22.")


def test_no_access_log(stage, kit, expect):
    world = world_with(stage, kit, '"disable.access_logging": 1')
    with world.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        world.hj.reply_http(request(world.hj), "x")
        client.response()
    world.server.stop()
    exists = (world.server.folder / "logs/access.log").exists()
    expect("disable.access_logging: a file", str(exists), "False")


def test_content_length(stage, kit, expect):
    world = world_with(stage, kit, '"limits.content_length": 10')
    for size in (10, 11):
        with world.client() as client:
            client.get("/", method="POST", body=b"x" * size)
            while not client.is_closed(0.02) and not client.received and not world.hj.poll(0.02):
                pass
            if client.received:
                got = show(client.read_end().split(b"\r\n")[0])
            else:
                got = show(request(world.hj).body)
        wanted = "x" * 10 if size == 10 else "HTTP/1.1 413 Request Entity Too Large"
        expect(f"content_length: {size}", got, wanted)


def test_header_count(stage, kit, expect):
    world = world_with(stage, kit, '"limits.header_count": 3')
    with world.client() as client:
        client.send("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nHost: h\r\n\r\n")
        while not client.is_closed(0.02) and not client.received and not world.hj.poll(0.02):
            pass
        if client.received:
            got = show(client.received.split(b"\r\n")[0])
        else:
            headers = request(world.hj).headers
            got = ",".join(sorted(name for name in headers if name == name.lower()))
    expect("header_count: five of three", got, "a,b,c,x-forwarded-for")


CASES = [
    *["no_clobber_xff: sent", "no_clobber_xff: not sent"],
    *[f"relaxed: {t}" for t in ("/a{b}", "/a^b", "/?{^}", "/a|b", "/a<b")],
    *["handler_targets: 2", "disable.access_logging: a file"],
    *["content_length: 10", "content_length: 11", "header_count: five of three"],
]
