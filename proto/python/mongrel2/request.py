"""A request as a node sends it to a handler: ``SENDER SP ID SP PATH SP HEADERS BODY``.

HEADERS is a netstring with a JSON object or, for handlers with ``protocol="tnetstring"``, a
tnetstring dict; BODY is a netstring. Everything that a client can choose stays bytes: a body or a
header need not be text. Only the names of headers are ``str``: names in capitals (``METHOD``,
``PATH``, …) come from the node and can be trusted, the client's are lower-cased.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Union

from . import tnetstrings

__all__ = ["BadMessage", "HeaderValue", "Headers", "Listener", "Request"]

#: A header that was sent once is bytes, one that was sent several times a list in order of arrival.
HeaderValue = Union[bytes, List[bytes]]

#: Connection ids are 32-bit numbers.
_CONN_ID_MAX = 2**32 - 1


class BadMessage(ValueError):
    """A message that is not what the protocol says; `message` holds it."""

    def __init__(self, what: str, message: bytes):
        super().__init__(f"{what}: {message[:64]!r}{'…' if len(message) > 64 else ''}")
        self.message = message


class Listener(NamedTuple):
    """A client's connection, as replies address it: unique over all nodes of a cluster."""

    node: bytes
    conn_id: bytes


class Headers(dict):
    """Header names (``str``) and values (:data:`HeaderValue`), in the order of the message."""

    def first(self, name: str, default: Optional[bytes] = None) -> Optional[bytes]:
        """The value, or the first of several."""
        value: Optional[HeaderValue] = self.get(name, default)
        return value[0] if isinstance(value, list) else value

    def all(self, name: str) -> List[bytes]:
        """Every value of the header; empty when it was not sent."""
        value = self.get(name)
        if value is None:
            return []
        return list(value) if isinstance(value, list) else [value]

    def tokens(self, name: str) -> List[bytes]:
        """The comma-separated elements of a list header (RFC 9110 §5.6.1), lower-cased."""
        elements = b",".join(self.all(name)).split(b",")
        return [element.strip().lower() for element in elements if element.strip()]


class Request:
    """One message from a node: a request, a message of a socket, or a notice.

    `sender` is the ident of the node (or of its Handler row) and `conn_id` the decimal id of the
    connection: together they are where replies go. `msg` is the message as it was received.
    """

    __slots__ = ("sender", "conn_id", "path", "headers", "body", "msg", "data", "replied", "place")

    def __init__(
        self,
        sender: bytes,
        conn_id: bytes,
        path: bytes,
        headers: Optional[Mapping[str, Any]] = None,
        body: bytes = b"",
        msg: Optional[bytes] = None,
    ):
        self.sender = sender
        self.conn_id = conn_id
        self.path = path
        self.headers = headers if isinstance(headers, Headers) else Headers(headers or {})
        self.body = body
        self.msg = self.encode() if msg is None else msg
        #: The decoded body when METHOD is ``JSON`` and the body is JSON (which the node does not
        #: check), else None. :meth:`Connection.recv_json` fills it for other methods.
        self.data: Any = self._decode() if self.method == b"JSON" else None
        #: Whether a reply to this request has been sent through this library.
        self.replied = False
        #: What a pool worker remembers about it: the node's endpoint and the id of the request.
        self.place: Any = None

    @classmethod
    def parse(cls, message: bytes) -> "Request":
        """Raises :class:`BadMessage`."""
        parts = message.split(b" ", 3)
        if len(parts) != 4:
            raise BadMessage("a request has sender, id, path and headers", message)
        sender, conn_id, path, rest = parts
        if not sender or not path:
            raise BadMessage("the sender and the path of a request are not empty", message)
        if not conn_id.isdigit() or len(conn_id) > 20 or int(conn_id) > _CONN_ID_MAX:
            raise BadMessage("the id of a connection is a 32-bit number", message)
        try:
            headers, rest = tnetstrings.parse(rest)
            body, rest = tnetstrings.parse(rest)
        except tnetstrings.TnetstringError as error:
            raise BadMessage(str(error), message) from None
        if not isinstance(body, bytes) or rest:
            raise BadMessage("a request ends with one netstring, the body", message)
        number = b"%d" % int(conn_id)  # one spelling, so that ids can be compared
        return cls(sender, number, path, _headers(headers, message), body, message)

    def encode(self, protocol: str = "json") -> bytes:
        """The message for these fields, headers as ``json`` or ``tnetstring``."""
        if protocol == "tnetstring":
            headers = tnetstrings.dump({_name(k): v for k, v in self.headers.items()})
        else:
            headers = tnetstrings.dump(_json_object(self.headers))
        return b" ".join((self.sender, self.conn_id, self.path, headers)) + tnetstrings.dump(
            self.body
        )

    # ---- what it is ------------------------------------------------------------------------

    @property
    def method(self) -> bytes:
        """The HTTP method, or ``JSON``, ``XML``, ``WEBSOCKET_HANDSHAKE``, ``WEBSOCKET``; empty for
        the later pieces of a streamed upload."""
        return self.headers.first("METHOD") or b""

    @property
    def listener(self) -> Listener:
        return Listener(self.sender, self.conn_id)

    def is_notice(self) -> bool:
        """Whether the node itself speaks (path ``@*``) and not a client. A client can send
        ``{"type":"disconnect"}`` too, but then the message has a PATH."""
        return self.path == b"@*" and self.method == b"JSON" and "PATH" not in self.headers

    def is_disconnect(self) -> bool:
        """The connection is closed: forget it, and send nothing to it."""
        return self.is_notice() and self._type() == "disconnect"

    def is_credits(self) -> bool:
        """So many bytes (:attr:`credits`) of replies have been written to the client
        (``download.flow_control``)."""
        return self.is_notice() and self._type() == "credits"

    @property
    def credits(self) -> int:
        """Bytes in DOWNLOAD_CREDITS: of a credits notice, or of the first request of a connection."""
        return _number(self.headers.first("DOWNLOAD_CREDITS"))

    def should_close(self) -> bool:
        """Whether the client expects that the connection is closed after the response."""
        return (
            b"close" in self.headers.tokens("connection")
            or self.headers.first("VERSION") == b"HTTP/1.0"
        )

    # ---- WebSocket -------------------------------------------------------------------------

    def is_handshake(self) -> bool:
        """A WebSocket handshake; the body is the Sec-WebSocket-Accept value. To be answered on a route
        with ``websocket="raw"``; with ``"messages"`` the node has done that."""
        return self.method == b"WEBSOCKET_HANDSHAKE"

    def is_websocket(self) -> bool:
        """A WebSocket frame or message; the body is its payload."""
        return self.method == b"WEBSOCKET"

    @property
    def flags(self) -> int:
        """First byte of the WebSocket frame, FIN set; 0 for anything else."""
        value = self.headers.first("FLAGS")
        try:
            return int(value, 16) if value else 0
        except ValueError:
            return 0

    @property
    def opcode(self) -> int:
        """1 text, 2 binary, 8 close, 9 ping, 10 pong."""
        return self.flags & 0x0F

    # ---- uploads ---------------------------------------------------------------------------

    def is_upload_start(self) -> bool:
        """A large body is being stored in :attr:`upload_path`; answer now only to refuse it."""
        return (
            "x-mongrel2-upload-start" in self.headers
            and "x-mongrel2-upload-done" not in self.headers
        )

    def is_upload_done(self) -> bool:
        """The body is complete in :attr:`upload_path`. False also when start and done do not name
        one file: servers that do not strip these headers let a client forge them."""
        done = self.headers.all("x-mongrel2-upload-done")
        return len(done) == 1 and done == self.headers.all("x-mongrel2-upload-start")

    @property
    def upload_path(self) -> Optional[bytes]:
        """The file with the body, as the node sees it."""
        return self.headers.first("x-mongrel2-upload-start")

    def is_upload_piece(self) -> bool:
        """A piece of a streamed upload (``upload.stream``); the body is the piece."""
        return "UPLOAD_STREAM" in self.headers

    @property
    def upload_offset(self) -> int:
        """Where in the upload this piece begins."""
        return _number(self.headers.first("UPLOAD_STREAM"))

    def is_last_piece(self) -> bool:
        return "UPLOAD_STREAM_DONE" in self.headers

    # ---- the rest --------------------------------------------------------------------------

    def forward(self, socket: Any) -> None:
        """Sends the message on to another handler's PULL socket; that one replies to the node."""
        socket.send(self.msg)

    def __repr__(self) -> str:
        return f"<Request {self.method!r} {self.path!r} from {self.sender!r} {self.conn_id!r}>"

    def _type(self) -> Any:
        return self.data.get("type") if isinstance(self.data, dict) else None

    def _decode(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def _number(value: Optional[bytes]) -> int:
    return int(value) if value and value.isdigit() else 0


def _name(name: Union[str, bytes]) -> bytes:
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name


def _headers(value: Any, message: bytes) -> Headers:
    headers = Headers()
    try:
        if isinstance(value, bytes):
            for name, item in _json_dict(value).items():
                _add(headers, name, item, _json_scalar)
        elif isinstance(value, dict):
            for key, item in value.items():
                _add(headers, key.decode("utf-8", "surrogateescape"), item, _tnetstring_scalar)
        else:
            raise ValueError("headers are a JSON object or a tnetstring dict")
    except (ValueError, RecursionError) as error:
        raise BadMessage(str(error), message) from None
    return headers


def _add(headers: Headers, name: str, item: Any, scalar: Callable[[Any], bytes]) -> None:
    if not isinstance(item, list):
        headers[name] = scalar(item)
    elif len(item) == 1:
        headers[name] = scalar(item[0])
    elif item:
        headers[name] = [scalar(one) for one in item]


def _json_dict(text: bytes) -> Dict[str, Any]:
    # Nodes of another make copy header bytes as they are, so the text need not be UTF-8, and leave
    # control bytes unescaped: surrogates carry the one through, strict=False the other. Numbers
    # stay the text they were.
    value = json.loads(
        text.decode("utf-8", "surrogateescape"), strict=False, parse_int=str, parse_float=str
    )
    if not isinstance(value, dict):
        raise ValueError("headers in JSON are an object")
    return value


def _json_scalar(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise ValueError("a header holds half a surrogate pair") from None
    if value is None or isinstance(value, bool):
        return json.dumps(value).encode()
    raise ValueError("a header is a string or a list of strings")


def _tnetstring_scalar(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int):
        return b"%d" % value
    raise ValueError("a header is a string or a list of strings")


def _json_object(headers: Mapping[str, Any]) -> bytes:
    pairs = []
    for name, value in headers.items():
        if isinstance(value, (list, tuple)):
            item = b"[" + b",".join(_json_string(one) for one in value) + b"]"
        else:
            item = _json_string(value)
        pairs.append(_json_string(_name(name)) + b":" + item)
    return b"{" + b",".join(pairs) + b"}"


_ESCAPES = {byte: "\\u%04x" % byte for byte in range(0x20)}
_ESCAPES[ord('"')], _ESCAPES[ord("\\")] = '\\"', "\\\\"
# a byte that is no UTF-8 is written as the Latin-1 letter that it most likely was
_ESCAPES.update({0xDC00 + byte: "\\u%04x" % byte for byte in range(0x80, 0x100)})


def _json_string(value: bytes) -> bytes:
    return b'"' + value.decode("utf-8", "surrogateescape").translate(_ESCAPES).encode() + b'"'
