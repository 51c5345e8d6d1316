"""The process around a single server, for real: as root into a chroot, as somebody else, and rotation of logs."""

from __future__ import annotations

import os
import pwd
import re
import signal
import urllib.request
from pathlib import Path
from typing import Iterator

import pytest

from support.procer import is_alive, read_pid
from support.program import Program, run
from support.server import Kit, Server, Stage
from support.wait import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may chroot")
NOBODY = pwd.getpwnam("nobody")

CONF = """
main = Server(
    uuid="{uuid}", name="main", bind_addr="127.0.0.1", port={port}, default_host="localhost",
    chroot="{folder}", access_log="/logs/access.log", error_log="/logs/error.log", pid_file="/run/mongrel2.pid",
    control_port="ipc://run/control",
    hosts=[Host(name="localhost", routes={{
        "/": Dir(base="static/", index_file="index.html", default_ctype="text/plain"),
        "/hello": Handler(send_spec="ipc://run/send", send_ident="one", recv_spec="ipc://run/recv", recv_ident="")
    }})]
)
settings = {{"zeromq.threads": 1}}
servers = [main]
"""


class Site(Server):
    """A daemon in a directory that belongs to nobody."""

    def __init__(self, stage: Stage, kit: Kit):
        super().__init__(stage, kit, CONF)
        self.folder.chmod(0o755)
        (self.folder / "static").mkdir()
        (self.folder / "static" / "index.html").write_text("hello from below")
        self.load()
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        self.pid_file = self.folder / "run" / "mongrel2.pid"

    def daemon(self, groups: "list[int]" = []) -> int:
        """Starts it; returns its process id once the caller has returned."""
        command = [self.kit.mongrel2, self.db, self.uuid]
        program = self.stage.start(command, self.folder, name="parent", before=lambda: os.setgroups(groups))
        assert program.wait_end() == 0, program.log()
        return read_pid(self.pid_file)

    def get(self, path: str = "/") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def close(self) -> None:
        pid = read_pid(self.pid_file)
        if pid and is_alive(pid):
            os.kill(pid, signal.SIGKILL)
            until(lambda: not is_alive(pid), "the end of the daemon")


@pytest.fixture
def site(stage: Stage, node: Kit) -> Iterator[Site]:
    site = Site(stage, node)
    stage.keep(site)
    yield site


@as_root
def test_a_daemon_in_its_chroot(site: Site) -> None:
    pid = site.daemon(groups=[4, 24])
    assert site.get() == "hello from below"  # at once: the parent has waited for that
    assert os.readlink(f"/proc/{pid}/root") == str(site.folder)
    assert os.getsid(pid) == pid
    status = Path(f"/proc/{pid}/status").read_text()
    assert re.search(rf"^Uid:(\s+{NOBODY.pw_uid}){{4}}$", status, re.M)
    assert re.search(rf"^Gid:(\s+{NOBODY.pw_gid}){{4}}$", status, re.M)
    assert re.search(r"^Groups:\s*$", status, re.M)
    assert re.search(r"^CapEff:\s+0+$", status, re.M)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_alive(pid), "the end of the daemon")
    assert not site.pid_file.exists()
    assert "GET" in (site.folder / "logs" / "access.log").read_text()
    assert "stopped" in (site.folder / "logs" / "error.log").read_text()


@as_root
def test_handlers_over_ipc_inside_the_chroot(site: Site) -> None:
    site.daemon()
    run_folder = site.folder / "run"
    handler = site.stage.handler(f"ipc://{run_folder}/send", f"ipc://{run_folder}/recv")
    client = site.stage.start(["curl", "-s", f"http://127.0.0.1:{site.port}/hello"], site.folder, name="curl")
    handler.reply_http(handler.recv(), b"from outside")
    assert client.wait_end() == 0
    assert client.log() == "from outside"


@as_root
@pytest.mark.parametrize("how", ["signal", "m2sh"])
def test_logs_are_rotated_in_the_chroot(site: Site, how: str) -> None:
    """The database lies outside: the configuration stays, which is said, and the logs are new."""
    pid = site.daemon()
    logs = site.folder / "logs"
    site.get()
    until(lambda: "GET" in (logs / "access.log").read_text(), "the first request in the log")
    for name in ("access", "error"):
        (logs / f"{name}.log").rename(logs / f"{name}.old")
    if how == "signal":
        os.kill(pid, signal.SIGHUP)
    else:
        done = run([site.kit.m2sh, "reload", "-db", site.db, "-every"], site.folder)
        assert done.returncode == 0, done.stderr.decode()
    until(lambda: (logs / "access.log").exists() and (logs / "error.log").exists(), "new logs")
    site.get()
    until(lambda: "GET" in (logs / "access.log").read_text(), "the second request in the new log")
    assert (logs / "access.old").read_text().count("GET") == 1
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_alive(pid), "the end of the daemon")
    assert "stopped" in (logs / "error.log").read_text()


@as_root
def test_the_parent_tells_of_a_failure(site: Site) -> None:
    site.daemon()
    second = Site(site.stage, site.kit)
    site.stage.keep(second)
    second.conf = second.conf.replace(f"port={second.port}", f"port={site.port}")
    second.load()
    parent = site.stage.start([site.kit.mongrel2, second.db, second.uuid], second.folder, name="parent")
    assert parent.wait_end() == 1
    assert "Can't listen on" in parent.log()
    assert not second.pid_file.exists()


@as_root
def test_a_second_start_is_refused(site: Site) -> None:
    pid = site.daemon()
    second: Program = site.stage.start([site.kit.mongrel2, site.db, site.uuid], site.folder, name="second")
    assert second.wait_end() == 1
    assert f"Process {pid} is still running" in second.log()
    assert site.get() == "hello from below"


@as_root
def test_as_somebody_else_it_stays_in_front_below_the_directory(site: Site) -> None:
    program = site.stage.start(
        [site.kit.mongrel2, site.db, site.uuid],
        site.folder,
        before=lambda: (os.setgroups([]), os.setgid(NOBODY.pw_gid), os.setuid(NOBODY.pw_uid)),
    )
    program.wait_log("can't chroot to .* as this user: staying in front, paths are below it")
    program.wait_log("serves on")
    assert site.get() == "hello from below"
    assert read_pid(site.pid_file) == program.pid
    program.stop()
    assert not site.pid_file.exists()
    assert "GET" in (site.folder / "logs" / "access.log").read_text()
