"""How the contract tests compare: every observation is a line of text, and so is what the reference
says; where ours is meant to differ, differences.toml says what it does instead, and why.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from mongrel2 import tnetstrings
from support.raw import without_version

TABLE = Path(__file__).resolve().parent / "differences.toml"

#: A row of the reference's list of defects, or a design decision.
ROW = re.compile(r"[SHDUPO]\d+|design: .+")


@dataclass(frozen=True)
class Difference:
    case: str
    row: str
    why: str
    ours: str


def table() -> Dict[str, Any]:
    with open(TABLE, "rb") as file:
        return tomllib.load(file)


def differences() -> Dict[str, Difference]:
    entries = [Difference(**entry) for entry in table().get("difference", [])]
    found = {entry.case: entry for entry in entries}
    assert len(found) == len(entries), "a case is listed twice"
    return found


class Expect:
    """Compares what one make does with what it is expected to do."""

    def __init__(self, kit_name: str):
        self.kit_name = kit_name
        self.differences = differences() if kit_name == "ours" else {}
        self.everywhere = table().get("everywhere", []) if kit_name == "ours" else []

    def __call__(self, case: str, got: str, reference: str) -> None:
        """`got` is what was observed in `case`, `reference` what upstream does."""
        for rule in self.everywhere:
            got = re.sub(rule["pattern"], rule["becomes"], got)
        entry = self.differences.get(case)
        wanted = entry.ours if entry else reference
        assert entry is None or entry.ours != reference, f"{case}: listed, but no difference"
        note = f" ({entry.row}: {entry.why})" if entry else ""
        assert got == wanted, f"{self.kit_name}, {case}{note}\n got    {got}\n wanted {wanted}"

    def skip_the_oracle(self, why: str) -> None:
        """Ends a case in which what upstream does is not the same each time. Ours goes on, and is judged."""
        if self.kit_name != "ours":
            pytest.skip(why)


_ESCAPES = {byte: f"\\x{byte:02x}" for byte in [*range(0x20), *range(0x7F, 0x100)]}
_ESCAPES.update({0: "\\0", 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"})


def show(data: bytes) -> str:
    """Bytes as one line of text; the version in the server's name is left out."""
    return without_version(data).decode("latin-1").translate(_ESCAPES)


# ---- requests to handlers -----------------------------------------------------------------------

_SERVER_KEYS = {
    name.encode()
    for name in "PATH METHOD VERSION URI QUERY FRAGMENT PATTERN URL_SCHEME REMOTE_ADDR".split()
}
_PAIR = re.compile(rb'"((?:[^"\\]|\\.)*)":("(?:[^"\\]|\\.)*"|\[[^\]]*\])(?:,|\Z)', re.S)


def show_request(message: bytes) -> str:
    """A request, with the id left out, since it differs, and the client's headers sorted, since
    their order is unspecified. That of the server's keys is not."""
    sender, conn_id, target, rest = message.split(b" ", 3)
    assert conn_id.isdigit(), message
    length, _, rest = rest.partition(b":")
    headers, tag, body = rest[: int(length)], rest[int(length) :][:1], rest[int(length) + 1 :]
    assert tag in (b",", b"}"), message
    if tag == b",":
        assert headers[:1] == b"{" and headers[-1:] == b"}", message
        text = "{" + ",".join(_in_order(_json_pairs(headers[1:-1]))) + "}"
    else:
        text = "".join(_in_order(_tnetstring_pairs(headers)))
    return f"{show(sender)} ID {show(target)} {length.decode()}:{text}{show(tag + body)}"


def _in_order(pairs: List[Tuple[bytes, bytes]]) -> List[str]:
    """The server's keys where they are, and what is between them sorted."""
    out: List[str] = []
    clients: List[str] = []
    for name, text in pairs:
        if name in _SERVER_KEYS:
            out += sorted(clients)
            clients = []
            out.append(show(text))
        else:
            clients.append(show(text))
    return out + sorted(clients)


def _json_pairs(inside: bytes) -> List[Tuple[bytes, bytes]]:
    pairs, at = [], 0
    while at < len(inside):
        match = _PAIR.match(inside, at)
        assert match is not None, f"no pair of an object at {inside[at:]!r}"
        pairs.append((match.group(1), inside[at : match.end()].rstrip(b",")))
        at = match.end()
    return pairs


def _tnetstring_pairs(inside: bytes) -> List[Tuple[bytes, bytes]]:
    pairs = []
    while inside:
        name, rest = tnetstrings.parse(inside)
        _, rest = tnetstrings.parse(rest)
        pairs.append((name, inside[: len(inside) - len(rest)]))
        inside = rest
    return pairs
