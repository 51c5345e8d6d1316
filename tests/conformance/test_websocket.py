"""WebSockets against RFC 6455 and RFC 7692, in both modes, sent at once and byte by byte."""

from __future__ import annotations

import zlib

import pytest
from support.raw import Client
from support.wait import until
from support.websocket import (
    BINARY, CLOSE, CONT, PING, PONG, TEXT, WebSocket, close_payload, frame,
)
from websocket_cases import CASES, DROP, SAME
from websocket_site import LIMIT, WebSocketSite

BYTEWISE_MOST = 400


@pytest.fixture(scope="module")
def site(module_stage, node):
    return WebSocketSite(module_stage, node)


def hear(socket: WebSocket, expected, maybe: int = 0) -> None:
    for at, (opcode, payload) in enumerate(expected):
        if at < maybe and socket.peek() == CLOSE:
            continue
        if opcode == CLOSE:
            assert socket.closed() == payload
            return
        got = socket.read()
        assert (got.opcode, got.payload) == (opcode, payload)
    socket.send(frame(CLOSE, close_payload(1000)))
    assert socket.closed() == 1000


def say(socket: WebSocket, case, bytewise: bool) -> None:
    data = b"".join(case.sends)
    for piece in ([data[i : i + 1] for i in range(len(data))] if bytewise else [data]):
        try:
            socket.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return  # it has been told already what is wrong


@pytest.mark.parametrize("case", CASES, ids=str)
def test_messages(site, case):
    in_messages(site, case, False)


@pytest.mark.parametrize("case", [c for c in CASES if c.size <= BYTEWISE_MOST], ids=str)
def test_messages_byte_by_byte(site, case):
    in_messages(site, case, True)


def in_messages(site, case, bytewise: bool) -> None:
    socket = WebSocket(site.port, "/messages")
    say(socket, case, bytewise)
    hear(socket, case.hears, case.maybe)
    socket.close()


@pytest.mark.parametrize("case", [c for c in CASES if c.raw is not None], ids=str)
def test_raw(site, case):
    socket = WebSocket(site.port, "/raw")
    say(socket, case, False)
    if case.raw == DROP:
        assert socket.closed() is None
    else:
        hear(socket, case.hears if case.raw == SAME else case.raw)
    socket.close()
