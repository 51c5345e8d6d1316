"""One running server with two classic handlers, as most contract tests need it."""

from __future__ import annotations

from typing import Any, List

from mongrel2 import Connection, Request
from support.raw import Client
from support.server import Kit, Server, Stage, server_conf

JSON_ID = "34f9ceee-cd52-4b7f-b197-88bf2f0ec378"
TNET_ID = "54c6755b-9628-40a4-9a2d-cc82a816345e"

#: Two handlers, json and tnetstring. {{folder}} is for :class:`Server`.
HANDLERS = f"""
hj = Handler(send_spec="ipc://{{folder}}/run/hj.send", send_ident="{JSON_ID}",
             recv_spec="ipc://{{folder}}/run/hj.recv", recv_ident="")
ht = Handler(send_spec="ipc://{{folder}}/run/ht.send", send_ident="{TNET_ID}",
             recv_spec="ipc://{{folder}}/run/ht.recv", recv_ident="", protocol="tnetstring")
"""


def conf_of(routes: str, before: str = "", settings: str = "") -> str:
    """A server with one host whose routes lead to `hj`, `ht` and what `before` defines."""
    hosts = HANDLERS + before + f'localhost = Host(name="localhost", routes={{{{{routes}}}}})\n'
    return server_conf(hosts, "localhost", settings=settings, extra="hosts=[localhost]")


class World:
    """The server, and both handlers, connected and heard."""

    def __init__(
        self, stage: Stage, kit: Kit, conf: str, prepare: Any = None, loaded: Any = None
    ):
        """`prepare` gets the folder before anything is done, `loaded` the database."""
        self.stage = stage
        self.server = Server(stage, kit, conf)
        if prepare is not None:
            prepare(self.server.folder)
        self.server.load()
        if loaded is not None:
            loaded(self.server.db)
        self.server.start()
        self.port = self.server.port
        self.hj = stage.handler(*self.specs("hj"))
        self.ht = stage.handler(*self.specs("ht")) if ": ht" in conf else self.hj

    def specs(self, name: str) -> List[str]:
        return [f"ipc://{self.server.folder}/run/{name}.{way}" for way in ("send", "recv")]

    def handler(self, name: str) -> Connection:
        return {"hj": self.hj, "ht": self.ht}[name]

    def client(self) -> Client:
        return Client(self.port)


def request(conn: Connection) -> Request:
    """The next message that is no notice: those of earlier connections may come at any time."""
    while True:
        req = conn.recv()
        if not req.is_notice():
            return req


class Visitor:
    """A client whose connection has an id, since a handler has had a request of it."""

    def __init__(self, world: World, handler: Connection, opening: str = "GET /hj HTTP/1.1\r\nHost: h\r\n\r\n"):
        self.client = world.client()
        self.handler = handler
        self.client.send(opening)
        self.req = request(handler)
        self.id = int(self.req.conn_id)

    def answer(self) -> None:
        """Has the handler answer, so that the connection is at rest."""
        self.handler.reply_http(self.req, b"x")
        self.client.response()

    def ask(self, data: str) -> Request:
        self.client.send(data)
        return request(self.handler)

    def close(self) -> None:
        self.client.close()


def notices_until(conn: Connection, path: bytes) -> List[Request]:
    """The notices before the request with that path: a later message of another connection shows
    that no more are to come."""
    found = []
    while True:
        req = conn.recv()
        if req.path == path:
            return found
        if req.is_notice():
            found.append(req)
