"""start, stop, reload, running, control: on the servers selected, and on nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import threading
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional

import pytest
import zmq

from support.m2sh import bin_folder, m2sh, server, site


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "mongrel2.conf").write_text(
        site(
            server("one", 18001),
            server("two", 18002),
            server("twin", 18003, default_host='"one.example"', hosts='[Host(name="one.example", routes={})]'),
        )
    )
    assert m2sh("load", cwd=tmp_path).returncode == 0
    return tmp_path


def log(folder: Path, what: str) -> List[str]:
    with sqlite3.connect(folder / "config.sqlite") as db:
        return [why for (why,) in db.execute("select why from log where what = ? order by id", (what,))]


@pytest.fixture
def fake(shop: Path) -> Iterator[Callable[[str], subprocess.Popen]]:
    """Starts a process that looks like a mongrel2, with its pid file."""
    started: List[subprocess.Popen] = []
    (shop / "mongrel2").symlink_to(shutil.which("sleep") or "/bin/sleep")

    def start(name: str) -> subprocess.Popen:
        process = subprocess.Popen([str(shop / "mongrel2"), "60"])
        started.append(process)
        (shop / f"{name}.pid").write_text(f"{process.pid}\n")
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


SELECTORS = [
    ([], 2, "You must give either --every, --name, --host, or --uuid."),
    (["-name", "one", "-every"], 2, "You must give either --every, --name, --host, or --uuid."),
    (["-name", "nobody"], 1, "No servers matched the description."),
    (["-host", "one.example"], 2, "2 servers matched, expected one."),
    (["-every", "-db", "missing.sqlite"], 1, "missing.sqlite"),
]


@pytest.mark.parametrize("command", ["start", "stop", "reload", "running", "control"])
@pytest.mark.parametrize("options,status,words", SELECTORS)
def test_selection(shop: Path, command: str, options: List[str], status: int, words: str) -> None:
    done = m2sh(command, *options, cwd=shop)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert not (shop / "missing.sqlite").exists()


def test_an_ambiguous_selection_shows_what_there_is(shop: Path) -> None:
    done = m2sh("stop", "-host", "one.example", cwd=shop)
    assert done.stderr.startswith(
        "Not sure which server to run, what I found:\n"
        "NAME HOST UUID\n"
        "--------------\n"
        "one one.example aaaaaaaa-bbbb-4ccc-8ddd-000000018001\n"
        "twin one.example aaaaaaaa-bbbb-4ccc-8ddd-000000018003\n"
        "* Use -every to run them all.\n"
    )


def test_stop_and_murder(shop: Path, fake: Callable[[str], subprocess.Popen]) -> None:
    one, two = fake("one"), fake("two")
    done = m2sh("stop", "-name", "one", cwd=shop)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert one.wait(10) == -signal.SIGINT
    done = m2sh("stop", "-uuid", "aaaaaaaa-bbbb-4ccc-8ddd-000000018002", "-murder", cwd=shop)
    assert done.returncode == 0
    assert two.wait(10) == -signal.SIGTERM
    assert log(shop, "stop") == [
        f"one: signal 2 sent to process {one.pid}",
        f"two: signal 15 sent to process {two.pid}",
    ]


def test_reload_every(shop: Path, fake: Callable[[str], subprocess.Popen]) -> None:
    one, two = fake("one"), fake("two")
    done = m2sh("reload", "-every", cwd=shop)
    assert done.returncode == 1  # twin does not run
    assert "server twin" in done.stderr
    assert one.wait(10) == two.wait(10) == -signal.SIGHUP


def test_running(shop: Path, fake: Callable[[str], subprocess.Popen]) -> None:
    one, two = fake("one"), fake("two")
    two.kill()
    two.wait()
    done = m2sh("running", "-every", cwd=shop)
    assert done.returncode == 1
    assert done.stdout == (
        f"mongrel2 at PID {one.pid} running.\n"
        f"mongrel2 at PID {two.pid} is NOT running.\n"
        "mongrel2 is not running because pid_file isn't there.\n"
    )
    assert m2sh("running", "-name", "one", cwd=shop).returncode == 0
    answer = json.loads(m2sh("running", "-every", "-json", cwd=shop).stdout)
    assert [(row["name"], row["pid"], row["running"]) for row in answer] == [
        ("one", one.pid, True),
        ("two", two.pid, False),
        ("twin", None, False),
    ]


@pytest.mark.parametrize("text", ["", "0", "1", "-1", "garbage", "12 13", "99999999999"])
def test_garbage_in_a_pid_file_signals_nothing(shop: Path, text: str) -> None:
    (shop / "one.pid").write_text(text)
    for command in ("stop", "reload", "running"):
        done = m2sh(command, "-name", "one", cwd=shop)
        assert done.returncode == 1
        assert "does not hold a process id" in done.stderr


def test_another_program_is_not_signalled(shop: Path) -> None:
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        (shop / "one.pid").write_text(str(innocent.pid))
        done = m2sh("stop", "-name", "one", "-murder", cwd=shop)
        assert done.returncode == 1
        assert "is not a mongrel2" in done.stderr
        assert innocent.poll() is None
        assert m2sh("running", "-name", "one", cwd=shop).returncode == 1
    finally:
        innocent.kill()
        innocent.wait()


# ---- start ----------------------------------------------------------------------------------


@pytest.fixture
def beside(shop: Path) -> Path:
    """A copy of m2sh with a mongrel2 beside it that notes how it was called."""
    folder = shop / "bin"
    folder.mkdir()
    shutil.copy(bin_folder() / "m2sh", folder / "m2sh")
    script = folder / "mongrel2"
    script.write_text('#!/bin/sh\necho "$@" >> calls\ncase "$2" in *18002) exit 3;; esac\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder / "m2sh"


def test_start_runs_the_mongrel2_beside_it(shop: Path, beside: Path) -> None:
    done = m2sh("start", "-name", "one", cwd=shop, program=beside)
    assert (done.returncode, done.stderr) == (0, "")
    assert (shop / "calls").read_text() == "config.sqlite aaaaaaaa-bbbb-4ccc-8ddd-000000018001\n"
    assert log(shop, "start") == ["one: started"]


def test_start_every_and_its_exit_status(shop: Path, beside: Path) -> None:
    done = m2sh("start", "-every", cwd=shop, program=beside)
    assert done.returncode == 1
    assert "Mongrel2 returned exit code 3 for two." in done.stderr
    assert len((shop / "calls").read_text().splitlines()) == 3
    assert log(shop, "start") == ["one: started", "two: mongrel2 returned exit code 3", "twin: started"]


def test_start_through_sudo(shop: Path, beside: Path) -> None:
    wrapper = shop / "bin" / "as"
    wrapper.write_text('#!/bin/sh\necho "as $1" >> calls\nshift\nexec "$@"\n')
    wrapper.chmod(0o755)
    done = m2sh("start", "-name", "one", "-sudo", f"{wrapper} root", cwd=shop, program=beside)
    assert done.returncode == 0
    assert (shop / "calls").read_text().startswith("as root\nconfig.sqlite ")


def test_start_from_a_module(shop: Path, beside: Path) -> None:
    options = ["-url", "tcp://x", "-style", "zmq.so", "-uuid", "u"]
    assert m2sh("start", *options, cwd=shop, program=beside).returncode == 0
    assert (shop / "calls").read_text() == "tcp://x u zmq.so\n"
    done = m2sh("start", "-url", "tcp://x", cwd=shop, program=beside)
    assert done.returncode == 2
    assert "You must give either --db or --style and --url" in done.stderr


# ---- control --------------------------------------------------------------------------------


class ControlPort(threading.Thread):
    """A control port that answers from a table; None: it never answers."""

    def __init__(self, endpoint: str, answers: Dict[bytes, Optional[bytes]]):
        super().__init__(daemon=True)
        self.answers = answers
        self.requests: List[bytes] = []
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(endpoint)
        self.wake = self.context.socket(zmq.PAIR)
        self.wake.bind("inproc://wake")
        self.start()

    def run(self) -> None:
        stop = self.context.socket(zmq.PAIR)
        stop.connect("inproc://wake")
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(stop, zmq.POLLIN)
        while not dict(poller.poll()).get(stop):
            *envelope, request = self.socket.recv_multipart()
            self.requests.append(request)
            answer = self.answers.get(request)
            if answer is not None:
                self.socket.send_multipart([*envelope, answer])
        stop.close()

    def close(self) -> None:
        self.wake.send(b"")
        self.join()
        self.wake.close()
        self.socket.close()
        self.context.term()


UUID = b"46:7:headers,7:4:uuid,]4:rows,15:11:8:one-uuid,]]}"
NONSENSE = b"74:4:code,18:CALLBACK_NOT_FOUND,5:error,33:Callback requested was not found.,}"


def ns(data: bytes) -> bytes:
    return str(len(data)).encode() + b":" + data


def tns_list(*items: bytes) -> bytes:
    return ns(b"".join(items)) + b"]"


def tns_text(text: str) -> bytes:
    return ns(text.encode()) + b","


def tns_table(headers: List[str], *rows: bytes) -> bytes:
    body = tns_text("headers") + tns_list(*map(tns_text, headers)) + tns_text("rows") + tns_list(*rows)
    return ns(body) + b"}"


TASKS = tns_table(
    ["id", "system", "name", "state", "status"],
    tns_list(b"1:1#", b"5:false!", tns_text("SERVER"), tns_text("read fd"), tns_text("idle")),
    tns_list(b"1:2#", b"4:true!", tns_text("control"), tns_text("read"), b"0:~"),
)


@pytest.fixture
def control(shop: Path) -> Iterator[ControlPort]:
    port = ControlPort(
        f"ipc://{shop}/one.control",
        {
            b"10:4:uuid,0:}]": UUID,
            b"14:8:nonsense,0:}]": NONSENSE,
            b"28:6:status,15:4:what,5:tasks,}]": TASKS,
            b"19:4:kill,9:2:id,1:7#}]": tns_table(["status"], tns_list(tns_text("OK"))),
            b"10:4:hang,0:}]": None,
            b"10:4:junk,0:}]": b"no tnetstring",
        },
    )
    yield port
    port.close()


def test_control_from_a_pipe(shop: Path, control: ControlPort) -> None:
    done = m2sh("control", "-name", "one", cwd=shop, stdin="uuid\n\nstatus what=tasks\nkill id=7\n")
    assert done.returncode == 0
    assert done.stdout == (
        "uuid:  one-uuid\n"
        "id  system  name  state  status  \n"
        "1  false  SERVER  read fd  idle  \n"
        "2  true  control  read  (null)  \n"
        "\n"
        "status:  OK\n"
    )
    assert "Connecting to control port ipc://" in done.stderr
    assert log(shop, "control") == ["one: kill id=7: done"]


def test_control_one_shot(shop: Path, control: ControlPort) -> None:
    done = m2sh("control", "-name", "one", "-cmd", "uuid", cwd=shop)
    assert (done.returncode, done.stdout, done.stderr) == (0, "uuid:  one-uuid\n", "")
    done = m2sh("control", "-name", "one", "-cmd", "status what=tasks", "-json", cwd=shop)
    assert json.loads(done.stdout) == [
        {"id": 1, "system": False, "name": "SERVER", "state": "read fd", "status": "idle"},
        {"id": 2, "system": True, "name": "control", "state": "read", "status": None},
    ]


def test_control_errors(shop: Path, control: ControlPort) -> None:
    done = m2sh("control", "-name", "one", "-cmd", "nonsense", cwd=shop)
    assert (done.returncode, done.stdout) == (1, "ERROR: Callback requested was not found.\n")
    done = m2sh("control", "-name", "one", "-cmd", "status tasks", cwd=shop)
    assert done.returncode == 2
    assert "command arg1=val1" in done.stderr
    done = m2sh("control", "-name", "one", "-cmd", "junk", cwd=shop)
    assert done.returncode == 6


def test_control_does_not_wait_for_ever(shop: Path, control: ControlPort) -> None:
    done = m2sh("control", "-name", "one", "-timeout", "100", cwd=shop, stdin="hang\nuuid\n")
    assert done.returncode == 5
    assert "has not answered for 100 ms" in done.stderr
    assert done.stdout == "uuid:  one-uuid\n"  # the next command works again


def test_control_of_a_server_that_does_not_run(shop: Path) -> None:
    done = m2sh("control", "-name", "two", "-cmd", "uuid", cwd=shop)
    assert done.returncode == 6
    assert "is the server running?" in done.stderr
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.path.relpath(shop / "two.control"))
    stale.close()
    done = m2sh("control", "-name", "two", "-cmd", "uuid", cwd=shop)
    assert done.returncode == 6


def test_control_of_all(shop: Path, control: ControlPort) -> None:
    done = m2sh("control", "-every", cwd=shop, stdin="")
    assert done.returncode == 2
    assert "Ambiguous server select, expected 1 but got 3" in done.stderr
    done = m2sh("control", "-every", "-cmd", "uuid", cwd=shop)
    assert done.stdout == "one:\nuuid:  one-uuid\ntwo:\ntwin:\n"
    assert done.returncode == 6  # the others do not run
