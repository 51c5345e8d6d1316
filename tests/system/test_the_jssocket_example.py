"""docs/examples/jssocket: a raw JSON socket and a page in a browser in one room."""

from __future__ import annotations

import base64
import json
import shutil
from typing import Any

import pytest

from support.browser import Browser, chromium
from support.program import Program
from support.raw import Client
from support.server import ROOT, Kit, Server, Stage
from support.wait import until

EXAMPLE = ROOT / "docs" / "examples" / "jssocket"

pytestmark = pytest.mark.timeout(180)


class Site(Server):
    """The example's server and its handler, on free ports."""

    def __init__(self, stage: Stage, kit: Kit):
        self.ends = [stage.port(), stage.port()]
        port = stage.port()
        text = (EXAMPLE / "mongrel2.conf").read_text()
        for old, free in (("6767", port), ("9993", self.ends[0]), ("9992", self.ends[1])):
            text = text.replace(old, str(free))
        super().__init__(stage, kit, text.replace("{", "{{").replace("}", "}}"))
        self.port, self.uuid = port, "0f1d9f57-6a58-4a0d-8a0e-2a1f7f4b9c33"
        shutil.copytree(EXAMPLE / "www", self.folder / "www")
        self.load().start()

    def open_room(self) -> Program:
        words = [f"tcp://127.0.0.1:{port}" for port in self.ends]
        room = self.stage.start(
            ["/usr/bin/python3", "-B", EXAMPLE / "room.py", "-requests", words[0], "-replies", words[1]],
            self.stage.folder(),
            name="room",
            env={"PYTHONPATH": str(ROOT / "proto" / "python")},
        )
        room.wait_log("the room is open")
        return room


def say(client: Client, text: str) -> None:
    client.send(b"@room " + json.dumps({"type": "say", "text": text}).encode() + b"\0")


def hear(client: Client) -> Any:
    return json.loads(base64.b64decode(client.read_until(b"\0")[:-1], validate=True))


@pytest.fixture
def site(stage: Stage, node: Kit) -> Site:
    return Site(stage, node)


@pytest.mark.skipif(chromium() is None, reason="there is no chromium")
def test_a_socket_and_a_browser_talk(stage: Stage, site: Site) -> None:
    site.open_room()
    page = stage.keep(Browser(stage.folder())).page(f"http://127.0.0.1:{site.port}/")
    page.wait_text("#state", "connected")
    shell = stage.keep(Client(site.port))
    say(shell, "from a shell")
    assert hear(shell) == {"type": "say", "text": "from a shell"}
    page.wait_text("#log", "from a shell")
    page.type("input[name=text]", "from a page: é")
    assert hear(shell) == {"type": "say", "text": "from a page: é"}
    page.wait_text("#log", "from a page: é")


@pytest.mark.skipif(chromium() is None, reason="there is no chromium")
def test_the_page_connects_again(stage: Stage, site: Site) -> None:
    site.open_room()
    browser = stage.keep(Browser(stage.folder()))
    page = browser.page(f"http://127.0.0.1:{site.port}/")
    page.wait_text("#state", "connected")
    site.stop()
    page.wait_text("#state", "trying again")
    site.start()
    page.wait_text("#state", "connected")
    shell = stage.keep(Client(site.port))

    def heard() -> bool:
        say(shell, "again")
        return "again" in page.text("#log")

    until(heard, "the page is in the room again")
    assert page.eval('(socket.close(), new Promise((done) => setTimeout(() => done(socket.is_open), 50)))') is False
    page.wait_text("#state", "closed")


def test_two_sockets(stage: Stage, site: Site) -> None:
    site.open_room()
    one, two = stage.keep(Client(site.port)), stage.keep(Client(site.port))
    say(one, "first")
    assert hear(one)["text"] == "first"
    say(two, "second")
    assert hear(two)["text"] == hear(one)["text"] == "second"
    one.send(b"@room {nonsense}\0")
    assert hear(one)["type"] == "error"
    one.send(b'@room {"text": ' + b"[" * 5000 + b"]" * 5000 + b"}\0")
    assert hear(one)["type"] == "error"
    one.send(b'@room {"type": "ping"}\0')  # the node's own business
    one.close()
    say(two, "alone")
    assert hear(two)["text"] == "alone"


def test_a_plain_request_is_told(stage: Stage, site: Site) -> None:
    site.open_room()
    with Client(site.port) as client:
        assert client.get("/room").response().status == 426
