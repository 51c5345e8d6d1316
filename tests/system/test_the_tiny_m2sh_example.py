"""docs/examples/tiny_m2sh makes the database that m2sh makes, and mongrel2 serves it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, List

import pytest

from support.program import run
from support.raw import Client
from support.server import ROOT, Kit, Server, Stage, server_conf

EXAMPLE = ROOT / "docs" / "examples" / "tiny_m2sh" / "tiny_m2sh.py"
HOSTS = """
files = Dir(base="files/", index_file="index.html", default_ctype="text/plain", cache_ttl=5)
app = Proxy(addr="127.0.0.1", port=9)
chat = Handler(send_spec="ipc://run/s", send_ident="34f9ceee-cd52-4b7f-b197-88bf2f0ec378",
               recv_spec="ipc://run/r", recv_ident="", protocol="tnetstring", raw_payload=1)
one = Host(name="localhost", routes={{{{
    "/": files, "/app/": app, "/chat": chat, "@chat": chat, "/img/(.*).png$": files
}}}})
two = Host(name="two", matching="(.+).example", routes={{{{"/": app}}}})
mimetypes = {{{{".note": "text/x-note"}}}}
"""


def tiny(*words: object) -> Any:
    return run(["/usr/bin/python3", "-B", EXAMPLE, *words], env={"LOGNAME": "alice"})


def rows(db: Path, table: str) -> List[Any]:
    with sqlite3.connect(db) as connection:
        columns = [c[1] for c in connection.execute(f"PRAGMA table_info({table})") if c[1] != "happened_at"]
        return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()


@pytest.fixture
def server(stage: Stage, node: Kit) -> Server:
    conf = server_conf(HOSTS.format(), "localhost", ', "limits.content_length": 4096', "hosts=[one, two]")
    server = Server(stage, node, conf)
    (server.folder / "files").mkdir()
    (server.folder / "files" / "index.html").write_text("tiny")
    (server.folder / "files" / "x.note").write_text("noted")
    return server


def test_the_same_database(server: Server, node: Kit) -> None:
    conf = server.folder / "mongrel2.conf"
    conf.write_text(server.conf)
    ours, theirs = server.folder / "tiny.sqlite", server.folder / "m2sh.sqlite"
    done = tiny("load", conf, ours)
    assert done.returncode == 0, done.stderr
    loaded = run([node.m2sh, "load", "-config", conf, "-db", theirs], env={"LOGNAME": "alice"})
    assert loaded.returncode == 0, loaded.stderr
    tables = ["server", "host", "route", "directory", "proxy", "handler", "filter", "xrequest"]
    for table in [*tables, "setting", "statistic", "log"]:
        assert rows(ours, table) == rows(theirs, table), table
    assert ("text/x-note", ".note") in [row[1:] for row in rows(ours, "mimetype")]
    check = run([node.m2sh, "check", "-db", ours])
    assert check.returncode == 0, check.stderr
    assert tiny("load", conf, ours).returncode == 0
    assert len(rows(ours, "log")) == 2 and len(rows(ours, "server")) == 1


def test_it_is_served(server: Server) -> None:
    conf = server.folder / "mongrel2.conf"
    conf.write_text(server.conf)
    assert tiny("load", conf, server.db).returncode == 0
    server.start()
    with Client(server.port) as client:
        assert client.get("/").response().body == b"tiny"
        assert client.get("/x.note").response().header("Content-Type") == b"text/x-note"


def test_what_is_wrong_changes_nothing(server: Server) -> None:
    conf = server.folder / "mongrel2.conf"
    conf.write_text(server.conf)
    assert tiny("load", conf, server.db).returncode == 0
    before = server.db.read_bytes()
    conf.write_text(server.conf.replace('index_file="index.html", ', ""))
    failed = tiny("load", conf, server.db)
    assert failed.returncode == 1 and b"missing ['index_file']" in failed.stderr
    assert server.db.read_bytes() == before
    assert tiny("load").returncode == 2
