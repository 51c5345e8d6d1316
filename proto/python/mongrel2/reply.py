"""Replies to a node, as pure functions from values to bytes.

A reply is ``UUID SP LEN ":" IDS "," SP PAYLOAD``: the bytes PAYLOAD go to each connection in IDS. An
empty payload closes them, after what was sent before. An extended reply has ``X`` before the ids and
a tnetstring ``[key, value]`` as payload.
"""

from __future__ import annotations

import http
import json
import re
import struct
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from . import tnetstrings
from .request import Listener

__all__ = [
    "TARGETS_MAX",
    "chunk",
    "extended",
    "group_by_node",
    "handshake",
    "http_head",
    "http_response",
    "json_text",
    "last_chunk",
    "messages",
    "websocket_close",
    "websocket_frame",
]

#: Ids in one message; a node takes ``limits.handler_targets``, 128 unless set otherwise.
TARGETS_MAX = 100

Bytes = Union[bytes, bytearray, memoryview, str]
ConnId = Union[bytes, str, int]
HeaderPairs = Union[Mapping[Any, Any], Iterable[Tuple[Any, Any]], None]

_UUID = re.compile(rb"[A-Za-z0-9-]+")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BODILESS = frozenset((204, 304))


def as_bytes(value: Bytes) -> bytes:
    """Text as UTF-8; anything else as it is."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)


# ---- the message ---------------------------------------------------------------------------


def messages(
    uuid: Bytes,
    conn_ids: Union[ConnId, Iterable[ConnId]],
    payload: Bytes,
    extended: bool = False,
) -> Iterator[bytes]:
    """The messages that carry `payload` to the connections, :data:`TARGETS_MAX` in each."""
    sender = as_bytes(uuid)
    if _UUID.fullmatch(sender) is None:
        raise ValueError(f"an ident is letters, digits and dashes, not {sender!r}")
    ids = id_list(conn_ids)
    data = as_bytes(payload)
    for start in range(0, len(ids), TARGETS_MAX):
        part = ids[start : start + TARGETS_MAX]
        names = b" ".join([b"X"] + part if extended else part)
        yield b"%b %d:%b, %b" % (sender, len(names), names, data)


def extended(key: str, value: Any) -> bytes:
    """The payload of an extended reply."""
    return tnetstrings.dump([key, value])


def to_all_nodes(cluster: Bytes, payload: Bytes) -> bytes:
    """An extended reply that names no connection: for channels, addressed to a whole cluster."""
    sender = as_bytes(cluster)
    if _UUID.fullmatch(sender) is None:
        raise ValueError(f"an ident is letters, digits and dashes, not {sender!r}")
    return sender + b" 1:X, " + as_bytes(payload)


def id_list(conn_ids: Union[ConnId, Iterable[ConnId]]) -> List[bytes]:
    """One id or several, as decimal bytes."""
    if isinstance(conn_ids, (bytes, str, int)):
        conn_ids = [conn_ids]
    ids = [b"%d" % i if isinstance(i, int) else as_bytes(i) for i in conn_ids]
    for conn_id in ids:
        if not conn_id.isdigit():
            raise ValueError(f"a connection id is a decimal number, not {conn_id!r}")
    return ids


def group_by_node(listeners: Iterable[Listener]) -> Dict[bytes, List[bytes]]:
    """Connection ids by node: one message reaches many listeners, but of one node."""
    nodes: Dict[bytes, List[bytes]] = {}
    for node, conn_id in listeners:
        nodes.setdefault(as_bytes(node), []).extend(id_list(conn_id))
    return nodes


# ---- HTTP ----------------------------------------------------------------------------------


def http_head(code: int, status: Optional[str], headers: Sequence[Tuple[bytes, bytes]]) -> bytes:
    """Status line and headers, with the empty line that ends them."""
    if not 100 <= code <= 999:
        raise ValueError(f"a status code has three digits: {code}")
    reason = as_bytes(_reason(code) if status is None else status)
    if b"\r" in reason or b"\n" in reason:
        raise ValueError("a status text is one line")
    lines = [b"HTTP/1.1 %d %b" % (code, reason)]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def http_response(
    body: Bytes = b"",
    code: int = 200,
    status: Optional[str] = None,
    headers: HeaderPairs = None,
    head_only: bool = False,
) -> bytes:
    """A whole response. Content-Length is that of `body`, whatever `headers` say; with `head_only`
    (the answer to HEAD) it still is, but the body stays away. 1xx, 204 and 304 have neither."""
    data = as_bytes(body)
    pairs = [(n, v) for n, v in header_pairs(headers) if n.lower() != b"content-length"]
    if code < 200 or code in _BODILESS:
        return http_head(code, status, pairs)
    pairs.append((b"Content-Length", b"%d" % len(data)))
    return http_head(code, status, pairs) + (b"" if head_only else data)


def header_pairs(headers: HeaderPairs) -> List[Tuple[bytes, bytes]]:
    """Names and values as bytes. A list or tuple as value is one header each. Refuses what would
    break out of its line."""
    pairs: List[Tuple[bytes, bytes]] = []
    items = headers.items() if isinstance(headers, Mapping) else headers or ()
    for name, value in items:
        key = as_bytes(name)
        if _TOKEN.fullmatch(key) is None:
            raise ValueError(f"not a header name: {key!r}")
        for one in value if isinstance(value, (list, tuple)) else [value]:
            text = as_bytes(str(one) if isinstance(one, int) else one)
            if b"\r" in text or b"\n" in text or b"\0" in text:
                raise ValueError(f"a header value is one line: {key!r}")
            pairs.append((key, text))
    return pairs


def chunk(data: Bytes) -> bytes:
    """One chunk of a chunked response; nothing for no data, which would end it."""
    piece = as_bytes(data)
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def last_chunk(trailers: HeaderPairs = None) -> bytes:
    """What ends a chunked response."""
    lines = [name + b": " + value + b"\r\n" for name, value in header_pairs(trailers)]
    return b"0\r\n" + b"".join(lines) + b"\r\n"


def json_text(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogateescape"
    )


def _reason(code: int) -> str:
    try:
        return http.HTTPStatus(code).phrase
    except ValueError:
        return ""


# ---- WebSocket (RFC 6455) --------------------------------------------------------------------


def handshake(accept: Bytes, headers: HeaderPairs = None) -> bytes:
    """The 101 response; `accept` is the body of the WEBSOCKET_HANDSHAKE request."""
    pairs = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Accept", as_bytes(accept)),
    ]
    return http_head(101, None, pairs + header_pairs(headers))


def websocket_frame(body: Bytes, opcode: int = 1, rsvd: int = 0) -> bytes:
    """One unmasked frame with FIN set."""
    data = as_bytes(body)
    if not 0 <= opcode <= 15 or not 0 <= rsvd <= 7:
        raise ValueError(f"an opcode is 0 to 15, reserved bits 0 to 7: {opcode}, {rsvd}")
    if opcode & 8 and len(data) > 125:
        raise ValueError("a control frame carries at most 125 bytes")
    first = 0x80 | rsvd << 4 | opcode
    if len(data) < 126:
        return struct.pack("!BB", first, len(data)) + data
    if len(data) < 65536:
        return struct.pack("!BBH", first, 126, len(data)) + data
    return struct.pack("!BBQ", first, 127, len(data)) + data


def websocket_close(code: Optional[int] = 1000, reason: Bytes = b"") -> bytes:
    """A close frame; with no code it is empty. Follow it with an empty reply."""
    if code is None:
        return websocket_frame(b"", 8)
    if not 1000 <= code <= 4999:
        raise ValueError(f"a close code is 1000 to 4999: {code}")
    return websocket_frame(struct.pack("!H", code) + as_bytes(reason), 8)
