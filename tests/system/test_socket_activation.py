"""A server that is given its listening socket, as systemd does it: nobody is refused over a restart."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Tuple

import pytest

from support.program import Program
from support.raw import Client
from support.server import Kit, Server, Stage, server_conf

HOSTS = """
site = Host(name="localhost", routes={{{{"/health": Status(what="health")}}}})
"""
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def listening(stage: Stage) -> Tuple[socket.socket, int]:
    sock: socket.socket = stage.keep(socket.socket())
    sock.bind(("127.0.0.1", 0))
    sock.listen(50)
    return sock, sock.getsockname()[1]


def start(server: Server, fd: int) -> Program:
    """As sd_listen_fds(3) wants it: descriptor 3, and the process id of the program itself."""
    script = 'fd=$1; shift; exec 3<&"$fd"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
    words = ["bash", "-c", script, "bash", fd, server.kit.mongrel2, server.db, server.uuid]
    return server.stage.start(words, server.folder, name="mongrel2", pass_fds=[fd])


@pytest.fixture
def server(stage: Stage, node: Kit) -> Server:
    return Server(stage, node, server_conf(HOSTS.format(), "localhost", extra="hosts=[site]"))


def given(stage: Stage, server: Server) -> socket.socket:
    sock, port = listening(stage)
    server.conf = server.conf.replace(f"port={server.port}", f"port={port}")
    server.port = port
    server.load()
    return sock


def test_nobody_is_refused_over_a_restart(stage: Stage, server: Server) -> None:
    sock = given(stage, server)
    early = stage.keep(Client(server.port)).send(GET)  # before there is a server
    first = start(server, sock.fileno())
    assert early.response().status == 200
    first.stop()
    between = stage.keep(Client(server.port)).send(GET)
    second = start(server, sock.fileno())
    assert between.response().status == 200
    second.stop()
    assert "handed over" not in second.log()


def test_a_socket_of_another_address_is_said(stage: Stage, server: Server) -> None:
    sock, _ = listening(stage)
    server.load()
    program = start(server, sock.fileno())
    program.wait_log("1 of the sockets handed over are of no address of this server")
    with Client(server.port) as client:
        assert client.send(GET).response().status == 200
    program.stop()


def test_a_reload_keeps_it(stage: Stage, server: Server, node: Kit) -> None:
    """Away from its address and back again."""
    sock = given(stage, server)
    program = start(server, sock.fileno())
    program.wait_log("serves on")
    port, other = server.port, stage.port()
    for now in (other, port):
        server.conf = server.conf.replace(f"port={server.port}", f"port={now}")
        server.port = now
        server.load()
        done = server.control().request("reload")
        assert done is not None

        def answers() -> bool:
            try:
                with Client(now) as client:
                    return client.send(GET).response().status == 200
            except OSError:
                return False

        program.wait(answers, f"serving on {now}")
    program.stop()
    assert Path(server.db).exists()
