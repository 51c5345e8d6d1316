"""A server behind load balancers that say whose connection it is: HAProxy with both versions of the
PROXY protocol, and by hand what HAProxy does not send."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mongrel2 import Connection
from support.ports import accepts
from support.raw import Client
from support.server import Kit, Server, Stage, server_conf

IDENT = "34f9ceee-cd52-4b7f-b197-88bf2f0ec378"
HOSTS = f"""
hosts_of_main = [Host(name="localhost", routes={{{{
    "/who": Handler(send_spec="ipc://{{folder}}/run/send", send_ident="{IDENT}",
                    recv_spec="ipc://{{folder}}/run/recv", recv_ident="")
}}}})]
"""
GET = b"GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n"

HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen v1
    bind 127.0.0.2:{v1}
    server node 127.0.0.1:{node} send-proxy
listen v2
    bind 127.0.0.2:{v2}
    server node 127.0.0.1:{node} send-proxy-v2
"""


@pytest.fixture
def server(stage: Stage, node: Kit) -> Server:
    conf = server_conf(HOSTS, "localhost", extra="hosts=hosts_of_main, proxy_protocol=1")
    return Server(stage, node, conf).load().start()


@pytest.fixture
def handler(stage: Stage, server: Server) -> Connection:
    return stage.handler(f"ipc://{server.folder}/run/send", f"ipc://{server.folder}/run/recv")


def who(handler: Connection, client: Client, request: bytes = GET) -> bytes:
    """What a handler is told of the client's address, in both places."""
    client.send(request)
    asked = handler.recv()
    while asked.is_notice():  # of clients before
        asked = handler.recv()
    addresses = [asked.headers.first(name) or b"" for name in ("REMOTE_ADDR", "x-forwarded-for")]
    handler.reply_http(asked, b" ".join(addresses))
    return client.response().body


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_behind_haproxy(stage: Stage, server: Server, handler: Connection, version: str) -> None:
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    assert Path(program).exists()
    ports = {"v1": stage.port(), "v2": stage.port(), "node": server.port}
    folder = stage.folder()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(**ports))
    balancer = stage.start([program, "-f", folder / "haproxy.cfg", "-db"], folder)
    balancer.wait(lambda: accepts(ports[version], "127.0.0.2"), "haproxy accepting")
    client = stage.keep(Client(ports[version], "127.0.0.2"))
    address, port = client.socket.getsockname()
    for _ in range(2):
        assert who(handler, client) == f"{address} {address}".encode()
    assert server.program is not None
    server.program.wait(
        lambda: sum(b"%d#" % port in line for line in server.access_log()) == 2, "its log lines"
    )


def test_a_client_of_another_family(stage: Stage, server: Server, handler: Connection) -> None:
    client = stage.keep(Client(server.port))
    header = b"PROXY TCP6 2001:db8::7 ::1 5 80\r\n"
    assert who(handler, client, header + GET) == b"2001:db8::7 2001:db8::7"


def test_a_header_that_comes_slowly(stage: Stage, server: Server, handler: Connection) -> None:
    client = stage.keep(Client(server.port))
    client.send_slowly(b"PROXY TCP4 192.0.2.9 192.0.2.1 5 80\r\n", 9)
    assert who(handler, client) == b"192.0.2.9 192.0.2.9"


def test_the_balancers_own_connection(stage: Stage, server: Server, handler: Connection) -> None:
    client = stage.keep(Client(server.port))
    assert who(handler, client, b"PROXY UNKNOWN\r\n" + GET) == b"127.0.0.1 127.0.0.1"


def test_a_connection_without_a_header_is_closed(stage: Stage, server: Server) -> None:
    client = stage.keep(Client(server.port)).send(GET)
    assert client.read_end() == b""
    assert server.program is not None
    server.program.wait_log("no PROXY protocol header")
