"""start, running, control, reload and stop with a real server."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from support.m2sh import bin_folder, m2sh, server, site


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it has not come true"
        time.sleep(0.02)


def configure(folder: Path, port: int, path: str) -> None:
    (folder / "mongrel2.conf").write_text(
        site(
            server(
                "main",
                port,
                chroot='""',
                bind_addr='"127.0.0.1"',
                pid_file='"main.pid"',
                access_log='"access.log"',
                error_log='"error.log"',
                default_host='"main"',
                hosts=f'[Host(name="main", routes={{"/": files, "{path}": Status(what="health")}})]',
            )
        )
    )
    assert m2sh("load", cwd=folder).returncode == 0


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    if not (bin_folder() / "mongrel2").exists():
        pytest.skip("mongrel2 is not built")
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("hi")
    yield tmp_path
    pid_file = tmp_path / "main.pid"
    if pid_file.exists():
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def test_life_of_a_server(shop: Path) -> None:
    port = free_port()
    configure(shop, port, "/health")
    done = m2sh("start", "-name", "main", cwd=shop)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    wait_until(lambda: m2sh("running", "-name", "main", cwd=shop).returncode == 0)
    assert get(port, "/") == 200
    assert get(port, "/health") == 200

    again = m2sh("start", "-name", "main", cwd=shop)
    assert again.returncode == 1

    info = m2sh("control", "-name", "main", "-cmd", "info", cwd=shop)
    assert f"port:  {port}\n" in info.stdout
    assert info.returncode == 0

    configure(shop, port, "/up")
    assert m2sh("reload", "-name", "main", cwd=shop).returncode == 0
    wait_until(lambda: get(port, "/up") == 200)

    done = m2sh("stop", "-name", "main", cwd=shop)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    wait_until(lambda: m2sh("running", "-name", "main", cwd=shop).returncode == 1)
    assert '"GET /health HTTP/1.1" 200' in m2sh("access", "-log", "access.log", cwd=shop).stdout
    assert m2sh("stop", "-name", "main", cwd=shop).returncode == 1
