"""A single server's configuration is changed again and again under load: by SIGHUP, by m2sh reload,
by the control port. No request fails, no connection is closed, no answer is of two configurations.
"""

from __future__ import annotations

import os
import re
import signal
import uuid
from pathlib import Path
from typing import Any

import pytest

from support import echo
from support.load import Load
from support.nursery import Nursery
from support.program import run
from support.raw import Client, Response
from support.revisions import Site, status_of
from support.server import Kit, Stage
from support.wait import until

ROUNDS = 1000 if os.environ.get("M2_LONG") else 100

pytestmark = pytest.mark.timeout(600)


class Single:
    """One server, whose database is made anew for each revision."""

    def __init__(self, stage: Stage, kit: Kit):
        self.stage, self.kit = stage, kit
        self.folder = stage.folder()
        for name in ("run", "logs", "tmp"):
            (self.folder / name).mkdir()
        self.port, self.upstream = stage.port(), stage.port()
        self.handler_port = f"tcp://127.0.0.1:{stage.port()}"
        self.uuid = str(uuid.uuid4())
        self.site = Site(self.folder, self.uuid, self.port, self.upstream)
        self.m2sh("load", "-db", "config.sqlite", "-config", self.site.write(1))
        command = [kit.mongrel2, "config.sqlite", self.uuid, "-handler_port", self.handler_port]
        self.program = stage.start(command, self.folder)
        self.program.wait_log("serves on")

    def m2sh(self, *args: object, status: int = 0) -> str:
        done = run([self.kit.m2sh, *args], self.folder, env={"LOGNAME": "tester"})
        talk = (done.stdout + done.stderr).decode()
        assert done.returncode == status, talk
        return talk

    def get(self, path: str) -> Response:
        with Client(self.port) as client:
            return client.get(path).response()

    def staff(self) -> None:
        """Everyone who stands behind the server."""
        echo.start(self.stage, "upstream", self.upstream).wait_log("ready")
        where = f"ipc://{self.folder}/run"
        echo.start(self.stage, "classic", f"{where}/send", f"{where}/recv")
        nursery = Nursery(self.stage, "echo", [self.handler_port])
        for name in ("a", "b"):
            nursery.start(name)
            self.program.wait_log(f"worker joined .* name={name} ")

    def change(self, n: int, how: Any) -> None:
        """Puts revision `n` in place and waits until it is."""
        self.m2sh("load", "-db", "config.sqlite", "-config", self.site.write(n))
        how()
        until(lambda: self.get(f"/only/{n}").status == 301, f"revision {n}")
        assert self.get(f"/only/{n - 1}").status == 404
        assert self.get("/redirect").status == status_of(n)


@pytest.fixture
def single(stage: Stage, node: Kit) -> Single:
    return Single(stage, node)


def test_a_reload_drops_no_request(stage: Stage, single: Single) -> None:
    single.staff()
    one = Load(stage, single.port, Site.asks(), connections=8, think_ms=10)
    many = Load(stage, single.port, Site.asks(), connections=4, think_ms=20, pipeline=5)
    ways = [
        lambda: single.program.signal(signal.SIGHUP),
        lambda: single.m2sh("reload", "-db", "config.sqlite", "-name", "main"),
        lambda: single.m2sh("control", "-db", "config.sqlite", "-name", "main", "-cmd", "reload"),
    ]
    for n in range(2, 2 + ROUNDS):
        single.change(n, ways[n % len(ways)])
    for load in (one, many):
        found = load.stop()
        assert not found.events, found.story()
        assert found.opened == (8 if load is one else 4)
        for ask in Site.asks():
            assert found.count(ask.name) > ROUNDS / 10, found.story()
    assert int(metric(single, "config_swaps_total")) == ROUNDS + 1
    assert metric(single, "config_refused_total") == "0"
    single.program.stop()


def metric(single: Single, name: str) -> str:
    found = re.search(rf"(?m)^mongrel2_{name} (\S+)$", single.get("/metrics").body.decode())
    assert found, name
    return found[1]


@pytest.mark.parametrize("how", ["broken", "gone", "other server"])
def test_a_bad_configuration_changes_nothing(stage: Stage, single: Single, how: str) -> None:
    database: Path = single.folder / "config.sqlite"
    with Client(single.port) as client:
        assert client.get("/redirect").response().status == status_of(1)
        if how == "broken":
            database.write_bytes(b"no database at all")
        elif how == "gone":
            database.unlink()
        else:
            single.site.words["uuid"] = str(uuid.uuid4())
            single.m2sh("load", "-db", "config.sqlite", "-config", single.site.write(2))
        single.program.signal(signal.SIGHUP)
        single.program.wait_log("reload refused, the running configuration stays: ")
        assert client.get("/redirect").response().status == status_of(1)
        assert not client.is_closed()
    assert single.get("/only/1").status == 301
    single.program.stop()
