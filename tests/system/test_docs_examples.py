"""What README.md and docs/cluster-by-hand.md tell people to do, done: the files are theirs, the
commands are theirs, only the ports are others."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from support.program import Program
from support.server import ROOT, Kit, Stage
from support.wait import until

BLOCK = re.compile(r"^`(\w[\w.]*)`[^\n]*\n(?:[^\n]+\n)*\n```python\n(.*?)```", re.M | re.S)
COMMAND = re.compile(r"^    (\w.*)$", re.M)
REQUESTS = "tcp://127.0.0.1:6780"


class Page:
    """A page of the documentation: its files written, its commands ready to be run."""

    def __init__(self, stage: Stage, kit: Kit, name: str, ports: Sequence[int], begin: str, end: str):
        self.stage = stage
        self.folder = stage.folder()
        self._ports = {str(port): str(stage.port()) for port in ports}
        self._env = {"PATH": f"{kit.m2sh.parent}:{os.environ['PATH']}"}
        text = (ROOT / name).read_text()
        for file, content in BLOCK.findall(text):
            (self.folder / file).write_text(self.ours(content))
        part = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        part = part[part.index(begin) : part.index(end)]
        self.commands: List[str] = COMMAND.findall(part)

    def ours(self, text: str) -> str:
        for port, free in self._ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text.replace("SOURCE", str(ROOT))

    def take(self, word: str) -> str:
        """The next command, which begins with this word."""
        command = self.commands.pop(0)
        assert command.startswith(word), f"{command!r} where {word!r} was expected"
        return self.ours(command)

    def run(self, word: str, more: str = "", status: int = 0) -> str:
        done = subprocess.run(
            ["bash", "-c", self.take(word) + more],
            cwd=self.folder,
            env={**os.environ, **self._env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def start(self, word: str, more: str = "", name: str = "") -> Program:
        command = self.take(word)
        assert command.endswith(" &")
        line = f"exec {'env ' if '=' in command.split()[0] else ''}{command[:-2]}{more}"
        return self.stage.start(["bash", "-c", line], self.folder, name=name or word, env=self._env)

    def curl_until(self, wanted: str, times: int = 1) -> None:
        """The next `times` commands fetch something, sooner or later what is wanted."""
        for _ in range(times):
            command = self.take("curl")

            def fetch(command: str = command) -> bool:
                done = subprocess.run(
                    ["bash", "-c", f"{command} -m 5"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
                )
                return wanted in done.stdout

            until(fetch, f"{command} -> {wanted}")


def page_of(stage: Stage, kit: Kit, where: Tuple[str, str, str], ports: Sequence[int]) -> Page:
    name, begin, end = where
    return Page(stage, kit, name, ports, begin, end)


def test_one_server(stage: Stage, node: Kit) -> None:
    where = ("README.md", "Load the configuration", "## Where to go next")
    page = page_of(stage, node, where, [6767, 9996, 9997])
    page.take("PATH=")
    page.run("m2sh load")
    server = page.start("m2sh start", name="server")
    server.wait_log("serves on")
    page.start("PYTHONPATH=", name="hello")
    page.curl_until("Hello, /hello/world")
    assert page.commands == []
    stop: Dict[str, str] = {**os.environ, "PATH": f"{node.m2sh.parent}:{os.environ['PATH']}"}
    for command in (["m2sh", "load"], ["m2sh", "reload", "-name", "main"], ["m2sh", "stop", "-name", "main"]):
        subprocess.run(command, cwd=page.folder, env=stop, check=True, timeout=60)
    assert server.process.wait(10) == 0


def test_a_cluster_by_hand(stage: Stage, node: Kit) -> None:
    where = ("docs/cluster-by-hand.md", "    mkdir static", "## On several hosts")
    page = page_of(stage, node, where, [6767, 6780, 6781, 6801, 6802])
    at = f" -cluster {page.ours(REQUESTS)}"  # others than by default
    open_at = f" -listen {page.ours(REQUESTS)} -publish {page.ours('tcp://127.0.0.1:6781')}"
    page.run("mkdir")
    page.run("sed")
    assert "is valid" in page.run("m2sh check")
    page.start("mongrel2-coordinator", open_at).wait_log("ready listen")
    for name in ("alpha", "beta"):
        page.start("mongrel2 ", name=name).wait_log("joined")
    assert "runs on 2 nodes" in page.run("m2sh push", at)
    assert page.run("m2sh nodes", at).count("SYNCED") == 2
    page.curl_until("It serves.")
    page.start("PYTHONPATH=", name="hello")
    page.curl_until("Hello through node", times=2)
    page.run("sed")
    assert "/old" in page.run("m2sh diff", status=1)
    page.run("m2sh push", at)
    page.curl_until("Location: /hello")
    assert "the old address leads on" in page.run("m2sh log")
    assert "Revision 3" in page.run("m2sh rollback", at)
    page.take("kill")
    assert page.commands == []


def test_a_worker_in_few_lines(stage: Stage, node: Kit) -> None:
    """The program of docs/reference/pool-protocol.md serves."""
    folder, port, workers = stage.folder(), stage.port(), stage.port()
    program = re.findall(r"```python\n(.*?)```", (ROOT / "docs/reference/pool-protocol.md").read_text(), re.S)[0]
    (folder / "worker.py").write_text(program.replace("9999", str(workers)))
    conf = dict(BLOCK.findall((ROOT / "README.md").read_text()))["mongrel2.conf"].replace("6767", str(port))
    conf = re.sub(r"Handler\(.*?\)", 'Handler(pool="chat")', conf, flags=re.S)
    (folder / "mongrel2.conf").write_text(conf)
    subprocess.run([node.m2sh, "load"], cwd=folder, check=True, timeout=60)
    command = [node.mongrel2, "config.sqlite", "-name", "main", "-handler_port", f"tcp://127.0.0.1:{workers}"]
    stage.start(command, folder, name="server").wait_log("serves on")
    library = {"PYTHONPATH": str(ROOT / "proto/python")}
    stage.start(["/usr/bin/python3", "worker.py"], folder, env=library, name="worker")
    for _ in range(10):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=10) as answer:
            assert answer.read() == b"hello\n"


def test_the_bytes_of_the_control_port(stage: Stage, node: Kit) -> None:
    """Requests of docs/reference/control-port.md whose answers depend on nothing."""
    from mongrel2 import ControlPort

    folder: Path = stage.folder()
    blocks = dict(BLOCK.findall((ROOT / "README.md").read_text()))
    port = stage.port()
    conf = blocks["mongrel2.conf"].replace("6767", str(port))
    conf = conf.replace("9996", str(stage.port())).replace("9997", str(stage.port()))
    (folder / "mongrel2.conf").write_text(conf)
    subprocess.run([node.m2sh, "load"], cwd=folder, check=True, timeout=60)
    server = stage.start([node.mongrel2, "config.sqlite", "-name", "main"], folder)
    server.wait_log("serves on")
    page = (ROOT / "docs/reference/control-port.md").read_text()
    cases = re.findall(r"^> (.*)\n< (.*)$", page, re.M)
    assert len(cases) > 10
    changing = ("4:info", "4:time", "3:net", "5:tasks", "4:kill")
    with ControlPort(f"ipc://{folder}/control") as control:
        for request, answer in sorted(cases, key=lambda case: "control_stop" in case[0]):
            got = control.exchange(request.encode()).decode()
            if any(word in request for word in changing):
                got, answer = got.partition("4:rows")[0], answer.partition("4:rows")[0]
                got, answer = got.partition(":")[2], answer.partition(":")[2]
            if "kill" not in request:
                assert got == answer, request
    server.stop()
