"""Reads `cases/*.http` (README.md) and compares."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

from support.raw import Client, Response

FOLDER = Path(__file__).resolve().parent / "cases"

_ESCAPE = re.compile(rb"\\(r|n|t|0|\\|x[0-9a-fA-F]{2})")
_BYTES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def unescape(text: str) -> bytes:
    def one(match: "re.Match[bytes]") -> bytes:
        word = match.group(1)
        return _BYTES[word] if word in _BYTES else bytes([int(word[1:], 16)])

    return _ESCAPE.sub(one, text.encode("utf-8"))


@dataclass
class Expected:
    """One answer."""

    status_line: bytes
    is_head: bool
    fields: Dict[str, str] = field(default_factory=dict)
    absent: List[str] = field(default_factory=list)
    body: Optional[bytes] = b""

    def check(self, response: Response) -> None:
        assert response.head.split(b"\r\n", 1)[0] == self.status_line
        for name, value in self.fields.items():
            got = response.header(name)
            assert got is not None, f"{name} is missing in {response.head!r}"
            assert value == "*" or got == unescape(value), name
        for name in self.absent:
            assert response.header(name) is None, name
        if self.body is not None:
            assert response.body == self.body


@dataclass
class Case:
    name: str
    request: bytes
    answers: List[Expected]
    ends: str  # "open", "closed", "continue BODY"

    def check(self, client: Client) -> None:
        for expected in self.answers:
            expected.check(client.response("HEAD" if expected.is_head else "GET"))
        if self.ends.startswith("continue "):
            client.send(self.ends[len("continue ") :])
            assert client.response().status == 200
        if self.ends == "closed":
            assert client.is_closed(10), "the connection stayed open"
            assert client.unread == b""
        else:
            client.send(b"GET /static/a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.response().body == b"hello world"
            assert client.unread == b""


def _request(lines: List[str]) -> bytes:
    parts = []
    for line in lines:
        cut = re.search(r"(?<!\\)(\\\\)*\\$", line)
        parts.append(unescape(line[:-1]) if cut else unescape(line) + b"\r\n")
    return b"".join(parts)


def _answers(lines: List[str]) -> List[Expected]:
    answers: List[Expected] = []
    body: Optional[List[str]] = None
    for line in [*lines, "HTTP/"]:
        if line.startswith("HTTP/"):
            if answers and body is not None:
                text = "\n".join(body)
                answers[-1].body = None if text == "*" else unescape(text)
            body = None
            status_line = line.replace(" (HEAD)", "")
            answers.append(Expected(status_line.encode(), line != status_line))
        elif body is not None:
            body.append(line)
        elif line == "":
            body = []
        elif line.startswith("!"):
            answers[-1].absent.append(line[1:])
        else:
            name, _, value = line.partition(":")
            answers[-1].fields[name] = value.strip()
    return answers[:-1]


def _case(name: str, lines: List[str]) -> Case:
    middle = lines.index("---")
    last = next(i for i, line in enumerate(lines) if line.startswith("--- "))
    return Case(name, _request(lines[:middle]), _answers(lines[middle + 1 : last]), lines[last][4:])


def load() -> List[Case]:
    """All cases, by file and in order; `FILE: NAME`."""
    cases = []
    for path in sorted(FOLDER.glob("*.http")):
        for block in re.split(r"^### ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            name, *lines = block.rstrip("\n").split("\n")
            cases.append(_case(f"{path.stem}: {name}", lines))
    return cases
