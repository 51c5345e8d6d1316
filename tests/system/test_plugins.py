"""Filters and xrequests with real shared objects: what filters are told, what they may do, and what
becomes of them when the configuration is read again."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import threading
from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest

from mongrel2 import Connection
from support import echo
from support.program import Failed
from support.raw import Client
from support.server import Kit, Server, Stage, build_folder, server_conf
from support.wait import until

PLUGINS = build_folder() / "tests" / "plugins"
SHIPPED = build_folder() / "lib" / "mongrel2" / "filters"
CLOSE, CONNECT, FAILED, HANDLER = 100, 101, 103, 104
HTTP_REQ, OPEN, REQ_RECV, REQ_SENT, RESP_SENT, WS_REQ = 105, 107, 110, 111, 112, 115


def conf(extra: str, upstream: int = 1, nobody: int = 1) -> str:
    hosts = f"""
handler = Handler(send_spec="ipc://{{folder}}/run/send", send_ident="h",
                  recv_spec="ipc://{{folder}}/run/recv", recv_ident="")
hosts_of_main = [Host(name="localhost", routes={{{{
    "/files/": Dir(base="files/", index_file="index.html", default_ctype="text/plain"),
    "/handler": handler,
    "@chat": handler,
    "/proxy/": Proxy(addr="127.0.0.1", port={upstream}),
    "/down": Proxy(addr="127.0.0.1", port={nobody}),
    "/old": Redirect(to="/new"),
    "/health": Status(what="health")
}}}})]
"""
    return server_conf(hosts, "localhost", extra=f"hosts=hosts_of_main,\n{extra}")


def plugin(kind: str, file: Path, **settings: Any) -> str:
    """One in the language of m2sh, for Server: braces twice."""
    text = json.dumps(settings).replace("{", "{{").replace("}", "}}")
    return f'{kind}(name="{file}", settings={text})'


class Catcher:
    """A proxied server that answers one connection's requests with 200, and keeps them."""

    def __init__(self, port: int) -> None:
        self.requests: List[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                self._answer(conn)

    def _answer(self, conn: socket.socket) -> None:
        data = b""
        for piece in iter(lambda: conn.recv(65536), b""):
            data += piece
            if data.endswith(b"hello"):
                self.requests.append(data)
                data = b""
                conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class World:
    """A server with a recorder, and what it wrote."""

    def __init__(
        self,
        stage: Stage,
        node: Kit,
        several: Sequence[Dict[str, Any]] = (),
        extra: str = "",
        own_file: bool = False,
        **settings: Any,
    ):
        """A recorder with these settings, or `several`; or what `extra` says instead."""
        self.stage = stage
        self.folder = stage.folder()
        (self.folder / "files").mkdir()
        (self.folder / "files" / "f.txt").write_text("a file\n")
        self.log = self.folder / "events"
        self.upstream = stage.port()
        self.nobody = stage.port()
        self.plugin = PLUGINS / "recorder.so"
        if own_file:
            self.plugin = Path(shutil.copy(self.plugin, self.folder / "plugin.so"))
        filters = [
            plugin("Filter", self.plugin, log=str(self.log), **one) for one in several or [settings]
        ]
        text = extra or f"filters=[{', '.join(filters)}]"
        self.server = Server(stage, node, self.conf(text), self.folder).load().start()
        if not extra:  # that it accepts was tried out
            looks = max(1, len(several))
            until(lambda: self.closes() == looks, "the first look")
        self.seen = len(self.events())

    def conf(self, extra: str) -> str:
        return conf(extra, self.upstream, self.nobody)

    def events(self) -> List[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def closes(self) -> int:
        return sum(re.search(r"\bCLOSE\b", line) is not None for line in self.events())

    def expect(self, words: str) -> None:
        """That these events follow, and (since all is told before it happens) no other before them."""
        wanted = words.split()
        try:
            until(lambda: len(self.events()) >= self.seen + len(wanted), words, 10)
        except AssertionError:
            raise Failed(f"{self.events()[self.seen :]} instead of {wanted}") from None
        assert self.events()[self.seen :] == wanted
        self.seen += len(wanted)

    def handler(self) -> Connection:
        run = self.folder / "run"
        return self.stage.handler(f"ipc://{run}/send", f"ipc://{run}/recv")

    def client(self) -> Client:
        client: Client = self.stage.keep(Client(self.server.port))
        return client


@pytest.fixture
def world(stage: Stage, node: Kit) -> World:
    return World(stage, node)


def answer(handler: Connection, body: bytes = b"ok") -> None:
    request = handler.recv()
    while request.is_notice():
        request = handler.recv()
    handler.reply_http(request, body)


# ---- what filters are told ------------------------------------------------------------------------


def test_connect_and_leave(world: World) -> None:
    world.client().close()
    world.expect("OPEN CLOSE")


def test_a_parse_error(world: World) -> None:
    assert world.client().send(b"no request\r\n\r\n").response().status == 400
    world.expect("OPEN CLOSE")


def test_a_handler_and_a_second_request(world: World) -> None:
    handler, client = world.handler(), world.client()
    client.get("/handler")
    answer(handler)
    assert client.response().body == b"ok"
    world.expect("OPEN REQ_RECV HTTP_REQ HANDLER REQ_SENT")
    client.get("/handler")
    answer(handler)
    assert client.response().body == b"ok"
    world.expect("REQ_RECV HTTP_REQ HANDLER REQ_SENT")
    client.close()
    world.expect("CLOSE")


def test_a_file_and_the_connection_is_kept(world: World) -> None:
    client = world.client()
    assert client.get("/files/f.txt").response().body == b"a file\n"
    world.expect("OPEN REQ_RECV HTTP_REQ DIRECTORY RESP_SENT")
    client.close()
    world.expect("CLOSE")


def test_a_file_and_the_connection_is_closed(world: World) -> None:
    client = world.client().get("/files/f.txt", headers={"Connection": "close"})
    assert client.response().status == 200 and client.is_closed(5)
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ DIRECTORY CLOSE")


def test_a_method_that_files_have_not(world: World) -> None:
    """Upstream closes after 405, so there is no RESP_SENT; we close when asked to."""
    client = world.client().get("/files/f.txt", method="DELETE", headers={"Connection": "close"})
    assert client.response().status == 405 and client.is_closed(5)
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ DIRECTORY CLOSE")
    client = world.client().get("/files/f.txt", method="DELETE")
    assert client.response().status == 405
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ DIRECTORY RESP_SENT CLOSE")


@pytest.mark.parametrize("path,status", [("/old", 302), ("/health", 200)])
def test_our_own_targets_are_directories(world: World, path: str, status: int) -> None:
    client = world.client().get(path)
    assert client.response().status in (status, 301)
    world.expect("OPEN REQ_RECV HTTP_REQ DIRECTORY RESP_SENT")


def test_no_route(world: World) -> None:
    client = world.client().get("/nowhere")
    assert client.response().status == 404
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ CLOSE")


def test_a_proxy(world: World, stage: Stage) -> None:
    echo.start(stage, "upstream", world.upstream).wait_log("ready")
    client = world.client()
    assert client.get("/proxy/a", headers={"X-Request": "1"}).response().status == 200
    world.expect("OPEN REQ_RECV HTTP_REQ PROXY CONNECT REQ_SENT REQ_RECV")
    assert client.get("/proxy/b", headers={"X-Request": "2"}).response().status == 200
    world.expect("HTTP_REQ REQ_SENT REQ_RECV")
    assert client.get("/files/f.txt").response().status == 200
    world.expect("DIRECTORY RESP_SENT")
    client.close()
    world.expect("CLOSE")


def test_a_client_leaves_a_proxy(world: World, stage: Stage) -> None:
    echo.start(stage, "upstream", world.upstream).wait_log("ready")
    client = world.client()
    assert client.get("/proxy/a", headers={"X-Request": "1"}).response().status == 200
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ PROXY CONNECT REQ_SENT REQ_RECV REMOTE_CLOSE CLOSE")


def test_a_proxy_that_is_down(world: World) -> None:
    client = world.client().get("/down")
    assert client.response().status == 502
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ PROXY FAILED CLOSE")


def test_what_filters_may_ask(stage: Stage, node: Kit) -> None:
    world = World(stage, node, verbose=1, tag="a")
    client = world.client().get("/files/f.txt", headers={"x-probe": "seen"})
    assert client.response().status == 200
    client.get("/files/none").response()
    client.close()
    until(lambda: world.events()[-1:] == ["a CLOSE   probe= from=127.0.0.1 n=10"], "the last", 10)
    assert world.events()[-10:-4] == [
        "a OPEN   probe= from=127.0.0.1 n=1",
        "a REQ_RECV GET /files/f.txt probe=seen from=127.0.0.1 n=2",
        "a HTTP_REQ GET /files/f.txt probe=seen from=127.0.0.1 n=3",
        "a DIRECTORY GET /files/f.txt probe=seen from=127.0.0.1 n=4",
        "a RESP_SENT GET /files/f.txt probe=seen from=127.0.0.1 n=5",
        "a REQ_RECV GET /files/none probe= from=127.0.0.1 n=6",
    ]


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
FRAME = b"\x81\x82\0\0\0\0hi"


def test_a_websocket_with_a_frame(world: World) -> None:
    handler, client = world.handler(), world.client()
    client.get("/handler", headers=HANDSHAKE)
    request = next_request(handler)
    world.expect("OPEN REQ_RECV WS_REQ HANDLER REQ_SENT")
    handler.reply(request, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    client.read_until(b"\r\n\r\n")
    client.send(FRAME)
    assert next_request(handler).body == b"hi"
    world.expect("REQ_SENT")
    client.close()
    world.expect("CLOSE")


def test_a_websocket_is_taken_for_a_request(stage: Stage, node: Kit) -> None:
    world = World(stage, node, when=WS_REQ, then=HTTP_REQ)
    handler, client = world.handler(), world.client()
    client.get("/handler", headers=HANDSHAKE)
    request = next_request(handler)
    assert request.headers.first("METHOD") == b"GET"
    handler.reply_http(request, b"no socket")
    assert client.response().body == b"no socket"


def test_a_json_socket_and_a_flash_policy(world: World) -> None:
    handler, client = world.handler(), world.client()
    client.send(b'@chat {"a":1}\0')
    assert next_request(handler).path == b"@chat"
    world.expect("OPEN REQ_RECV MSG_REQ HANDLER REQ_SENT")
    client.close()
    world.expect("CLOSE")
    client = world.client().send(b"<policy-file-request/>\0")
    client.read_end()
    client.close()
    world.expect("OPEN REQ_RECV SOCKET_REQ CLOSE")


# ---- what filters may do --------------------------------------------------------------------------


@pytest.mark.parametrize("event", [OPEN, REQ_RECV, HTTP_REQ, HANDLER])
def test_a_filter_closes(stage: Stage, node: Kit, event: int) -> None:
    """Without an answer, and before the handler has seen the request."""
    settings: Dict[str, Any] = {} if event == OPEN else {"path": "/handler"}
    world = World(stage, node, when=event, then=CLOSE, **settings)
    world.handler()
    client = world.client()
    if event != OPEN:
        client.get("/handler")
    assert client.read_end() == b""
    client.close()
    if event != OPEN:
        other = world.client().get("/files/f.txt")
        assert other.response().status == 200


def test_a_handler_hears_of_a_connection_that_a_filter_closes(stage: Stage, node: Kit) -> None:
    world = World(stage, node, when=REQ_SENT, then=CLOSE)
    handler = world.handler()
    client = world.client().get("/handler")
    assert client.read_end() == b""
    request = handler.recv()
    while not request.is_disconnect():
        request = handler.recv()


def test_an_answer_is_finished_before_a_filter_closes(stage: Stage, node: Kit) -> None:
    world = World(stage, node, when=RESP_SENT, then=CLOSE)
    assert world.client().get("/files/f.txt").read_end().endswith(b"a file\n")


def test_a_connected_server_is_taken_for_unreachable(stage: Stage, node: Kit) -> None:
    world = World(stage, node, when=CONNECT, then=FAILED)
    echo.start(stage, "upstream", world.upstream).wait_log("ready")
    client = world.client().get("/proxy/a", headers={"X-Request": "1"})
    assert client.response().status == 502
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ PROXY CONNECT CLOSE")


@pytest.mark.parametrize("then", [HANDLER, 99, 116, 0])
def test_what_is_not_possible_closes(stage: Stage, node: Kit, then: int) -> None:
    world = World(stage, node, when=HTTP_REQ, then=then)
    assert world.client().get("/files/f.txt").read_end() == b""
    assert world.server.program is not None
    world.server.program.wait_log(f"answered event 105 with {then}, which is no")


def two(stage: Stage, node: Kit, *settings: Dict[str, Any]) -> World:
    """A server with several recorders, that write to one file."""
    return World(stage, node, several=settings)


def test_the_first_that_changes_an_event_ends_the_chain(stage: Stage, node: Kit) -> None:
    world = two(stage, node, {"tag": "a"}, {"tag": "b", "when": HTTP_REQ, "then": CLOSE}, {"tag": "c"})
    client = world.client().get("/files/f.txt")
    assert client.read_end() == b""
    client.close()
    until(lambda: world.events()[-1:] == ["c CLOSE"], "the end")
    names = [line for line in world.events() if "HTTP_REQ" in line]
    assert names == ["a HTTP_REQ", "b HTTP_REQ"]
    assert world.events()[-3:] == ["a CLOSE", "b CLOSE", "c CLOSE"]


def test_filters_are_of_one_server(stage: Stage, node: Kit) -> None:
    """Of two servers in one database only the started one has its filters loaded."""
    folder = stage.folder()
    other = 'other = Server(uuid="0", name="other", port=1, access_log="l", error_log="l", chroot="", '
    other += 'pid_file="p", default_host="localhost", hosts=hosts_of_main, filters=[Filter(name='
    other += '"/none.so", settings={{}})])\nservers = [main, other]'
    text = conf("").replace("servers = [main]", other)
    (folder / "files").mkdir()
    (folder / "files" / "f.txt").write_text("x")
    server = Server(stage, node, text, folder).load().start()
    with Client(server.port) as client:
        assert client.get("/files/f.txt").response().status == 200


# ---- reading the configuration again --------------------------------------------------------------


def reload(world: World, extra: str, refused: bool = False) -> None:
    server = world.server
    text = world.conf(extra).format(port=server.port, folder=server.folder, uuid=server.uuid)
    server.conf = text
    server.load()
    program = server.program
    assert program is not None
    before = program.log().count("configuration is in place again")
    program.signal(signal.SIGHUP)
    if refused:
        program.wait_log("reload refused")
    else:
        program.wait(
            lambda: program.log().count("configuration is in place again") > before, "the reload"
        )


def test_what_stays_is_kept_and_what_changes_is_loaded_anew(stage: Stage, node: Kit) -> None:
    world = World(stage, node, verbose=1)
    kept = plugin("Filter", PLUGINS / "recorder.so", log=str(world.log), verbose=1)
    client = world.client()
    client.get("/files/f.txt").response()
    reload(world, f"filters=[{kept}]")
    client.get("/files/f.txt").response()
    until(lambda: world.events()[-1].endswith("n=9"), "the count goes on")
    assert "UNLOADED" not in world.events()
    changed = plugin("Filter", PLUGINS / "recorder.so", log=str(world.log), verbose=1, tag="new")
    reload(world, f"filters=[{changed}]")
    client.get("/files/f.txt").response()
    until(lambda: world.events()[-1].startswith("new RESP_SENT"), "the new one is asked")
    assert world.events()[-1].endswith("n=4")
    assert "UNLOADED" not in world.events()  # the old one has something of the connection
    client.close()
    until(lambda: "UNLOADED" in world.events(), "the old one ends with the connection")
    reload(world, "")
    until(lambda: world.events().count("UNLOADED") == 2, "the last one ends")


def test_a_file_that_changes_is_loaded_anew(stage: Stage, node: Kit) -> None:
    """Also one that is overwritten in place: what runs is a copy."""
    world = World(stage, node, own_file=True)
    text = plugin("Filter", world.plugin, log=str(world.log))
    assert world.plugin.exists()
    shutil.copyfile(PLUGINS / "quiet.so", world.plugin)
    client = world.client()
    assert client.get("/files/f.txt").response().status == 200
    world.expect("OPEN REQ_RECV HTTP_REQ DIRECTORY RESP_SENT")
    reload(world, f"filters=[{text}]")
    assert client.get("/files/f.txt").response().status == 200
    until(lambda: world.events()[-1] == "UNLOADED", "the old one ends")
    world.plugin.unlink()
    reload(world, f"filters=[{text}]")  # out of sight, as behind a chroot: kept
    assert client.get("/files/f.txt").response().status == 200


def test_a_broken_plugin_changes_nothing(world: World) -> None:
    bad = plugin("Filter", PLUGINS / "refuses.so")
    reload(world, f"filters=[{bad}]", refused=True)
    client = world.client().get("/files/f.txt")
    assert client.response().status == 200
    client.close()
    world.expect("OPEN REQ_RECV HTTP_REQ DIRECTORY RESP_SENT CLOSE")


@pytest.mark.parametrize(
    "kind,name,says",
    [
        ("Filter", "none", "Can't open the plug-in"),
        ("Filter", "other_version", "version 2 of the plug-in interface, this server has version 1"),
        ("Filter", "no_version", "says no version of the plug-in interface"),
        ("Filter", "no_init", "has no function filter_init"),
        ("Filter", "no_transition", "has no function filter_transition"),
        ("Filter", "bad_event", "asks for event 99"),
        ("Filter", "refuses", "refuses to begin"),
        ("Xrequest", "quiet", "refuses to begin"),
        ("Xrequest", "recorder", "has no function xrequest_init"),
    ],
)
def test_what_is_no_plugin_is_refused(
    stage: Stage, node: Kit, kind: str, name: str, says: str
) -> None:
    path = PLUGINS / f"{name}.so"
    one = plugin(kind, path)
    server = Server(stage, node, conf(f"{kind.lower()}s=[{one}]")).load()
    program = stage.start([node.mongrel2, server.db, server.uuid], server.folder)
    assert program.wait_end() == 1
    assert says in program.log() and str(path) in program.log()


# ---- those that come with the server --------------------------------------------------------------


def shipped(stage: Stage, node: Kit, extra: str) -> World:
    return World(stage, node, extra=extra)


def test_null_closes_handlers_and_proxies(stage: Stage, node: Kit) -> None:
    settings = {"deep": {"k": "v"}, "levels": [1, 2], "tag": "demo"}
    world = shipped(stage, node, f"filters=[{plugin('Filter', SHIPPED / 'null.so', **settings)}]")
    for path in ("/handler", "/proxy/x"):
        assert world.client().get(path).read_end() == b""
    assert world.client().get("/files/f.txt").response().status == 200
    assert world.server.program is not None
    text = world.server.program.log()
    assert "CONFIG: 51:4:deep,8:1:k,1:v,}6:levels,8:1:1#1:2#]3:tag,4:demo,}" in text


def test_rewrite_keeps_query_and_body(stage: Stage, node: Kit) -> None:
    world = shipped(stage, node, f"filters=[{plugin('Filter', SHIPPED / 'rewrite.so')}]")
    got = stage.keep(Catcher(world.upstream))
    client = world.client()
    for _ in range(2):
        headers = [("X-A", "1"), ("X-A", "2"), ("Cookie", "a=1")]
        client.get("/proxy/foo/bar?q=1", headers=headers, method="POST", body=b"hello")
        assert client.response().status == 200
        head, _, body = got.requests.pop().partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /foo/bar?q=1 HTTP/1.1"
        assert body == b"hello" and b"Content-Length: 5" in lines
        assert b"x-a:1,2" in lines and b"Host: localhost" in lines and b"cookie:a=1" in lines


def test_sendfile_stands_behind_what_was_said_before(stage: Stage, node: Kit) -> None:
    world = shipped(stage, node, f"xrequests=[{plugin('Xrequest', SHIPPED / 'sendfile.so')}]")
    (world.folder / "f.txt").write_text("12345678")
    handler, client = world.handler(), world.client()
    for _ in range(2):  # the answer is known to be whole: the next request is served
        client.get("/handler")
        request = handler.recv()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"
        handler.reply(request, head)
        handler.reply_extended(request, "sendfile", b"f.txt")
        assert client.response().body == b"12345678"
    client.get("/handler")
    handler.reply_extended(handler.recv(), "sendfile", b"none.txt")
    assert client.read_end() == b""


def test_sendfile_stays_in_its_base(stage: Stage, node: Kit) -> None:
    folder = stage.folder()
    (folder / "in").mkdir()
    (folder / "in" / "f.txt").write_text("inside")
    (folder / "secret.txt").write_text("outside")
    (folder / "in" / "link").symlink_to(folder / "secret.txt")
    extra = plugin("Xrequest", SHIPPED / "sendfile.so", base=str(folder / "in"))
    world = shipped(stage, node, f"xrequests=[{extra}]")
    handler = world.handler()
    for path, expected in [("f.txt", b"inside"), ("../secret.txt", b""), ("link", b"")]:
        client = world.client().get("/handler", version="HTTP/1.0")
        request = next_request(handler)
        handler.reply_extended(request, "sendfile", path.encode())
        handler.reply(request, b"")
        assert client.read_end() == expected


def test_keys_of_plugins(stage: Stage, node: Kit) -> None:
    world = shipped(stage, node, f"xrequests=[{plugin('Xrequest', PLUGINS / 'parrot.so')}]")
    handler = world.handler()
    for key, value, ends in [("bye", b"x", b"hello bye"), ("say", 7, b""), ("other", b"x", b"")]:
        client = world.client().get("/handler")
        request = next_request(handler)
        handler.reply_extended(request, "say", b"hello ")
        handler.reply_extended(request, key, value)
        client.read_end()
        # what ends a connection at once does not wait for what was said before
        assert client.received == ends or (ends == b"" and client.received == b"hello ")


def next_request(handler: Connection) -> Any:
    request = handler.recv()
    while request.is_notice():
        request = handler.recv()
    return request
