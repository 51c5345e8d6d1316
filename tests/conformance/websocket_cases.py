"""What a client sends on a WebSocket, and what it must hear from an echo: RFC 6455 and RFC 7692.

The node answers by itself in mode ``messages``; in mode ``raw`` it is the handler that speaks, as
well as the example in the manual does. ``raw`` names what is heard there when that differs: ECHO is
the same, DROP a connection closed without a word, None a case that says nothing about that mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple, Union

from support.websocket import (
    BINARY, CLOSE, CONT, PING, PONG, TEXT, close_payload, frame,
)
from websocket_site import LIMIT

SAME, DROP = "same", "drop"

Heard = Tuple[int, Union[bytes, int]]  # opcode and payload, or the code of a close


@dataclass
class Case:
    name: str
    sends: List[bytes]
    hears: List[Heard]
    raw: Any = SAME
    maybe: int = 0  # so many of the first may be cut off by the end

    @property
    def size(self) -> int:
        return sum(len(piece) for piece in self.sends)

    def __str__(self) -> str:
        return self.name


CASES: List[Case] = []


def case(name: str, sends: List[bytes], hears: List[Heard], raw: Any = SAME, maybe: int = 0) -> None:
    CASES.append(Case(name, sends, hears, raw, maybe))


def bad(name: str, sends: List[bytes], code: int = 1002, raw: Any = DROP,
        before: Optional[List[Heard]] = None) -> None:
    """`before`: what the handler has answered by then may have left or not."""
    case(name, sends, [*(before or []), (CLOSE, code)], raw, len(before or []))


# ---- framing -----------------------------------------------------------------------------------

for size in (0, 1, 125, 126, 127, 128, 65535, 65536, LIMIT):
    data = bytes(ord("a") + i % 26 for i in range(size))
    case(f"text of {size} bytes", [frame(TEXT, data)], [(TEXT, data)])
    case(f"binary of {size} bytes", [frame(BINARY, data[::-1])], [(BINARY, data[::-1])])

case("mask of zeroes", [frame(TEXT, b"hello", key=b"\0\0\0\0")], [(TEXT, b"hello")])
case("three messages in one segment",
     [frame(TEXT, b"one") + frame(BINARY, b"two") + frame(TEXT, b"three")],
     [(TEXT, b"one"), (BINARY, b"two"), (TEXT, b"three")])
case("a hundred messages in one segment", [frame(TEXT, b"%d" % i) for i in range(100)],
     [(TEXT, b"%d" % i) for i in range(100)])
bad("frame without mask", [frame(TEXT, b"hi", key=None)])
bad("ping without mask", [frame(PING, b"hi", key=None)])
bad("length with its top bit set", [frame(BINARY, b"", length=1 << 63, form=64)])
bad("16-bit length for 125 bytes", [frame(TEXT, b"a" * 125, form=16)], raw=[(TEXT, b"a" * 125)])
bad("16-bit length for 0 bytes", [frame(BINARY, b"", form=16)], raw=[(BINARY, b"")])
bad("64-bit length for 5 bytes", [frame(TEXT, b"hello", form=64)], raw=[(TEXT, b"hello")])
bad("64-bit length for 65535 bytes", [frame(BINARY, b"b" * 65535, form=64)],
    raw=[(BINARY, b"b" * 65535)])
bad("an unmasked frame behind a good one", [frame(TEXT, b"good"), frame(TEXT, b"bad", key=None)],
    before=[(TEXT, b"good")], raw=None)

# ---- reserved bits and opcodes -----------------------------------------------------------------

for rsv in range(1, 8):
    bad(f"reserved bits {rsv}", [frame(TEXT, b"x", rsv=rsv)], raw=[(TEXT, b"x")])
bad("reserved bit in a ping", [frame(PING, b"x", rsv=4)], raw=[(PONG, b"x")])
bad("reserved bit in a close", [frame(CLOSE, close_payload(1000), rsv=1)], raw=None)
bad("reserved bit in a continuation",
    [frame(TEXT, b"a", fin=False) + frame(CONT, b"b", rsv=2)], raw=[(TEXT, b"ab")])
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    bad(f"opcode {opcode}", [frame(opcode, b"x")], raw=None)
bad("opcode 5 behind a good message", [frame(TEXT, b"good") + frame(5)],
    before=[(TEXT, b"good")], raw=None)

# ---- pings and pongs ---------------------------------------------------------------------------

case("empty ping", [frame(PING)], [(PONG, b"")])
case("ping with text", [frame(PING, b"hello")], [(PONG, b"hello")])
case("ping with bytes", [frame(PING, b"\0\xff\xfe\xfd")], [(PONG, b"\0\xff\xfe\xfd")])
case("ping of 125 bytes", [frame(PING, b"p" * 125)], [(PONG, b"p" * 125)])
bad("ping of 126 bytes", [frame(PING, b"p" * 126)])
bad("pong of 126 bytes", [frame(PONG, b"p" * 126)])
case("ten pings", [frame(PING, b"%d" % i) for i in range(10)], [(PONG, b"%d" % i) for i in range(10)])
case("pong that nobody asked for", [frame(PONG, b"why"), frame(PING, b"x")], [(PONG, b"x")])
bad("ping in fragments", [frame(PING, b"p", fin=False) + frame(CONT, b"q")])
bad("pong in fragments", [frame(PONG, b"p", fin=False)])

# ---- fragments ---------------------------------------------------------------------------------

case("text in two fragments", [frame(TEXT, b"Hel", fin=False), frame(CONT, b"lo")], [(TEXT, b"Hello")])
case("binary in three fragments",
     [frame(BINARY, b"a", fin=False), frame(CONT, b"b", fin=False), frame(CONT, b"c")],
     [(BINARY, b"abc")])
case("fragments that are empty", [frame(TEXT, fin=False), frame(CONT, fin=False), frame(CONT)],
     [(TEXT, b"")])
case("an empty fragment at the end", [frame(TEXT, b"abc", fin=False), frame(CONT)], [(TEXT, b"abc")])
case("fragments with different masks",
     [frame(TEXT, b"abc", fin=False, key=b"1234"), frame(CONT, b"defgh", fin=False, key=b"\0\1\2\3"),
      frame(CONT, b"i", key=b"zzzz")], [(TEXT, b"abcdefghi")])
case("a ping between fragments",
     [frame(TEXT, b"Hel", fin=False) + frame(PING, b"now") + frame(CONT, b"lo")],
     [(PONG, b"now"), (TEXT, b"Hello")])
case("a pong between fragments",
     [frame(TEXT, b"Hel", fin=False) + frame(PONG, b"now") + frame(CONT, b"lo")], [(TEXT, b"Hello")])
case("a hundred fragments and pings",
     [frame(BINARY, b"0", fin=False)] + [frame(CONT, b"%d" % (i % 10), fin=False) + frame(PING, b"x")
                                         for i in range(100)] + [frame(CONT)],
     [(PONG, b"x")] * 100 + [(BINARY, b"0" + b"0123456789" * 10)])
case("a message in fragments up to the limit",
     [frame(BINARY, b"x" * (LIMIT // 2), fin=False), frame(CONT, b"y" * (LIMIT // 2))],
     [(BINARY, b"x" * (LIMIT // 2) + b"y" * (LIMIT // 2))])
case("two messages in fragments",
     [frame(TEXT, b"a", fin=False), frame(CONT, b"b"), frame(BINARY, b"c", fin=False), frame(CONT, b"d")],
     [(TEXT, b"ab"), (BINARY, b"cd")])
bad("a continuation of nothing", [frame(CONT, b"x")])
bad("a continuation of nothing, not final", [frame(CONT, b"x", fin=False)])
bad("a continuation behind a whole message", [frame(TEXT, b"a") + frame(CONT, b"b")],
    before=[(TEXT, b"a")], raw=None)
bad("a text within a message", [frame(TEXT, b"a", fin=False) + frame(TEXT, b"b")])
bad("a binary within a message", [frame(TEXT, b"a", fin=False) + frame(BINARY, b"b")])
case("a close between fragments", [frame(TEXT, b"a", fin=False) + frame(CLOSE, close_payload(1000))],
     [(CLOSE, 1000)])

# ---- UTF-8 -------------------------------------------------------------------------------------

GREEK = "κόσμε".encode()
for name, text in (
    ("greek", GREEK), ("four bytes", "😀🎉".encode()), ("the last code point", b"\xf4\x8f\xbf\xbf"),
    ("before the surrogates", b"\xed\x9f\xbf"), ("behind the surrogates", b"\xee\x80\x80"),
    ("no characters", b"\xef\xbf\xbe\xef\xbf\xbf"), ("NUL", b"\0"), ("a byte order mark", b"\xef\xbb\xbfx"),
):
    case(f"UTF-8: {name}", [frame(TEXT, text)], [(TEXT, text)])
case("UTF-8 cut within a character by fragments",
     [frame(TEXT, GREEK[:3], fin=False), frame(CONT, GREEK[3:])], [(TEXT, GREEK)])
case("UTF-8 in fragments of one byte",
     [frame(TEXT, fin=False)] + [frame(CONT, GREEK[i : i + 1], fin=False) for i in range(len(GREEK))]
     + [frame(CONT)], [(TEXT, GREEK)])
for name, text in (
    ("a stray continuation", b"\x80"), ("0xff", b"abc\xff"), ("two bytes overlong", b"\xc0\xaf"),
    ("three bytes overlong", b"\xe0\x80\xaf"), ("four bytes overlong", b"\xf0\x80\x80\xaf"),
    ("a surrogate", b"\xed\xa0\x80"), ("a pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
    ("above U+10FFFF", b"\xf4\x90\x80\x80"), ("five bytes", b"\xf8\x88\x80\x80\x80"),
    ("a character that is cut", b"abc\xe2\x82"), ("a character that is interrupted", b"\xe2\x28\xa1"),
):
    bad(f"no UTF-8: {name}", [frame(TEXT, text)], 1007, raw=[(TEXT, text)])
    case(f"as binary: {name}", [frame(BINARY, text)], [(BINARY, text)])
bad("no UTF-8 in the second fragment", [frame(TEXT, GREEK, fin=False), frame(CONT, b"\xff")], 1007,
    raw=[(TEXT, GREEK + b"\xff")])
bad("no UTF-8: told before the message is whole", [frame(TEXT, GREEK + b"\xff", fin=False)], 1007,
    raw=None)
bad("no UTF-8: told before the frame is whole", [frame(TEXT, b"\xff" + b"a" * 99999)[:50000]], 1007,
    raw=None)
bad("no UTF-8: the message ends within a character",
    [frame(TEXT, GREEK, fin=False), frame(CONT, b"\xce")], 1007, raw=[(TEXT, GREEK + b"\xce")])

# ---- closing -----------------------------------------------------------------------------------

case("close without a code", [frame(CLOSE)], [(CLOSE, 0)])
case("close with a reason", [frame(CLOSE, close_payload(1000, b"bye"))], [(CLOSE, 1000)])
case("close with the longest reason", [frame(CLOSE, close_payload(1000, b"r" * 123))], [(CLOSE, 1000)])
case("close and then more", [frame(CLOSE, close_payload(1000)) + frame(TEXT, b"late") + frame(PING)],
     [(CLOSE, 1000)], raw=None)
case("close behind a message", [frame(TEXT, b"last") + frame(CLOSE, close_payload(1001))],
     [(TEXT, b"last"), (CLOSE, 1001)], maybe=1)
for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
    case(f"close with {code}", [frame(CLOSE, close_payload(code))], [(CLOSE, code)])
for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
    bad(f"close with {code}", [frame(CLOSE, close_payload(code))], raw=[(CLOSE, code)])
bad("close with one byte", [frame(CLOSE, b"\x03")], raw=None)
bad("close with a reason that is not UTF-8", [frame(CLOSE, close_payload(1000, b"\xff\xfe"))], 1007,
    raw=None)
bad("close of 126 bytes", [frame(CLOSE, close_payload(1000, b"r" * 124))])
bad("close in fragments", [frame(CLOSE, close_payload(1000), fin=False)])

# ---- limits ------------------------------------------------------------------------------------

bad("one byte over the limit", [frame(BINARY, b"x" * (LIMIT + 1))], 1009, raw=[(CLOSE, 1009)])
bad("a header that claims 2 GiB", [frame(BINARY, b"", length=1 << 31, form=64)], 1009,
    raw=[(CLOSE, 1009)])
bad("a header that claims all there is", [frame(BINARY, b"", length=(1 << 63) - 1, form=64)], 1009,
    raw=[(CLOSE, 1009)])
bad("fragments over the limit",
    [frame(TEXT, b"x" * LIMIT, fin=False), frame(CONT, b"y", fin=False)], 1009, raw=[(CLOSE, 1009)])
bad("small fragments over the limit",
    [frame(TEXT, b"x" * 1000, fin=False)] + [frame(CONT, b"x" * 1000, fin=False)] * (LIMIT // 1000),
    1009, raw=[(CLOSE, 1009)])
