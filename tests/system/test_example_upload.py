"""The example of docs/examples/upload, as it stands but for its ports, and curl."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Iterator, Tuple

import pytest

from support.ports import accepts
from support.program import run
from support.server import ROOT, Kit, Stage
from support.wait import until

EXAMPLE = ROOT / "docs" / "examples" / "upload"


class Example:
    def __init__(self, stage: Stage, kit: Kit):
        self.folder = stage.folder()
        ports = {number: str(stage.port()) for number in ("6767", "9997", "9996")}
        shutil.copytree(EXAMPLE, self.folder, dirs_exist_ok=True)
        for name in ("run", "logs", "tmp", "files"):
            (self.folder / name).mkdir()
        conf = self.folder / "mongrel2.conf"
        text = re.sub(r"\b(6767|9997|9996)\b", lambda m: ports[m.group()], conf.read_text())
        conf.write_text(text.replace("settings = {", 'settings = {"server.daemonize": 0,'))
        done = run([kit.m2sh, "load"], self.folder, env={"LOGNAME": "tester"})
        assert done.returncode == 0, done.stdout + done.stderr
        uuid = re.search(r'uuid="([^"]+)"', text)
        assert uuid is not None
        self.server = stage.start([kit.mongrel2, "config.sqlite", uuid.group(1)], self.folder)
        self.server.wait_log("serves on")
        specs = [f"tcp://127.0.0.1:{ports[number]}" for number in ("9997", "9996")]
        env = {"PYTHONPATH": str(ROOT / "proto" / "python")}
        self.handler = stage.start(["/usr/bin/python3", "upload.py", *specs], self.folder, env=env)
        self.handler.wait_log("ready")
        self.url = f"http://127.0.0.1:{ports['6767']}"
        assert accepts(int(ports["6767"]))

    def curl(self, *options: Any) -> Tuple[int, bytes]:
        """Status and body."""
        done = run(["curl", "-sS", "-w", "\n%{http_code}", *options], self.folder)
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def send(self, content: bytes, name: str, *options: str) -> Tuple[int, bytes]:
        (self.folder / "sent").write_bytes(content)
        return self.curl("-T", "sent", *options, f"{self.url}/upload/{name}")

    def nothing_is_left(self) -> None:
        until(lambda: not os.listdir(self.folder / "tmp"), "no upload is left")


@pytest.fixture
def example(stage: Stage, node: Kit) -> Iterator[Example]:
    yield Example(stage, node)


CONTENT = bytes(range(256)) * 4096  # 1 MiB


@pytest.mark.parametrize(
    "content, options",
    [(CONTENT, []), (CONTENT, ["-H", "Transfer-Encoding: chunked"]), (b"small", [])],
    ids=["length", "chunked", "small"],
)
def test_a_file_arrives(example: Example, content: bytes, options: Any) -> None:
    status, body = example.send(content, "it.bin", *options)
    assert status == 201
    assert json.loads(body) == {
        "file": "/files/it.bin",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert example.curl(f"{example.url}/files/it.bin") == (200, content)
    example.nothing_is_left()
    assert os.listdir(example.folder / "files") == ["it.bin"]


@pytest.mark.parametrize("size", [1 << 20, 5], ids=["large", "small"])
@pytest.mark.parametrize(
    "name, status", [("..%2fpasswd", 400), (".hidden", 400)], ids=["slash", "hidden"]
)
def test_a_file_is_refused(example: Example, size: int, name: str, status: int) -> None:
    assert example.send(bytes(size), name)[0] == status
    example.nothing_is_left()
    assert os.listdir(example.folder / "files") == []


def test_one_that_is_too_large_is_not_even_sent(example: Example) -> None:
    (example.folder / "sent").touch()
    os.truncate(example.folder / "sent", 200 << 20)
    (status, body) = example.curl("-T", "sent", f"{example.url}/upload/large")
    assert (status, body) == (413, b"At most 104857600 bytes.\n")
    example.nothing_is_left()


def test_the_page(example: Example) -> None:
    status, body = example.curl(f"{example.url}/")
    assert status == 200 and body == (Path(EXAMPLE) / "static" / "index.html").read_bytes()
