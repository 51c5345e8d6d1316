"""The dispatch protocol, with neither sockets nor a clock."""

import pytest

from mongrel2 import Headers, Request, tnetstrings
from mongrel2.pool import JOIN_TIMEOUT_S, LEAVE_TIMEOUT_S, Member, Transport

A, B = "tcp://a", "tcp://b"
CLUSTER = b"c1057e40-0000-4000-8000-000000000001"
WORKER = b"0c3d9c2e-6f0b-4a6e-9a55-1b1f4a1d0001"


class Nodes(Transport):
    """What was sent to each node, as far as it is still connected."""

    def __init__(self):
        self.open_count = {}
        self.sent = {}
        self.deaf = set()

    def open(self, endpoint):
        self.open_count[endpoint] = self.open_count.get(endpoint, 0) + 1
        self.sent[endpoint] = []

    def close(self, endpoint):
        self.sent.pop(endpoint, None)

    def send(self, endpoint, frames):
        if endpoint in self.deaf or endpoint not in self.sent:
            return False
        self.sent[endpoint].append(frames)
        return True

    def take(self, endpoint):
        taken, self.sent[endpoint] = self.sent[endpoint], []
        return taken


class Pool:
    """A member of a pool with two nodes, and the time."""

    def __init__(self, capacity=1, nodes=(A, B), join=True):
        self.nodes, self.requests, self.now, self.ids = Nodes(), [], 0.0, 0
        self.member = Member("chat", self.nodes, self.requests.append, capacity, worker=WORKER)
        for endpoint in nodes:
            self.member.add(endpoint, self.now)
        if join:
            for endpoint in nodes:
                self.welcome(endpoint)
            self.member.flush(self.now)
            for endpoint in nodes:
                self.nodes.take(endpoint)

    def welcome(self, endpoint, heartbeat=300, node=None):
        words = {"node": node or uuid_of(endpoint), "cluster": CLUSTER, "heartbeat": heartbeat}
        self.get(endpoint, b"WELCOME", tnetstrings.dump(words))

    def get(self, endpoint, *frames):
        self.member.on_frames(endpoint, list(frames), self.now)

    def request(self, endpoint, id=None):
        self.ids += 1
        id = b"%d" % self.ids if id is None else id
        msg = Request(uuid_of(endpoint), b"1", b"/", Headers(METHOD=b"GET")).msg
        self.get(endpoint, b"REQUEST", id, msg)
        return id

    def turn(self, seconds=0.0):
        self.now += seconds
        self.member.tick(self.now)
        self.member.flush(self.now)

    def sent(self, endpoint):
        """By the end of this turn."""
        self.turn()
        return self.nodes.take(endpoint)


def uuid_of(endpoint):
    return b"00000000-0000-4000-8000-00000000000" + endpoint[-1:].encode()


# ---- joining ----------------------------------------------------------------------------------


def test_ready_says_who_and_how_much():
    pool = Pool(capacity=7, join=False)
    (ready,) = pool.nodes.take(A)
    assert ready[0] == b"READY" and len(ready) == 2
    words = tnetstrings.load(ready[1])
    assert words[b"pool"] == b"chat" and words[b"worker"] == WORKER and words[b"capacity"] == 7
    assert words[b"name"] == b"chat" and words[b"pid"] > 0 and words[b"host"]


def test_a_free_worker_tells_every_node_so():
    pool = Pool(capacity=3, join=False)
    pool.welcome(A)
    pool.welcome(B)
    assert pool.sent(A)[1:] == [[b"CREDIT", b"3"]]
    assert pool.sent(B)[1:] == [[b"CREDIT", b"3"]]
    assert pool.sent(A) == []  # said once
    assert pool.member.cluster == CLUSTER and pool.member.joined == 2


def test_ready_is_repeated_on_a_new_connection_while_nobody_answers():
    pool = Pool(nodes=(A,), join=False)
    pool.turn(JOIN_TIMEOUT_S - 0.1)
    assert pool.nodes.open_count[A] == 1
    pool.turn(0.1)
    assert pool.nodes.open_count[A] == 2
    assert [frames[0] for frames in pool.nodes.take(A)] == [b"READY"]


def test_a_node_that_refuses_is_asked_again_ever_later():
    pool = Pool(nodes=(A,), join=False)
    refusal = tnetstrings.dump({"error": "no such pool"})
    waits = []
    for _ in range(7):
        tries = pool.nodes.open_count[A]
        pool.get(A, b"REFUSED", refusal)
        assert pool.member.nodes[A] == "away"
        start = pool.now
        while pool.nodes.open_count[A] == tries:
            pool.turn(0.25)
        waits.append(pool.now - start)
    assert waits == [0.5, 1, 2, 4, 8, 10, 10]
    pool.welcome(A)
    assert pool.member.joined == 1


def test_a_node_that_has_forgotten_us_is_joined_at_once():
    pool = Pool()
    pool.get(A, b"REFUSED", tnetstrings.dump({"error": "say READY first"}))
    pool.turn()
    assert [frames[0] for frames in pool.nodes.take(A)] == [b"READY"]


def test_one_node_at_two_addresses_is_one_node():
    pool = Pool()
    pool.welcome(B, node=uuid_of(A))
    assert pool.member.nodes == {B: "joined"}
    assert pool.member.reply(uuid_of(A), b"x", pool.now)
    assert pool.nodes.take(B) == [[b"REPLY", b"x"]]


# ---- places -----------------------------------------------------------------------------------


def test_a_request_takes_a_place_until_it_is_done():
    pool = Pool()
    pool.request(A)
    assert len(pool.requests) == 1 and pool.member.running == 1
    assert pool.sent(A) == [] and pool.sent(B) == []
    pool.member.done(pool.requests[0])
    assert pool.sent(A) == [[b"CREDIT", b"1"]]
    assert pool.sent(B) == []  # it still believes so
    pool.member.done(pool.requests[0])  # twice is once
    assert pool.member.running == 0


def test_a_full_worker_hands_back():
    pool = Pool()
    pool.request(A)
    second = pool.request(B)
    assert pool.sent(B) == [[b"RETURN", second]]
    assert len(pool.requests) == 1 and pool.member.returned == 1
    pool.member.done(pool.requests[0])
    assert pool.sent(B) == [[b"CREDIT", b"1"]]  # what it believed is void


def test_a_hint_is_repeated_only_when_the_node_runs_low():
    pool = Pool(capacity=8)
    for n in range(4):
        pool.request(A)
        pool.member.done(pool.requests[n])
        expected = [[b"CREDIT", b"8"]] if n == 3 else []
        assert pool.sent(A) == expected


def test_reservations_are_served_in_order():
    pool = Pool()
    pool.request(A)
    pool.get(B, b"WANT", b"1")
    pool.get(A, b"WANT", b"2")
    pool.get(B, b"WANT", b"2")
    order = []
    for _ in range(4):
        pool.member.done(pool.requests[-1])
        pool.turn()
        for endpoint in (A, B):
            if pool.nodes.take(endpoint) == [[b"CREDIT", b"1"]]:
                order.append(endpoint)
                pool.request(endpoint)
    assert order == [B, A, A, B]
    assert len(pool.requests) == 5 and pool.member.returned == 0


def test_a_place_is_held_for_the_reservation():
    pool = Pool()
    pool.request(A)
    pool.get(B, b"WANT", b"1")
    pool.member.done(pool.requests[0])
    assert pool.sent(B) == [[b"CREDIT", b"1"]]
    other = pool.request(A)  # uses a hint of before
    assert pool.sent(A) == [[b"RETURN", other]]
    pool.request(B)
    assert len(pool.requests) == 2 and pool.sent(B) == []


def test_a_place_that_is_passed_on_goes_to_the_next():
    pool = Pool()
    pool.request(A)
    pool.get(A, b"WANT", b"1")
    pool.get(B, b"WANT", b"1")
    pool.member.done(pool.requests[0])
    assert pool.sent(A) == [[b"CREDIT", b"1"]]
    pool.get(A, b"WANT", b"0")
    assert pool.sent(B) == [[b"CREDIT", b"1"]]


def test_several_places_at_once_are_one_credit():
    pool = Pool(capacity=3)
    for _ in range(3):
        pool.request(A)
    pool.get(B, b"WANT", b"5")
    for request in list(pool.requests):
        pool.member.done(request)
    assert pool.sent(B) == [[b"CREDIT", b"3"]]
    for _ in range(3):
        pool.request(B)
    pool.member.done(pool.requests[3])
    assert pool.sent(B) == [[b"CREDIT", b"1"]]


def test_what_is_taken_back_is_the_latest_reservation():
    pool = Pool()
    pool.request(A)
    pool.get(A, b"WANT", b"1")
    pool.get(B, b"WANT", b"1")
    pool.get(A, b"WANT", b"3")
    pool.get(A, b"WANT", b"1")
    pool.member.done(pool.requests[0])
    assert pool.sent(A) == [[b"CREDIT", b"1"]]
    pool.request(A)
    pool.member.done(pool.requests[1])
    assert pool.sent(B) == [[b"CREDIT", b"1"]]


def test_reservations_taken_back_leave_room_for_all():
    pool = Pool()
    pool.request(A)
    pool.get(B, b"WANT", b"3")
    pool.get(B, b"WANT", b"0")
    pool.member.done(pool.requests[0])
    assert pool.sent(A) == [[b"CREDIT", b"1"]]


def test_a_place_that_is_neither_used_nor_passed_on_is_not_lost():
    pool = Pool()
    pool.request(A)
    pool.get(B, b"WANT", b"1")
    pool.member.done(pool.requests[0])
    pool.turn()
    pool.nodes.take(A)
    for _ in range(6):  # both nodes are alive and say nothing else
        pool.now += 0.1
        pool.get(A, b"PONG")
        pool.get(B, b"PONG")
        pool.turn()
    assert [b"CREDIT", b"1"] in pool.nodes.take(A)


def test_no_place_is_kept_for_a_node_that_leaves():
    pool = Pool()
    pool.request(B)
    pool.get(A, b"WANT", b"1")
    pool.get(A, b"BYE")
    pool.member.done(pool.requests[0])
    assert [b"CREDIT", b"1"] in pool.sent(B) and pool.member.malformed == 0


def test_a_hint_that_crosses_a_reservation_holds_no_place():
    pool = Pool()
    pool.request(A)
    pool.member.done(pool.requests[0])
    assert pool.sent(A) == [[b"CREDIT", b"1"]]
    pool.get(A, b"WANT", b"1")  # said before it heard of the hint ...
    pool.request(A)  # ... and used it
    pool.get(B, b"WANT", b"1")
    pool.member.done(pool.requests[1])
    assert pool.sent(B) == [[b"CREDIT", b"1"]]
    assert pool.sent(A) == []


def test_a_place_that_crosses_a_reservation_counts_towards_it():
    pool = Pool(capacity=2)
    pool.request(A)
    pool.request(A)
    pool.get(A, b"WANT", b"1")
    pool.member.done(pool.requests[0])
    assert pool.sent(A) == [[b"CREDIT", b"1"]]
    pool.get(A, b"WANT", b"2")  # of which one will be served by that
    pool.request(A)
    pool.member.done(pool.requests[1])
    assert pool.sent(A) == [[b"CREDIT", b"1"]]
    pool.request(A)
    pool.get(B, b"WANT", b"1")
    pool.member.done(pool.requests[2])
    assert pool.sent(B) == [[b"CREDIT", b"1"]]  # nothing of A is left in the line


def test_notices_need_no_place():
    pool = Pool()
    pool.request(A)
    notice = b'node-a 1 @* 17:{"METHOD":"JSON"},21:{"type":"disconnect"},'
    pool.get(A, b"REQUEST", b"9", notice)
    assert pool.requests[1].is_disconnect()
    assert pool.member.running == 1
    pool.member.give_back(pool.requests[1], pool.now)
    assert pool.sent(A) == []


def test_parts_need_no_place():
    pool = Pool()
    pool.request(A)
    part = b'node-a 1 /up 21:{"UPLOAD_STREAM":"9"},1:x,'
    pool.get(A, b"REQUEST", b"+9", part)
    assert pool.requests[1].body == b"x"
    assert pool.member.running == 1
    assert pool.sent(A) == []


def test_a_request_can_be_given_back():
    pool = Pool()
    id = pool.request(A)
    pool.member.give_back(pool.requests[0], pool.now)
    assert pool.sent(A)[:1] == [[b"RETURN", id]]
    assert pool.member.running == 0
    pool.member.give_back(pool.requests[0], pool.now)
    assert [b"RETURN", id] not in pool.sent(A)


# ---- replies ----------------------------------------------------------------------------------


def test_replies_go_to_the_node_that_they_name():
    pool = Pool()
    assert pool.member.reply(uuid_of(B), b"b 1:1, x", pool.now)
    assert pool.nodes.take(B) == [[b"REPLY", b"b 1:1, x"]] and pool.nodes.take(A) == []
    assert not pool.member.reply(uuid_of("c"), b"c 1:1, x", pool.now)


def test_what_is_for_the_cluster_goes_to_every_node():
    pool = Pool()
    assert pool.member.reply(CLUSTER, b"m", pool.now)
    assert pool.nodes.take(A) == pool.nodes.take(B) == [[b"REPLY", b"m"]]


def test_a_node_that_takes_nothing_is_told_of():
    pool = Pool()
    pool.nodes.deaf.add(A)
    assert not pool.member.reply(uuid_of(A), b"m", pool.now)


# ---- life and death ---------------------------------------------------------------------------


def test_beats_when_otherwise_silent():
    pool = Pool()
    pool.turn(0.29)
    assert pool.nodes.take(A) == []
    pool.turn(0.01)
    assert pool.nodes.take(A) == [[b"PING"]]
    pool.get(A, b"PING")
    assert pool.nodes.take(A) == [[b"PONG"]]


def test_a_silent_node_is_lost_and_joined_again():
    pool = Pool()
    pool.request(A)
    pool.get(A, b"WANT", b"4")
    while pool.nodes.open_count[A] == 1:
        pool.get(B, b"PONG")
        pool.turn(0.1)
        assert pool.now < 1.0  # within one second
    assert pool.nodes.open_count[B] == 1
    assert pool.member.nodes == {A: "joining", B: "joined"}
    assert not pool.member.is_current(pool.requests[0])
    assert pool.member.running == 1  # its handler still works on it
    pool.nodes.take(B)
    pool.member.done(pool.requests[0])
    assert pool.sent(B) == []  # B knew that a place was free; A's reservations are void
    pool.welcome(A)
    assert pool.sent(A)[1:] == [[b"CREDIT", b"1"]]
    assert not pool.member.is_current(pool.requests[0])  # that was another visit


def test_giving_back_to_a_lost_node_says_nothing():
    pool = Pool(nodes=(A,))
    pool.request(A)
    pool.turn(1)
    pool.welcome(A)
    pool.nodes.take(A)
    pool.member.give_back(pool.requests[0], pool.now)
    assert pool.sent(A) == [[b"CREDIT", b"1"]]


def test_deadlines_come_when_there_is_something_to_do():
    pool = Pool()
    for _ in range(200):
        deadline = pool.member.deadline(pool.now)
        wait = deadline - pool.now
        assert 0 < wait <= 1
        before = sum(map(len, pool.nodes.sent.values())), dict(pool.nodes.open_count)
        pool.turn(wait + 1e-9)
        after = sum(map(len, pool.nodes.sent.values())), dict(pool.nodes.open_count)
        assert before != after or wait > 0.99


def test_the_directory_adds_and_removes():
    pool = Pool(nodes=(A,))
    pool.member.keep([B], pool.now)
    assert pool.member.nodes == {A: "joined", B: "joining"}  # A still talks
    pool.welcome(B)
    for _ in range(10):
        pool.get(B, b"PONG")
        pool.turn(0.1)
    assert pool.member.nodes == {B: "joined"}
    pool.member.keep([], pool.now)
    pool.member.keep([B], pool.now)
    pool.turn(5)
    assert B in pool.member.nodes


def test_an_unwanted_node_that_refuses_is_forgotten():
    pool = Pool()
    pool.member.keep([B], pool.now)
    pool.get(A, b"REFUSED", tnetstrings.dump({"error": "gone"}))
    assert pool.member.nodes == {B: "joined"}


def test_leaving():
    pool = Pool()
    pool.request(A)
    pool.member.leave(pool.now)
    assert pool.nodes.take(A) == pool.nodes.take(B) == [[b"BYE"], [b"PING"]]
    late = pool.request(B)
    assert pool.nodes.take(B) == [[b"RETURN", late]]
    assert pool.member.reply(uuid_of(A), b"m", pool.now)  # what runs may still be answered
    pool.member.done(pool.requests[0])
    assert pool.sent(A) == [[b"REPLY", b"m"]]  # and no credit
    pool.turn(5)
    assert pool.member.nodes == {}


def test_a_worker_has_left_when_the_nodes_know():
    pool = Pool()
    pool.request(A)
    pool.member.leave(pool.now)
    pool.get(A, b"PONG")
    pool.get(B, b"PONG")
    assert not pool.member.has_left(pool.now)  # one is running
    pool.member.done(pool.requests[0])
    assert pool.member.has_left(pool.now)


def test_a_worker_that_nobody_hears_leaves_all_the_same():
    pool = Pool()
    pool.member.leave(pool.now)
    pool.get(A, b"PONG")
    assert not pool.member.has_left(pool.now + LEAVE_TIMEOUT_S - 0.1)
    assert pool.member.has_left(pool.now + LEAVE_TIMEOUT_S)


def test_leaving_before_having_joined():
    pool = Pool(join=False)
    pool.member.leave(pool.now)
    assert pool.member.nodes == {} and pool.nodes.sent == {}


# ---- nonsense ---------------------------------------------------------------------------------

NONSENSE = [
    [b"WELCOME"],
    [b"WELCOME", b"x"],
    [b"WELCOME", b"0:]"],
    [b"WELCOME", b"0:}"],
    [b"WELCOME", tnetstrings.dump({"node": uuid_of(A), "cluster": CLUSTER, "heartbeat": 0})],
    [b"WELCOME", tnetstrings.dump({"node": 1, "cluster": CLUSTER, "heartbeat": 300})],
    [b"REFUSED", b"x"],
    [b"REQUEST"],
    [b"REQUEST", b"1"],
    [b"REQUEST", b"1", b"no request"],
    [b"WANT"],
    [b"WANT", b"-1"],
    [b"WANT", b"x"],
    [b"WANT", b""],
    [b"WANT", b"1000000000"],
]


@pytest.mark.parametrize("frames", NONSENSE)
def test_nonsense_is_dropped_and_counted(frames):
    pool = Pool()
    pool.get(A, *frames)
    assert pool.member.malformed == 1
    assert pool.member.nodes[A] == "joined" and pool.member.running == 0 and not pool.requests


@pytest.mark.parametrize("frames", [[b""], [b"HELLO", b"x"], [b"ready"], [b"CREDIT", b"1"]])
def test_words_of_later_versions_are_skipped(frames):
    pool = Pool()
    pool.get(A, *frames)
    assert pool.member.malformed == 0 and pool.sent(A) == []


def test_frames_of_nodes_that_are_none_of_ours():
    pool = Pool()
    pool.get("tcp://c", b"PING")
    assert pool.member.malformed == 0


def test_what_a_member_may_be():
    for pool, options in [
        ("chat", {"capacity": 0}),
        ("chat", {"capacity": 1_000_001}),
        ("", {}),
        ("x" * 256, {}),
        ("chat", {"worker": b"worker-1"}),
    ]:
        with pytest.raises(ValueError):
            Member(pool, Nodes(), print, **options)
