"""Configuration databases both ways: what one make's m2sh has written runs on the other's server, and
what the two write is the same.
"""

import re
import sqlite3

import pytest
from compare import Expect, show, show_request
from support.fixtures import need
from support.program import run
from support.raw import Client
from support.server import DEBIAN, Server, ours, server_conf
from world import HANDLERS, request

ROUTES = """
    "/": dir, "/hj": hj, "/ht": ht, "/hj/(\\d+)$": hj, "@hj": hj, "<hj": hj, "/img/(.*).jpg$": hj,
    "/back/": proxy
"""
CONF = server_conf(
    HANDLERS
    + f"""
dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain", cache_ttl=3)
proxy = Proxy(addr="127.0.0.1", port=1)
routes = {{{{{ROUTES}}}}}
localhost = Host(name="localhost", routes=routes)
other = Host(name="other.test", matching="([a-z]+).other.test", routes={{{{"/o": hj}}}})
mimetypes = {{{{".zzz": "application/x-zzz"}}}}
""",
    "localhost",
    settings=', "limits.content_length": 30000, "upload.temp_store_mode": "0600"',
    extra="hosts=[localhost, other]",
)


@pytest.fixture(params=["debian on debian", "debian on ours", "ours on debian", "ours on ours"])
def pair(request):
    """The kit that writes the database, and the one that runs on it."""
    writer, _, runner = request.param.partition(" on ")
    kits = {"debian": DEBIAN, "ours": ours()}
    return need(kits[writer]), need(kits[runner])


def test_a_database_of_one_runs_on_the_other(stage, pair):
    writer, runner = pair
    server = Server(stage, runner, CONF)
    (server.folder / "static").mkdir()
    (server.folder / "static/index.html").write_text("index\n")
    server.load(writer).start()
    hj = stage.handler(*[f"ipc://{server.folder}/run/hj.{way}" for way in ("send", "recv")])
    expect = Expect("both")  # the makes do not differ here
    got = []
    for target, host in [("/hj/12?q=1", "localhost"), ("/img/x.jpg", "h"), ("/o", "a.other.test")]:
        with Client(server.port) as client:
            client.get(target, host=host)
            got.append(show_request(request(hj).msg))
    with Client(server.port) as client:
        index = client.get("/").response()
    server.stop()
    wanted = [
        sample("/hj/12", "/hj/12?q=1", "/hj/(\\d+)$", "localhost", "q=1"),
        sample("/img/x.jpg", "/img/x.jpg", "/img/(.*).jpg$", "h"),
        sample("/o", "/o", "/o", "a.other.test"),
    ]
    for seen, reference in zip(got, wanted):
        expect("database: a request", re.sub(r" \d+:{", " N:{", seen), reference)
    expect("database: a file", f"{index.status} {show(index.body)}", "200 index\\n")


def sample(path, uri, pattern, host, query=None):
    more = f'"QUERY":"{query}",' if query else ""
    pattern = pattern.replace("\\", "\\" * 4)  # escaped in JSON, and once more to be shown
    return (
        f'34f9ceee-cd52-4b7f-b197-88bf2f0ec378 ID {path} N:{{"PATH":"{path}","host":"{host}",'
        f'"x-forwarded-for":"127.0.0.1","METHOD":"GET","VERSION":"HTTP/1.1","URI":"{uri}",{more}'
        f'"PATTERN":"{pattern}","URL_SCHEME":"http","REMOTE_ADDR":"127.0.0.1"}},0:,'
    )


# ---- what is written ----------------------------------------------------------------------------


def rows_of(db):
    """The rows of each table as sets of text, names in place of ids, which are given in an order
    that upstream does not promise."""
    with sqlite3.connect(db) as base:

        def rows(query):
            return sorted("|".join(str(cell) for cell in row) for row in base.execute(query))

        target = (
            "CASE target_type WHEN 'handler' THEN (SELECT send_spec FROM handler WHERE id=target_id)"
            " WHEN 'dir' THEN (SELECT base FROM directory WHERE id=target_id)"
            " ELSE (SELECT addr FROM proxy WHERE id=target_id) END"
        )
        return {
            "server": rows(
                "SELECT uuid, access_log, error_log, chroot, pid_file, control_port, default_host,"
                " name, bind_addr, port, use_ssl FROM server"
            ),
            "host": rows(
                "SELECT host.name, matching, maintenance, server.name FROM host"
                " JOIN server ON server.id = server_id"
            ),
            "route": rows(
                f"SELECT path, reversed, host.name, target_type, {target} FROM route"
                " JOIN host ON host.id = host_id"
            ),
            "handler": rows(
                "SELECT send_spec, send_ident, recv_spec, recv_ident, raw_payload, protocol"
                " FROM handler"
            ),
            "directory": rows("SELECT base, index_file, default_ctype, cache_ttl FROM directory"),
            "proxy": rows("SELECT addr, port FROM proxy"),
            "setting": rows("SELECT key, value FROM setting"),
            "types": [
                ", ".join(str(type(cell).__name__) for cell in row)
                for query in (
                    "SELECT * FROM (SELECT uuid, port, use_ssl, chroot FROM server)",
                    "SELECT cache_ttl, base FROM directory",
                    "SELECT port, addr FROM proxy",
                )
                for row in base.execute(query)
            ],
            "log": rows("SELECT what, why FROM log"),
        }


def tables_of(db):
    with sqlite3.connect(db) as base:
        names = [r[0] for r in base.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {
            name: [(r[1], r[2].upper()) for r in base.execute(f"PRAGMA table_info({name})")]
            for name in names
        }


@pytest.fixture
def databases(stage, debian, node):
    """The same configuration, written by both."""
    server = Server(stage, debian, CONF)
    first = server.load(debian).db.rename(server.folder / "debian.sqlite")
    second = server.load(node).db.rename(server.folder / "ours.sqlite")
    return first, second


def test_both_write_the_same_rows(databases):
    first, second = (rows_of(db) for db in databases)
    for table in first:
        assert first[table] == second[table], table


def test_ours_has_upstreams_tables_and_columns(databases):
    """In upstream's order, its own behind them; without additions used there are none."""
    first, second = (tables_of(db) for db in databases)
    for name, columns in first.items():
        names = [column for column in second[name] if column in columns]
        assert names == columns, name


def mimetypes_of(db):
    with sqlite3.connect(db) as base:
        return dict(base.execute("SELECT extension, mimetype FROM mimetype"))


def test_mime_types(databases):
    """Upstream deletes what it was told to add. Ours has every extension that upstream has, but for
    those with capitals, which never match."""
    first, second = (mimetypes_of(db) for db in databases)
    assert ".zzz" not in first and second[".zzz"] == "application/x-zzz"
    assert sorted(e for e in set(first) - set(second) if e == e.lower()) == []
    assert [e for e in second if not e.startswith(".") or e != e.lower()] == []


def test_a_second_load_keeps_the_log(stage, debian, node):
    """Either make's, after either make's."""
    server = Server(stage, debian, CONF)
    for kit in (debian, node, debian, node):
        server.load(kit)
    with sqlite3.connect(server.db) as base:
        assert base.execute("SELECT count(*) FROM log WHERE what = 'load'").fetchone() == (4,)
        assert base.execute("SELECT count(*) FROM server").fetchone() == (1,)


@pytest.mark.parametrize("command", ["servers", "hosts -server main", "routes -server main -host other.test"])
def test_both_list_the_same(databases, debian, node, command):
    """Each make's m2sh reads the other's database; columns end in a blank upstream."""
    outputs = set()
    for kit in (debian, node):
        for db in databases:
            done = run([kit.m2sh, *command.split(), "-db", db])
            assert done.returncode == 0, done.stderr
            outputs.add("\n".join(line.strip() for line in done.stdout.decode().split("\n")))
    assert len(outputs) == 1, outputs


CASES = ["database: a request", "database: a file"]
