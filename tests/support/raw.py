"""A client that writes the bytes it is told to and keeps those that come back."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

from .wait import PATIENCE_S, Deadline


class Closed(AssertionError):
    """The server has closed the connection before what was expected."""


@dataclass
class Response:
    """An HTTP response as it came."""

    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def reason(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0].split(b" ", 2)[2]

    def header(self, name: str) -> Optional[bytes]:
        """The value of a header; the first if there are several."""
        for key, value in self.headers:
            if key.lower() == name.lower().encode():
                return value
        return None

    @property
    def headers(self) -> List[Tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:-2]
        pairs = [line.partition(b":") for line in lines]
        return [(name, value.strip()) for name, _, value in pairs]


class Client:
    """One TCP (or Unix) connection."""

    def __init__(
        self,
        port: Union[int, str],
        host: str = "127.0.0.1",
        timeout_s: float = PATIENCE_S,
    ):
        """`port` is a number, or the path of a Unix socket."""
        self.timeout_s = timeout_s
        if isinstance(port, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout_s)
            self.socket.connect(port)
        else:
            self.socket = socket.create_connection((host, port), timeout=timeout_s)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        #: Everything that has come on this connection.
        self.received = b""
        self._taken = 0
        self.ended = False
        self.was_reset = False

    # ---- writing ---------------------------------------------------------------------------

    def send(self, data: Union[bytes, str]) -> "Client":
        self.socket.settimeout(self.timeout_s)
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def send_slowly(self, data: bytes, pieces: int, pause_s: float = 0.02) -> "Client":
        """In so many segments: the pause is what makes them segments."""
        size = -(-len(data) // pieces)
        for start in range(0, len(data), size):
            if start:
                time.sleep(pause_s)
            self.send(data[start : start + size])
        return self

    def get(
        self,
        target: str = "/",
        headers: Union[Dict[str, str], List[Tuple[str, str]], None] = None,
        method: str = "GET",
        body: bytes = b"",
        version: str = "HTTP/1.1",
        host: Optional[str] = "localhost",
    ) -> "Client":
        """Sends a request; with a body comes its Content-Length."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers or [])
        lines = [f"{method} {target} {version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{name}: {value}" for name, value in pairs]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def half_close(self) -> "Client":
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        linger = b"\1\0\0\0\0\0\0\0"
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()

    # ---- reading ---------------------------------------------------------------------------

    @property
    def unread(self) -> bytes:
        """What has come and was not yet taken by one of the methods below."""
        return self.received[self._taken :]

    def _more(self, deadline: Deadline) -> bool:
        """Waits for some bytes; False at the end of the stream or of the time."""
        if self.ended:
            return False
        self.socket.settimeout(max(0.001, deadline.left_s))
        try:
            data = self.socket.recv(1 << 16)
        except socket.timeout:
            return False
        except ConnectionResetError:
            data, self.was_reset = b"", True
        self.ended = not data
        self.received += data
        return bool(data)

    def wait(self, count: int, timeout_s: Optional[float] = None) -> None:
        """Until `count` bytes are there; they stay unread."""
        deadline = Deadline(timeout_s or self.timeout_s)
        while len(self.unread) < count:
            if not self._more(deadline):
                raise Closed(self._problem(f"{count} bytes"))

    def read(self, count: int, timeout_s: Optional[float] = None) -> bytes:
        """The next `count` bytes."""
        self.wait(count, timeout_s)
        return self._take(count)

    def read_until(self, end: bytes, timeout_s: Optional[float] = None) -> bytes:
        """The bytes up to and including `end`."""
        deadline = Deadline(timeout_s or self.timeout_s)
        while end not in self.unread:
            if not self._more(deadline):
                raise Closed(self._problem(f"{end!r}"))
        return self._take(self.unread.index(end) + len(end))

    def read_end(self, timeout_s: Optional[float] = None) -> bytes:
        """Everything up to the end of the stream, which must come."""
        deadline = Deadline(timeout_s or self.timeout_s)
        while self._more(deadline):
            pass
        if not self.ended:
            raise Closed(self._problem("the end"))
        return self._take(len(self.unread))

    def response(self, method: str = "GET", timeout_s: Optional[float] = None) -> Response:
        """The next response, by its framing; the answer to HEAD has no body."""
        deadline = Deadline(timeout_s or self.timeout_s)
        head = self.read_until(b"\r\n\r\n", deadline.left_s)
        response = Response(head, b"")
        length, coding = response.header("content-length"), response.header("transfer-encoding")
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        if coding is not None and coding.lower() == b"chunked":
            response.body = self._chunked(deadline)
        elif length is not None:
            response.body = self.read(int(length), deadline.left_s)
        else:
            response.body = self.read_end(deadline.left_s)
        return response

    def _chunked(self, deadline: Deadline) -> bytes:
        body = b""
        while True:
            size = int(self.read_until(b"\r\n", deadline.left_s).split(b";")[0], 16)
            if size == 0:
                while self.read_until(b"\r\n", deadline.left_s) != b"\r\n":
                    pass
                return body
            body += self.read(size, deadline.left_s)
            self.read(2, deadline.left_s)

    def is_closed(self, timeout_s: float = 0.0) -> bool:
        """Whether the server has closed; bytes that come before are kept."""
        deadline = Deadline(timeout_s)
        while self._more(deadline):
            pass
        return self.ended

    def _take(self, count: int) -> bytes:
        taken = self.received[self._taken : self._taken + count]
        self._taken += count
        return taken

    def _problem(self, wanted: str) -> str:
        state = "the stream has ended" if self.ended else "no more came in time"
        return f"{wanted} expected, but {state}; unread: {self.unread!r}"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def exchange(port: int, data: bytes, timeout_s: float = PATIENCE_S) -> bytes:
    """Sends, and reads until the server closes."""
    with Client(port, timeout_s=timeout_s) as client:
        return client.send(data).read_end()


def without_version(data: bytes) -> bytes:
    """With the version of the server's name replaced by `*`."""
    return re.sub(rb"(\r\nServer: [A-Za-z0-9-]+/)[0-9.]+", rb"\1*", data)
