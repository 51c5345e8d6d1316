"""Tagged netstrings: ``LENGTH:PAYLOAD TAG``, the format of every control and cluster message and of
one form of handler request headers.

=====  ============================  =======================
tag    payload                       Python
=====  ============================  =======================
``,``  any bytes                     ``bytes``
``#``  decimal, 64 bits, signed      ``int``
``!``  ``true`` or ``false``         ``bool``
``~``  nothing                       ``None``
``]``  values                        ``list``
``}``  string keys and values        ``dict`` (keys ``bytes``)
=====  ============================  =======================

Strings are bytes, so nothing is lost and nothing has to be text; :func:`text` turns a whole value
into ``str`` where it is known to be text. What is accepted is what Mongrel2 accepts: a length or an
integer may have leading zeros, blanks and a ``+``; an empty integer is 0; a boolean is told by length
and first letter; of equal keys the last counts. Nesting is bounded by :data:`DEPTH_MAX`, and floats
(``^``), which Mongrel2 never could parse, are refused.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Tuple, Union

__all__ = ["DEPTH_MAX", "TnetstringError", "dump", "load", "parse", "text"]

#: Lists and dicts inside each other, the outermost counted.
DEPTH_MAX = 64

#: Digits, blanks and sign before the colon.
_LENGTH_CHARS_MAX = 24

_LENGTH = re.compile(rb"[ \t-\r]*\+?([0-9]+):")
_INTEGER = re.compile(rb"[ \t-\r]*[+-]?[0-9]+")
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1

#: What may be written; ``str`` is written as UTF-8, ``tuple`` as a list.
Value = Union[bytes, bytearray, memoryview, str, int, bool, None, List[Any], Tuple[Any, ...], Dict[Any, Any]]


class TnetstringError(ValueError):
    """The bytes are no tnetstring, or the value cannot be written as one."""


def load(data: bytes) -> Any:
    """The one value that `data` holds; bytes behind it are an error."""
    value, rest = parse(data)
    if rest:
        raise TnetstringError(f"{len(rest)} bytes follow the tnetstring")
    return value


def parse(data: bytes) -> Tuple[Any, bytes]:
    """The first value of `data`, and the bytes behind it."""
    data = bytes(data)
    value, end = _parse(data, 0, len(data), 0)
    return value, data[end:]


def dump(value: Value) -> bytes:
    """The value in its shortest form; pairs of a dict in the order they stand in it."""
    out: list[bytes] = []
    _dump(value, out, 0)
    return b"".join(reversed(out))


def text(value: Any) -> Any:
    """`value` with all its bytes, keys included, as ``str``. Bytes that are no UTF-8 survive as
    surrogates (PEP 383)."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list):
        return [text(item) for item in value]
    if isinstance(value, dict):
        return {text(key): text(item) for key, item in value.items()}
    return value


def _bad(at: int, what: str) -> TnetstringError:
    return TnetstringError(f"the tnetstring is malformed at byte {at}: {what}")


def _parse(data: bytes, at: int, end: int, depth: int) -> Tuple[Any, int]:
    match = _LENGTH.match(data, at, min(end, at + _LENGTH_CHARS_MAX))
    if match is None:
        raise _bad(at, "a length and a colon were expected")
    start = match.end()
    length = int(match.group(1))
    if length >= end - start:
        raise _bad(at, "the length points behind the end")
    stop = start + length
    tag = data[stop : stop + 1]
    if tag == b",":
        return data[start:stop], stop + 1
    if tag == b"#":
        return _integer(data[start:stop], at), stop + 1
    if tag == b"!":
        return _boolean(data[start:stop], at), stop + 1
    if tag == b"~":
        if length:
            raise _bad(at, "a null must be empty")
        return None, stop + 1
    if tag == b"]":
        return _list(data, start, stop, depth), stop + 1
    if tag == b"}":
        return _dict(data, start, stop, depth), stop + 1
    if tag == b"^":
        raise _bad(at, "floats (tag ^) are not supported")
    raise _bad(at, "the tag must be one of , # ! ~ ] }")


def _integer(payload: bytes, at: int) -> int:
    if not payload:
        return 0
    if _INTEGER.fullmatch(payload) is None:
        raise _bad(at, "the integer is malformed")
    digits = payload.strip(b" \t\n\v\f\r+-").lstrip(b"0")
    if len(digits) > 19:
        raise _bad(at, "the integer does not fit 64 bits")
    number = int(digits or b"0")
    if b"-" in payload:
        number = -number
    if not _INT_MIN <= number <= _INT_MAX:
        raise _bad(at, "the integer does not fit 64 bits")
    return number


def _boolean(payload: bytes, at: int) -> bool:
    if len(payload) == 4 and payload[:1] == b"t":
        return True
    if len(payload) == 5 and payload[:1] == b"f":
        return False
    raise _bad(at, "a boolean must be true or false")


def _list(data: bytes, at: int, end: int, depth: int) -> list[Any]:
    if depth >= DEPTH_MAX:
        raise _bad(at, f"nested deeper than {DEPTH_MAX}")
    items = []
    while at < end:
        item, at = _parse(data, at, end, depth + 1)
        items.append(item)
    return items


def _dict(data: bytes, at: int, end: int, depth: int) -> dict[bytes, Any]:
    if depth >= DEPTH_MAX:
        raise _bad(at, f"nested deeper than {DEPTH_MAX}")
    pairs = {}
    while at < end:
        key, behind = _parse(data, at, end, depth + 1)
        if not isinstance(key, bytes):
            raise _bad(at, "a key must be a string")
        if behind == end:
            raise _bad(at, "a key has no value")
        pairs[key], at = _parse(data, behind, end, depth + 1)
    return pairs


def _dump(value: Value, out: list[bytes], depth: int) -> int:
    """Appends the value's pieces from right to left, so that each length is known when it is
    written; returns the bytes added."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _piece(out, b",", bytes(value))
    if value is None:
        return _piece(out, b"~", b"")
    if value is True or value is False:
        return _piece(out, b"!", b"true" if value else b"false")
    if isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise TnetstringError(f"{value} does not fit 64 bits")
        return _piece(out, b"#", b"%d" % value)
    if not isinstance(value, (list, tuple, dict)):
        raise TnetstringError(f"a {type(value).__name__} cannot be written as a tnetstring")
    if depth >= DEPTH_MAX:
        raise TnetstringError(f"nested deeper than {DEPTH_MAX}")
    out.append(b"}" if isinstance(value, dict) else b"]")
    length = 0
    if isinstance(value, dict):
        for key, item in reversed(list(value.items())):
            if not isinstance(key, (bytes, str)):
                raise TnetstringError(f"a key must be a string, not {type(key).__name__}")
            length += _dump(item, out, depth + 1) + _dump(key, out, depth + 1)
    else:
        for item in reversed(value):
            length += _dump(item, out, depth + 1)
    return length + 1 + _head(out, length)


def _piece(out: list[bytes], tag: bytes, payload: bytes) -> int:
    out.append(payload + tag)
    return len(payload) + 1 + _head(out, len(payload))


def _head(out: list[bytes], length: int) -> int:
    head = b"%d:" % length
    out.append(head)
    return len(head)
