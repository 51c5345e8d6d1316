"""A bulletin board for terminals, over a JSON socket.

    python3 bbs.py board.sqlite [-requests tcp://127.0.0.1:9991] [-replies tcp://127.0.0.1:9990]

Each connection is a session, written as one would write it for a single user: a generator that yields
what is shown and gets back what was typed. The board keeps all of them going in one thread.

To the client: {"type": "screen", "msg": TEXT}, {"type": "prompt", "msg": TEXT, "pchar": TEXT},
{"type": "exit", "msg": TEXT}. From it: {"type": "msg", "msg": TEXT}; the first one begins the session.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import os
import signal
import sqlite3
import sys
from typing import Any, Dict, Generator, Iterator, List, Optional, Tuple

from mongrel2 import Connection, Listener, Request

LINES_MOST, TEXT_MOST, TYPED_MOST, TRIES = 24, 200, 1000, 3

BANNER = "Welcome to the board."
MENU = """\
1  leave a message
2  read the messages
3  write to somebody
4  read your post
Q  leave"""


class Screen(str):
    """Shown, and on it goes."""


class Prompt(Tuple[str, str]):
    """Shown, and an answer waited for."""


Session = Generator[Any, str, None]


def ask(text: str, mark: str = "> ") -> Prompt:
    return Prompt((text, mark))


class Board:
    """What the board remembers."""

    def __init__(self, path: str):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(
            """
            CREATE TABLE IF NOT EXISTS user (name TEXT PRIMARY KEY, salt BLOB, hash BLOB);
            CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, sender TEXT, recipient TEXT, text TEXT);
            """
        )

    @staticmethod
    def _hash(password: str, salt: bytes) -> bytes:
        return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)

    def knows(self, name: str) -> bool:
        return self.db.execute("SELECT 1 FROM user WHERE name = ?", [name]).fetchone() is not None

    def add_user(self, name: str, password: str) -> None:
        salt = os.urandom(16)
        row = [name, salt, self._hash(password, salt)]
        self.db.execute("INSERT INTO user VALUES (?, ?, ?)", row)

    def is_password(self, name: str, password: str) -> bool:
        salt, known = self.db.execute("SELECT salt, hash FROM user WHERE name = ?", [name]).fetchone()
        return hmac.compare_digest(known, self._hash(password, salt))

    def leave(self, sender: str, text: str, recipient: Optional[str] = None) -> None:
        self.db.execute(
            "INSERT INTO message (sender, recipient, text) VALUES (?, ?, ?)", [sender, recipient, text]
        )

    def messages(self) -> List[Tuple[str, str]]:
        """(sender, text) of those for everybody, the newest first."""
        return self.db.execute(
            "SELECT sender, text FROM message WHERE recipient IS NULL ORDER BY id DESC"
        ).fetchall()

    def take_post(self, name: str) -> Iterator[Tuple[str, str]]:
        """What was written to `name`, oldest first; each is gone once it is taken."""
        query = "SELECT id, sender, text FROM message WHERE recipient = ? ORDER BY id"
        for number, sender, text in self.db.execute(query, [name]).fetchall():
            self.db.execute("DELETE FROM message WHERE id = ?", [number])
            yield sender, text


# ---- a session -------------------------------------------------------------------------------------------


def log_in(board: Board) -> Generator[Any, str, Optional[str]]:
    """The user's name; None if it is not to be."""
    name = (yield ask("What is your name?", "name: ")).strip()[:40]
    if not name:
        return None
    password = yield ask("And your password?", "password: ")
    if board.knows(name):
        return name if board.is_password(name, password) else None
    for _ in range(TRIES):
        if password and (yield ask(f"You are new, {name}. Your password again?", "password: ")) == password:
            if board.knows(name):  # somebody was faster
                return None
            board.add_user(name, password)
            return name
        password = yield ask("That was another one. A password?", "password: ")
    return None


def compose() -> Generator[Any, str, str]:
    """Lines until a dot."""
    lines: List[str] = []
    line = yield ask(f"Write, at most {LINES_MOST} lines; a single dot ends it.", ". ")
    while line != "." and len(lines) < LINES_MOST:
        lines.append(line[:TEXT_MOST])
        line = yield ask("", ". ")
    return "\n".join(lines)


def show(messages: Iterator[Tuple[str, str]]) -> Generator[Any, str, None]:
    shown = 0
    for sender, text in messages:
        shown += 1
        if (yield ask(f"From: {sender}\n{text}", "Enter, or Q: ")).strip().upper() == "Q":
            return
    yield Screen("That was all." if shown else "There is nothing.")


def write_to_somebody(board: Board, name: str) -> Generator[Any, str, None]:
    recipient = (yield ask("To whom?", "name: ")).strip()
    if not board.knows(recipient):
        yield Screen(f"There is no {recipient} here.")
        return
    board.leave(name, (yield from compose()), recipient)
    yield Screen("Sent.")


def session(board: Board) -> Session:
    yield Screen(BANNER)
    name = yield from log_in(board)
    if name is None:
        return
    yield Screen(f"Hello, {name}.")
    while True:
        choice = (yield ask(MENU, "> ")).strip().upper()
        if choice == "1":
            board.leave(name, (yield from compose()))
            yield Screen("It is on the board.")
        elif choice == "2":
            yield from show(iter(board.messages()))
        elif choice == "3":
            yield from write_to_somebody(board, name)
        elif choice == "4":
            yield from show(board.take_post(name))
        elif choice == "Q":
            return
        else:
            yield Screen(f"{choice[:20]!r} is not on the menu.")


# ---- all of them -----------------------------------------------------------------------------------------


def printable(typed: str) -> str:
    """What may go to other people's terminals: no escape sequences, no halves of characters."""
    return "".join(c for c in typed[:TYPED_MOST] if c.isprintable())


class Sessions:
    def __init__(self, conn: Connection, board: Board):
        self.conn, self.board = conn, board
        self.running: Dict[Listener, Session] = {}

    def take(self, request: Request) -> None:
        if request.is_disconnect():
            self.running.pop(request.listener, None)
        elif request.method == b"JSON" and isinstance(request.data, dict):
            self.go_on(request, printable(str(request.data.get("msg", ""))))
        elif request.method == b"JSON":
            self.running.pop(request.listener, None)
            self.conn.close(request)

    def go_on(self, request: Request, typed: str) -> None:
        """From one prompt to the next."""
        running = self.running.get(request.listener)
        try:
            if running is None:
                running = self.running[request.listener] = session(self.board)
                said = next(running)
            else:
                said = running.send(typed)
            while not isinstance(said, Prompt):
                self.conn.reply_json(request, {"type": "screen", "msg": said})
                said = next(running)
            self.conn.reply_json(request, {"type": "prompt", "msg": said[0], "pchar": said[1]})
        except StopIteration:
            del self.running[request.listener]
            self.conn.reply_json(request, {"type": "exit", "msg": "Good bye."})
            self.conn.close(request)


def main() -> None:
    options = argparse.ArgumentParser(description="A bulletin board over a JSON socket.")
    options.add_argument("board", help="file of its database")
    options.add_argument("-requests", "--requests", default="tcp://127.0.0.1:9991")
    options.add_argument("-replies", "--replies", default="tcp://127.0.0.1:9990")
    args = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Connection(None, args.requests, args.replies) as conn:
        conn.wait_ready()
        print("the board is open", flush=True)
        sessions = Sessions(conn, Board(args.board))
        for request in conn:
            sessions.take(request)


if __name__ == "__main__":
    main()
