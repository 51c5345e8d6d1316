"""Finding the nodes of a pool, with neither sockets nor a clock."""

import pytest

from mongrel2 import tnetstrings
from mongrel2.directory import ANSWER_TIMEOUT_S, REFRESH_S, Directory, Links

ONE, TWO = "tcp://one", "tcp://two"


class Coordinators(Links):
    def __init__(self, *endpoints):
        self.asked, self.heard, self.found = [], [], []
        self.directory = Directory("chat", endpoints, self, self.found.append)

    def ask(self, endpoint, message):
        verb, args = tnetstrings.load(message)
        self.asked.append((endpoint, verb, args))

    def listen(self, endpoint, topic):
        self.heard.append((endpoint, topic))

    def reply(self, endpoint, seq, now=0.0, **fields):
        self.directory.on_reply(endpoint, tnetstrings.dump({"seq": seq, **fields}), now)


@pytest.fixture
def one():
    return Coordinators(ONE)


def table(*rows, headers=("pool", "node", "uuid", "endpoint")):
    return {"headers": list(headers), "rows": [list(row) for row in rows]}


def test_questions(one):
    one.directory.tick(0)
    assert one.asked == [
        (ONE, b"hello", {b"seq": 1, b"protocol": 1, b"program": b"mongrel2 for Python"}),
        (ONE, b"pools", {b"pool": b"chat", b"seq": 2}),
    ]
    one.directory.tick(0.1)
    assert len(one.asked) == 2


def test_answers(one):
    one.directory.tick(0)
    one.reply(ONE, 1, **table(["tcp://updates"], headers=["updates"]))
    assert one.heard == [("tcp://updates", b"pool.chat")]
    one.reply(ONE, 2, now=1.0, **table(["chat", "n1", "u1", "tcp://n1"], ["chat", "n2", "u2", "tcp://n2"]))
    assert one.found == [["tcp://n1", "tcp://n2"]]
    assert one.directory.deadline() == 1.0 + REFRESH_S
    one.directory.tick(1.0 + REFRESH_S)
    one.reply(ONE, 3, **table(["tcp://updates"], headers=["updates"]))
    assert len(one.heard) == 1  # as before


def test_a_pool_without_nodes_is_an_answer(one):
    one.directory.tick(0)
    one.reply(ONE, 2, **table())
    assert one.found == [[]]


def test_the_next_coordinator_is_asked_when_one_is_silent():
    two = Coordinators(ONE, TWO)
    two.directory.tick(0)
    two.directory.tick(ANSWER_TIMEOUT_S)
    assert [endpoint for endpoint, _, _ in two.asked] == [ONE, ONE, TWO, TWO]
    two.reply(ONE, 2, **table(["chat", "n", "u", "tcp://late"]))
    assert two.found == []
    two.reply(TWO, 4, **table(["chat", "n", "u", "tcp://n"]))
    assert two.found == [["tcp://n"]]


def test_a_coordinator_that_answers_is_kept():
    two = Coordinators(ONE, TWO)
    two.directory.tick(0)
    two.reply(ONE, 2, now=0.5, **table())
    two.directory.tick(0.5 + REFRESH_S)
    assert two.asked[-1][0] == ONE


def test_an_error_changes_nothing_and_the_next_is_asked():
    two = Coordinators(ONE, TWO)
    two.directory.tick(0)
    two.reply(ONE, 2, code="NOT_ALLOWED", error="Ask for a key.")
    assert two.found == []
    two.directory.tick(ANSWER_TIMEOUT_S)
    assert two.asked[-1][0] == TWO


def test_updates(one):
    rows = table(["chat", "n", "u", "tcp://n"])
    update = tnetstrings.dump(["pool", {"pool": "chat", **rows}])
    one.directory.on_update([b"pool.chat", update])
    assert one.found == [["tcp://n"]]
    one.directory.on_update([b"pool.chat2", update])
    one.directory.on_update([b"pool.chat"])
    assert len(one.found) == 1


@pytest.mark.parametrize("message", [b"", b"x", b"0:]", b"0:}", b"1:1#", b"15:3:seq,1:2#4:rows,0:]}"])
def test_nonsense_is_ignored(one, message):
    one.directory.tick(0)
    one.directory.on_reply(ONE, message, 0)
    one.directory.on_update([b"pool.chat", message])
    assert [nodes for nodes in one.found if nodes] == [] and one.heard == []


def test_rows_with_odd_cells_are_skipped(one):
    one.directory.tick(0)
    one.reply(ONE, 2, **table(["chat", "n", "u", 5], ["chat"], ["chat", "n", "u", ""]))
    assert one.found == [[]]


def test_wildcards_are_seen_from_outside():
    far = Coordinators("tcp://10.0.0.7:6780")
    far.directory.tick(0)
    far.reply("tcp://10.0.0.7:6780", 1, **table(["tcp://0.0.0.0:6781"], headers=["updates"]))
    assert far.heard == [("tcp://10.0.0.7:6781", b"pool.chat")]
    far.reply("tcp://10.0.0.7:6780", 2, **table(["chat", "n", "u", "tcp://*:7000"]))
    assert far.found == [["tcp://10.0.0.7:7000"]]


def test_coordinators_are_needed():
    with pytest.raises(ValueError):
        Coordinators()
