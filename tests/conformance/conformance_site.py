"""The server that the cases ask, and what its handler has been asked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import List

from mongrel2 import Connection
from support.server import Kit, Server, Stage, server_conf

HOSTS = """
echo = Handler(send_spec="ipc://{folder}/run/echo.send", send_ident="7ba2e5e4-2a1b-4f52-9d3c-5a1f0a3c2b11",
               recv_spec="ipc://{folder}/run/echo.recv", recv_ident="")
files = Dir(base="static/", index_file="index.html", default_ctype="text/plain")

localhost = Host(name="localhost", routes={{
    "/static/": files, "/echo/": echo, "@echo": echo,
    "/health": Status(what="health"),
    "/old": Redirect(to="/static/a.txt", status=301),
    "/moved/": Redirect(to="http://b.test/new/*", status=308)
}})

other = Host(name="other.test", routes={{ "/": Redirect(to="/other", status=302) }})
six = Host(name="::1", routes={{ "/": Redirect(to="/six", status=302) }})
"""

SETTINGS = (
    ', "limits.url_path": 200, "limits.header_count": 20, "limits.buffer_size": 4096'
    ', "limits.content_length": 1000, "limits.header_timeout": 2, "limits.body_timeout": 2'
    ', "limits.idle_timeout": 3, "limits.tick_timer": 1'
)

LARGE = bytes(range(256)) * 16384  # 4 MiB


class Echo(threading.Thread):
    """A handler that answers with what it was asked: method, path, body."""

    def __init__(self, conn: Connection):
        super().__init__(daemon=True)
        self.conn = conn
        self.seen: List[bytes] = []
        self.ends = False

    def run(self) -> None:
        while not self.ends:
            if not self.conn.poll(0.1):
                continue
            req = self.conn.recv()
            if not req.is_notice():
                self._answer(req)

    def _answer(self, req) -> None:
        self.seen.append(req.path)
        body = b" ".join([req.method, req.path, req.body]).rstrip()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.conn.reply(req, head if req.method == b"HEAD" else head + body)

    def close(self) -> None:
        self.ends = True
        self.join()
        self.conn.close_sockets()


class Site:
    def __init__(self, stage: Stage, kit: Kit, settings: str = SETTINGS):
        self.stage = stage
        conf = server_conf(
            HOSTS, "localhost", settings=settings, extra="hosts=[localhost, other, six]"
        )
        self.server = Server(stage, kit, conf)
        self._files(self.server.folder / "static")
        self.server.load().start()
        self.port = self.server.port
        specs = [f"ipc://{self.server.folder}/run/echo.{way}" for way in ("send", "recv")]
        conn = Connection(None, *specs, timeout_s=10, linger_ms=0)
        assert conn.wait_ready(10)
        self.echo: Echo = stage.keep(Echo(conn))
        self.echo.start()

    @staticmethod
    def _files(folder: Path) -> None:
        (folder / "sub").mkdir(parents=True)
        (folder / "a.txt").write_bytes(b"hello world")
        (folder / "index.html").write_bytes(b"index")
        (folder / "large.bin").write_bytes(LARGE)
        (folder.parent / "static2").mkdir()
        (folder.parent / "static2" / "secret").write_bytes(b"secret")
