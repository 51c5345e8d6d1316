"""A cluster of real programs: coordinator, nodes, load balancer, and m2sh to push with."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

from .nursery import Nursery
from .program import Program, run
from .raw import Client, Response
from .revisions import Site
from .server import Kit, Stage
from .wait import PATIENCE_S, until

HAPROXY = """
global
    maxconn 2000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout check 5s
    option redispatch
    retry-on conn-failure empty-response
frontend front
    bind 127.0.0.1:{port}
    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk GET /health
    default-server inter 100ms fall 2 rise 1
    http-response set-header X-Node %s
{servers}
"""


class Node:
    """A node, with a folder of its own to run in."""

    def __init__(self, cluster: "Cluster", name: str):
        self.cluster, self.name = cluster, name
        self.folder = cluster.stage.folder()
        (self.folder / "run").mkdir()
        self.state = self.folder / "state"
        self.port = cluster.stage.port()
        self.handler_port = f"tcp://127.0.0.1:{cluster.stage.port()}"
        self.program: Optional[Program] = None

    def start(self, *more: object, port: bool = True) -> "Node":
        """`port`: whether it listens on its own port instead of the configuration's."""
        command: List[object] = [
            *[self.cluster.kit.mongrel2, "-coordinator", self.cluster.requests],
            *["-server", "main", "-node", self.name, "-state", self.state],
            *["-handler_port", self.handler_port],
            *(["-port", self.port] if port else []),
            *self.cluster.key_options,
            *more,
        ]
        self.program = self.cluster.stage.start(command, self.folder, name=self.name)
        return self

    @property
    def running(self) -> Program:
        assert self.program is not None
        return self.program

    def get(self, path: str, host: str = "localhost") -> Response:
        with Client(self.port) as client:
            return client.get(path, host=host).response()

    def serves(self) -> int:
        """The version that it serves; 0: none."""
        try:
            found = re.search(r"config_version (\d+)", self.get("/metrics").body.decode())
        except (OSError, AssertionError):
            return 0
        return int(found[1]) if found else 0

    def wait_serves(self, version: int) -> None:
        self.running.wait(lambda: self.serves() == version, f"serving version {version}")


class Seat:
    """A coordinator's place: its name and its sockets."""

    def __init__(self, cluster: "Cluster", name: str):
        self.cluster, self.name = cluster, name
        self.requests = f"tcp://127.0.0.1:{cluster.stage.port()}"
        self.updates = f"tcp://127.0.0.1:{cluster.stage.port()}"
        self.program: Optional[Program] = None

    @property
    def running(self) -> Program:
        assert self.program is not None
        return self.program

    def start(self, *more: object, env: Optional[Dict[str, str]] = None) -> Program:
        command = [
            *[self.cluster.kit.mongrel2.parent / "mongrel2-coordinator"],
            *["-store", self.cluster.store, "-name", self.name],
            *["-listen", self.requests, "-publish", self.updates],
            *[*self.cluster.coordinator_options, *self.cluster.key_options, *more],
        ]
        self.program = self.cluster.stage.start(command, self.cluster.folder, name=self.name, env=env)
        return self.program


class Cluster:
    """Everything is started by hand, so that a test can leave out or stop what it likes."""

    def __init__(
        self,
        stage: Stage,
        kit: Kit,
        names: List[str],
        store: str = "sqlite:store.sqlite",
        coordinators: int = 1,
    ):
        self.stage, self.kit, self.store = stage, kit, store
        self.folder = stage.folder()
        self.coordinator_options: List[object] = []
        #: For every program; empty: the cluster runs without keys.
        self.key_options: List[object] = []
        self.seats = [Seat(self, f"coordinator-{n + 1}") for n in range(coordinators)]
        self.requests = ",".join(seat.requests for seat in self.seats)
        self.upstream = stage.port()
        self.port = stage.port()
        self.site = Site(self.folder, str(uuid.uuid4()), stage.port(), self.upstream)
        self.nodes: Dict[str, Node] = {name: Node(self, name) for name in names}

    # ---- the coordinators, and what people say to them -------------------------------------------

    @property
    def coordinator(self) -> Optional[Program]:
        """The first one."""
        return self.seats[0].program

    def start_coordinator(self, *more: object) -> Program:
        return self.seats[0].start(*more)

    def m2sh(
        self,
        *args: object,
        status: Optional[int] = 0,
        timeout_s: float = 60,
        at: str = "",
    ) -> "subprocess.CompletedProcess[str]":
        """Runs it on the cluster, or at the coordinators named; None: whatever its exit status."""
        keys = [] if "-keys" in args else self.key_options
        words = [self.kit.m2sh, args[0], "-cluster", at or self.requests, *keys, *args[1:]]
        done = run(words, self.folder, timeout_s=timeout_s, env={"LOGNAME": "alice"})
        text = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )
        if status is not None:
            story = f"m2sh {' '.join(map(str, args))}: {text.returncode}\n{text.stdout}{text.stderr}"
            assert text.returncode == status, story
        return text

    def rows(self, *args: object) -> List[Dict[str, Any]]:
        """What a command prints as JSON."""
        return json.loads(self.m2sh(*args, "-json").stdout)

    def push(
        self, n: int, *more: object, status: int = 0, why: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Pushes revision `n` of the site, which need not be the version it gets."""
        return self.push_file(self.site.write(n), *more, status=status, why=why or f"revision {n}")

    def push_file(
        self, path: Path, *more: object, status: int = 0, why: str = "a test"
    ) -> "subprocess.CompletedProcess[str]":
        return self.m2sh("push", "-config", path, "-why", why, *more, status=status)

    def member(self, name: str) -> Dict[str, Any]:
        """What the coordinator knows of a node; empty: nothing."""
        done = self.m2sh("nodes", "-json", status=None)
        rows = json.loads(done.stdout) if done.returncode == 0 else []
        return next((row for row in rows if row["node"] == name), {})

    def wait_state(self, name: str, state: str, timeout_s: float = PATIENCE_S * 2) -> Dict[str, Any]:
        def there() -> Dict[str, Any]:
            row = self.member(name)
            return row if row.get("state") == state else {}

        return until(there, f"node {name} is {state}", timeout_s)

    # ---- everyone else -----------------------------------------------------------------------------

    def start(self, revision: int = 1) -> "Cluster":
        """Coordinators, nodes, and the first configuration."""
        for seat in self.seats:
            seat.start()
        for node in self.nodes.values():
            node.start()
        for name in self.nodes:
            until(lambda: self.member(name), f"node {name} has joined", PATIENCE_S * 2)
        self.push(revision)
        for node in self.nodes.values():
            node.wait_serves(1)
        return self

    def start_workers(self, names: List[str]) -> Nursery:
        """Workers of the site's pool, which find the nodes through the coordinator."""
        nursery = Nursery(self.stage, "echo", [], coordinator=self.requests)
        for name in names:
            nursery.start(name)
            for node in self.nodes.values():
                node.running.wait_log(f"worker joined .* name={name} ")
        return nursery

    def start_balancer(self) -> Program:
        """HAProxy in front of all nodes, at `port`; names the node in the header X-Node."""
        servers = "\n".join(
            f"    server {node.name} 127.0.0.1:{node.port} check" for node in self.nodes.values()
        )
        conf = self.folder / "haproxy.cfg"
        conf.write_text(HAPROXY.format(port=self.port, servers=servers))
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        balancer = self.stage.start([program, "-db", "-f", conf], self.folder)

        balancer.wait(lambda: len(self.behind_the_balancer()) == len(self.nodes), "all nodes behind it")
        return balancer

    def behind_the_balancer(self) -> Set[str]:
        """The nodes that it sends requests to."""
        seen = set()
        for _ in range(2 * len(self.nodes)):
            try:
                with Client(self.port) as client:
                    answer = client.get("/health").response()
            except OSError:
                return set()
            if answer.status == 200:
                seen.add((answer.header("X-Node") or b"").decode())
        return seen

    def stop(self) -> None:
        """Asks all programs to end, and checks how they do."""
        for node in self.nodes.values():
            if node.program is not None and node.program.is_running():
                node.program.stop()
        for seat in self.seats:
            if seat.program is not None and seat.program.is_running():
                seat.program.stop()
