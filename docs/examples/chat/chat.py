"""A chat room: one worker of the pool "chat", for all WebSockets of all nodes.

    python3 chat.py -coordinators tcp://127.0.0.1:6780
    python3 chat.py -nodes tcp://127.0.0.1:40001

Who is where does not matter: a listener is a node and a connection, and whatever is said goes to all
of them. What the room knows is in this process, so there is one of it; nodes may come and go.

Browsers and the room exchange JSON:

    {"type": "join", "user": NAME}       to the room first, and from it to those who are there already
    {"type": "userList", "users": [...]} from the room to whoever has joined
    {"type": "msg", "user": NAME, "msg": TEXT}
    {"type": "disconnect", "user": NAME} from the room, when somebody has gone
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from typing import Any, Dict, Iterable, Optional
from urllib.parse import urlsplit

from mongrel2 import Listener, Request, Worker

NAME_MOST, TEXT_MOST = 40, 2000

log = logging.getLogger("chat")


class Room:
    """Who is here, and what is said to them."""

    def __init__(self, worker: Worker):
        self.worker = worker
        self.users: Dict[Listener, str] = {}

    def tell(self, listeners: Iterable[Listener], data: Dict[str, Any]) -> None:
        self.worker.deliver_to(listeners, json.dumps(data).encode())

    def take(self, request: Request) -> None:
        if request.is_disconnect():
            self.leave(request.listener)
        elif request.is_handshake():
            self.greet(request)
        elif request.is_websocket():
            self.hear(request)
        else:
            self.worker.reply_http(request, b"This is no page but a WebSocket.\n", 426)

    def greet(self, request: Request) -> None:
        """Other sites' pages may open a WebSocket here, with our users' cookies: refuse them."""
        origin = (request.headers.first("origin") or b"").decode("latin-1")
        host = (request.headers.first("host") or b"").decode("latin-1")
        if origin and urlsplit(origin).netloc != host:
            log.warning("refused a page of %s", origin)
            self.worker.close_message(request, 1008, b"not from there")

    def hear(self, request: Request) -> None:
        try:
            data = json.loads(request.body)
            kind = data["type"]
        except (ValueError, TypeError, KeyError, RecursionError):
            self.worker.close_message(request, 1007, b"not in our words")
            return
        user = self.users.get(request.listener)
        if kind == "join" and user is None:
            self.join(request.listener, str(data.get("user", ""))[:NAME_MOST].strip())
        elif kind == "msg" and user is not None:
            said = {"type": "msg", "user": user, "msg": str(data.get("msg", ""))[:TEXT_MOST]}
            self.tell(self.users, said)

    def join(self, listener: Listener, wanted: str) -> None:
        name, number = wanted or "somebody", 1
        while name in self.users.values():
            number += 1
            name = f"{wanted or 'somebody'} {number}"
        self.tell(self.users, {"type": "join", "user": name})
        self.users[listener] = name
        users = sorted(self.users.values())
        self.tell([listener], {"type": "userList", "user": name, "users": users})

    def leave(self, listener: Listener) -> None:
        user = self.users.pop(listener, None)
        if user is not None:
            self.tell(self.users, {"type": "disconnect", "user": user})


def main(argv: Optional[Iterable[str]] = None) -> int:
    options = argparse.ArgumentParser(description="A chat room for the pool \"chat\".")
    options.add_argument("-coordinators", "--coordinators", default=None)
    options.add_argument("-nodes", "--nodes", default=None, help="handler ports of nodes")
    args = options.parse_args(argv)
    if not args.coordinators and not args.nodes:
        options.error("say -coordinators or -nodes")
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    nodes = args.nodes.split(",") if args.nodes else None
    coordinators = args.coordinators.split(",") if args.coordinators else None
    with Worker("chat", nodes=nodes, coordinators=coordinators, capacity=1) as worker:
        room = Room(worker)
        try:
            for request in worker:
                room.take(request)
                worker.done(request)
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
