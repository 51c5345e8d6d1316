"""WebSockets for tests: a client that says exactly what it is told and reads strictly, and the
handlers that echo behind a node, one for each mode."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple, Union

from mongrel2 import Connection

from .raw import Client, Closed
from .wait import PATIENCE_S

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key: str) -> bytes:
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())


def mask(payload: bytes, key: bytes) -> bytes:
    wide = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(wide, "big")).to_bytes(len(payload), "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    rsv: int = 0,
    key: Optional[bytes] = b"\x37\xfa\x21\x3d",
    form: Optional[int] = None,
    length: Optional[int] = None,
) -> bytes:
    """A client's frame. `form` (7, 16, 64) makes the length longer than it must be, `length` lies
    about it, `key` None leaves the mask out."""
    n = len(payload) if length is None else length
    form = form or (7 if n < 126 else 16 if n < 65536 else 64)
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if key is not None else 0
    head = bytes([first])
    if form == 7:
        head += bytes([bit | n])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack("!H", n)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", n)
    return head + (key + mask(payload, key) if key is not None else payload)


def close_payload(code: int, reason: bytes = b"") -> bytes:
    return struct.pack("!H", code) + reason


@dataclass(frozen=True)
class Frame:
    """A server's frame."""

    fin: bool
    rsv: int
    opcode: int
    payload: bytes

    @property
    def code(self) -> Optional[int]:
        """Of a close frame."""
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else None


class WebSocket:
    """One connection; :attr:`http` is the bytes below it."""

    def __init__(
        self,
        port: Union[int, str],
        path: str = "/ws",
        headers: Tuple[str, ...] = (),
        connect: bool = True,
        http: Optional[Client] = None,
    ):
        self.http = http or Client(port)
        self.response: Any = None
        self.deflate = False
        if connect:
            self.shake_hands(path, headers)
            assert self.response.status == 101, self.response.raw
            assert self.response.header("Sec-WebSocket-Accept") == accept_of(KEY)

    def ask(self, path: str = "/ws", headers: Tuple[str, ...] = ()) -> "WebSocket":
        """Sends a handshake."""
        lines = [
            f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", *headers,
        ]
        self.http.send("\r\n".join([*lines, "", ""]))
        return self

    def shake_hands(self, path: str = "/ws", headers: Tuple[str, ...] = ()) -> None:
        self.ask(path, headers)
        self.response = self.read_head()
        answer = self.response.header("Sec-WebSocket-Extensions") or b""
        self.deflate = answer.startswith(b"permessage-deflate")

    def read_head(self) -> Any:
        return self.http.response()

    # ---- saying ----------------------------------------------------------------------------

    def send(self, *frames: bytes) -> "WebSocket":
        self.http.send(b"".join(frames))
        return self

    def text(self, payload: Union[str, bytes]) -> "WebSocket":
        data = payload.encode() if isinstance(payload, str) else payload
        return self.send(frame(TEXT, data))

    # ---- hearing ---------------------------------------------------------------------------

    def read(self) -> Frame:
        """The next frame: unmasked and in the shortest form, or it is a failure."""
        first, second = self.http.read(2)
        assert not second & 0x80, "a server does not mask"
        n = second & 0x7F
        if n == 126:
            n = struct.unpack("!H", self.http.read(2))[0]
            assert n > 125, "not the shortest form"
        elif n == 127:
            n = struct.unpack("!Q", self.http.read(8))[0]
            assert n > 65535, "not the shortest form"
        got = Frame(bool(first & 0x80), first >> 4 & 7, first & 15, self.http.read(n))
        assert not got.rsv or (self.deflate and got.rsv == 4), got
        if got.opcode & 8:
            assert got.fin and n <= 125, got
        return got

    def peek(self) -> int:
        """The opcode of the next frame, which stays."""
        self.http.wait(1)
        return self.http.unread[0] & 15

    def message(self) -> Frame:
        """The next frame, which is a whole message, inflated where it is compressed."""
        got = self.read()
        assert got.fin and got.opcode in (TEXT, BINARY), got
        if not got.rsv:
            return got
        inflate = zlib.decompressobj(-15)
        return Frame(True, 0, got.opcode, inflate.decompress(got.payload + b"\0\0\xff\xff"))

    def closed(self) -> Optional[int]:
        """What is left until the server closes is one close frame: its code; None: there is none,
        0: it is empty."""
        try:
            got = self.read()
        except (Closed, ConnectionResetError):
            return None
        assert got.opcode == CLOSE, got
        if len(got.payload) > 2:
            got.payload[2:].decode()
        assert self.http.is_closed(PATIENCE_S), "the server keeps the connection"
        assert self.http.unread == b"", "there is something behind the close frame"
        return got.code or 0

    def close(self) -> None:
        self.http.close()


class EchoThread(threading.Thread):
    """A handler in a thread of its own, which notes what it is told."""

    def __init__(self, conn: Connection):
        super().__init__(daemon=True)
        self.conn = conn
        self.seen: List[Any] = []
        self.ends = False
        self.start()

    def run(self) -> None:
        while not self.ends:
            if self.conn.poll(0.05):
                request = self.conn.recv()
                self.seen.append(request)
                if not request.is_notice():
                    self.answer(request)

    def answer(self, request: Any) -> None:
        raise NotImplementedError

    def disconnects(self) -> List[bytes]:
        return [r.conn_id for r in list(self.seen) if r.is_disconnect()]

    def close(self) -> None:
        self.ends = True
        self.join()
        self.conn.close_sockets()


class RawEcho(EchoThread):
    """Mode raw: speaks the protocol itself, as in the manual's example."""

    def answer(self, request: Any) -> None:
        if request.is_handshake():
            self.conn.reply_handshake(request)
        elif not request.is_websocket():
            self.conn.reply_http(request, b"http")
        elif request.opcode == PING:
            self.conn.reply_websocket(request, request.body, PONG)
        elif request.opcode == CLOSE:
            self.conn.reply_websocket(request, request.body, CLOSE)
            self.conn.close(request)
        elif request.opcode in (TEXT, BINARY):
            self.conn.reply_websocket(request, request.body, request.opcode)


class MessageEcho(EchoThread):
    """Mode messages: what comes goes back, a text that begins with `!` is an order."""

    def answer(self, request: Any) -> None:
        order = re.fullmatch(rb"!(\w+) ?(.*)", request.body, re.S)
        if request.is_handshake():
            return
        if not request.is_websocket():
            self.conn.reply_http(request, b"http")
        elif order is None and request.opcode == TEXT:
            self.conn.reply_message(request, text=request.body)
        elif order is None:
            self.conn.reply_message(request, binary=request.body)
        elif order[1] == b"close":
            code, _, reason = order[2].partition(b" ")
            self.conn.close_message(request, int(code), reason)
        elif order[1] == b"end":
            self.conn.close(request)
        elif order[1] == b"text":
            self.conn.reply_message(request, text=order[2])
        elif order[1] == b"binary":
            self.conn.reply_message(request, binary=order[2])
        elif order[1] == b"plain":
            self.conn.reply(request, bytes.fromhex(order[2].decode()))
        elif order[1] == b"hextext":
            self.conn.reply_message(request, text=bytes.fromhex(order[2].decode()))


def random_text(length: int) -> bytes:
    return base64.b64encode(os.urandom(length))[:length]


def work(pool: str, node: str) -> None:
    """A worker that echoes, in a process of its own: `python3 -m support.websocket POOL NODE`."""
    from mongrel2 import Worker

    def answer(worker: Any, request: Any) -> None:
        if request.is_websocket():
            kind = "text" if request.opcode == TEXT else "binary"
            worker.reply_message(request, **{kind: request.body})

    Worker(pool, [node], capacity=8).run(answer, 2)


if __name__ == "__main__":
    import sys

    work(*sys.argv[1:])
