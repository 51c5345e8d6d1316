"""load: all of a configuration or nothing of it."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import List

import pytest

from support.m2sh import m2sh, server, site

GOOD = site(server("main", 18001))


def rows(db: Path, sql: str) -> List[tuple]:
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    (tmp_path / "mongrel2.conf").write_text(GOOD)
    done = m2sh("load", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return tmp_path


def test_defaults_are_mongrel2_conf_and_config_sqlite(loaded: Path) -> None:
    assert rows(loaded / "config.sqlite", "select name, port from server") == [("main", 18001)]
    log = rows(loaded / "config.sqlite", "select who, what, how, why from log")
    assert [entry[1:] for entry in log] == [("load", "mongrel2.conf", "command")]


def test_another_load_replaces_all_but_the_log(loaded: Path) -> None:
    (loaded / "two.conf").write_text(site(server("other", 18002), server("third", 18003)))
    assert m2sh("config", "-config", "two.conf", "-db", "config.sqlite", cwd=loaded).returncode == 0
    db = loaded / "config.sqlite"
    assert rows(db, "select name from server") == [("other",), ("third",)]
    assert rows(db, "select what, how from log order by id") == [
        ("load", "mongrel2.conf"),
        ("load", "two.conf"),
    ]


BROKEN = [
    ("servers = [", "expected a value"),
    ("servers = [] ;", 'found ";"'),
    (site(server("main", 18001, port='"80"')), "expected a number"),
    (site(server("main", 18001, default_host='"nobody"')), "default_host"),
    (site(server("main", 18001), server("main", 18001)), "uuid"),
    (site(server("main", 18001), more='expect = ["GET http://main.example/ -> pool x"]'), "leads to"),
    ("", "servers = [...]"),
]


@pytest.mark.parametrize("text,message", BROKEN)
def test_a_failed_load_touches_nothing(loaded: Path, text: str, message: str) -> None:
    db = loaded / "config.sqlite"
    before = (db.read_bytes(), os.stat(db).st_mtime_ns, sorted(os.listdir(loaded)))
    (loaded / "mongrel2.conf").write_text(text)
    done = m2sh("load", cwd=loaded)
    assert done.returncode == 3
    assert message in done.stderr
    assert "mongrel2.conf:" in done.stderr
    assert (db.read_bytes(), os.stat(db).st_mtime_ns, sorted(os.listdir(loaded))) == before


def test_a_failed_load_makes_no_database(tmp_path: Path) -> None:
    assert m2sh("load", "-config", "missing.conf", cwd=tmp_path).returncode == 3
    (tmp_path / "mongrel2.conf").write_text("servers = 5")
    assert m2sh("load", cwd=tmp_path).returncode == 3
    assert sorted(os.listdir(tmp_path)) == ["mongrel2.conf"]


def test_a_foreign_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mongrel2.conf").write_text(GOOD)
    (tmp_path / "config.sqlite").write_text("this is no database, but somebody's letter")
    done = m2sh("load", cwd=tmp_path)
    assert done.returncode != 0
    assert (tmp_path / "config.sqlite").read_text().startswith("this is no database")


def test_messages_show_place_line_and_caret(tmp_path: Path) -> None:
    (tmp_path / "mongrel2.conf").write_text("a = 1\nservers = [nowhere]\n")
    done = m2sh("load", cwd=tmp_path)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        'mongrel2.conf:2:12: found the name "nowhere", which nothing is assigned to, expected a '
        "value or a name that is assigned",
        "    servers = [nowhere]",
        "               ^",
        "m2sh load: mongrel2.conf is not valid: 1 error.",
    ]


def test_json(tmp_path: Path) -> None:
    (tmp_path / "mongrel2.conf").write_text(GOOD)
    done = m2sh("load", "-json", "1", cwd=tmp_path)
    assert json.loads(done.stdout) == {
        "config": "mongrel2.conf",
        "db": "config.sqlite",
        "servers": 1,
        "hosts": 1,
        "routes": 2,
    }
    (tmp_path / "mongrel2.conf").write_text("servers = sites\nsite = 5\n")
    done = m2sh("load", "-json", "1", cwd=tmp_path)
    assert done.returncode == 3
    answer = json.loads(done.stdout)
    assert answer["error"]["code"] == "INVALID"
    assert answer["findings"] == [
        {
            "severity": "error",
            "file": "mongrel2.conf",
            "line": 1,
            "column": 11,
            "text": 'found the name "sites", which nothing is assigned to, expected a name that is '
            'assigned ("site"?)',
        }
    ]


def test_check_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mongrel2.conf").write_text(GOOD)
    done = m2sh("check", cwd=tmp_path)
    assert done.stdout == "1 server, 1 host, 2 routes, 0 expects: mongrel2.conf is valid.\n"
    assert os.listdir(tmp_path) == ["mongrel2.conf"]
    m2sh("load", cwd=tmp_path)
    done = m2sh("check", "-config", "config.sqlite", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    with sqlite3.connect(tmp_path / "config.sqlite") as db:
        db.execute("update directory set base = 'www'")
    done = m2sh("check", "-config", "config.sqlite", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("config.sqlite: ") and "base" in done.stderr


def test_show_prints_what_loads_to_the_same(loaded: Path) -> None:
    shown = m2sh("show", cwd=loaded)
    assert shown.returncode == 0
    (loaded / "again.conf").write_text(shown.stdout)
    assert m2sh("load", "-config", "again.conf", "-db", "again.sqlite", cwd=loaded).returncode == 0
    assert m2sh("show", "-db", "again.sqlite", cwd=loaded).stdout == shown.stdout
    tables = [name for (name,) in rows(loaded / "config.sqlite", "select name from sqlite_master where type='table'")]
    for table in tables:
        if table != "log":
            sql = f"select * from {table}"
            assert rows(loaded / "config.sqlite", sql) == rows(loaded / "again.sqlite", sql)


def test_includes_start_at_the_including_file(tmp_path: Path) -> None:
    (tmp_path / "etc" / "parts").mkdir(parents=True)
    (tmp_path / "etc" / "site.conf").write_text(
        'include "parts/files.conf"\nservers = [' + server("main", 18001) + "]\n"
    )
    (tmp_path / "etc" / "parts" / "files.conf").write_text(
        'files = Dir(base="x/", index_file="i", default_ctype="t/t"\n'
    )
    done = m2sh("check", "-config", "etc/site.conf", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("etc/parts/files.conf:1:59: found the end of the file")


def test_diff_says_what_a_load_would_change(loaded: Path) -> None:
    before = (loaded / "config.sqlite").read_bytes()
    done = m2sh("diff", cwd=loaded)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (loaded / "mongrel2.conf").write_text(GOOD.replace("port=18001", "port=18002"))
    done = m2sh("diff", cwd=loaded)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert "18001" in done.stdout and "18002" in done.stdout
    answer = json.loads(m2sh("diff", "-json", "1", cwd=loaded).stdout)
    assert [entry["change"] for entry in answer] == ["changed"]
    assert (loaded / "config.sqlite").read_bytes() == before
    (loaded / "mongrel2.conf").write_text("servers = x")
    assert m2sh("diff", cwd=loaded).returncode == 3
    assert m2sh("diff", "-db", "missing.sqlite", "-config", "config.sqlite", cwd=loaded).returncode == 1
