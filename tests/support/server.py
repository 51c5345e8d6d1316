"""Classic servers: Debian's Mongrel2 and ours, each with its m2sh, started the same way."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional

from mongrel2 import Connection, ControlPort

from .ports import Folders, Ports, accepts
from .program import Failed, Program, Programs, run
from .wait import PATIENCE_S

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Kit:
    """The programs of one make."""

    name: str
    mongrel2: Path
    m2sh: Path

    @property
    def is_there(self) -> bool:
        return self.mongrel2.exists() and self.m2sh.exists()

    def __str__(self) -> str:
        return self.name


def build_folder() -> Path:
    """Of the preset that is tested: that of tests/run, else the first that has been built."""
    named = os.environ.get("M2_BUILD")
    if named:
        return Path(named)
    folders = [ROOT / "build" / preset for preset in ("asan", "debug")] + [ROOT / "build"]
    return next((f for f in folders if (f / "bin" / "mongrel2").exists()), folders[0])


def ours() -> Kit:
    bin = build_folder() / "bin"
    return Kit("ours", bin / "mongrel2", bin / "m2sh")


DEBIAN = Kit("debian", Path("/usr/bin/mongrel2"), Path("/usr/bin/m2sh"))


class Stage:
    """Everything that a test, or a module of tests, has put up."""

    def __init__(self) -> None:
        self.programs = Programs()
        self.ports = Ports()
        self.folders = Folders()
        self._open: List[Any] = []

    def folder(self) -> Path:
        return self.folders.new()

    def port(self) -> int:
        return self.ports.free()

    def start(self, command: Any, folder: Path, **options: Any) -> Program:
        return self.programs.start(command, folder, **options)

    def keep(self, closable: Any) -> Any:
        """Has something closed at the end, by close_sockets() or close()."""
        self._open.append(closable)
        return closable

    def handler(self, send_spec: str, recv_spec: str, **options: Any) -> Connection:
        """A classic handler that is known to be heard."""
        conn: Connection = self.keep(
            Connection(None, send_spec, recv_spec, timeout_s=PATIENCE_S, linger_ms=0, **options)
        )
        if not conn.wait_ready(PATIENCE_S):
            raise Failed(f"nobody listens for replies at {recv_spec}")
        return conn

    def end(self) -> None:
        try:
            for closable in reversed(self._open):
                getattr(closable, "close_sockets", closable.close)()
            self._open.clear()
            self.programs.end()
        finally:
            self.ports.release()
            self.folders.remove()


class Server:
    """One server of one make, by its configuration in the language of m2sh.

    In the text of the configuration, `{port}`, `{folder}`, `{uuid}` stand for this server's; every
    other brace is written twice. The paths in it are relative to the folder.
    """

    def __init__(self, stage: Stage, kit: Kit, conf: str, folder: Optional[Path] = None):
        self.stage = stage
        self.kit = kit
        self.folder = folder or stage.folder()
        self.port = stage.port()
        self.uuid = str(uuid.uuid4())
        self.conf = conf.format(port=self.port, folder=self.folder, uuid=self.uuid)
        self.db = self.folder / "config.sqlite"
        self.program: Optional[Program] = None
        for name in ("run", "logs", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)

    def load(self, kit: Optional[Kit] = None) -> "Server":
        """Makes the database, with the m2sh of `kit`."""
        kit = kit or self.kit
        conf = self.folder / "mongrel2.conf"
        conf.write_text(self.conf)
        who = {"LOGNAME": os.environ.get("LOGNAME", "tester")}  # who has no terminal has no name
        command = [kit.m2sh, "load", "-db", self.db, "-config", conf]
        done = run(command, self.folder, env=who)
        talk = (done.stdout + done.stderr).decode("utf-8", "replace")
        talk = re.sub(r".*Invalid type given.*\n", "", talk)  # Debian's, for raw_payload; harmless
        if done.returncode != 0 or not self.db.exists() or "ERROR" in talk:
            raise Failed(f"{kit.m2sh} load: status {done.returncode}\n{talk}")
        return self

    def start(self, **options: Any) -> "Server":
        """Starts it and waits until it takes connections."""
        command = [self.kit.mongrel2, self.db, self.uuid]
        self.program = self.stage.start(command, self.folder, **options)
        self.program.wait(lambda: accepts(self.port), f"accepting on port {self.port}")
        return self

    def stop(self) -> None:
        assert self.program is not None
        self.program.stop()

    def control(self) -> ControlPort:
        return self.stage.keep(ControlPort(f"ipc://{self.folder}/run/control", timeout_s=PATIENCE_S))

    def access_log(self) -> List[bytes]:
        path = self.folder / "logs" / "access.log"
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


#: What every configuration of one server has around its hosts and handlers. {routes} and the like
#: are put in by the caller; doubled braces are for :class:`Server`.
def server_conf(hosts: str, default: str, settings: str = "", extra: str = "") -> str:
    """A configuration with one server. `hosts` defines variables and is followed by their list."""
    return f"""
{hosts}

main = Server(
    uuid="{{uuid}}",
    access_log="logs/access.log",
    error_log="logs/error.log",
    pid_file="run/mongrel2.pid",
    chroot="",
    default_host="{default}",
    name="main",
    bind_addr="127.0.0.1",
    port={{port}},
    control_port="ipc://{{folder}}/run/control",
    {extra}
)

settings = {{{{"server.daemonize": 0, "zeromq.threads": 1{settings}}}}}

servers = [main]
"""
