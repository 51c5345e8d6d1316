"""The terminal's side of the board.

    python3 client.py HOST PORT
"""

from __future__ import annotations

import base64
import getpass
import json
import socket
import sys
from typing import Any, Dict, Iterator


def answers(sock: socket.socket) -> Iterator[Dict[str, Any]]:
    """What the board says: JSON, in base64, each with a NUL behind it."""
    unread = b""
    while data := sock.recv(4096):
        *messages, unread = (unread + data).split(b"\0")
        for message in messages:
            yield json.loads(base64.b64decode(message, validate=True))


def say(sock: socket.socket, text: str) -> None:
    sock.sendall(b"@bbs " + json.dumps({"type": "msg", "msg": text}).encode() + b"\0")


def read_line(mark: str) -> str:
    if mark.startswith("password") and sys.stdin.isatty():
        return getpass.getpass(mark)
    return input(mark)


def main(host: str, port: int) -> int:
    with socket.create_connection((host, port)) as sock:
        say(sock, "connect")
        for answer in answers(sock):
            if answer.get("msg"):
                print(answer["msg"], flush=True)
            if answer["type"] == "exit":
                return 0
            if answer["type"] == "prompt":
                try:
                    say(sock, read_line(answer["pchar"]))
                except EOFError:
                    return 0
    print("The board has gone.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit("usage: client.py HOST PORT")
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
