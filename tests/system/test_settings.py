"""Every expert setting of Mongrel2 does what docs/reference/settings.md says, seen from outside, on a
running server. Others have files of their own: tests/contract/test_settings.py has those that handlers
see, tests/conformance/test_slow.py the time-outs."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest

from support.raw import Client
from support.server import ROOT, Kit, Server, Stage, server_conf
from support.wait import until

HOSTS = """
files = Dir(base="www/", index_file="index.html", default_ctype="text/plain")
echo = Handler(send_spec="ipc://{folder}/run/send", send_ident="34f9ceee-cd52-4b7f-b197-88bf2f0ec378",
               recv_spec="ipc://{folder}/run/recv", recv_ident="")
localhost = Host(name="localhost", routes={{"/": files, "/echo": echo}})
"""


def prepared(stage: Stage, kit: Kit, settings: Dict[str, Any], server: str = "", hosts: str = HOSTS) -> Server:
    """A server with these settings, not yet loaded."""
    text = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in settings.items())
    result = Server(stage, kit, server_conf(hosts, "localhost", settings=text, extra=f"hosts=[localhost]{server}"))
    (result.folder / "www").mkdir()
    (result.folder / "www" / "index.html").write_text("hello")
    return result


def running(stage: Stage, kit: Kit, settings: Dict[str, Any], server: str = "") -> Server:
    return prepared(stage, kit, settings, server).load().start()


def status_of(server: Server, target: str, headers: Dict[str, str]) -> int:
    with Client(server.port) as client:
        return client.get(target, headers).response().status


SIZES = [
    ("limits.url_path", 30, "/" + "a" * 29, {}, 404),
    ("limits.url_path", 30, "/" + "a" * 30, {}, 414),
    ("limits.buffer_size", 1000, "/", {"A": "x" * 900}, 200),
    ("limits.buffer_size", 1000, "/", {"A": "x" * 1000}, 431),
    ("limits.header_count", 4, "/", {"A": "1", "B": "2", "C": "3"}, 200),
    ("limits.header_count", 4, "/", {"A": "1", "B": "2", "C": "3", "D": "4"}, 431),
]


@pytest.mark.parametrize("name,value,target,headers,status", SIZES)
def test_sizes_of_a_request(stage: Stage, node: Kit, name: str, value: int, target: str, headers: Any, status: int) -> None:
    assert status_of(running(stage, node, {name: value}), target, headers) == status




REFUSED = [
    ("limits.host_name", 10, HOSTS, True),
    ("limits.host_name", 9, HOSTS, False),
    ("limits.dir_max_path", 5, HOSTS, True),
    ("limits.dir_max_path", 4, HOSTS, False),
    ("limits.mime_ext_len", 61, HOSTS + 'mimetypes = {{".xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": "a/b"}}\n', True),
    ("limits.mime_ext_len", 60, HOSTS + 'mimetypes = {{".xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": "a/b"}}\n', False),
]


@pytest.mark.parametrize("name,value,hosts,is_valid", REFUSED)
def test_sizes_in_the_configuration(stage: Stage, node: Kit, name: str, value: int, hosts: str, is_valid: bool) -> None:
    """By m2sh and, in a database that came from elsewhere, by the server."""
    server = prepared(stage, node, {}, hosts=hosts).load()
    with sqlite3.connect(server.db) as db:
        db.execute("insert into setting (key, value) values (?, ?)", (name, str(value)))
    checked = subprocess.run([node.m2sh, "check", "-db", server.db], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert checked.returncode == (0 if is_valid else 3)
    if is_valid:
        server.start()
        assert status_of(server, "/", {}) == 200
        return
    assert name in checked.stderr
    program = stage.start([node.mongrel2, server.db, server.uuid], server.folder)
    assert program.wait_end() == 1
    assert name in program.log()


@pytest.mark.parametrize("value,timer", [(0, "00"), (1, "02")])
def test_tcp_keepalive(stage: Stage, node: Kit, value: int, timer: str) -> None:
    """The kernel's list of sockets has the kind of timer that runs: 02 is keep-alive."""
    server = running(stage, node, {"net.tcp_keepalive": value})
    with Client(server.port) as client:
        client.get("/").response()
        mine = f":{client.socket.getsockname()[1]:04X}"

        def timers() -> List[str]:
            lines = Path("/proc/net/tcp").read_text().split("\n")[1:-1]
            return [f[5][:2] for f in map(str.split, lines) if f[2].endswith(mine) and f[1].endswith(f":{server.port:04X}")]

        until(lambda: timers() == [timer], f"timer {timer}")


@pytest.mark.parametrize("value", [256, 1024])
def test_most_descriptors(stage: Stage, node: Kit, value: int) -> None:
    server = running(stage, node, {"superpoll.max_fd": value})
    assert server.program is not None
    limits = Path(f"/proc/{server.program.pid}/limits").read_text()
    assert re.search(rf"^Max open files +{value} ", limits, re.M), limits


@pytest.mark.parametrize("count", [1, 3])
def test_threads_of_zeromq(stage: Stage, node: Kit, count: int) -> None:
    server = running(stage, node, {"zeromq.threads": count})
    assert server.program is not None
    tasks = Path(f"/proc/{server.program.pid}/task")

    def threads() -> int:
        return sum("ZMQbg/IO" in (task / "comm").read_text() for task in tasks.iterdir())

    until(lambda: threads() == count, f"{count} threads for input and output")


def streaming(stage: Stage, server: Server, client: Client) -> None:
    """A connection that a handler holds: it has been asked and has begun an answer."""
    handler = stage.handler(*[f"ipc://{server.folder}/run/{way}" for way in ("send", "recv")])
    client.get("/echo")
    request = handler.recv()
    handler.reply(request, b"HTTP/1.1 200 OK\r\n\r\n.")
    client.read_until(b"\r\n\r\n.")


KILLED = [
    # min_ping, min_read_rate, min_write_rate, kill_limit, whether the connection is closed
    (1, 0, 0, 0, True),
    (0, 1000000, 0, 0, True),
    (0, 0, 1000000, 0, True),
    (1, 1000000, 0, 1, True),
    (1, 1000000, 1000000, 2, True),
    (1, 1000000, 1000000, 3, False),
    (1, 1000000, 0, 2, False),
    (0, 0, 0, 0, False),
]


@pytest.mark.parametrize("ping,read,write,limit,is_closed", KILLED)
def test_who_is_closed(stage: Stage, node: Kit, ping: int, read: int, write: int, limit: int, is_closed: bool) -> None:
    """More failed tests than kill_limit close a connection at the next tick. One that stays has seen
    three of them: a second connection, which one test would close, shows the time."""
    settings = {
        **{"limits.min_ping": ping, "limits.min_read_rate": read, "limits.min_write_rate": write},
        **{"limits.kill_limit": limit, "limits.tick_timer": 1},
    }
    server = running(stage, node, settings)
    with Client(server.port) as client:
        streaming(stage, server, client)
        if is_closed:
            client.read_end()
        else:
            assert not client.is_closed(3.2)


def test_a_long_tick(stage: Stage, node: Kit) -> None:
    """Without a tick there is no test."""
    settings = {"limits.min_read_rate": 1000000, "limits.min_ping": 0, "limits.kill_limit": 0, "limits.tick_timer": 60}
    server = running(stage, node, settings)
    with Client(server.port) as client:
        streaming(stage, server, client)
        assert not client.is_closed(2.2)


@pytest.mark.parametrize("value", [0, 1])
def test_no_access_log(stage: Stage, node: Kit, value: int) -> None:
    server = running(stage, node, {"disable.access_logging": value})
    assert status_of(server, "/", {}) == 200
    server.stop()
    assert len(server.access_log()) == 1 - value


def test_the_access_log_as_json(stage: Stage, node: Kit) -> None:
    server = running(stage, node, {"access_log.format": "json"})
    assert status_of(server, "/", {}) == 200
    server.stop()
    entry = json.loads(server.access_log()[0])
    assert (entry["method"], entry["path"], entry["status"], entry["size"]) == ("GET", "/", 200, 5)


@pytest.mark.parametrize("value,status", [("inside", 404), ("any", 200)])
def test_where_links_lead(stage: Stage, node: Kit, value: str, status: int) -> None:
    server = prepared(stage, node, {"dir.symlinks": value})
    (server.folder / "out.txt").write_text("out")
    (server.folder / "www" / "link.txt").symlink_to(server.folder / "out.txt")
    server.load().start()
    with Client(server.port) as client:
        assert (client.get("/link.txt").response().status == 200) == (status == 200)


@pytest.mark.parametrize("value,status", [("labels", 200), ("upstream", 404)])
def test_how_hosts_match(stage: Stage, node: Kit, value: str, status: int) -> None:
    """`notlocalhost` ends in `localhost`, but not in the label."""
    hosts = HOSTS + 'fallback = Host(name="fallback", routes={{}})\n'
    server = prepared(stage, node, {"host.matching": value}, hosts=hosts)
    server.conf = server.conf.replace("hosts=[localhost]", "hosts=[fallback, localhost]")
    server.conf = server.conf.replace('default_host="localhost"', 'default_host="fallback"')
    server.load().start()
    with Client(server.port) as client:
        assert client.get("/", host="LOCALHOST" if status == 200 else "localhost").response().status == 200
        found = client.get("/", host="notlocalhost").response().status == 200
        assert found == (value == "upstream")


def test_the_control_port_of_the_settings(stage: Stage, node: Kit) -> None:
    server = prepared(stage, node, {"control_port": "ipc://run/other"})
    server.conf = re.sub(r"control_port=\S+", "", server.conf)
    server.load().start()
    done = subprocess.run([node.m2sh, "control", "-every", "-cmd", "uuid"], cwd=server.folder, stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout) == (0, f"uuid:  {server.uuid}\n")
    assert (server.folder / "run" / "other").is_socket()


LEVELS = [(0, ["error"]), (1, ["error", "warn"]), (2, ["error", "warn", "info"])]


@pytest.mark.parametrize("level,words", LEVELS)
def test_levels_of_the_error_log(stage: Stage, node: Kit, level: int, words: List[str]) -> None:
    """An access log that cannot be opened is an error, fewer files than wanted are a warning, a start
    is information. A reload takes the level of the new configuration."""
    server = prepared(stage, node, {"superpoll.max_fd": 1073741824}, server=f", error_log_level={level}")
    (server.folder / "logs" / "access.log").mkdir()
    server.load().start()
    assert server.program is not None

    def said(log: str) -> List[str]:
        return [word for word in ("error", "warn", "info") if re.search(rf"^\S+Z {word} ", log, re.M)]

    server.program.wait(lambda: said(server.program.log()) == words, f"{words} in the log")
    server.conf = server.conf.replace(f"error_log_level={level}", "error_log_level=2")
    seen = len(server.program.log())
    server.load()
    with server.control() as control:
        control.request("reload")
    server.program.wait(lambda: "info" in said(server.program.log()[seen:]), "information after a reload")


@pytest.mark.parametrize("value", [0, 1])
def test_how_long_a_stopping_server_waits(stage: Stage, node: Kit, value: int) -> None:
    """For a handler that never finishes: this long, not for the 30 seconds of the default."""
    server = running(stage, node, {"limits.drain_timeout": value})
    with Client(server.port) as client:
        streaming(stage, server, client)
        server.stop()


@pytest.mark.parametrize("value", [0, 1])
def test_in_the_background(stage: Stage, node: Kit, value: int) -> None:
    server = prepared(stage, node, {})
    server.conf = server.conf.replace('"server.daemonize": 0', f'"server.daemonize": {value}')
    server.load()
    pid_file = server.folder / "run" / "mongrel2.pid"
    program = stage.start([node.mongrel2, server.db, server.uuid], server.folder)
    try:
        if value == 1:
            assert program.wait_end() == 0
        else:
            program.wait(lambda: pid_file.exists() and pid_file.read_text(), "its pid file")
            assert program.is_running()
        assert (int(pid_file.read_text()) == program.pid) == (value == 0)
    finally:
        stop = [node.m2sh, "stop", "-every", "-db", server.db]
        assert subprocess.run(stop, cwd=server.folder).returncode == 0
        until(lambda: not pid_file.exists(), "the end")


def without_effect() -> Dict[str, int]:
    page = (ROOT / "docs/reference/settings.md").read_text().partition("## Settings without effect")[2]
    return {name: int(default) for name, default in re.findall(r"^\| `([\w.]+)` \| `(\d+)`", page, re.M)}


def test_what_has_no_effect_is_said_once(stage: Stage, node: Kit) -> None:
    settings = without_effect()
    assert len(settings) == 7
    server = prepared(stage, node, settings)
    (server.folder / "mongrel2.conf").write_text(server.conf)
    for command in ("check", "load"):
        done = subprocess.run([node.m2sh, command], cwd=server.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0
        for name in settings:
            said = [line for line in done.stderr.split("\n") if "no effect" in line and name in line]
            assert len(said) == 1, (command, name, done.stderr)
    server.start()
    assert status_of(server, "/", {}) == 200


def test_one_key_may_begin_like_another(stage: Stage, node: Kit) -> None:
    """Of a key that is there twice the last counts."""
    server = prepared(stage, node, {"limits.url_path": 30}).load()
    with sqlite3.connect(server.db) as db:
        for key, value in (("l", "1"), ("limits.url_path_more", "1"), ("limits.url_path", "10")):
            db.execute("insert into setting (key, value) values (?, ?)", (key, value))
    server.start()
    assert status_of(server, "/" + "a" * 10, {}) == 414


def test_every_setting_of_mongrel2_has_a_test() -> None:
    """Somewhere among the tests in Python; what has none is named here."""
    page = (ROOT / "docs/reference/settings.md").read_text().partition("## Settings that Mongrel2 does not have")[0]
    names = re.findall(r"^\| `([\w.]+)` \|", page, re.M)
    assert len(names) > 25
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py") if "bench" not in path.parts)
    tests = re.sub(r"^ELSEWHERE = .*?^}", "", tests, flags=re.M | re.S)
    assert {name for name in names if name not in tests} <= ELSEWHERE


#: Of parts that have tests in C only, or that are not there yet.
ELSEWHERE = {
    "certdir", "ssl.ca_chain", "ssl.verify_optional", "ssl.verify_required", "ssl_ciphers", "limits.dir_send_buffer",
    "download.flow_control", "upload.stream", "upload.temp_store", "upload.temp_store_mode",
}
