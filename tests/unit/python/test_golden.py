"""The Python library reads and writes the bytes that the C library does."""

import pytest

from mongrel2 import (
    BadMessage,
    ControlError,
    Headers,
    Listener,
    Replier,
    Request,
    Table,
    reply,
    tnetstrings,
)
from mongrel2.directory import rows
from mongrel2.pool import Member, Transport
from support import golden

REQUESTS = golden.cases("handler_request.txt")
NOTICES = golden.cases("handler_notice.txt")


def flat(headers):
    return [
        [name.encode("utf-8", "surrogateescape"), value]
        for name, item in headers.items()
        for value in (item if isinstance(item, list) else [item])
    ]


@pytest.mark.parametrize("case", REQUESTS, ids=str)
def test_request(case):
    if case.refused:
        with pytest.raises(BadMessage):
            Request.parse(case.bytes)
        return
    req, fields = Request.parse(case.bytes), case.fields
    assert (req.sender, int(req.conn_id), req.path) == (
        fields["sender"],
        fields["conn_id"],
        fields["path"],
    )
    assert req.body == fields["body"]
    assert flat(req.headers) == fields["headers"]
    again = req.encode(fields["format"].decode())
    # a reader of JSON sees Latin-1 as the text that was meant, so that it is written as UTF-8
    if not case.decode_only and b"\\u00" not in case.bytes.replace(b"\\u000", b"").replace(
        b"\\u001", b""
    ):
        assert again == case.bytes
    assert flat(Request.parse(again).headers) == fields["headers"]


@pytest.mark.parametrize("case", NOTICES, ids=str)
def test_notice(case):
    req, fields = Request.parse(case.bytes), case.fields
    assert (req.sender, int(req.conn_id)) == (fields["sender"], fields["conn_id"])
    assert req.is_notice()
    assert req.is_disconnect() == (fields["type"] == b"disconnect")
    assert req.is_credits() == (fields["type"] == b"credits")
    assert req.credits == fields.get("credits", 0)
    assert req.encode(fields["format"].decode()) == case.bytes


# ---- tnetstrings --------------------------------------------------------------------------------


def keys_as_bytes(value):
    if isinstance(value, dict):
        return {k.encode("latin-1"): keys_as_bytes(v) for k, v in value.items()}
    return [keys_as_bytes(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", golden.cases("tnetstring.txt"), ids=str)
def test_tnetstring(case):
    if case.refused:
        with pytest.raises(tnetstrings.TnetstringError):
            tnetstrings.load(case.bytes)
        return
    value = keys_as_bytes(case.fields["value"])
    assert tnetstrings.load(case.bytes) == value
    if not case.decode_only:
        assert tnetstrings.dump(value) == case.bytes


# ---- replies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", golden.cases("handler_reply.txt"), ids=str)
def test_reply(case):
    """This library only writes them."""
    if case.refused or case.decode_only:
        return
    f = case.fields
    if f["ids"]:
        written = list(reply.messages(f["sender"], f["ids"], f["payload"], f["extended"]))
    else:
        written = [reply.to_all_nodes(f["sender"], f["payload"])]
    assert written == [case.bytes]


class Said(Replier):
    def __init__(self):
        self.payloads = []

    def _send_message(self, node, message):
        self.payloads.append(message.split(b", ", 1)[1])


def say(said, f):
    """The extended reply that `f` describes, by the method for it."""
    to, key = Listener(b"u", b"1"), f["key"]
    if key == b"ctl":
        said.ctl(to, f.get("keep_alive", False), f.get("credits"), f.get("cancel", False))
    elif key == b"sendfile":
        said.sendfile(Request(b"u", b"1", b"/", Headers()), f["path"])
    elif "close" in f:
        said.close_message(to, f["close"], f.get("reason", b""))
    elif key == b"ws":
        said.deliver_message(b"u", 1, f.get("text"), f.get("binary"))
    elif "join" in f:
        said.join(to, f["join"])
    elif "leave" in f:
        said.leave(to, f["leave"])
    else:
        frame = f["frame"].decode() if "frame" in f else None
        said.send_channel(b"u", f["send"], f["data"], frame, f.get("chunk", False))


@pytest.mark.parametrize("case", golden.cases("handler_xreply.txt"), ids=str)
def test_extended_reply(case):
    if case.refused or case.decode_only or case.name == "the last of equal keys counts":
        return
    said = Said()
    say(said, case.fields)
    assert said.payloads == [case.bytes]


# ---- pools --------------------------------------------------------------------------------------


class Node(Transport):
    def __init__(self):
        self.sent = []

    def open(self, endpoint):
        pass

    def close(self, endpoint):
        pass

    def send(self, endpoint, frames):
        self.sent.append(frames)
        return True


#: Words that nodes say, and what a worker says.
FROM_NODES = (b"WELCOME", b"REFUSED", b"REQUEST", b"WANT", b"PING", b"PONG", b"BYE")


@pytest.mark.parametrize("case", golden.cases("pool_frame.txt"), ids=str)
def test_pool_frame(case):
    node, requests = Node(), []
    member = Member("chat", node, requests.append, capacity=1000)
    member.add("tcp://n", 0)
    member.on_frames("tcp://n", case.frames, 0)
    if case.frames[0] not in FROM_NODES:
        assert member.malformed == 0  # not for a worker
    elif case.refused:
        assert member.malformed == 1 and member.nodes == {"tcp://n": "joining"}
    elif case.fields["type"] == b"REQUEST" and case.fields["message"] in (b"", b"m"):
        assert member.malformed == 1  # the frames are in order, the request in them is not
    else:
        assert member.malformed == 0
    type = case.fields["type"] if case.fields else b""
    if type == b"WELCOME":
        assert member.nodes == {"tcp://n": "joined"} and member.cluster == case.fields["cluster"]
    if type == b"PING":
        assert node.sent[-1] == [b"PONG"]


def test_ready_is_written_as_in_c(monkeypatch):
    (case,) = [c for c in golden.cases("pool_frame.txt") if c.name == "ready"]
    f, node = case.fields, Node()
    monkeypatch.setattr("socket.gethostname", f["host"].decode)
    monkeypatch.setattr("os.getpid", lambda: f["pid"])
    member = Member("chat", node, print, f["capacity"], f["name"].decode(), f["worker"])
    member.add("tcp://n", 0)
    assert node.sent == [case.frames]


# ---- control ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", golden.cases("control_msg.txt"), ids=str)
def test_control_message(case):
    f = case.fields
    if f is None or f["kind"] == b"bad request":
        return
    if f["kind"] == b"request":
        if not case.decode_only:
            args = keys_as_bytes(f["args"])
            assert tnetstrings.dump([f["verb"], args]) == case.bytes
    elif f["kind"] == b"table":
        table = Table.parse(case.bytes)
        assert table.headers == tnetstrings.text(f["headers"])
        assert table.rows == tnetstrings.text(f["rows"])
        assert table.reply.get("seq") == f.get("seq")
    else:
        with pytest.raises(ControlError) as caught:
            Table.parse(case.bytes)
        assert caught.value.error.encode() == f["error"]
        assert caught.value.code.encode() == f.get("code", b"")


# ---- the cluster protocol ----------------------------------------------------------------------


def load(data):
    try:
        return tnetstrings.load(data)
    except tnetstrings.TnetstringError:
        return None


@pytest.mark.parametrize("case", golden.cases("cluster_request.txt"), ids=str)
def test_cluster_request(case):
    if case.refused:
        return  # by what the verb's fields are, which this library does not know
    message = [case.fields["verb"], case.fields["args"]]
    assert case.decode_only or tnetstrings.dump(message) == case.bytes
    verb, args = load(case.bytes)
    assert verb == message[0] and set(args) == {key.encode() for key in message[1]}


@pytest.mark.parametrize("case", golden.cases("cluster_reply.txt"), ids=str)
def test_cluster_reply(case):
    if case.refused:
        return
    assert tnetstrings.dump(case.fields) == case.bytes
    table = load(case.bytes)
    assert len(rows(table)) == len(case.fields.get("rows", []))


@pytest.mark.parametrize("case", golden.cases("cluster_update.txt"), ids=str)
def test_cluster_update(case):
    if case.refused:
        return
    topic, body = case.frames
    message = [case.fields["kind"], case.fields["args"]]
    assert topic == case.fields["topic"] and tnetstrings.dump(message) == body
