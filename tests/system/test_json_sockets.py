"""JSON sockets on a server that lives: many listeners, messages sent ahead, reloads, handlers that
are not there."""

from __future__ import annotations

import base64
import resource

import pytest

from support.raw import Client
from support.server import Server, server_conf
from support.wait import until

HOSTS = """
chat = Handler(send_spec="ipc://{folder}/run/chat.send", send_ident="0d0f9ab4-93b5-4a1c-8b44-8f3d1f6f3c02",
               recv_spec="ipc://{folder}/run/chat.recv", recv_ident="")
bare = Handler(send_spec="ipc://{folder}/run/bare.send", send_ident="0d0f9ab4-93b5-4a1c-8b44-8f3d1f6f3c03",
               recv_spec="ipc://{folder}/run/bare.recv", recv_ident="", nul=0)
none = Handler(send_spec="ipc://{folder}/run/none.send", send_ident="0d0f9ab4-93b5-4a1c-8b44-8f3d1f6f3c04",
               recv_spec="ipc://{folder}/run/none.recv", recv_ident="", queue_timeout=1)
localhost = Host(name="localhost", routes={{"@chat": chat, "@bare": bare, "@none": none}})
"""

LISTENERS = 1000
PER_REPLY = 100  # ids; limits.handler_targets allows 128


@pytest.fixture
def server(stage, node):
    conf = server_conf(HOSTS, "localhost", ', "limits.header_timeout": 1', "hosts=[localhost]")
    return Server(stage, node, conf).load().start()


def handler(server, name):
    return server.stage.handler(*[f"ipc://{server.folder}/run/{name}.{way}" for way in ("send", "recv")])


def connect(server):
    return server.stage.keep(Client(server.port))


def test_a_thousand_listeners_hear_the_same(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    chat = handler(server, "chat")
    clients = [connect(server).send("@chat {}\0") for _ in range(LISTENERS)]
    requests = [chat.recv() for _ in clients]
    text = b'{"say":"' + b"x" * 5000 + b'"}'
    ids = [req.conn_id for req in requests]
    assert len(set(ids)) == LISTENERS
    for at in range(0, LISTENERS, PER_REPLY):
        chat.deliver(requests[0].sender, ids[at : at + PER_REPLY], text)
    wanted = base64.b64encode(text) + b"\0"
    for client in clients:
        assert client.read(len(wanted)) == wanted


def test_without_the_nul(server):
    bare = handler(server, "bare")
    client = connect(server).send("@bare {}\0")
    req = bare.recv()
    bare.reply_json(req, {"ok": True})
    bare.close(req)
    assert client.read_end() == base64.b64encode(b'{"ok":true}')


def test_what_is_sent_ahead_is_not_lost(server):
    """More than may wait, before there is a handler: the server stops reading, and goes on."""
    client = connect(server)
    client.send("".join(f'@chat {{"n":{n}}}\0' for n in range(200)))
    chat = handler(server, "chat")
    assert [chat.recv().data["n"] for _ in range(200)] == list(range(200))


def test_a_reload_keeps_them(server):
    chat = handler(server, "chat")
    client = connect(server).send("@chat {}\0")
    first = chat.recv()
    server.control().request("reload")
    until(lambda: "configuration is in place again" in server.program.log())
    client.send('@chat {"again":1}\0')
    again = chat.recv()
    assert again.conn_id == first.conn_id and again.data == {"again": 1}
    chat.reply_json(first, {})
    assert client.read_until(b"\0") == b"e30=\0"


def test_no_handler_in_time_closes(server):
    assert connect(server).send("@none {}\0").read_end() == b""
    assert "no handler took a message in time" in server.program.log()


def test_half_a_message_has_a_deadline(server):
    got = connect(server).send("@chat {").read_end()
    assert got.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_they_are_in_the_access_log(server):
    chat = handler(server, "chat")
    connect(server).send('@chat {"a":1}\0')
    chat.recv()
    connect(server).send("<nowhere/>\0").read_end()
    until(lambda: len(server.access_log()) == 2)
    message, refusal = server.access_log()
    assert message.endswith(b"4:JSON,5:@chat,0:,1:0#1:7#]")
    assert refusal.endswith(b"3:XML,8:<nowhere,0:,3:404#1:9#]")
