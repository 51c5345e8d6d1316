"""docs/examples/chat: two people in two browsers talk through two nodes of a cluster."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.browser import Browser, chromium
from support.cluster import Cluster
from support.program import Program
from support.server import ROOT, Kit, Stage
from support.wait import until

EXAMPLE = ROOT / "docs" / "examples" / "chat"

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(chromium() is None, reason="there is no chromium"),
]


def start_room(stage: Stage, cluster: Cluster) -> Program:
    room = stage.start(
        ["/usr/bin/python3", "-B", EXAMPLE / "chat.py", "-coordinators", cluster.requests],
        stage.folder(),
        name="chat",
        env={"PYTHONPATH": str(ROOT / "proto" / "python")},
    )
    for node in cluster.nodes.values():
        node.running.wait_log(f"worker joined pool=chat .*pid={room.pid} ")
    return room


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Cluster:
    cluster = Cluster(stage, node, ["alpha", "beta"])
    shutil.copytree(EXAMPLE / "www", cluster.folder / "www")
    text = (EXAMPLE / "mongrel2.conf").read_text()
    text = text.replace('base="www/"', f'base="{cluster.folder}/www/"')
    text = re.sub(r"port=\d+", f"port={stage.port()}", text)
    (cluster.folder / "chat.conf").write_text(text)
    cluster.start_coordinator()
    for each in cluster.nodes.values():
        each.start()
    for name in cluster.nodes:
        until(lambda: cluster.member(name), f"node {name} has joined")
    cluster.push_file(cluster.folder / "chat.conf", why="a chat")
    return cluster


@pytest.fixture
def browser(stage: Stage) -> Browser:
    return stage.keep(Browser(stage.folder()))


def url(cluster: Cluster, name: str) -> str:
    return f"http://127.0.0.1:{cluster.nodes[name].port}/"


def test_two_people_on_two_nodes(stage: Stage, cluster: Cluster, browser: Browser) -> None:
    start_room(stage, cluster)
    ann, bob = browser.page(url(cluster, "alpha")), browser.page(url(cluster, "beta"))
    ann.type("input[name=name]", "Ann")
    ann.wait_text("#state", "here as Ann")
    bob.type("input[name=name]", "Bob")
    bob.wait_text("#users", "Ann")
    ann.wait_text("#log", "Bob has come")
    assert ann.text("#users").split("\n") == bob.text("#users").split("\n") == ["Ann", "Bob"]

    ann.type("input[name=text]", "hello <b>there</b>, héllo 🎉")
    bob.wait_text("#log", "Ann: hello <b>there</b>, héllo 🎉")
    ann.wait_text("#log", "Ann: hello")
    bob.type("input[name=text]", "hi")
    ann.wait_text("#log", "Bob: hi")

    bob.close()
    ann.wait_text("#log", "Bob has gone")
    assert ann.text("#users") == "Ann"
    assert browser.console == []


def test_the_room_is_restarted(stage: Stage, cluster: Cluster, browser: Browser) -> None:
    """Whoever is connected stays connected to the node; a new room hears nothing of them until they
    join again, which the page does when it is loaded anew."""
    room = start_room(stage, cluster)
    ann = browser.page(url(cluster, "alpha"))
    ann.type("input[name=name]", "Ann")
    ann.wait_text("#state", "here as Ann")
    room.stop()
    start_room(stage, cluster)
    bob = browser.page(url(cluster, "beta"))
    bob.type("input[name=name]", "Ann")
    bob.wait_text("#state", "here as Ann")
    assert bob.text("#users") == "Ann"


def test_pages_of_other_sites_are_refused(stage: Stage, cluster: Cluster, browser: Browser) -> None:
    start_room(stage, cluster)
    other = browser.page(url(cluster, "beta"))
    closed = other.eval(
        f"""new Promise((done) => {{
            const socket = new WebSocket("ws://127.0.0.1:{cluster.nodes["alpha"].port}/chat");
            socket.onclose = (event) => done(event.code);
        }})"""
    )
    assert closed == 1008


def test_its_files(node: Kit) -> None:
    """The configuration in the folder is one that loads."""
    from support.program import run

    done = run([node.m2sh, "check", "-config", EXAMPLE / "mongrel2.conf"], Path(EXAMPLE))
    assert done.returncode == 0, done.stdout + done.stderr
