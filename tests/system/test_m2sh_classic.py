"""Classic commands: names, options and output as with Mongrel2's m2sh, to the byte. Where Debian's
m2sh is installed it is asked too, over the same database."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import List

import pytest

from support.m2sh import m2sh, server, site

DEBIAN = shutil.which("m2sh")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "mongrel2.conf").write_text(
        site(
            server("main", 18001),
            server(
                "admin",
                18002,
                hosts='[Host(name="admin.example", routes={"/": files}), Host(name="b.example", routes={})]',
            ),
        )
    )
    assert m2sh("load", cwd=folder).returncode == 0
    done = m2sh("commit", "-what", "shop", "-why", "two words", "-where", "here", "-how", "hand", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    return folder


SAME = [
    "servers",
    "hosts -server main",
    "hosts -server admin",
    "hosts --server admin --db config.sqlite",
    "routes -server main -host main.example",
    "routes -id 2",
    "routes -id 3",
    "log",
    "help -on load",
    "help -on uuid",
    "route -pattern /images/(.*.jpg) -match /images/a.jpg",
    "route -pattern /images/ -match /images/a.jpg",
    "route -pattern /images/(.*.jpg) -match /zzz",
    "route -pattern /users -match /us",
    "route -pattern (.+).mongrel2.org -match www.mongrel2.org -reversed -suffix",
    "route -pattern mongrel2.org -match mongrel2.org -reversed -suffix",
]


@pytest.mark.skipif(DEBIAN is None, reason="Debian's m2sh is not installed")
@pytest.mark.parametrize("line", SAME)
def test_same_bytes_as_upstream(shop: Path, line: str) -> None:
    theirs = subprocess.run(
        [str(DEBIAN), *line.split()], cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    ours = m2sh(*line.split(), cwd=shop)
    assert ours.stdout == theirs.stdout


@pytest.mark.skipif(DEBIAN is None, reason="Debian's m2sh is not installed")
def test_help_begins_with_upstreams_list(shop: Path) -> None:
    theirs = subprocess.run([str(DEBIAN), "help"], stdout=subprocess.PIPE, text=True).stdout
    assert m2sh("help", cwd=shop).stdout.startswith(theirs)


def test_listings(shop: Path) -> None:
    assert m2sh("servers", cwd=shop).stdout == (
        "SERVERS:\n------\n"
        "main main.example aaaaaaaa-bbbb-4ccc-8ddd-000000018001 \n"
        "admin admin.example aaaaaaaa-bbbb-4ccc-8ddd-000000018002 \n"
    )
    assert m2sh("hosts", "-server", "admin", cwd=shop).stdout == (
        "HOSTS in admin:\n-----\n2 admin.example \n3 b.example \n"
    )
    assert m2sh("routes", "-server", "main", "-host", "main.example", cwd=shop).stdout == (
        "ROUTES in host main.example, server main\n-----\n/ \n/more/(.*) \n"
    )
    assert m2sh("routes", "-id", "1", cwd=shop).stdout == "ROUTES in host id 1\n-----\n/ \n/more/(.*) \n"
    log = m2sh("log", cwd=shop).stdout.splitlines()
    assert log[:2] == ["LOG MESSAGES:", "------"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d alice \S+ mongrel2.conf load command ", log[2])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d alice here hand shop two words ", log[3])
    assert len(m2sh("log", "-n", 1, cwd=shop).stdout.splitlines()) == 3


def test_no_results(shop: Path) -> None:
    done = m2sh("routes", "-id", 3, cwd=shop)
    assert (done.returncode, done.stdout) == (0, "ROUTES in host id 3\n-----\n")
    assert done.stderr == "No results to display.\n"


WRONG = [
    ("hosts", 2, "You need to give a -server of the server to list hosts from."),
    ("routes", 2, "Must set the -server name you want or use -id."),
    ("routes -server main", 2, "Must set the -host in that server you want or use -id."),
    ("hosts -server nobody", 1, "no server named nobody"),
    ("routes -id 99", 1, "no such host"),
    ("routes -id 1;drop", 2, "whole number"),
    ("servers -db missing.sqlite", 1, "missing.sqlite"),
    ("servers -db mongrel2.conf", 3, "mongrel2.conf"),
    ("servers stray", 2, "stray"),
    ("servers -nonsense", 2, "-nonsense"),
    ("serves", 2, 'did you mean "servers"?'),
    ("xyzzy", 2, "m2sh help lists them"),
    ("route -pattern /a", 2, "You have to give something to match against with --match."),
    ("route -match /a", 2, "You have to give a pattern to use with --pattern."),
    ("route -pattern /a([b -match /ab", 3, "column"),
    ("help -on bogus", 1, "No help for bogus. Use m2sh help to see a list."),
    ("access -log missing.log", 1, "Failed to open log file: missing.log"),
]


@pytest.mark.parametrize("line,status,words", WRONG)
def test_truthful_failures(shop: Path, line: str, status: int, words: str) -> None:
    done = m2sh(*line.split(), cwd=shop)
    assert done.returncode == status
    assert words in done.stderr
    assert done.stdout == ""
    assert not (shop / "missing.sqlite").exists()


@pytest.mark.parametrize("line,status,words", WRONG)
def test_failures_in_json(shop: Path, line: str, status: int, words: str) -> None:
    done = m2sh(*line.split(), "-json", "1", cwd=shop)
    assert done.returncode == status
    assert words in json.loads(done.stdout)["error"]["text"]


def test_listings_read_a_database_that_cannot_be_written(shop: Path) -> None:
    (shop / "config.sqlite").chmod(0o444)
    try:
        assert m2sh("servers", cwd=shop).returncode == 0
    finally:
        (shop / "config.sqlite").chmod(0o644)


def test_route_says_no_with_status_1(shop: Path) -> None:
    assert m2sh("route", "-pattern", "/a", "-match", "/a", cwd=shop).returncode == 0
    assert m2sh("route", "-pattern", "/b", "-match", "/a", cwd=shop).returncode == 1


def test_listings_in_json(shop: Path) -> None:
    answer = json.loads(m2sh("hosts", "-server", "admin", "-json", "1", cwd=shop).stdout)
    assert answer == [{"id": 2, "name": "admin.example"}, {"id": 3, "name": "b.example"}]
    answer = json.loads(m2sh("log", "-json", cwd=shop).stdout)
    assert [entry["what"] for entry in answer] == ["load", "shop"]


def test_version_and_uuid(shop: Path) -> None:
    assert re.fullmatch(r"Mongrel2/\d+\.\d+\.\d+\n", m2sh("version", cwd=shop).stdout)
    assert m2sh("-version", cwd=shop).stdout == m2sh("--version", cwd=shop).stdout == m2sh("version", cwd=shop).stdout
    first, second = (m2sh("uuid", cwd=shop).stdout for _ in range(2))
    pattern = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n"
    assert re.fullmatch(pattern, first) and re.fullmatch(pattern, second) and first != second


def commands(folder: Path) -> List[str]:
    return [entry["name"] for entry in json.loads(m2sh("help", "-json", cwd=folder).stdout)]


def test_every_command_has_help(shop: Path) -> None:
    assert len(commands(shop)) >= 20
    for name in commands(shop):
        done = m2sh(name, "-help", cwd=shop)
        assert done.returncode == 0
        assert done.stdout.startswith(f"usage: m2sh {name}")
        assert "-json" in done.stdout


def test_access_log(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "access.log").write_bytes(
        b"77:9:localhost,9:127.0.0.1,5:40204#10:1795374816#3:GET,1:/,8:HTTP/1.1,3:200#1:3#]\n"
        b"garbage\n"
        b'{"time":1795374818,"host":"a.example","peer":"::1","port":5,"method":"PUT",'
        b'"path":"/\\u00e9\\"","version":"HTTP/1.1","status":201,"size":7,"duration_us":15}\n'
        b'{"time":1795374818,"host":"a.example"}\n'
        b"82:9:localhost,9:127.0.0.1,5:40204#10:1795374817#3:GET,6:/\x1b[31m,8:HTTP/1.1,3:404#1:0#]\n"
    )
    done = m2sh("access", cwd=tmp_path)
    assert done.stdout == (
        '[1795374816] 127.0.0.1:40204 localhost "GET / HTTP/1.1" 200 3\n'
        '[1795374818] ::1:5 a.example "PUT /\u00e9" HTTP/1.1" 201 7\n'
        '[1795374817] 127.0.0.1:40204 localhost "GET /\\x1b[31m HTTP/1.1" 404 0\n'
    )
    assert done.stderr == "Malformed log line: 2.\nMalformed log line: 4.\n"
    assert done.returncode == 0
    lines = m2sh("access", "-json", cwd=tmp_path).stdout.splitlines()
    assert json.loads(lines[0]) == {
        **{"time": 1795374816, "address": "127.0.0.1", "port": 40204, "host": "localhost"},
        **{"method": "GET", "path": "/", "version": "HTTP/1.1", "status": 200, "size": 3},
    }


def test_output_that_cannot_be_written_is_a_failure(shop: Path) -> None:
    with open("/dev/full", "w") as full:
        from support.m2sh import bin_folder

        done = subprocess.run([bin_folder() / "m2sh", "servers"], cwd=shop, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert b"can't write" in done.stderr
