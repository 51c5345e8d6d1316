"""A node with a handler that echoes on WebSockets in each mode."""

from __future__ import annotations

from mongrel2 import Connection
from support.server import Kit, Server, Stage, server_conf
from support.websocket import MessageEcho, RawEcho

HOSTS = """
raw = Handler(send_spec="ipc://{folder}/run/raw.send", send_ident="0d0f9ab4-93b5-4a1c-8b44-8f3d1f6f3c01",
              recv_spec="ipc://{folder}/run/raw.recv", recv_ident="")
messages = Handler(send_spec="ipc://{folder}/run/messages.send",
                   send_ident="0d0f9ab4-93b5-4a1c-8b44-8f3d1f6f3c02",
                   recv_spec="ipc://{folder}/run/messages.recv", recv_ident="",
                   websocket="messages", protocol="tnetstring")
localhost = Host(name="localhost", routes={{
    "/raw": raw, "/messages": messages, "/static/": Dir(base="static/", index_file="a.txt", default_ctype="text/plain")
}})
"""

LIMIT = 200000  # limits.websocket_message here
SETTINGS = f', "limits.websocket_message": {LIMIT}, "limits.tick_timer": 1'


class WebSocketSite:
    def __init__(self, stage: Stage, kit: Kit, settings: str = SETTINGS):
        conf = server_conf(HOSTS, "localhost", settings=settings, extra="hosts=[localhost]")
        self.server = Server(stage, kit, conf)
        (self.server.folder / "static").mkdir()
        (self.server.folder / "static" / "a.txt").write_bytes(b"hello")
        self.server.load().start()
        self.port = self.server.port
        self.raw: RawEcho = stage.keep(RawEcho(self._connect("raw")))
        self.messages: MessageEcho = stage.keep(MessageEcho(self._connect("messages")))

    def _connect(self, name: str) -> Connection:
        specs = [f"ipc://{self.server.folder}/run/{name}.{way}" for way in ("send", "recv")]
        conn = Connection(None, *specs, timeout_s=10, linger_ms=0)
        assert conn.wait_ready(10)
        return conn
