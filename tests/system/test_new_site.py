"""A deployment area, made by one command, copied elsewhere, kept running by procer."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path
from typing import Dict, Iterator

import pytest

from support.program import Program, run
from support.raw import Client
from support.server import ROOT, Kit, Stage
from support.wait import PATIENCE_S, until

NEW_SITE = ROOT / "deploy" / "new_site" / "new-site"

pytestmark = pytest.mark.timeout(180)


class Site:
    def __init__(self, stage: Stage, kit: Kit):
        self.stage = stage
        self.port = stage.port()
        made = stage.folder() / "made"
        done = run([NEW_SITE, made, "-port", self.port, "-name", "shop"])
        assert done.returncode == 0, done.stderr
        self.top = stage.folder() / "copied"
        shutil.copytree(made, self.top)
        shutil.rmtree(made)
        self.bin = kit.mongrel2.parent
        self.env = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "proto" / "python"),
            "LOGNAME": "tester",
        }

    def keep(self) -> Program:
        words = [self.bin / "procer", "profiles", "run/procer.pid", "-foreground"]
        words += ["-front", 100, "-delay", 50]
        return self.stage.start(words, self.top, env=self.env)

    def ask(self, path: str) -> bytes:
        """The body, or nothing while nobody answers."""
        try:
            with Client(self.port, timeout_s=2) as client:
                answer = client.get(path).response()
                return answer.body if answer.status == 200 else b""
        except (OSError, AssertionError):
            return b""

    def wait_up(self) -> None:
        until(lambda: b"It works" in self.ask("/"), "files are served", PATIENCE_S * 2)
        until(lambda: self.ask("/demo/x") == b"You asked for /demo/x\n", "the demo answers", PATIENCE_S * 2)

    def pid(self, name: str) -> int:
        """Of a program in front, which procer writes down once it has run for a while."""
        path = self.top / "profiles" / name / "run.pid"
        until(lambda: path.exists() and path.read_text(), f"{path} is there")
        return int(path.read_text())

    def pids(self) -> Dict[str, int]:
        return {name: self.pid(name) for name in ("mongrel2", "demo")}


@pytest.fixture
def site(stage: Stage, node: Kit) -> Iterator[Site]:
    site = Site(stage, node)
    yield site
    for path in ("profiles/mongrel2/run.pid", "profiles/demo/run.pid"):
        try:
            os.kill(int((site.top / path).read_text()), signal.SIGKILL)
        except (OSError, ValueError):
            pass


def test_it_is_kept_running(site: Site) -> None:
    procer = site.keep()
    site.wait_up()
    before = site.pids()
    for name in ("demo", "mongrel2"):
        os.kill(before[name], signal.SIGKILL)
        until(lambda: site.pids()[name] != before[name], f"{name} is back", PATIENCE_S * 2)
        site.wait_up()
    before = site.pids()
    procer.stop()
    site.wait_up()  # the death of the keeper kills nothing
    assert site.pids() == before
    again = site.keep()
    again.wait(lambda: (site.top / "run/procer.pid").exists(), "it is there")
    site.wait_up()
    assert site.pids() == before
    again.stop()
    stop = run([site.bin / "m2sh", "stop", "-every"], site.top, env=site.env)
    assert stop.returncode == 0, stop.stderr
    until(lambda: not Path(f"/proc/{before['mongrel2']}").exists(), "the server has ended")


def test_what_lies_where(site: Site) -> None:
    text = (site.top / "mongrel2.conf").read_text()
    assert str(site.top) not in text and "made" not in text
    done = run([site.bin / "m2sh", "check"], site.top)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    uuids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
    assert len(uuids) == len(set(uuids)) == 2
    assert (site.top / "certs").stat().st_mode & 0o777 == 0o700


def test_a_broken_change_keeps_nothing_down(site: Site) -> None:
    procer = site.keep()
    site.wait_up()
    with (site.top / "mongrel2.conf").open("a") as conf:
        conf.write("half = (")
    assert run([site.bin / "m2sh", "load"], site.top, env=site.env).returncode != 0
    before = site.pid("mongrel2")
    os.kill(before, signal.SIGKILL)
    until(lambda: site.pid("mongrel2") != before, "the server is back", PATIENCE_S * 2)
    site.wait_up()
    procer.stop()


@pytest.mark.parametrize("name", ["demo", "settings", "servers", "True", "Handler", "größe", "shop\n", "9"])
def test_names_that_the_configuration_cannot_have(tmp_path: Path, name: str) -> None:
    done = run([NEW_SITE, tmp_path / "x", "-name", name])
    assert done.returncode == 2 and b"not demo, settings or servers" in done.stderr
    assert not (tmp_path / "x").exists()


def test_what_is_there_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = run([NEW_SITE, tmp_path])
    assert done.returncode == 1 and b"is not empty" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    assert run([NEW_SITE]).returncode == 2
    assert run([NEW_SITE, tmp_path / "x", "-port", "0"]).returncode == 2
    assert b"profiles/" in run([NEW_SITE, "-help"]).stdout
