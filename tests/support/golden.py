"""Reads the files of tests/golden, whose README.md says what is in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, List, Optional

FOLDER = Path(__file__).resolve().parent.parent / "golden"

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[rnt0\\])")
_LETTERS = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


@dataclass
class Case:
    file: str
    name: str
    fields: Optional[dict] = None
    frames: List[bytes] = field(default_factory=list)
    decode_only: bool = False
    refused: bool = False

    @property
    def bytes(self) -> bytes:
        """Of a message that is one frame."""
        (frame,) = self.frames
        return frame

    def __str__(self) -> str:  # what pytest shows
        return self.name


def cases(name: str) -> List[Case]:
    """All cases of a file; ValueError with the line for what is not in its format."""
    found: List[Case] = []
    lines = (FOLDER / name).read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        word, _, value = line.partition(" ")
        if word == "case":
            found.append(Case(name, value))
        elif not found or not _take(found[-1], word, value):
            raise ValueError(f"{name}:{number}: not in the format: {line!r}")
    return found


def _take(case: Case, word: str, value: str) -> bool:
    if word == "fields":
        case.fields = to_bytes(json.loads(value))
    elif word == "bytes":
        case.frames.append(_unescape(value))
    elif (word, value) == ("decode", "only"):
        case.decode_only = True
    elif (word, value) == ("refused", ""):
        case.refused = True
    else:
        return False
    return True


def to_bytes(value: Any) -> Any:
    """Strings as the bytes they stand for; keys stay as they are."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if isinstance(value, list):
        return [to_bytes(item) for item in value]
    if isinstance(value, dict):
        return {key: to_bytes(item) for key, item in value.items()}
    return value


def _unescape(text: str) -> bytes:
    out, at = b"", 0
    for match in _ESCAPE.finditer(text):
        out += text[at : match.start()].encode()
        name = match.group(1)
        out += bytes.fromhex(name[1:]) if name[0] == "x" else _LETTERS[name].encode()
        at = match.end()
    return out + text[at:].encode()
