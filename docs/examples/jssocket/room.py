"""One room for clients of two kinds: raw JSON sockets (`@room {...}` and a NUL) and WebSockets.

    python3 room.py [-requests tcp://127.0.0.1:9993] [-replies tcp://127.0.0.1:9992]

Nothing here depends on the kind: both bring JSON, and a reply is JSON. To a JSON socket the node sends
it in base64 with a NUL behind it, to a WebSocket as a message of text.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import Any, Set

from mongrel2 import Connection, Listener, Request


class Room:
    def __init__(self, conn: Connection):
        self.conn = conn
        self.listeners: Set[Listener] = set()

    def take(self, request: Request) -> None:
        if request.is_disconnect():
            self.listeners.discard(request.listener)
        elif request.is_handshake():  # a WebSocket begins; it may only want to listen
            self.listeners.add(request.listener)
        elif request.method in (b"JSON", b"WEBSOCKET"):
            self.listeners.add(request.listener)
            self.hear(request)
        elif not request.is_notice():
            self.conn.reply_http(request, b"This is a socket.\n", 426)

    def hear(self, request: Request) -> None:
        try:
            data: Any = json.loads(request.body)
        except (ValueError, RecursionError):  # also of a thousand brackets
            data = None
        if not isinstance(data, dict):
            self.conn.reply_json(request, {"type": "error", "text": "that is no JSON object"})
        elif data.get("type") == "say":
            said = {"type": "say", "text": str(data.get("text", ""))[:1000]}
            self.conn.deliver_to(self.listeners, json.dumps(said).encode())


def main() -> None:
    options = argparse.ArgumentParser(description="A room for JSON sockets and WebSockets.")
    options.add_argument("-requests", "--requests", default="tcp://127.0.0.1:9993")
    options.add_argument("-replies", "--replies", default="tcp://127.0.0.1:9992")
    args = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Connection(None, args.requests, args.replies) as conn:
        conn.wait_ready()
        print("the room is open", flush=True)
        room = Room(conn)
        for request in conn:
            room.take(request)


if __name__ == "__main__":
    main()
