"""Slow and half-closed clients, large answers, and time limits."""

from __future__ import annotations

import time

from conformance_site import LARGE
from support.raw import Client


def test_a_dribbled_head_is_gone_in_time(site):
    """limits.header_timeout is 2 s here; a byte now and then does not help (D2)."""
    begin = time.monotonic()
    with Client(site.port) as client:
        client.send(b"GET /static/a.txt HTTP/1.1\r\nHost: localhost\r\nX: ")
        while not client.is_closed(0.2):
            try:
                client.send(b"x")
            except (BrokenPipeError, ConnectionResetError):
                break
            assert time.monotonic() - begin < 10
        assert client.received.startswith(b"HTTP/1.1 408 ")
    assert 1 < time.monotonic() - begin < 6


def test_a_stalled_body_is_gone_in_time(site):
    with Client(site.port) as client:
        client.send(b"POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
        assert client.response().status == 408
        assert client.is_closed(5)


def test_an_idle_connection_is_closed(site):
    """limits.idle_timeout is 3 s here."""
    begin = time.monotonic()
    with Client(site.port) as client:
        assert client.get("/static/a.txt").response().status == 200
        assert client.is_closed(10)
        assert client.unread == b""
    assert 2 < time.monotonic() - begin < 8


def test_a_half_closed_client_gets_its_answer(site):
    with Client(site.port) as client:
        client.get("/static/large.bin")
        client.half_close()
        assert client.response().body == LARGE
        assert client.is_closed(5)


def test_a_half_closed_client_of_http_1_0_gets_its_answer(site):
    with Client(site.port) as client:
        client.get("/static/large.bin", version="HTTP/1.0")
        client.half_close()
        assert client.response().body == LARGE
        assert client.is_closed(5)


def test_a_slow_reader_gets_all_of_it(site):
    with Client(site.port) as client:
        client.get("/static/large.bin", {"Connection": "close"})
        for _ in range(10):
            client.read(100)
            time.sleep(0.1)
        assert client.read_end().endswith(LARGE[-100000:])


def test_many_ranges_of_a_large_file(site):
    """Files do not count against limits.output_queue."""
    with Client(site.port) as client:
        ranges = {"Range": "bytes=0-1500000,2000000-3500000,3600000-"}
        response = client.get("/static/large.bin", ranges).response()
        assert response.status == 206
        assert len(response.body) > 3500000
        assert client.get("/static/a.txt").response().body == b"hello world"


def test_requests_sent_ahead_of_large_answers(site):
    """Answers wait for the reader, requests wait for their turn; nothing is lost or mixed up."""
    with Client(site.port) as client:
        for _ in range(5):
            client.get("/static/large.bin")
            client.get("/echo/between")
        for _ in range(5):
            assert client.response().body == LARGE
            assert client.response().body == b"GET /echo/between"


def test_clients_that_vanish(site):
    """Reset in the middle of everything: the server goes on."""
    for data in (
        b"GET /static/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf",
        b"GET /sta",
        b"GET /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
        b"",
    ):
        for _ in range(20):
            client = Client(site.port)
            client.send(data)
            client.reset()
    with Client(site.port) as client:
        assert client.get("/static/a.txt").response().body == b"hello world"


def test_a_draining_server_finishes_and_refuses(site):
    """SIGTERM: what is being answered is answered, new clients go elsewhere at once (O2)."""
    with Client(site.port) as client, Client(site.port) as idle:
        assert idle.get("/static/a.txt").response().status == 200
        client.get("/static/large.bin")
        client.read(1000)
        site.server.program.signal(15)
        assert idle.is_closed(5)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                Client(site.port).close()
            except ConnectionRefusedError:
                break
        else:
            raise AssertionError("the port is still open")
        body = client.read_end()
        assert body.endswith(LARGE[-1000:])
    site.server.program.wait_end()
    site.server.program.check()
