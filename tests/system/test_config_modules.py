"""Configuration modules: servers that are started with one, and that read their configuration again
from it. The other end of zmq.so is the example docs/examples/config_module, or a test's own socket."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any, List

import pytest
import zmq

from mongrel2 import ControlError, tnetstrings
from support.program import Program, run
from support.raw import Client
from support.server import ROOT, Kit, Server, Stage, build_folder, server_conf
from support.wait import PATIENCE_S, until

MODULES = build_folder() / "lib" / "mongrel2" / "config_modules"
EXAMPLE = ROOT / "docs" / "examples" / "config_module" / "config_server.py"

HOSTS = """
files = Dir(base="www/", index_file="index.html", default_ctype="text/plain")
echo = Handler(send_spec="ipc://{folder}/run/send", send_ident="34f9ceee-cd52-4b7f-b197-88bf2f0ec378",
               recv_spec="ipc://{folder}/run/recv", recv_ident="")
localhost = Host(name="localhost", routes={{
    "/": files, "/again/": files, "/echo": echo, "/old": Redirect(to="/new", status=302),
    "/health": Status(what="health"), "/pool": Handler(pool="nobody", queue_timeout=1)}})
"""


class FromModule(Server):
    """A server whose configuration comes through zmq.so."""

    def __init__(self, stage: Stage, kit: Kit, conf: str):
        super().__init__(stage, kit, conf)
        self.url = f"ipc://{self.folder}/run/config"
        (self.folder / "www").mkdir()
        (self.folder / "www" / "index.html").write_text("hello")

    def command(self) -> List[Any]:
        return [self.kit.mongrel2, self.url, self.uuid, MODULES / "zmq.so"]

    def begin(self) -> Program:
        self.program = self.stage.start(self.command(), self.folder)
        return self.program

    def serve(self) -> "FromModule":
        """The example, on the database."""
        self.answering = self.stage.start(["/usr/bin/python3", "-B", EXAMPLE, self.url, self.db], self.folder,
                                          env={"PYTHONPATH": str(ROOT / "proto" / "python")})
        return self


def status_of(server: Server, target: str) -> int:
    with Client(server.port) as client:
        return client.get(target).response().status


def is_up(server: Server) -> bool:
    assert server.program is not None and server.program.is_running(), server.program.log()
    try:
        return status_of(server, "/") > 0
    except OSError:
        return False


def put(server: FromModule, old: str, new: str) -> None:
    """Loads the configuration with something changed."""
    assert old in server.conf
    server.conf = server.conf.replace(old, new)
    server.load()


@pytest.fixture
def server(stage: Stage, node: Kit) -> FromModule:
    return FromModule(stage, node, server_conf(HOSTS, "localhost", extra="hosts=[localhost]")).load()


def test_a_server_from_another_program(server: FromModule) -> None:
    server.serve().begin()
    until(lambda: is_up(server))
    handler = server.stage.handler(f"ipc://{server.folder}/run/send", f"ipc://{server.folder}/run/recv")
    with Client(server.port) as client:
        assert client.get("/").response().body == b"hello"
        assert client.get("/again/").response().body == b"hello"
        assert client.get("/old").response().header("Location") == b"/new"
        assert client.get("/health").response().status == 200
        client.get("/echo")
        request = handler.recv()
        assert request.sender == b"34f9ceee-cd52-4b7f-b197-88bf2f0ec378"
        handler.reply_http(request, b"from the handler")
        assert client.response().body == b"from the handler"
        assert client.get("/pool").response().status == 503


def test_a_reload_asks_again(server: FromModule) -> None:
    server.serve().begin()
    until(lambda: is_up(server))
    put(server, '"/old": Redirect', '"/older": Redirect')
    server.control().request("reload")
    assert status_of(server, "/older") == 302
    put(server, '"/older": Redirect', '"/oldest": Redirect')
    server.program.signal(signal.SIGHUP)
    until(lambda: status_of(server, "/oldest") == 302)


class Source:
    """The other end of zmq.so, answering with what a test says."""

    def __init__(self, server: FromModule):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(server.url)
        server.stage.keep(self)

    def request(self) -> Any:
        assert self.socket.poll(PATIENCE_S * 1000)
        return tnetstrings.load(self.socket.recv())

    def answer(self, bytes_: bytes) -> None:
        self.socket.send(bytes_)

    def close(self) -> None:
        self.socket.close()
        self.context.term()


def served_then_asked(server: FromModule) -> Source:
    """The server runs, and its configuration is now the test's to give."""
    server.serve().begin()
    until(lambda: is_up(server))
    server.answering.kill()
    return Source(server)


def test_clients_do_not_wait_for_a_reload(server: FromModule) -> None:
    source = served_then_asked(server)
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(server.control().request, "reload")
        assert source.request() == [b"load_settings", {}]
        for _ in range(20):
            assert status_of(server, "/") == 200
        assert not reply.done()
        source.answer(tnetstrings.dump({"code": "DOWN", "error": "The inventory is down."}))
        with pytest.raises(ControlError, match="config_load_settings: The inventory is down"):
            reply.result()
    assert status_of(server, "/") == 200
    server.program.wait_log("reload refused, the running configuration stays")


@pytest.mark.parametrize("answer", [b"", b"no tnetstring", b"0:~", b"4:1:1#]", b"3:2:id]", b"12:9:1:1#1:a,]]x"])
def test_nonsense_changes_nothing(server: FromModule, answer: bytes) -> None:
    source = served_then_asked(server)
    server.program.signal(signal.SIGHUP)
    source.request()
    source.answer(answer)
    server.program.wait_log("reload refused, the running configuration stays: config_load_settings")
    assert status_of(server, "/") == 200


def test_a_second_reload_follows_the_first(server: FromModule) -> None:
    """What is loaded while a reload is under way may be too late for it."""
    source = served_then_asked(server)
    server.program.signal(signal.SIGHUP)
    assert source.request() == [b"load_settings", {}]
    server.program.signal(signal.SIGHUP)
    until(lambda: status_of(server, "/") == 200)  # a turn of the loop, in which the signal is seen
    source.answer(b"0:~")
    assert source.request() == [b"load_settings", {}]
    source.answer(b"0:~")
    until(lambda: server.program.log().count("reload refused") == 2)


def test_stopping_in_the_middle_of_a_reload(server: FromModule) -> None:
    source = served_then_asked(server)
    server.program.signal(signal.SIGHUP)
    source.request()
    server.program.signal(signal.SIGTERM)
    until(lambda: "stopped" in server.program.log())
    source.answer(b"0:]")
    source.request()  # of the thread that is waited for
    source.answer(b"0:~")
    assert server.program.wait_end() == 0


def test_a_reload_that_comes_too_early(server: FromModule) -> None:
    """SIGHUP while the configuration is being read for the first time: it is fresh enough."""
    source = Source(server)
    program = server.begin()
    source.request()
    program.signal(signal.SIGHUP)
    source.answer(b"0:~")
    assert program.wait_end() == 1, "it has read on, and says what is wrong"
    assert "config_load_settings" in program.log()


@pytest.mark.skipif("M2_LONG" not in os.environ, reason="waits ten seconds: tests/run -long")
def test_nobody_answers(server: FromModule) -> None:
    program = server.begin()
    assert program.wait_end(30) == 1
    assert "no answer in time" in program.log()
    assert "config_load_settings gives nothing" in program.log()


@pytest.mark.parametrize("url,words", [("goodpath", ["Got the good path", "config_load_settings gives nothing"]),
                                       ("elsewhere", ["Got the bad path", 'does not begin with "elsewhere"'])])
def test_the_null_module(stage: Stage, node: Kit, url: str, words: List[str]) -> None:
    program = stage.start([node.mongrel2, url, "uuid", MODULES / "null.so"], stage.folder())
    assert program.wait_end() == 1
    for word in words:
        assert word in program.log()


def test_what_is_no_module(stage: Stage, node: Kit) -> None:
    filter_ = build_folder() / "lib" / "mongrel2" / "filters" / "null.so"
    program = stage.start([node.mongrel2, "url", "uuid", filter_], stage.folder())
    assert program.wait_end() == 1
    assert "has no function config_init" in program.log()


def test_a_module_needs_a_uuid(stage: Stage, node: Kit) -> None:
    done = run([node.mongrel2, "url", "uuid", MODULES / "null.so", "-name", "main"], stage.folder())
    assert done.returncode == 2 and b"by its UUID" in done.stderr
    assert run([node.mongrel2, "url", "uuid", MODULES / "null.so", "more"], stage.folder()).returncode == 2


def test_m2sh_start(server: FromModule, node: Kit) -> None:
    server.serve()
    command = [node.m2sh, "start", "-url", server.url, "-style", MODULES / "zmq.so", "-uuid", server.uuid]
    server.program = server.stage.start(command, server.folder, env={"PATH": f"{node.mongrel2.parent}:/usr/bin:/bin"})
    until(lambda: is_up(server))
    server.control().request("terminate")
    assert server.program.wait_end() == 0
