"""Reference 12: the control port, byte by byte."""

import re
import time

import pytest
from compare import show
from mongrel2 import ControlPort, Unreachable
from mongrel2.tnetstrings import dump, load
from support.wait import PATIENCE_S, until
from world import World, conf_of, request

CONF = conf_of('"/hj": hj, "/ht": ht')


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, CONF)


@pytest.fixture(scope="module")
def control(world):
    return world.server.control()


HELP = (
    "416:7:headers,14:4:name,4:help,]4:rows,376:35:4:stop,24:stop the server (SIGINT),]"
    "30:6:reload,17:reload the server,]23:4:help,12:this command,]37:12:control_stop,"
    "17:stop control port,]28:4:kill,17:kill a connection,]41:6:status,"
    "28:status, what=['net'|'tasks'],]46:9:terminate,30:terminate the server (SIGTERM),]"
    "28:4:time,17:the server's time,]28:4:uuid,17:the server's uuid,]40:4:info,"
    "29:information about this server,]]}"
)
INVALID_REQUEST = (
    "101:4:code,15:INVALID_REQUEST,5:error,"
    "63:Invalid request format, must be a list with two elements in it.,}"
)
INVALID_DATA = (
    "97:4:code,12:INVALID_DATA,5:error,"
    "62:Invalid data, expecting a list with a string and a hash in it.,}"
)
NOT_FOUND = "74:4:code,18:CALLBACK_NOT_FOUND,5:error,33:Callback requested was not found.,}"
INVALID_ARGUMENT = "61:4:code,16:INVALID_ARGUMENT,5:error,22:Invalid argument type.,}"

EXCHANGES = [
    ("help", b"10:4:help,0:}]", HELP),
    ("version", b"13:7:version,0:}]", NOT_FOUND),
    ("unknown", b"14:8:nonsense,0:}]", NOT_FOUND),
    ("empty", b"", INVALID_DATA),
    ("no tnetstring", b"hello", INVALID_DATA),
    ("null", b"0:~", INVALID_DATA),
    ("string", b"4:help,", INVALID_REQUEST),
    ("dict", b"0:}", INVALID_REQUEST),
    ("empty list", b"0:]", INVALID_DATA),
    ("one element", b"7:4:help,]", INVALID_DATA),
    ("two strings", b"10:4:help,0:,]", INVALID_DATA),
    ("number first", b"7:1:1#0:}]", INVALID_DATA),
    ("three elements", b"13:4:help,0:}0:~]", HELP),
    ("bytes behind", b"10:4:help,0:}]\0", HELP),
    ("unknown arguments", dump(["help", {"a": "b"}]), HELP),
    ("status without what", b"12:6:status,0:}]", INVALID_ARGUMENT),
    ("status with a number", dump(["status", {"what": 1}]), INVALID_ARGUMENT),
    (
        "status of another word",
        dump(["status", {"what": "foo"}]),
        "51:5:error,39:Expected argument what=['net'|'tasks'].,}",
    ),
    ("kill without id", b"10:4:kill,0:}]", INVALID_ARGUMENT),
    ("kill with a word", dump(["kill", {"id": "x"}]), INVALID_ARGUMENT),
    ("kill negative", dump(["kill", {"id": -1}]), INVALID_ARGUMENT),
    ("kill of nobody", dump(["kill", {"id": 60000}]), INVALID_ARGUMENT),
    ("kill beyond 16 bits", dump(["kill", {"id": 999999999}]), INVALID_ARGUMENT),
    ("reload", b"12:6:reload,0:}]", "59:7:headers,6:3:msg,]4:rows,29:25:21:signal sent to server,]]}"),
]


def upstreams_commands(answer):
    """The answer to help without the commands that come behind upstream's."""
    table = load(answer)
    if b"rows" in table and len(table[b"rows"]) > 10:
        table[b"rows"] = table[b"rows"][:10]
    return dump(table) if dump(load(answer)) == answer else answer


@pytest.mark.parametrize("case, data, wanted", EXCHANGES, ids=[e[0] for e in EXCHANGES])
def test_exchanges(control, expect, case, data, wanted):
    answer = show(upstreams_commands(control.exchange(data)))
    expect(f"control: {case}", re.sub(r"Mongrel2/[\d.]+", "Mongrel2/*", answer), wanted)


def test_uuid(world, control, expect):
    answer = show(control.exchange(b"10:4:uuid,0:}]"))
    wanted = "75:7:headers,7:4:uuid,]4:rows,44:40:36:UUID,]]}"
    expect("control: uuid", answer.replace(world.server.uuid, "UUID"), wanted)


def test_time(control, expect):
    answer = control.exchange(b"10:4:time,0:}]")
    now = control.request("time").one()["time"]
    assert isinstance(now, str) and abs(int(now) - time.time()) < 15
    shown = re.sub(r"10:\d{10},", "10:NOW,", show(answer))
    expect("control: time", shown, "49:7:headers,7:4:time,]4:rows,18:14:10:NOW,]]}")


def test_info(world, control, expect):
    table = control.request("info")
    columns = "port bind_addr uuid chroot access_log error_log pid_file default_hostname"
    expect("control: info, columns", " ".join(table.headers), columns)
    row = table.one()
    assert row["uuid"] == world.server.uuid and row["port"] == world.port
    rest = " ".join(str(row[c]) for c in columns.split() if c not in ("port", "uuid"))
    wanted = "127.0.0.1  logs/access.log logs/error.log run/mongrel2.pid localhost"
    expect("control: info, row", rest, wanted)


NET = "id fd type last_ping last_read last_write bytes_read bytes_written"


def test_status_net(world, control, expect):
    with world.client() as client, world.client() as other:
        client.send("GET /hj HTTP/1.1\r\nHost: h\r\n\r\n")
        req = request(world.hj)
        world.hj.reply_http(req, b"12345")
        client.response()
        other.send("G")

        def row():
            rows = list(control.request("status", what="net"))
            return next((r for r in rows if r["id"] == int(req.conn_id)), None)

        seen = until(row, "the connection in the list")
        until(lambda: row()["bytes_written"] >= 43, "the bytes of the reply")
        assert all(isinstance(value, int) for value in seen.values())
        table = control.request("status", what="net")
        expect("control: status net, columns", " ".join(table.headers), NET)
        expect("control: status net, type", str(row()["type"]), "1")
        expect("control: status net, written", str(row()["bytes_written"]), "43")
        silent = [r for r in table if r["id"] == -1]
        expect("control: status net, without an id", str(len(silent)), "1")


def test_status_tasks(control, expect):
    table = control.request("status", what="tasks")
    expect("control: status tasks, columns", " ".join(table.headers), "id system name state status")
    for row in table:
        assert isinstance(row["id"], int) and isinstance(row["system"], bool), row
        assert row["status"] in ("running", "ready", "exiting", "idle"), row


def test_kill(world, control, expect):
    with world.client() as client:
        client.send("GET /hj HTTP/1.1\r\nHost: h\r\n\r\n")
        req = request(world.hj)
        answer = control.exchange(dump(["kill", {"id": int(req.conn_id)}]))
        expect("control: kill", show(answer), "40:7:headers,9:6:status,]4:rows,8:5:2:OK,]]}")
        client.read_end()
        told = "no"
        with world.client() as barrier:
            barrier.send("GET /hj/barrier HTTP/1.1\r\nHost: h\r\n\r\n")
            while (notice := world.hj.recv()).path != b"/hj/barrier":
                if notice.is_disconnect() and notice.conn_id == req.conn_id:
                    told = "yes"
        expect("control: kill is told", told, "no")


def test_control_stop(module_stage, kit, expect):
    world = World(module_stage, kit, CONF)
    control = world.server.control()
    answer = show(control.exchange(b"19:12:control_stop,0:}]"))
    wanted = "63:7:headers,6:3:msg,]4:rows,33:29:25:stopping the control port,]]}"
    expect("control: control_stop", answer, wanted)
    with pytest.raises(Unreachable):
        control.request("uuid", timeout_s=0.3)
    with world.client() as client:
        client.get("/nowhere").response()  # the server goes on


@pytest.mark.parametrize("verb", ["stop", "terminate"])
def test_the_end(module_stage, kit, expect, verb):
    """Upstream is often gone before the answer leaves."""
    world = World(module_stage, kit, CONF)
    control = world.server.control()
    try:
        control.request(verb, timeout_s=PATIENCE_S)
    except Unreachable:
        pass
    status = world.server.program.wait_end()
    expect(f"control: {verb}", f"status {status}", "status 0")


def test_many_clients(world, expect):
    ports = [ControlPort(f"ipc://{world.server.folder}/run/control", PATIENCE_S) for _ in range(20)]
    answers = {show(port.exchange(b"10:4:uuid,0:}]")) for port in ports}
    for port in ports:
        port.close()
    expect("control: twenty clients", str(len(answers)), "1")


CASES = (
    [f"control: {e[0]}" for e in EXCHANGES]
    + [f"control: status net, {w}" for w in ("columns", "type", "written", "without an id")]
    + [
        *["control: uuid", "control: time", "control: info, columns", "control: info, row"],
        *["control: status tasks, columns", "control: kill", "control: kill is told"],
        *["control: control_stop", "control: stop", "control: terminate"],
        *["control: twenty clients"],
    ]
)
