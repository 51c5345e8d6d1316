"""Reference 14: a filter that comes along with both makes, null, and what it does to requests."""

from pathlib import Path

import pytest
from compare import show
from support.raw import Closed
from support.server import build_folder
from world import World, conf_of

FOLDERS = {
    "debian": Path("/usr/lib/mongrel2/filters"),
    "ours": build_folder() / "lib" / "mongrel2" / "filters",
}


def filters(kit):
    """The parameter of Server, braces twice."""
    file = FOLDERS[kit.name] / "null.so"
    assert file.exists(), file
    return f'filters=[Filter(name="{file}", settings={{{{"key": "value", "level": 3}}}})]'


def prepare(folder):
    (folder / "static").mkdir()
    (folder / "static/a.txt").write_text("a file")


@pytest.fixture(scope="module")
def world(module_stage, kit):
    conf = conf_of(
        '"/hj": hj, "/dir/": dir, "/p/": proxy, "@chat": hj',
        before='dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain")\n'
        f'proxy = Proxy(addr="127.0.0.1", port={module_stage.port()})\n',
    )
    conf = conf.replace("hosts=[localhost]", "hosts=[localhost], " + filters(kit))
    return World(module_stage, kit, conf, prepare)


def outcome(client):
    try:
        got = client.read_end(timeout_s=0.5)
    except Closed:
        return f"{show(client.unread)} open"
    return f"{show(got)} closed"


CASES = ["filter null: handler", "filter null: proxy", "filter null: socket", "filter null: file", "filter null: nothing"]


@pytest.mark.parametrize(
    "name, data",
    [
        ("handler", b"GET /hj HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("proxy", b"GET /p/x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("socket", b'@chat {"a": 1}\0'),
    ],
)
def test_what_is_let_through_nowhere(world, expect, name, data):
    with world.client() as client:
        client.send(data)
        expect(f"filter null: {name}", outcome(client), " closed")
    assert not world.hj.poll(0)


def test_files_are_served(world, expect):
    with world.client() as client:
        got = client.get("/dir/a.txt").response()
        expect("filter null: file", f"{got.status} {show(got.body)}", "200 a file")
    with world.client() as client:
        expect("filter null: nothing", str(client.get("/none").response().status), "404")
