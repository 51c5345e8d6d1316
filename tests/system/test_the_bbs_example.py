"""docs/examples/bbs: people at terminals on a board over a JSON socket."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import subprocess
from typing import Iterator, List

import pytest

from support.program import die_with_the_test
from support.raw import Client
from support.server import ROOT, Kit, Server, Stage
from support.wait import PATIENCE_S, until

EXAMPLE = ROOT / "docs" / "examples" / "bbs"
ENV = {**os.environ, "PYTHONPATH": str(ROOT / "proto" / "python")}

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def board(stage: Stage, node: Kit) -> Server:
    ports = {old: stage.port() for old in ("6767", "9991", "9990")}
    text = (EXAMPLE / "mongrel2.conf").read_text()
    for old, free in ports.items():
        text = text.replace(old, str(free))
    server = Server(stage, node, text.replace("{", "{{").replace("}", "}}"))
    server.port, server.uuid = ports["6767"], "b8a6a1c6-3f37-4b57-9d2b-7f5f1a0c4e22"
    server.load().start()
    words = ["-requests", f"tcp://127.0.0.1:{ports['9991']}", "-replies", f"tcp://127.0.0.1:{ports['9990']}"]
    handler = stage.start(
        ["/usr/bin/python3", "-B", EXAMPLE / "bbs.py", "board.sqlite", *words], server.folder, name="bbs", env=ENV
    )
    handler.wait_log("the board is open")
    return server


def visit(board: Server, lines: List[str], status: int = 0) -> str:
    """What somebody sees who types these lines."""
    done = subprocess.run(
        ["/usr/bin/python3", "-B", str(EXAMPLE / "client.py"), "127.0.0.1", str(board.port)],
        input="\n".join(lines) + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S * 2,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def test_two_people(board: Server) -> None:
    seen = visit(board, ["ann", "secret", "secret", "1", "Hello all,", "it is me.", ".", "Q"])
    assert "Welcome" in seen and "Hello, ann." in seen and "It is on the board." in seen and "Good bye." in seen
    seen = visit(board, ["bob", "pass", "pass", "2", "", "3", "nobody", "3", "ann", "psst", ".", "Q"])
    assert "From: ann\nHello all,\nit is me.\n" in seen
    assert "There is no nobody here." in seen and "Sent." in seen
    seen = visit(board, ["ann", "secret", "4", "", "4", "x", "Q"])
    assert "From: bob\npsst\n" in seen
    assert "There is nothing." in seen and "'X' is not on the menu." in seen


def test_passwords(board: Server) -> None:
    visit(board, ["ann", "secret", "other", "secret", "secret", "Q"])
    seen = visit(board, ["ann", "wrong"])
    assert "Good bye." in seen and "Hello, ann" not in seen
    assert "Hello, ann." in visit(board, ["ann", "secret", "Q"])
    data = (board.folder / "board.sqlite").read_bytes()
    assert b"secret" not in data


def test_who_leaves_in_the_middle(board: Server) -> None:
    visit(board, ["ann", "secret", "secret", "1", "half a message"])
    assert "There is nothing." in visit(board, ["ann", "secret", "2", "Q"])


def test_what_is_typed_cannot_hurt(board: Server) -> None:
    """Neither the board nor the terminals of others."""
    words = ["connect", "mal\x1b]0;x\x07", "secret", "secret", "1", "\x1b[2J \ud800 hi", ".", "Q"]
    with Client(board.port) as client:
        for typed in words:
            client.send(b"@bbs " + json.dumps({"type": "msg", "msg": typed}).encode() + b"\0")
            while json.loads(base64.b64decode(client.read_until(b"\0")[:-1]))["type"] == "screen":
                pass
    with Client(board.port) as client:
        client.send(b'@bbs {"msg": ' + b"[" * 5000 + b"]" * 5000 + b"}\0")
        assert client.is_closed(PATIENCE_S)
    seen = visit(board, ["bob", "pass", "pass", "2", "", "Q"])
    assert "From: mal]0;x\n[2J  hi\n" in seen


@pytest.fixture
def terminal(board: Server) -> Iterator[int]:
    ours, theirs = pty.openpty()
    client = subprocess.Popen(
        ["/usr/bin/python3", "-B", str(EXAMPLE / "client.py"), "127.0.0.1", str(board.port)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=die_with_the_test,
    )
    os.close(theirs)
    yield ours
    client.kill()
    client.wait()
    os.close(ours)


def test_at_a_terminal(terminal: int) -> None:
    os.set_blocking(terminal, False)
    seen = b""

    def sees(pattern: bytes) -> bool:
        nonlocal seen
        try:
            seen += os.read(terminal, 4096)
        except (BlockingIOError, OSError):
            pass
        return re.search(pattern, seen) is not None

    for pattern, line in ((b"name: $", b"eve"), (b"password: $", b"hush"), (b"again\\?\r\npassword: $", b"hush")):
        until(lambda: sees(pattern), str(pattern))
        os.write(terminal, line + b"\n")
    until(lambda: sees(b"Hello, eve."), "the greeting")
    until(lambda: sees(b"> $"), "the menu")
    assert b"hush" not in seen
    os.write(terminal, b"Q\n")
    until(lambda: sees(b"Good bye."), "the end")
