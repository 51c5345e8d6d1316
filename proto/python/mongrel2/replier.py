"""What a handler can say, whichever way it is connected.

:class:`Replier` turns each thing that can be said into messages and hands them to
``_send_message``, which a connection or a pool worker supplies. Sending never waits: a message goes
into ZeroMQ's queue.

In every method, `req` is the request being answered, and `conn_ids` one id or any number of them;
:data:`~mongrel2.reply.TARGETS_MAX` fit in one message, more are split.
"""

from __future__ import annotations

from typing import Any, Iterable, Optional, Union

from . import reply
from .reply import Bytes, ConnId, HeaderPairs
from .request import Listener, Request

__all__ = ["Replier"]

Ids = Union[ConnId, Iterable[ConnId]]
Target = Union[Listener, Request]


class Replier:
    """Base of :class:`~mongrel2.handler.Connection` and :class:`~mongrel2.worker.Worker`."""

    def _send_message(self, node: bytes, message: bytes) -> None:
        raise NotImplementedError

    def _may_answer(self, req: Request) -> bool:
        """Whether the node still waits for this handler's answer. Nobody waits behind the notice that
        a connection is gone: an answer would only bring the next notice."""
        return not req.is_disconnect()

    # ---- any bytes -------------------------------------------------------------------------

    def send(self, uuid: Bytes, conn_ids: Ids, msg: Bytes) -> None:
        """Writes `msg` to the connections `conn_ids` of the node `uuid`. Empty closes them."""
        node = reply.as_bytes(uuid)
        for message in reply.messages(node, conn_ids, msg):
            self._send_message(node, message)

    def reply(self, req: Request, msg: Bytes) -> None:
        """Writes `msg` to the connection of `req`: all of an HTTP response, head included, is the
        handler's own."""
        if self._may_answer(req):
            req.replied = True
            self.send(req.sender, req.conn_id, msg)

    def deliver(self, uuid: Bytes, conn_ids: Ids, msg: Bytes) -> None:
        """As :meth:`send`; the word of the original library."""
        self.send(uuid, conn_ids, msg)

    def deliver_to(self, targets: Iterable[Target], msg: Bytes) -> None:
        """Writes `msg` to listeners of any nodes, grouped by node."""
        pairs = [t.listener if isinstance(t, Request) else t for t in targets]
        for node, conn_ids in reply.group_by_node(pairs).items():
            self.send(node, conn_ids, msg)

    def close(self, req: Request) -> None:
        """Closes the connection after what was sent before. No disconnect notice follows."""
        self.reply(req, b"")

    def deliver_close(self, uuid: Bytes, conn_ids: Ids) -> None:
        self.send(uuid, conn_ids, b"")

    def finish(self, req: Request) -> None:
        """To be called behind a complete response: closes if the client asked for that."""
        if req.should_close():
            self.close(req)

    # ---- JSON and HTTP ---------------------------------------------------------------------

    def reply_json(self, req: Request, data: Any) -> None:
        """`data` as JSON text, without an HTTP head: for JSON sockets."""
        self.reply(req, reply.json_text(data))

    def deliver_json(self, uuid: Bytes, conn_ids: Ids, data: Any) -> None:
        self.deliver(uuid, conn_ids, reply.json_text(data))

    def reply_http(
        self,
        req: Request,
        body: Bytes = b"",
        code: int = 200,
        status: Optional[str] = None,
        headers: HeaderPairs = None,
    ) -> None:
        """A whole HTTP response, Content-Length included; without its body if `req` is HEAD."""
        head_only = req.method == b"HEAD"
        self.reply(req, reply.http_response(body, code, status, headers, head_only))

    def deliver_http(
        self,
        uuid: Bytes,
        conn_ids: Ids,
        body: Bytes = b"",
        code: int = 200,
        status: Optional[str] = None,
        headers: HeaderPairs = None,
    ) -> None:
        self.deliver(uuid, conn_ids, reply.http_response(body, code, status, headers))

    def reply_head(
        self,
        req: Request,
        code: int = 200,
        status: Optional[str] = None,
        headers: HeaderPairs = None,
    ) -> None:
        """Begins a response whose length is not known: :meth:`reply_chunk` continues and
        :meth:`reply_end` ends it. Chunked, or for HTTP/1.0 until close."""
        pairs = reply.header_pairs(headers)
        if not _is_http10(req):
            pairs.append((b"Transfer-Encoding", b"chunked"))
        self.reply(req, reply.http_head(code, status, pairs))

    def reply_chunk(self, req: Request, data: Bytes) -> None:
        """The next piece of a body begun by :meth:`reply_head`."""
        piece = reply.as_bytes(data) if _is_http10(req) else reply.chunk(data)
        if piece and req.method != b"HEAD":
            self.reply(req, piece)

    def reply_end(self, req: Request, trailers: HeaderPairs = None) -> None:
        """Ends a body begun by :meth:`reply_head`."""
        if _is_http10(req):
            self.close(req)
        elif req.method != b"HEAD":
            self.reply(req, reply.last_chunk(trailers))

    def deliver_chunk(self, uuid: Bytes, conn_ids: Ids, data: Bytes) -> None:
        """One HTTP chunk to many; nothing for no data."""
        piece = reply.chunk(data)
        if piece:
            self.deliver(uuid, conn_ids, piece)

    # ---- WebSocket -------------------------------------------------------------------------

    def reply_handshake(self, req: Request, headers: HeaderPairs = None) -> None:
        """Accepts a WebSocket (:meth:`Request.is_handshake`) on a route with ``websocket="raw"``."""
        self.reply(req, reply.handshake(req.body, headers))

    def reply_websocket(self, req: Request, body: Bytes, opcode: int = 1, rsvd: int = 0) -> None:
        """One frame, FIN set."""
        self.reply(req, reply.websocket_frame(body, opcode, rsvd))

    def deliver_websocket(
        self, uuid: Bytes, conn_ids: Ids, body: Bytes, opcode: int = 1, rsvd: int = 0
    ) -> None:
        self.deliver(uuid, conn_ids, reply.websocket_frame(body, opcode, rsvd))

    def close_websocket(
        self, req: Request, code: Optional[int] = 1000, reason: Bytes = b""
    ) -> None:
        """A close frame, and the end of the connection."""
        self.reply(req, reply.websocket_close(code, reason))
        self.close(req)

    # ---- extended replies --------------------------------------------------------------------

    def deliver_extended(self, uuid: Bytes, conn_ids: Ids, key: str, value: Any) -> None:
        """Asks the node to do something with connections: ``ctl``, ``sendfile``, ``ws``,
        ``channel``, or what a plug-in registered."""
        node = reply.as_bytes(uuid)
        payload = reply.extended(key, value)
        for message in reply.messages(node, conn_ids, payload, extended=True):
            self._send_message(node, message)

    def reply_extended(self, req: Request, key: str, value: Any) -> None:
        if self._may_answer(req):
            self.deliver_extended(req.sender, req.conn_id, key, value)

    def ctl(
        self,
        req: Target,
        keep_alive: bool = False,
        credits: Optional[int] = None,
        cancel: bool = False,
    ) -> None:
        """`keep_alive` resets the connection's idle clock; `credits` allows so many more bytes of a
        streamed upload; `cancel` closes at once, without what is still queued."""
        value: dict[str, Any] = {}
        if keep_alive:
            value["keep-alive"] = True
        if credits is not None:
            value["credits"] = credits
        if cancel:
            value["cancel"] = True
        self._extended_to(req, "ctl", value)

    def sendfile(self, req: Request, path: Bytes) -> None:
        """Writes the content of a file, named as the node sees it, in order with other replies. The
        head is sent before with :meth:`reply`."""
        if self._may_answer(req):
            req.replied = True
            self.reply_extended(req, "sendfile", reply.as_bytes(path))

    def reply_message(
        self, req: Request, text: Optional[Bytes] = None, binary: Optional[bytes] = None
    ) -> None:
        """One WebSocket message on a route with ``websocket="messages"``."""
        message = _message(text, binary)
        if self._may_answer(req):
            req.replied = True
            self.reply_extended(req, "ws", message)

    def deliver_message(
        self,
        uuid: Bytes,
        conn_ids: Ids,
        text: Optional[Bytes] = None,
        binary: Optional[bytes] = None,
    ) -> None:
        self.deliver_extended(uuid, conn_ids, "ws", _message(text, binary))

    def close_message(self, req: Target, code: int = 1000, reason: Bytes = b"") -> None:
        """Ends a WebSocket on a route with ``websocket="messages"``."""
        text = reply.as_bytes(reason)
        if not 1000 <= code <= 4999 or len(text) > 123:
            raise ValueError(f"a close has a code of 1000 to 4999 and 123 bytes of reason: {code}")
        self._extended_to(req, "ws", {"close": code, **({"reason": text} if text else {})})

    # ---- channels ----------------------------------------------------------------------------

    def join(self, target: Target, channel: Bytes) -> None:
        """The connection is now in `channel`, until it leaves or is closed."""
        self._extended_to(target, "channel", {"join": _channel(channel)})

    def leave(self, target: Target, channel: Bytes) -> None:
        self._extended_to(target, "channel", {"leave": _channel(channel)})

    def send_channel(
        self,
        cluster: Bytes,
        channel: Bytes,
        data: Bytes,
        frame: Optional[str] = None,
        chunk: bool = False,
    ) -> None:
        """`data` to every member of `channel` on every node of `cluster`. `frame` (``text`` or
        ``binary``) wraps it as a WebSocket frame, `chunk` as an HTTP chunk, where the member's
        connection is of that kind."""
        value: dict[str, Any] = {"send": _channel(channel), "data": reply.as_bytes(data)}
        if frame is not None:
            if frame not in ("text", "binary"):
                raise ValueError(f"frame is text or binary, not {frame!r}")
            value["frame"] = frame
        if chunk:
            value["chunk"] = 1
        node = reply.as_bytes(cluster)
        self._send_message(node, reply.to_all_nodes(node, reply.extended("channel", value)))

    def _extended_to(self, target: Target, key: str, value: Any) -> None:
        to = target.listener if isinstance(target, Request) else target
        self.deliver_extended(to.node, to.conn_id, key, value)


def _is_http10(req: Request) -> bool:
    return req.headers.first("VERSION") == b"HTTP/1.0"


def _channel(name: Bytes) -> bytes:
    channel = reply.as_bytes(name)
    if not 1 <= len(channel) <= 255:
        raise ValueError(f"the name of a channel has 1 to 255 bytes: {name!r}")
    return channel


def _message(text: Optional[Bytes], binary: Optional[bytes]) -> dict[str, bytes]:
    if (text is None) == (binary is None):
        raise ValueError("a message is either text or binary")
    if text is not None:
        return {"text": reply.as_bytes(text)}
    return {"binary": reply.as_bytes(binary or b"")}
