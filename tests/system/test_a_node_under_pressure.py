"""What a node does when there is too much of something: malformed replies of handlers, clients that do
nothing or say everything slowly, answers that nobody reads, no descriptors left, a full disk for its
logs. It goes on serving everyone else, and when it is over nothing of it is left.

Sizes are what an ordinary run can bear; M2_LONG makes them larger.
"""

from __future__ import annotations

import os
import re
import resource
import socket
import statistics
import threading
import time
from typing import Any, List

import pytest
import zmq

from support.raw import Client
from support.server import Kit, Server, Stage, server_conf
from support.wait import PATIENCE_S, until

LONG = bool(os.environ.get("M2_LONG"))

HOSTS = """
site = Host(name="localhost", routes={{{{
    "/hello": Handler(send_spec="ipc://{{folder}}/run/send", send_ident="34f9ceee-cd52-4b7f-b197-88bf2f0ec378",
                      recv_spec="ipc://{{folder}}/run/recv", recv_ident=""),
    "/files/": Dir(base="files/", index_file="index.html", default_ctype="text/plain"),
    "/metrics": Status(what="metrics")
}}}})
"""
GET = b"GET /files/ HTTP/1.1\r\nHost: localhost\r\n\r\n"

pytestmark = pytest.mark.timeout(600 if LONG else 240)


def serve(
    stage: Stage, kit: Kit, settings: str = "", access_log: str = "logs/access.log", **options: Any
) -> Server:
    conf = server_conf(HOSTS.format(), "localhost", settings, "hosts=[site]")
    server = Server(stage, kit, conf.replace("logs/access.log", access_log))
    (server.folder / "files").mkdir()
    (server.folder / "files" / "index.html").write_text("index")
    with open(server.folder / "files" / "large", "wb") as large:
        large.truncate(64 << 20)
    return server.load().start(**options)


def metric(server: Server, name: str) -> int:
    with Client(server.port) as client:
        text = client.get("/metrics").response().body.decode()
    found = re.search(rf"^mongrel2_{name}(?:_total)? (\d+)", text, re.M)
    assert found is not None, text
    return int(found[1])


def ask(client: Client, path: bytes = b"/files/") -> float:
    """Seconds that a page takes."""
    begin = time.monotonic()
    client.send(GET.replace(b"/files/", path))
    assert client.response().status == 200
    return time.monotonic() - begin


def rss_kib(server: Server) -> int:
    assert server.program is not None
    with open(f"/proc/{server.program.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])  # type: ignore[index]


@pytest.fixture
def many_descriptors() -> Any:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- handlers ------------------------------------------------------------------------------------


def test_malformed_replies_delay_nobody(stage: Stage, node: Kit) -> None:
    """Mongrel2 pauses a handler for half a second for each."""
    server = serve(stage, node)
    conn = stage.handler(f"ipc://{server.folder}/run/send", f"ipc://{server.folder}/run/recv")
    bad = zmq.Context.instance().socket(zmq.PUB)
    bad.setsockopt(zmq.LINGER, 0)
    bad.setsockopt(zmq.SNDHWM, 0)
    bad.connect(f"ipc://{server.folder}/run/recv")
    junk = [b"", b"u 0:, x", b"u 9:1, x", b"u 3:X 1, 5:junk,", b"\xff" * 200, b"u 1:1,", b"x" * 5000]
    ended = threading.Event()
    sent = [0]

    def flood() -> None:
        while not ended.is_set():
            for _ in range(100):
                bad.send(junk[sent[0] % len(junk)])
                sent[0] += 1
            ended.wait(0.01)  # ten thousand a second

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        until(lambda: metric(server, "handler_replies_bad") > 1000, "malformed replies arriving")
        delays = []
        with Client(server.port) as client:
            for _ in range(100):
                begin = time.monotonic()
                client.get("/hello")
                conn.reply_http(conn.recv(), b"good")
                assert client.response().body == b"good"
                delays.append(time.monotonic() - begin)
    finally:
        ended.set()
        thread.join()
    bad.close()
    assert sent[0] > 1000
    assert statistics.median(delays) < 0.05, delays
    assert server.program is not None
    assert server.program.log().count("dropped a malformed reply") < 60  # once a second


# ---- clients -------------------------------------------------------------------------------------


def test_idle_clients_cost_little(stage: Stage, node: Kit, many_descriptors: int) -> None:
    count = min(60000 if LONG else 4000, many_descriptors // 2 - 500)
    server = serve(stage, node, f', "superpoll.max_fd": {count + 1000}, "limits.idle_timeout": 600')
    with Client(server.port) as warm:
        ask(warm)
    before = rss_kib(server)
    idle: List[socket.socket] = []
    try:
        for i in range(count):
            host = f"127.0.0.{2 + i % 100}"  # more than one address has ports
            idle.append(socket.create_connection(("127.0.0.1", server.port), source_address=(host, 0)))
            if i % 2:
                idle[-1].sendall(GET)
        for sock in idle[1::2]:
            sock.settimeout(PATIENCE_S)
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        with Client(server.port) as client:
            delays = [ask(client) for _ in range(200)]
        assert statistics.quantiles(delays, n=100)[98] < 0.1, sorted(delays)[-5:]
        held = 1024 * (rss_kib(server) - before) / count
        most = 24576 if "asan" in str(node.mongrel2) else 1024  # what sanitizers put around everything
        assert held < most, f"{held:.0f} bytes for each idle connection"
    finally:
        for sock in idle:
            sock.close()
    until(lambda: metric(server, "connections_accepted") - metric(server, "connections_closed") <= 3,
          "all connections closed", PATIENCE_S * 3)


def test_dribblers_are_gone_in_time(stage: Stage, node: Kit) -> None:
    """A byte at a time does not buy more time than limits.header_timeout."""
    server = serve(stage, node, ', "limits.header_timeout": 2')
    slow = [stage.keep(Client(server.port)) for _ in range(200)]
    begin = time.monotonic()
    gone: List[Client] = []
    text = b"GET /files/ HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 4000
    with Client(server.port) as client:
        for at in range(len(text)):
            for each in [s for s in slow if s not in gone]:
                try:
                    each.send(text[at : at + 1])
                except OSError:
                    gone.append(each)
            assert ask(client) < PATIENCE_S
            late = at > 100 and time.monotonic() - begin > 2 + PATIENCE_S
            if late or len(gone) == len(slow):
                break
            time.sleep(0.05)  # the pace of a dribble, not a wait for something
    assert len(gone) == len(slow), f"{len(slow) - len(gone)} still there"
    assert all(b"408" in c.read_end()[:20] or c.was_reset for c in slow)


def test_answers_that_nobody_reads_are_bounded(stage: Stage, node: Kit) -> None:
    """Files wait in the file, and what a handler says beyond limits.output_queue closes."""
    server = serve(stage, node, ', "limits.output_queue": 262144')
    conn = stage.handler(f"ipc://{server.folder}/run/send", f"ipc://{server.folder}/run/recv")
    before = rss_kib(server)
    lazy = [stage.keep(Client(server.port)) for _ in range(40)]
    for client in lazy[:20]:
        client.send(GET.replace(b"/files/", b"/files/large"))
    for client in lazy[20:]:
        client.get("/hello")
    listeners = [conn.recv().listener for _ in lazy[20:]]
    conn.deliver_to(listeners, b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(200):  # 13 MB for each
        conn.deliver_to(listeners, b"x" * 65536)
    for _ in listeners:
        assert conn.recv().is_disconnect()
    assert metric(server, "output_limit_closes") == len(listeners)
    with Client(server.port) as client:
        assert ask(client) < PATIENCE_S
    assert rss_kib(server) - before < 64 << 10


# ---- what runs out -------------------------------------------------------------------------------


def test_no_descriptors_left(stage: Stage, node: Kit) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    server = serve(stage, node, ', "superpoll.max_fd": 64', before=limit)
    assert server.program is not None
    with Client(server.port) as first:
        ask(first)
        crowd = [stage.keep(Client(server.port)) for _ in range(150)]  # the kernel takes them
        server.program.wait_log("can't accept")
        used, begin = server.program.cpu_s(), time.monotonic()
        for _ in range(100):
            ask(first, b"/metrics")  # who is in is served, where it needs no descriptor
            time.sleep(0.01)
        share = (server.program.cpu_s() - used) / (time.monotonic() - begin)
        assert share < 0.4, f"{share:.0%} of a processor while it can't accept"
        assert server.program.descriptors() <= 64
        for client in crowd:
            client.close()
        with Client(server.port) as late:
            ask(late)
    assert server.program.log().count("can't accept") < 30


@pytest.mark.parametrize("what", ["access_log", "error_log"])
def test_a_full_disk_for_logs(stage: Stage, node: Kit, what: str) -> None:
    def nowhere() -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, 2)

    is_access = what == "access_log"
    server = serve(
        stage,
        node,
        access_log="/dev/full" if is_access else "logs/access.log",
        before=None if is_access else nowhere,
    )
    with Client(server.port) as client:
        for _ in range(50):
            ask(client)
    with Client(server.port) as client:
        client.send(b"not http\r\n\r\n")  # something for the error log
        assert client.read_end().startswith(b"HTTP/1.1 400 ")
    assert server.program is not None
    if is_access:
        server.program.wait_log("No space left on device; lines are lost")
    with Client(server.port) as client:
        ask(client)
    server.stop()
