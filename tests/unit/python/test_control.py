"""Clients of the control port and of coordinators; the test is the server."""

import threading

import pytest
import zmq

from mongrel2 import Cluster, ControlError, ControlPort, Table, Unreachable, tnetstrings


class Server(threading.Thread):
    """Answers each request by `answer(request)`: a list of frames lists."""

    def __init__(self, context, kind, answer):
        super().__init__(daemon=True)
        self.socket = context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind("tcp://127.0.0.1:*")
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.answer = answer
        self.ended = False
        self.start()

    def run(self):
        while not self.ended:
            if self.socket.poll(10):
                frames = self.socket.recv_multipart()
                for reply in self.answer(frames[-1]):
                    self.socket.send_multipart([*frames[:-1], reply])
        self.socket.close()

    def end(self):
        self.ended = True
        self.join()


@pytest.fixture
def serve():
    context, servers = zmq.Context(), []

    def start(kind, answer):
        servers.append(Server(context, kind, answer))
        return servers[-1].endpoint

    yield start
    for server in servers:
        server.end()
    context.term()


UUID_REPLY = b"46:7:headers,7:4:uuid,]4:rows,15:11:8:one-uuid,]]}"
ERROR_REPLY = b"74:4:code,18:CALLBACK_NOT_FOUND,5:error,33:Callback requested was not found.,}"


def test_a_table():
    table = Table.parse(UUID_REPLY)
    assert table.headers == ["uuid"] and table.rows == [["one-uuid"]] and len(table) == 1
    assert list(table) == [{"uuid": "one-uuid"}] and table.one() == {"uuid": "one-uuid"}
    with pytest.raises(ValueError):
        Table(["a"], [], {}).one()


@pytest.mark.parametrize("message", [b"", b"x", b"0:]", b"0:}", b"18:7:headers,4:rows,}"])
def test_what_is_no_answer(message):
    with pytest.raises(ControlError) as caught:
        Table.parse(message)
    assert caught.value.code == "INVALID_REPLY"


def test_an_error():
    with pytest.raises(ControlError, match="Callback requested was not found.") as caught:
        Table.parse(ERROR_REPLY)
    assert caught.value.code == "CALLBACK_NOT_FOUND"
    with pytest.raises(ControlError) as caught:
        Table.parse(b"51:5:error,39:Expected argument what=['net'|'tasks'].,}")
    assert caught.value.code == ""


def test_control_port(serve):
    asked = []
    endpoint = serve(zmq.REP, lambda message: asked.append(message) or [UUID_REPLY])
    with ControlPort(endpoint) as control:
        assert control.request("uuid").one() == {"uuid": "one-uuid"}
        control.request("kill", id=2)
        assert control.exchange(b"junk") == UUID_REPLY
    assert asked == [b"10:4:uuid,0:}]", b"19:4:kill,9:2:id,1:2#}]", b"junk"]


def test_a_control_port_that_does_not_answer(serve):
    silent = [True]
    endpoint = serve(zmq.ROUTER, lambda message: [] if silent[0] else [UUID_REPLY])
    with ControlPort(endpoint, timeout_s=0.05) as control:
        with pytest.raises(Unreachable):
            control.request("uuid")
        silent[0] = False
        assert control.request("uuid", timeout_s=10).one() == {"uuid": "one-uuid"}


class Coordinator:
    def __init__(self):
        self.asked, self.before = [], []

    def answer(self, message):
        verb, args = tnetstrings.load(message)
        self.asked.append((verb, {k: v for k, v in args.items() if k != b"seq"}))
        replies, self.before = self.before, []
        seq = args[b"seq"]
        if verb == b"refuse":
            replies.append({"code": "NOT_ALLOWED", "error": "No."})
        else:
            replies.append({"headers": ["verb"], "rows": [[verb]]})
        return [tnetstrings.dump({"seq": seq, **reply}) for reply in replies]


def test_cluster(serve):
    coordinator = Coordinator()
    with Cluster(serve(zmq.ROUTER, coordinator.answer)) as cluster:
        assert cluster.request("nodes", pool="chat").one() == {"verb": "nodes"}
        with pytest.raises(ControlError, match="No."):
            cluster.request("refuse")
    said = {b"protocol": 1, b"program": b"mongrel2 for Python"}
    assert coordinator.asked == [(b"hello", said), (b"nodes", {b"pool": b"chat"}), (b"refuse", {})]


def test_progress_and_answers_to_others(serve):
    coordinator, seen = Coordinator(), []
    with Cluster(serve(zmq.ROUTER, coordinator.answer)) as cluster:
        cluster.request("hello")
        coordinator.before = [
            {"progress": {"node": "n1", "state": "ready"}},
            {"seq": 999, "code": "X", "error": "late"},
            {"progress": {"node": "n2", "state": "ready"}},
        ]
        assert cluster.request("push", on_progress=seen.append).one() == {"verb": "push"}
    assert [reply["progress"]["node"] for reply in seen] == ["n1", "n2"]


def test_the_coordinator_that_answers_is_used(serve):
    coordinator = Coordinator()
    silent = serve(zmq.ROUTER, lambda message: [])
    answers = serve(zmq.ROUTER, coordinator.answer)
    with Cluster(f"{silent},{answers}", timeout_s=0.4) as cluster:
        assert cluster.request("nodes").one() == {"verb": "nodes"}


def test_nobody_answers(serve):
    silent = serve(zmq.ROUTER, lambda message: [])
    with Cluster([silent], timeout_s=0.05) as cluster:
        with pytest.raises(Unreachable):
            cluster.request("nodes")
    with pytest.raises(ValueError):
        Cluster("")


def test_a_request_without_an_answer_is_not_repeated(serve):
    asked = []

    def answer(message):
        verb, args = tnetstrings.load(message)
        asked.append(verb)
        table = {"seq": args[b"seq"], "headers": [], "rows": []}
        return [tnetstrings.dump(table)] if verb == b"hello" else []

    with Cluster([serve(zmq.ROUTER, answer)] * 2, timeout_s=0.2) as cluster:
        with pytest.raises(Unreachable):
            cluster.request("push")
    assert asked == [b"hello", b"push"]
