"""The interactive shell: from a pipe, and on a terminal with history and completion."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from pathlib import Path
from typing import Dict

import pytest

from support.m2sh import bin_folder, m2sh, server, site


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "mongrel2.conf").write_text(site(server("main", 18001)))
    assert m2sh("load", cwd=tmp_path).returncode == 0
    return tmp_path


def test_from_a_pipe(shop: Path) -> None:
    lines = 'servers\n\nnonsense\ncommit -what x -why "two  words"\nlog\nquit\nversion\n'
    for arguments in ([], ["shell"]):
        done = m2sh(*arguments, cwd=shop, stdin=lines)
        assert done.returncode == 0
        assert done.stdout.startswith("SERVERS:\n------\nmain main.example ")
        assert "x two  words \n" in done.stdout
        assert "Mongrel2/" not in done.stdout  # quit has ended it
        assert 'There is no command "nonsense"' in done.stderr


def test_unclosed_quote(shop: Path) -> None:
    done = m2sh("shell", cwd=shop, stdin='commit -why "x\nversion\n')
    assert "A quote is not closed" in done.stderr
    assert done.stdout.startswith("Mongrel2/")


class Terminal:
    """m2sh on a pseudo terminal."""

    def __init__(self, folder: Path, *args: str, columns: int = 80):
        env: Dict[str, str] = {**os.environ, "HOME": str(folder), "TERM": "xterm", "LOGNAME": "alice"}
        program = bin_folder() / "m2sh"
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(program, ["m2sh", *args], env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def expect(self, text: str) -> str:
        """Reads until `text` has come; what came before it."""
        deadline = time.monotonic() + 20
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not come: {self.seen!r}"
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            assert data, f"the end came before {text!r}: {self.seen!r}"
            self.seen += data.decode("utf-8", "replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text: str) -> None:
        """Types when the line editor listens: it shows its prompt just before it does."""
        deadline = time.monotonic() + 20
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            assert time.monotonic() < deadline, "the line editor does not listen"
            time.sleep(0.005)
        os.write(self.fd, text.encode())

    def status(self) -> int:
        """How it ended."""
        while True:
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_completion_and_history(shop: Path) -> None:
    terminal = Terminal(shop)
    terminal.expect("mongrel2> ")
    terminal.type("ser\t\n")
    terminal.expect("main main.example")
    terminal.expect("mongrel2> ")
    terminal.type("hosts -ser\tmain\n")
    terminal.expect("HOSTS in main:")
    terminal.expect("mongrel2> ")
    terminal.type("\x10\x10\n")  # Ctrl-P twice: the line before the last
    terminal.expect("main main.example")
    terminal.expect("mongrel2> ")
    terminal.type("\x04")  # Ctrl-D
    assert terminal.status() == 0
    assert (shop / ".m2sh").read_text() == "servers\nhosts -server main\nservers\n"

    again = Terminal(shop)
    again.expect("mongrel2> ")
    again.type("\x10\n")
    again.expect("main main.example")
    again.expect("mongrel2> ")
    again.type("quit\n")
    assert again.status() == 0


def test_a_terminal_without_columns(shop: Path) -> None:
    terminal = Terminal(shop, columns=0)
    terminal.expect("mongrel2> ")
    terminal.type("version\n")
    terminal.expect("Mongrel2/")
    terminal.type("quit\n")
    assert terminal.status() == 0


def test_interrupt_leaves(shop: Path) -> None:
    terminal = Terminal(shop)
    terminal.expect("mongrel2> ")
    terminal.type("\x03")
    assert terminal.status() in (0, -2)


def test_tables_for_people_and_for_scripts(shop: Path) -> None:
    terminal = Terminal(shop, "running", "-every", "-json")
    terminal.expect('[{"name":"main"')
    assert terminal.status() == 1
