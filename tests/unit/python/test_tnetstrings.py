"""Bytes to values and back."""

import pytest

from mongrel2 import tnetstrings

EXACT = [
    (b"0:,", b""),
    (b"5:hello,", b"hello"),
    (b"3:\x00\xff,,", b"\x00\xff,"),
    (b"1:0#", 0),
    (b"3:-17#", -17),
    (b"19:9223372036854775807#", 2**63 - 1),
    (b"20:-9223372036854775808#", -(2**63)),
    (b"4:true!", True),
    (b"5:false!", False),
    (b"0:~", None),
    (b"0:]", []),
    (b"0:}", {}),
    (b"8:1:a,1:1#]", [b"a", 1]),
    (b"16:3:key,7:1:1#0:~]}", {b"key": [1, None]}),
]

LENIENT = [
    (b"010:0123456789,", b"0123456789"),
    (b" 1:a,", b"a"),
    (b"+1:a,", b"a"),
    (b"2: 5#", 5),
    (b"2:+5#", 5),
    (b"0:#", 0),
    (b"4:txyz!", True),
    (b"5:fabcd!", False),
    (b"16:1:a,1:1#1:a,1:2#}", {b"a": 2}),
]

BAD = [
    b"",
    b"5",
    b":a,",
    b"-1:a,",
    b"2:a,",
    b"1:a",
    b"1:a?",
    b"3:1.5^",
    b"1:x#",
    b"2:- #",
    b"20:-9223372036854775809#",
    b"19:9223372036854775808#",
    b"30:000000000000000000000000000000x#",
    b"4:no!!!",
    b"1:t!",
    b"1:a~",
    b"3:1:a]",
    b"4:1:a,}",
    b"8:1:1#1:a,}",
    b"0000000000000000000000001:a,",
    b"99999999999999999999999:a,",
]


@pytest.mark.parametrize("wire, value", EXACT)
def test_what_is_written_is_read(wire, value):
    assert tnetstrings.load(wire) == value
    assert type(tnetstrings.load(wire)) is type(value)
    assert tnetstrings.dump(value) == wire


@pytest.mark.parametrize("wire, value", LENIENT)
def test_what_mongrel2_accepts_is_accepted(wire, value):
    assert tnetstrings.load(wire) == value


@pytest.mark.parametrize("wire", BAD)
def test_what_is_malformed_is_refused(wire):
    with pytest.raises(tnetstrings.TnetstringError):
        tnetstrings.load(wire)


def test_bytes_behind_a_value():
    assert tnetstrings.parse(b"1:a,rest") == (b"a", b"rest")
    with pytest.raises(tnetstrings.TnetstringError, match="4 bytes follow"):
        tnetstrings.load(b"1:a,rest")


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_nesting_is_bounded_both_ways():
    deepest = tnetstrings.dump(nested(tnetstrings.DEPTH_MAX))
    assert tnetstrings.load(deepest) == nested(tnetstrings.DEPTH_MAX)
    too_deep = b"%d:%b]" % (len(deepest), deepest)
    with pytest.raises(tnetstrings.TnetstringError, match="deeper"):
        tnetstrings.load(too_deep)
    with pytest.raises(tnetstrings.TnetstringError, match="deeper"):
        tnetstrings.dump(nested(tnetstrings.DEPTH_MAX + 1))


def test_what_may_be_written():
    assert tnetstrings.dump("é") == b"2:\xc3\xa9,"
    assert tnetstrings.dump(("a", bytearray(b"b"), memoryview(b"c"))) == b"12:1:a,1:b,1:c,]"
    assert tnetstrings.dump({"b": 1, b"a": 2}) == b"16:1:b,1:1#1:a,1:2#}"
    for value in (1.5, {1: 2}, object(), 2**63, -(2**63) - 1):
        with pytest.raises(tnetstrings.TnetstringError):
            tnetstrings.dump(value)


def test_text_survives_bytes_that_are_none():
    value = tnetstrings.text({b"a": [b"\xff", 1, None], b"\xc3\xa9": b"x"})
    assert value == {"a": ["\udcff", 1, None], "é": "x"}
    assert tnetstrings.dump(value) == tnetstrings.dump({b"a": [b"\xff", 1, None], b"\xc3\xa9": b"x"})
