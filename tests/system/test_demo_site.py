"""docs/examples/demo_site loads, and each of its routes answers."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from mongrel2 import Connection
from support.raw import Client
from support.server import ROOT, Kit, Stage

DEMO = ROOT / "docs" / "examples" / "demo_site"


class Application(http.server.BaseHTTPRequestHandler):
    """What /app/ leads to."""

    def do_GET(self) -> None:
        body = f"application {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Answering(threading.Thread):
    """Answers the requests of a handler with its name."""

    def __init__(self, name: str, conn: Connection):
        super().__init__(daemon=True)
        self.word, self.conn, self.ends = name.encode(), conn, False
        self.start()

    def run(self) -> None:
        while not self.ends:
            if self.conn.poll(0.05):
                request = self.conn.recv()
                if not request.is_notice():
                    self.conn.reply_http(request, self.word + b" " + request.path)

    def close(self) -> None:
        self.ends = True
        self.join()


class Demo:
    def __init__(self, stage: Stage, kit: Kit):
        self.stage, self.kit = stage, kit
        self.folder: Path = stage.folder() / "site"
        shutil.copytree(DEMO, self.folder)
        conf = self.folder / "mongrel2.conf"
        text = conf.read_text()
        self.ports = {port: str(stage.port()) for port in sorted(set(re.findall(r"\b67[69]\d\b", text)))}
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        conf.write_text(text)
        for name in ("run", "logs"):
            (self.folder / name).mkdir()
        self.pool_port = f"tcp://127.0.0.1:{stage.port()}"
        self.port = int(self.ports["6767"])

    def m2sh(self, *args: str) -> str:
        done = subprocess.run([self.kit.m2sh, *args], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self) -> None:
        # In front, so that a failing test leaves nothing behind, and with a port for the workers.
        conf = self.folder / "mongrel2.conf"
        conf.write_text(conf.read_text().replace("settings = {", 'settings = {"server.daemonize": 0,'))
        self.m2sh("load")
        command = [self.kit.mongrel2, "config.sqlite", "-name", "tea", "-handler_port", self.pool_port]
        self.stage.start(command, self.folder).wait_log("serves on")

    def surround(self) -> None:
        """Starts the application, the handlers and a worker."""
        application = http.server.ThreadingHTTPServer(("127.0.0.1", int(self.ports["6790"])), Application)
        threading.Thread(target=application.serve_forever, daemon=True).start()
        self.stage.keep(Closer(application))
        for name, send, recv in (("handlertest", "6791", "6792"), ("stream", "6793", "6794"), ("chat", "6795", "6796")):
            conn = self.stage.handler(f"tcp://127.0.0.1:{self.ports[send]}", f"tcp://127.0.0.1:{self.ports[recv]}")
            self.stage.keep(Answering(name, conn))
        program = (
            "import sys; from mongrel2 import Worker\n"
            "with Worker('orders', nodes=[sys.argv[1]]) as worker:\n"
            "    worker.run(lambda w, r: w.reply_http(r, b'orders ' + r.path))\n"
        )
        library = {"PYTHONPATH": str(ROOT / "proto/python")}
        self.stage.start(["/usr/bin/python3", "-c", program, self.pool_port], self.folder, env=library, name="orders")


class Closer:
    """Ends the application."""

    def __init__(self, application: http.server.HTTPServer):
        self.application = application

    def close(self) -> None:
        self.application.shutdown()
        self.application.server_close()


@pytest.fixture(scope="module")
def demo(module_stage: Stage, node: Kit) -> Iterator[Demo]:
    demo = Demo(module_stage, node)
    demo.start()
    demo.surround()
    yield demo


ROUTES: List[Tuple[str, str, int, bytes]] = [
    ("tea.test", "/", 200, b"<h1>Tea</h1>\n"),
    ("localhost", "/", 200, b"<h1>Tea</h1>\n"),
    ("www.tea.test", "/shop/", 200, b"<h1>The shop</h1>\n"),
    ("nobody.test", "/", 200, b"<h1>Tea</h1>\n"),
    ("tea.test", "/assam.tea", 200, b"Assam, 4 minutes\n"),
    ("tea.test", "/pictures/leaf.png", 200, b"picture"),
    ("tea.test", "/app/list?x=1", 200, b"application /app/list?x=1"),
    ("tea.test", "/handlertest/a", 200, b"handlertest /handlertest/a"),
    ("tea.test", "/stream", 200, b"stream /stream"),
    ("tea.test", "/orders/7", 200, b"orders /orders/7"),
    ("eu.api.tea.test", "/7", 200, b"orders /7"),
    ("eu.api.tea.test", "/health", 200, b""),
    ("tea.test", "/old-shop", 301, b""),
    ("tea.test", "/health", 200, b""),
]


@pytest.mark.parametrize("host,path,status,body", ROUTES)
def test_each_route_answers(demo: Demo, host: str, path: str, status: int, body: bytes) -> None:
    (demo.folder / "static" / "leaf.png").write_bytes(b"picture")
    with Client(demo.port) as client:
        response = client.get(path, host=host).response()
        assert response.status == status
        assert not body or response.body == body
        if path.endswith(".tea"):
            assert response.header("content-type") == b"text/x-tea"


def test_the_steps_of_its_page(stage: Stage, node: Kit) -> None:
    demo = Demo(stage, node)
    page = (demo.folder / "README.md").read_text()
    steps = re.findall(r"^    (m2sh .*)$", page, re.M)
    assert steps == ["m2sh check", "m2sh load", "m2sh start -every", "m2sh stop -every"]
    try:
        for step in steps[:3]:
            demo.m2sh(*step.split()[1:])
        with Client(demo.port) as client:
            assert client.get("/").response().body == b"<h1>Tea</h1>\n"
    finally:
        demo.m2sh("stop", "-every")
