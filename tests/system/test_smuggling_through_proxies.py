"""Requests that two servers could understand differently, with real HAProxy and nginx in front of a node,
behind it, and on both sides. Whatever such a request is to the first server, the last one must not see
a request that the first did not send it, and no other client gets its answer."""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

from mongrel2 import Connection
from support.raw import Client, Closed
from support.server import Kit, Server, Stage, server_conf
from support.wait import until

HEAD = "POST /v{n} HTTP/1.1\r\nHost: localhost\r\n"
CANARY = "GET /canary{n} HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG = "{:x}\r\n".format(len(CANARY))
#: Name, and the bytes. {n} is the number of the attempt.
VECTORS: List[Tuple[str, str]] = [
    ("CL and TE", HEAD + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE and CL", HEAD + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + CANARY + "\r\n0\r\n\r\n"),
    ("two lengths", HEAD + "Content-Length: 0\r\nContent-Length: 50\r\n\r\n" + CANARY),
    ("two lengths, the other way", HEAD + "Content-Length: 50\r\nContent-Length: 0\r\n\r\n" + CANARY),
    ("lengths in a list", HEAD + "Content-Length: 0, 50\r\n\r\n" + CANARY),
    ("a length with a plus", HEAD + "Content-Length: +0\r\n\r\n" + CANARY),
    ("a hexadecimal length", HEAD + "Content-Length: 0x32\r\n\r\n" + CANARY),
    ("a negative length", HEAD + "Content-Length: -1\r\n\r\n" + CANARY),
    ("a length of blanks", HEAD + "Content-Length: \r\n\r\n" + CANARY),
    ("a length beyond 64 bits", HEAD + "Content-Length: 18446744073709551616\r\n\r\n" + CANARY),
    ("a space before the colon", HEAD + "Content-Length : 50\r\n\r\n" + CANARY),
    ("TE with a space before the colon", HEAD + "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE x", HEAD + "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE identity", HEAD + "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE chunked, identity", HEAD + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE twice", HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE and cow", HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE behind a vertical tab", HEAD + "Content-Length: 5\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE with a NUL", HEAD + "Content-Length: 5\r\nTransfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE in quotes", HEAD + 'Content-Length: 5\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + CANARY),
    ("TE folded", HEAD + "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("a field folded into TE", HEAD + "Content-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE behind a bare CR", HEAD + "Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE behind a bare LF", HEAD + "Content-Length: 5\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("an end of bare LFs", HEAD + "Content-Length: 0\r\nX: y\n\n" + CANARY),
    ("TE in upper case", HEAD + "Content-Length: 5\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE with an underscore", HEAD + "Content-Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("TE in HTTP/1.0", HEAD.replace("1.1", "1.0") + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY),
    ("the length named in Connection", HEAD + "Content-Length: 50\r\nConnection: Content-Length\r\n\r\n" + CANARY),
    ("TE named in Connection", HEAD + "Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n\r\n0\r\n\r\n" + CANARY),
    ("a GET with a body", HEAD.replace("POST", "GET") + "Content-Length: {canary}\r\n\r\n" + CANARY),
    ("a HEAD with a body", HEAD.replace("POST", "HEAD") + "Content-Length: {canary}\r\n\r\n" + CANARY),
    ("a chunk size that overflows", HEAD + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + CANARY),
    ("a chunk size with a sign", HEAD + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + CANARY),
    ("a chunk size with 0x", HEAD + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + CANARY),
    ("a chunk size that ends in LF", HEAD + "Transfer-Encoding: chunked\r\n\r\n0\n\r\n" + CANARY),
    ("an extension with an LF", HEAD + "Transfer-Encoding: chunked\r\n\r\n5;x=\ny\r\nhello\r\n0\r\n\r\n" + CANARY),
    ("an extension with a CR", HEAD + "Transfer-Encoding: chunked\r\n\r\n0;x=\ry\r\n\r\n" + CANARY),
    ("a chunk longer than said", HEAD + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n" + CANARY),
    ("no CRLF behind a chunk", HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n" + CANARY),
    ("a length among the trailers", HEAD + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 50\r\n\r\n" + CANARY),
    ("a bare LF among the trailers", HEAD + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\n" + CANARY),
    ("100-continue that does not wait", HEAD + "Expect: 100-continue\r\nContent-Length: {canary}\r\n\r\n" + CANARY),
    ("an upgrade with a body", HEAD + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: {canary}\r\n\r\n" + CANARY),
    ("h2c", HEAD.replace("POST", "GET") + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" + CANARY),
    ("two hosts", HEAD + "Host: other\r\nContent-Length: 0\r\n\r\n" + CANARY),
    ("a line without a colon", HEAD + "Transfer-Encoding chunked\r\nContent-Length: 0\r\n\r\n" + CANARY),
    ("a request line with two targets", "POST /v{n} /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n" + CANARY),
    ("version 0.9", "GET /v{n}\r\n" + CANARY),
]


def bytes_of(text: str, n: int) -> bytes:
    canary = CANARY.replace("{n}", str(n))
    return text.replace("{canary}", str(len(canary))).replace("{n}", str(n)).encode("latin-1")


# ---- servers, each in front of a port or at the end -----------------------------------------------


class Hop:
    """A server and the log of the requests that it has understood."""

    port: int
    paths: Callable[[], List[str]]


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    log_format paths "$uri";
    access_log {folder}/paths paths;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream next {{ server 127.0.0.1:{to}; keepalive 2; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ {do} }}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    option http-keep-alive
    option http-ignore-probes
    http-reuse always
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend front
    bind 127.0.0.1:{port}
    log stdout format raw local0 info
    log-format "path %HP %rt"
    {do}
"""


def nginx(stage: Stage, to: int) -> Hop:
    hop, folder = Hop(), stage.folder()
    hop.port = stage.port()
    forward = "proxy_pass http://next; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host; proxy_request_buffering off;"
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, to=to or 1, port=hop.port, do=forward if to else 'return 200 "$uri";'))
    program = stage.start(["/usr/sbin/nginx", "-p", folder, "-c", conf], folder, name=f"nginx-{hop.port}")
    program.wait(lambda: answers(hop.port), "answering")
    hop.paths = lambda: (folder / "paths").read_text("latin-1").splitlines()
    return hop


def haproxy(stage: Stage, to: int) -> Hop:
    hop, folder = Hop(), stage.folder()
    hop.port = stage.port()
    end = "http-request return status 200 content-type text/plain lf-string %[path]"
    forward = f"default_backend next\nbackend next\n    server next 127.0.0.1:{to}"
    conf = folder / "haproxy.cfg"
    conf.write_text(HAPROXY.format(port=hop.port, do=forward if to else end))
    program = stage.start(["/usr/sbin/haproxy", "-db", "-f", conf], folder, name=f"haproxy-{hop.port}")
    program.wait(lambda: answers(hop.port), "answering")
    # Some requests are logged twice; each has a number.
    hop.paths = lambda: [path for path, _ in sorted(set(re.findall(r"(?m)^path (\S+) (\d+)$", program.log())))]
    return hop


def node_in_front(stage: Stage, kit: Kit, to: int) -> Hop:
    server = Server(stage, kit, server_conf(f'localhost = Host(name="localhost", routes={{{{"/": Proxy(addr="127.0.0.1", port={to})}}}})',
                                            "localhost", extra="hosts=[localhost]"))
    return node_hop(server)


def node_hop(server: Server) -> Hop:
    hop = Hop()
    server.load().start()
    hop.port = server.port
    hop.paths = lambda: re.findall(r"(/(?:victim|canary|up|v)\d*)\b", "\n".join(line.decode("latin-1") for line in server.access_log()))
    return hop


class Echo(threading.Thread):
    """A classic handler that answers with the path, and remembers it."""

    def __init__(self, conn: Connection):
        super().__init__(daemon=True)
        self.conn, self.seen = conn, []  # type: Connection, List[str]
        self.start()

    def run(self) -> None:
        try:
            for request in self.conn:
                if not request.is_notice():
                    self.seen.append(request.path.decode("latin-1"))
                    self.conn.reply_http(request, request.path)
        except Exception:  # closed at the end
            pass


def node_at_the_end(stage: Stage, kit: Kit) -> Hop:
    hosts = """
echo = Handler(send_spec="ipc://{folder}/run/send", send_ident="echo", recv_spec="ipc://{folder}/run/recv", recv_ident="")
localhost = Host(name="localhost", routes={{"/": echo}})
"""
    server = Server(stage, kit, server_conf(hosts, "localhost", extra="hosts=[localhost]"))
    hop = node_hop(server)
    echo = Echo(stage.handler(f"ipc://{server.folder}/run/send", f"ipc://{server.folder}/run/recv"))
    hop.paths = lambda: list(echo.seen)
    return hop


def answers(port: int) -> bool:
    try:
        with Client(port) as client:
            return client.get("/up").response().status > 0
    except (OSError, Closed):
        return False


CHAINS: Dict[str, Callable[[Stage, Kit], List[Hop]]] = {
    "haproxy-node": lambda s, k: chain(s, k, [haproxy], end="node"),
    "nginx-node": lambda s, k: chain(s, k, [nginx], end="node"),
    "node-nginx": lambda s, k: chain(s, k, ["node"], end=nginx),
    "node-haproxy": lambda s, k: chain(s, k, ["node"], end=haproxy),
    "haproxy-node-nginx": lambda s, k: chain(s, k, [haproxy, "node"], end=nginx),
    "nginx-node-haproxy": lambda s, k: chain(s, k, [nginx, "node"], end=haproxy),
}


def chain(stage: Stage, kit: Kit, fronts: List[Any], end: Any) -> List[Hop]:
    """From the first to the last."""
    hops = [node_at_the_end(stage, kit) if end == "node" else end(stage, 0)]
    for front in reversed(fronts):
        to = hops[0].port
        hops.insert(0, node_in_front(stage, kit, to) if front == "node" else front(stage, to))
        until(lambda: answers(hops[0].port), "the chain answers")
    return hops


# ---- the test ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=CHAINS)
def hops(request: Any, module_stage: Stage) -> Iterator[List[Hop]]:
    from support.fixtures import need
    from support.server import ours

    stage = Stage()
    yield CHAINS[request.param](stage, need(ours()))
    stage.end()


def attack(port: int, data: bytes) -> None:
    """Says all of it, and reads until the end or silence."""
    with Client(port) as client:
        try:
            client.send(data)
            client.half_close()
            client.read_end(timeout_s=0.3)
        except (OSError, AssertionError):
            pass  # refused before all was sent, or kept open


def test_what_is_asked_in_the_open_is_seen_by_all(hops: List[Hop]) -> None:
    """So a canary that came out would be noticed."""
    with Client(hops[0].port) as client:
        client.send(bytes_of(HEAD + "Content-Length: 5\r\n\r\nhello" + CANARY, 999))
        assert [client.response().body for _ in range(2)] == [b"/v999", b"/canary999"]
    until(lambda: all(hop.paths().count("/canary999") == hop.paths().count("/v999") == 1 for hop in hops))


def test_no_request_comes_out_of_a_body(hops: List[Hop]) -> None:
    for n, (name, text) in enumerate(VECTORS):
        with Client(hops[0].port) as victim:
            victim.get("/victim1000").response()  # its connection is there before, and used again behind
            attack(hops[0].port, bytes_of(text, n))
            for k in (n, n + 100):
                answer = victim.get(f"/victim{k}").response()
                assert (answer.status, answer.body) == (200, b"/victim%d" % k), f"{name}: the answer of another"
    last = f"/victim{len(VECTORS) + 99}"
    until(lambda: all(last in hop.paths() for hop in hops), "the logs are written")
    seen = [Counter(hop.paths()) for hop in hops]
    for n, (name, _) in enumerate(VECTORS):
        for path in (f"/canary{n}", f"/v{n}"):
            counts = [counter[path] for counter in seen]
            assert counts == sorted(counts, reverse=True), f"{name}: {path} seen {counts} times from front to back"
