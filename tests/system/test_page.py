"""The page for operators: on the coordinator (-http) and on nodes (Status(what="dashboard")), as a
person sees it in a browser, as curl gets it, and as somebody who means ill tries it."""

from __future__ import annotations

import re
import signal
import socket
from html import unescape
from pathlib import Path
from typing import Iterator, List

import pytest

from support.browser import Browser, Page, chromium
from support.cluster import Cluster
from support.program import run
from support.raw import Client, Closed
from support.server import Kit, Server, Stage, server_conf
from support.wait import until

pytestmark = pytest.mark.timeout(180)

needs_chromium = pytest.mark.skipif(chromium() is None, reason="there is no chromium")

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
STREAM = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"


class World:
    """A cluster of two nodes with a page on the coordinator and one on each node."""

    def __init__(self, stage: Stage, kit: Kit):
        self.cluster = Cluster(stage, kit, ["alpha", "beta"])
        self.port = stage.port()
        self.cluster.coordinator_options += ["-http", f"127.0.0.1:{self.port}"]
        self.cluster.start()
        self.push("the dashboard's first day")
        self.workers = self.cluster.start_workers(["ada"])

    def config(self, more: str = "") -> Path:
        """The site with a dashboard, and whatever else."""
        text = self.cluster.site.write(1).read_text()
        text = text.replace(
            '"/metrics": Status(what="metrics")',
            f'"/metrics": Status(what="metrics"), "/dashboard": Status(what="dashboard"){more}',
        )
        path = self.cluster.folder / "with_dashboard.conf"
        path.write_text(text)
        return path

    def push(self, why: str, more: str = "") -> None:
        self.cluster.push_file(self.config(more), why=why)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def node_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.cluster.nodes[name].port}/dashboard"

    def body(self) -> str:
        with Client(self.port) as client:
            client.send(GET)
            answer = client.response()
        assert answer.status == 200
        return answer.body.decode()


@pytest.fixture(scope="module")
def world(module_stage: Stage, node: Kit) -> Iterator[World]:
    world = World(module_stage, node)
    yield world
    world.cluster.stop()


@pytest.fixture
def browser(stage: Stage) -> Browser:
    return stage.keep(Browser(stage.folder()))


def rows(page: Page, section: str) -> List[str]:
    script = f"[...document.querySelectorAll('#{section} tr')].map(r => r.innerText)"
    return [" ".join(str(row).split()) for row in page.eval(script)]


# ---- in a browser --------------------------------------------------------------------------------


@needs_chromium
def test_a_push_arrives_on_the_open_page(world: World, browser: Browser) -> None:
    page = browser.page(world.url)
    page.wait_text("#verdict h1", "All is well: 2 nodes serve revision")
    page.eval("window.sameDocument = true")
    world.push("a route for tea", ', "/tea": Redirect(to="/r9")')
    page.wait_text("#revision .why", "a route for tea")
    page.wait_text("#revision", "2 of 2 nodes serve")
    page.wait_text("#time", "a route for tea – alice")
    page.wait_text("#routes", "/tea")
    assert page.eval("window.sameDocument"), "the page was loaded again"
    page.wait_text("#live", "Live")
    assert "All is well" in str(page.eval("document.title"))
    assert browser.console == []


@needs_chromium
def test_a_killed_worker_is_red_and_a_pool_without_one_is_the_headline(
    stage: Stage, node: Kit, browser: Browser
) -> None:
    world = World(stage, node)
    nursery = world.workers
    nursery.start("bob")
    page = browser.page(world.url)
    until(lambda: any("bob JOINED 2 of 2" in row for row in rows(page, "pools")), "bob has joined")
    assert all("JOINED" in row and "2 of 2" in row for row in rows(page, "pools")[1:]), rows(page, "pools")
    nursery.kill("ada")
    until(lambda: any(re.search(r"ada LOST \d+ s ago", row) for row in rows(page, "pools")), "ada is lost")
    red = page.eval("getComputedStyle(document.querySelector('#pools td.bad')).color")
    plain = page.eval("getComputedStyle(document.querySelector('#pools td.text')).color")
    assert red != plain
    assert "All is well" in page.text("#verdict h1")
    nursery.kill("bob")
    page.wait_text("#verdict h1", "1 thing is wrong: pool echo has no worker")
    page.wait_text("#verdict", "m2sh workers -pool echo")
    nursery.start("eve")
    page.wait_text("#verdict h1", "All is well")


@needs_chromium
def test_a_node_that_dies_is_the_headline(stage: Stage, node: Kit, browser: Browser) -> None:
    world = World(stage, node)
    page = browser.page(world.url)
    page.wait_text("#nodes", "SYNCED")
    world.cluster.nodes["beta"].running.kill()
    page.wait_text("#verdict h1", "node beta has not been heard of for")
    page.wait_text("#verdict", "m2sh nodes -node beta")
    until(lambda: any("beta SUSPECT" in row or "beta LOST" in row for row in rows(page, "nodes")), "beta is red")
    page.wait_text("#revision", "1 of 2 nodes serve")


@needs_chromium
def test_a_node_shows_the_cluster_and_itself_while_no_coordinator_answers(
    stage: Stage, node: Kit, browser: Browser
) -> None:
    world = World(stage, node)
    page = browser.page(world.node_url("alpha"))
    page.wait_text("#verdict h1", "All is well: 2 nodes serve revision 2")
    page.wait_text("#verdict", "coordinator-1")
    world.cluster.seats[0].running.kill()
    page.wait_text("#verdict h1", "no coordinator answers, so this is about one node alone")
    page.wait_text("#nodes", f"127.0.0.1:{world.cluster.nodes['alpha'].port}")
    world.cluster.start_coordinator()
    page.wait_text("#verdict h1", "All is well: 2 nodes serve revision 2")
    assert browser.console == []


@needs_chromium
def test_it_follows_the_readers_preference_of_light_or_dark(world: World, browser: Browser) -> None:
    page = browser.page(world.url)
    seen = []
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.call("Emulation.setEmulatedMedia", page.session, features=[feature])
        style = "getComputedStyle(document.body)"
        seen.append((page.eval(f"{style}.backgroundColor"), page.eval(f"{style}.color")))
    (light_paper, light_ink), (dark_paper, dark_ink) = seen
    assert light_paper == "rgb(252, 252, 250)" and dark_paper == "rgb(21, 23, 26)"
    assert light_ink != dark_ink


@needs_chromium
def test_what_comes_from_outside_stays_text(world: World, browser: Browser) -> None:
    evil = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    world.cluster.m2sh("commit", "-what", evil, "-why", evil)
    page = browser.page(world.url)
    page.wait_text("#time", "<script>")
    assert page.eval("document.querySelectorAll('main script, main img').length") == 0
    assert "taken" not in str(page.eval("document.title"))


@needs_chromium
def test_it_says_when_what_is_shown_is_old(stage: Stage, node: Kit, browser: Browser) -> None:
    world = World(stage, node)
    page = browser.page(world.url)
    page.wait_text("#live", "Live")
    world.cluster.seats[0].running.signal(signal.SIGSTOP)
    page.wait_text("#live", "what is shown is old")
    world.cluster.seats[0].running.signal(signal.SIGCONT)
    page.wait_text("#live", "Live")


# ---- without JavaScript --------------------------------------------------------------------------


def test_the_document_alone_says_everything(world: World) -> None:
    world.push("as plain as can be")
    text = world.body()
    main = text[text.index("<main>") : text.index("</main>")]
    for wanted in ("All is well", "as plain as can be", "alpha", "beta", "/dashboard", "m2sh nodes"):
        assert wanted in unescape(main), wanted
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in text
    assert re.findall(r"""(?:src|href|url\()\s*=?\s*["']?(?!data:)(?:https?:)?//""", text) == []


def test_every_section_names_commands_that_there_are(world: World) -> None:
    known = run([world.cluster.kit.m2sh, "help"], world.cluster.folder).stdout.decode()
    main = world.body()
    sections = re.findall(r"<(?:section|header) id.*?</(?:section|header)>", main)
    assert len(sections) >= 5
    for section in sections:
        commands = re.findall(r"<code>m2sh (\w+)", section)
        assert commands, section
        for command in commands:
            assert re.search(rf"(?m)^\s*{command}\b", known), f"{command}\n{known}"
    numbers = re.findall(r"<td(?! class)([^>]*)>(?:<b>)?[\d.]+", main)
    assert numbers and all('title="m2sh ' in number for number in numbers), numbers


def test_the_stream_brings_the_content_every_second(world: World) -> None:
    with Client(world.port) as client:
        client.send(STREAM)
        head = client.read_until(b"\r\n\r\n")
        contents = [client.read_until(b"\n\n") for _ in range(3)]
    assert b"Content-Type: text/event-stream" in head
    for content in contents:
        assert content.startswith(b"data: <header") and b"\n" not in content[:-2]


# ---- who tries other things ----------------------------------------------------------------------

REQUESTS = [
    ("head", b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ("post", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
    ("another path", b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("no HTTP", b"hello there\r\n\r\n", 400),
    ("another version", b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505),
    ("a large head", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
    ("many fields", b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
]


@pytest.mark.parametrize("request_bytes, status", [r[1:] for r in REQUESTS], ids=[r[0] for r in REQUESTS])
def test_other_requests(world: World, request_bytes: bytes, status: int) -> None:
    with Client(world.port) as client:
        client.send(request_bytes)
        answer = client.response(request_bytes.split(b" ")[0].decode("latin-1"))
        assert answer.status == status
        assert (answer.header("Connection") or b"").lower() == b"close"
        assert answer.body == b"" or answer.status != 200


def test_a_client_that_ends_its_direction_gets_the_answer(world: World) -> None:
    with socket.create_connection(("127.0.0.1", world.port), timeout=20) as s:
        s.sendall(GET)
        s.shutdown(socket.SHUT_WR)
        whole = b""
        while piece := s.recv(65536):
            whole += piece
    assert whole.startswith(b"HTTP/1.1 200 OK") and whole.rstrip().endswith(b"</html>")


def test_whoever_does_not_read_holds_up_nobody(world: World) -> None:
    deaf = [socket.create_connection(("127.0.0.1", world.port), timeout=20) for _ in range(20)]
    for s in deaf:
        s.sendall(STREAM)
    dribbler = socket.create_connection(("127.0.0.1", world.port), timeout=20)
    dribbler.sendall(b"GET / HT")
    assert "All is well" in world.body()
    for s in [*deaf, dribbler]:
        s.close()


def test_more_connections_than_it_takes_are_closed(world: World) -> None:
    held = [socket.create_connection(("127.0.0.1", world.port), timeout=20) for _ in range(256)]
    with Client(world.port) as client:
        with pytest.raises((Closed, ConnectionError)):
            client.send(GET)
            client.response()
    for s in held:
        s.close()
    until(lambda: b"200 OK" in once(world.port), "others are served again")


def once(port: int) -> bytes:
    try:
        with Client(port) as client:
            client.send(GET)
            return client.response().head
    except (Closed, OSError):
        return b""


# ---- starting ------------------------------------------------------------------------------------

SPECS = [
    ("0.0.0.0:{port}", "open to everybody"),
    ("[::]:{port}", "open to everybody"),
    ("127.0.0.1", "HOST:PORT"),
    ("example.test:80", "address and port"),
    ("127.0.0.1:http", "address and port"),
]


@pytest.mark.parametrize("spec, why", SPECS)
def test_where_it_does_not_listen(stage: Stage, node: Kit, spec: str, why: str) -> None:
    done = run(
        [
            *[node.mongrel2.parent / "mongrel2-coordinator", "-store", "memory:"],
            *["-listen", "tcp://127.0.0.1:*", "-publish", "tcp://127.0.0.1:*"],
            *["-http", spec.format(port=stage.port())],
        ],
        stage.folder(),
    )
    assert done.returncode == 2 and why in done.stderr.decode(), done


def test_a_port_that_is_taken_is_said(stage: Stage, node: Kit, world: World) -> None:
    done = run(
        [
            *[node.mongrel2.parent / "mongrel2-coordinator", "-store", "memory:"],
            *["-listen", "tcp://127.0.0.1:*", "-publish", "tcp://127.0.0.1:*"],
            *["-http", f"127.0.0.1:{world.port}"],
        ],
        stage.folder(),
    )
    assert done.returncode == 1 and "Address already in use" in done.stderr.decode(), done


# ---- a single server -----------------------------------------------------------------------------


@pytest.fixture
def server(stage: Stage, node: Kit) -> Server:
    hosts = """
localhost = Host(name="localhost", routes={{
    "/": Dir(base="logs/", index_file="index.html", default_ctype="text/plain"),
    "/dashboard": Status(what="dashboard")
}})"""
    return Server(stage, node, server_conf(hosts, "localhost", extra="hosts=[localhost]")).load().start()


def test_a_single_server_shows_itself(server: Server) -> None:
    with Client(server.port) as client:
        answer = client.get("/dashboard").response()
        again = client.get("/dashboard").response()
    assert answer.status == 200 and again.status == 200
    text = unescape(answer.body.decode())
    assert "All is well: this server serves its configuration" in text
    assert f"127.0.0.1:{server.port}" in text
    assert "SERVES" in text and 'Dir "' in text and "m2sh control" in text
    assert "Revision" not in text


def test_requests_sent_ahead_are_answered_in_order(server: Server) -> None:
    with Client(server.port) as client:
        client.send(b"GET /dashboard HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
        for _ in range(5):
            assert client.response().status == 200


def test_a_server_that_stops_ends_the_streams(server: Server) -> None:
    with Client(server.port) as client:
        client.send(b"GET /dashboard HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        client.read_until(b"\n\n")
        server.stop()
