"""A cluster's control plane: coordinators, nodes that only pretend to serve, and a client that speaks
the protocol itself."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import zmq

from mongrel2 import tnetstrings

from .m2sh import m2sh
from .program import Failed, Program
from .server import Stage, build_folder
from .wait import PATIENCE_S, until

BIN = build_folder() / "bin"
TESTS = build_folder() / "tests"

#: How long nodes may report to a coordinator that was restarted, in these tests.
SETTLE_S = 2


class Refused(Exception):
    """The coordinator said no."""

    def __init__(self, code: str, text: str, rows: List[Dict[str, Any]]):
        super().__init__(f"{code}: {text}")
        self.code, self.text, self.rows = code, text, rows


class Lost(Exception):
    """No answer came."""


def _text(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def rows(reply: Dict[bytes, Any], binary: Tuple[str, ...] = ("commit", "reply")) -> List[Dict[str, Any]]:
    """The rows of a reply, as dicts by column."""
    headers = [_text(h) for h in reply.get(b"headers", [])]
    return [
        {h: cell if h in binary else _text(cell) for h, cell in zip(headers, row)}
        for row in reply.get(b"rows", [])
    ]


class Client:
    """Requests to one coordinator. Progress of the last call is in `progress`."""

    def __init__(self, spec: str):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.connect(spec)
        self._seq = 0
        self.progress: List[Tuple[str, Dict[str, Any]]] = []

    def send(self, verb: str, **args: Any) -> int:
        self._seq += 1
        self._socket.send(tnetstrings.dump([verb, {"seq": self._seq, **args}]))
        return self._seq

    def send_raw(self, *frames: bytes) -> None:
        self._socket.send_multipart(list(frames))

    def receive(self, timeout_s: float = PATIENCE_S) -> Dict[bytes, Any]:
        if not self._socket.poll(int(timeout_s * 1000)):
            raise Lost(f"no answer within {timeout_s:g} s")
        return tnetstrings.load(self._socket.recv())

    def answers(self, seq: int, timeout_s: float = PATIENCE_S) -> Iterator[Dict[bytes, Any]]:
        """The answers to a request, the last one included."""
        while True:
            reply = self.receive(timeout_s)
            if reply.get(b"seq") != seq:
                continue
            yield reply
            if b"progress" not in reply:
                return

    def call(self, verb: str, timeout_s: float = PATIENCE_S, **args: Any) -> List[Dict[str, Any]]:
        self.progress = []
        for reply in self.answers(self.send(verb, **args), timeout_s):
            if b"progress" in reply:
                self.progress += [(_text(reply[b"progress"]), row) for row in rows(reply)]
            elif b"code" in reply:
                raise Refused(_text(reply[b"code"]), _text(reply[b"error"]), rows(reply))
            else:
                return rows(reply)
        raise Lost("no last answer")

    def drain(self) -> List[str]:
        """The progress words of what has arrived by now."""
        words = []
        while self._socket.poll(100):
            words.append(_text(tnetstrings.load(self._socket.recv()).get(b"progress", b"")))
        return words

    def reports(self, word: str) -> List[Dict[str, Any]]:
        return [row for name, row in self.progress if name == word]

    def close(self) -> None:
        self._socket.close()
        self._context.term()


class Cluster:
    """One coordinator with its store, and nodes."""

    def __init__(self, stage: Stage):
        self.stage = stage
        self.folder = stage.folders.new()
        self.store = self.folder / "store.sqlite"
        self.requests = f"tcp://127.0.0.1:{stage.ports.free()}"
        self.updates = f"tcp://127.0.0.1:{stage.ports.free()}"
        self.coordinator: Optional[Program] = None
        self.nodes: Dict[str, Program] = {}
        self._clients: List[Client] = []

    # ---- programs --------------------------------------------------------------------------

    def start_coordinator(self, failpoint: str = "", **options: Any) -> Program:
        command: List[object] = [
            BIN / "mongrel2-coordinator",
            *("-store", f"sqlite:{self.store}"),
            *("-listen", self.requests, "-publish", self.updates),
            *("-name", "c1", "-settle", SETTLE_S),
        ]
        for name, value in options.items():
            command += [f"-{name}", value]
        env = {"M2_FAILPOINTS": f"{failpoint}=kill"} if failpoint else {}
        self.coordinator = self.stage.programs.start(command, self.folder, env=env)
        self.coordinator.wait_log("ready listen=")
        return self.coordinator

    def start_node(self, name: str, failpoint: str = "", state: str = "", **options: Any) -> Program:
        command: List[object] = [
            TESTS / "m2-simnode",
            *("-coordinator", self.requests),
            *("-node", name, "-state", self.folder / (state or name)),
        ]
        for option, value in options.items():
            command += [f"-{option}", value]
        env = {"M2_FAILPOINTS": f"{failpoint}=kill"} if failpoint else {}
        self.nodes[name] = self.stage.programs.start(command, self.folder, name=name, env=env)
        return self.nodes[name]

    def client(self) -> Client:
        self._clients.append(Client(self.requests))
        return self._clients[-1]

    def end(self) -> None:
        """In good order, so that what sanitizers say at the end is heard."""
        for client in self._clients:
            client.close()
        for program in [*self.nodes.values(), self.coordinator]:
            if program is not None and program.is_running():
                program.signal(signal.SIGCONT)
                program.stop()

    def push(self, text: str, client: Optional[Client] = None, **args: Any) -> Dict[str, Any]:
        """Pushes a small configuration; the last row of the answer."""
        refused_by = args.pop("refused_by", "")
        config = canonical(self.folder, text, refused_by)
        author = {"who": "tester", "where": "here", "how": "pytest", "why": text}
        return (client or self.client()).call("push", config=config, **{**author, **args})[0]

    # ---- what it knows ---------------------------------------------------------------------

    def states(self) -> Dict[str, Tuple[str, int]]:
        """State and version of every node."""
        return {
            row["node"]: (row["state"], row["version"]) for row in self.client().call("nodes")
        }

    def wait_states(self, expected: Dict[str, Tuple[str, int]], timeout_s: float = 15) -> None:
        client = self.client()

        def reached() -> bool:
            self.last = {
                row["node"]: (row["state"], row["version"]) for row in client.call("nodes")
            }
            return self.last == expected

        try:
            until(reached, f"nodes in states {expected}", timeout_s)
        except AssertionError as error:
            raise Failed(f"{error}; they are {self.last}") from None

    def wait_joined(self, *names: str, version: int = 0) -> None:
        self.wait_states({name: ("ready", version) for name in names})

    def served(self, name: str) -> List[Tuple[int, str]]:
        """The commits that a pretended node has served, in order; a seed is version 0."""
        path = self.folder / name / "served"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(version), hash) for version, _, hash in (line.partition(" ") for line in lines)]

    def committed(self) -> Dict[int, str]:
        """The history as it is on disk."""
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return dict(db.execute("SELECT version, hash FROM commits"))


def site(text: str, refused_by: str = "") -> str:
    """A small configuration that `text` tells from others; the node `refused_by` refuses it."""
    base = f"refuse-{refused_by}/" if refused_by else f"{text}/"
    return (
        f'pages = Dir(base="{base}", index_file="index.html", default_ctype="text/{text}")\n'
        'main = Server(uuid="f400bf85-4538-4f7a-8908-67e313d515c2", name="main", port=6767,\n'
        '  access_log="/logs/access.log", error_log="/logs/error.log", chroot="./",\n'
        '  pid_file="/run/mongrel2.pid", default_host="localhost",\n'
        '  hosts=[Host(name="localhost", routes={"/": pages})])\n'
        "servers = [main]\n"
    )


def canonical(folder: Path, text: str, refused_by: str = "") -> bytes:
    """The canonical bytes of such a configuration."""
    (folder / "canon.conf").write_text(site(text, refused_by))
    done = m2sh("load", "-config", "canon.conf", "-db", "canon.sqlite", cwd=folder)
    if done.returncode != 0:
        raise Failed(done.stderr)
    return subprocess.run(
        [TESTS / "m2-canon", folder / "canon.sqlite"], check=True, stdout=subprocess.PIPE
    ).stdout
