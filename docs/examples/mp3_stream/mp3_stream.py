"""Internet radio: one stream of MP3 files to any number of listeners, in step.

    python3 mp3_stream.py FOLDER [-requests tcp://127.0.0.1:9995] [-replies tcp://127.0.0.1:9994]

A classic handler. Each piece of music is one message for all listeners, with a block of metadata
behind every 8192 bytes for players that ask for it (the ICY protocol: `Icy-MetaData: 1` in the
request, `icy-metaint` in the answer). The pace is the bit rate of the file, so that all hear the same
at the same time. A listener that does not keep up is closed by the node.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from mongrel2 import Connection, Listener, ReceiveTimeout, Request

PIECE = 8192
LISTENERS_MOST = 1000
NAME = "Mongrel2 Radio"

log = logging.getLogger("radio")

# Bit rates in kbit/s of MPEG version 1 layer III, and of versions 2 and 2.5 (ISO 11172-3, 13818-3).
_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def bytes_a_second(data: bytes) -> float:
    """By the first frame header in `data`; what 128 kbit/s are if there is none."""
    for at in range(len(data) - 4):
        if data[at] == 0xFF and data[at + 1] & 0xE6 == 0xE2:  # sync, layer III
            rates = _RATES_1 if data[at + 1] & 0x18 == 0x18 else _RATES_2
            index = data[at + 2] >> 4
            if 0 < index < len(rates):
                return rates[index] * 125
    return 16000


def without_id3(data: bytes) -> bytes:
    """Skips the tag in front: players in the middle of a stream take it for noise."""
    if data[:3] == b"ID3" and len(data) > 10:
        size = sum(b << shift for b, shift in zip(data[6:10], (21, 14, 7, 0)))
        return data[10 + size :]
    return data


def metadata(title: str) -> bytes:
    """A block: its length in units of 16 bytes, then the text, filled up with NULs."""
    text = ("StreamTitle='%s';" % title.replace("'", "\u2019")).encode("utf-8")[: 16 * 255]
    units = (len(text) + 15) // 16
    return bytes([units]) + text.ljust(16 * units, b"\0")


class Listeners:
    """Who listens, by whether they get metadata."""

    def __init__(self, conn: Connection):
        self.conn = conn
        self.all: Dict[Listener, bool] = {}

    def take(self, request: Request) -> None:
        if request.is_disconnect():
            self.all.pop(request.listener, None)
        elif not request.is_notice():
            self.welcome(request)

    def welcome(self, request: Request) -> None:
        if len(self.all) >= LISTENERS_MOST:
            self.conn.reply_http(request, b"Too many listeners, try later.\n", 503)
            return
        wants_titles = request.headers.first("icy-metadata") == b"1"
        head = [
            b"HTTP/1.1 200 OK",
            b"Content-Type: audio/mpeg",
            b"Cache-Control: no-cache",
            b"Connection: close",
            b"icy-name: " + NAME.encode(),
        ]
        if wants_titles:
            head.append(b"icy-metaint: %d" % PIECE)
        self.conn.reply(request, b"\r\n".join(head) + b"\r\n\r\n")
        if request.method == b"HEAD":
            self.conn.close(request)
        else:
            self.all[request.listener] = wants_titles

    def send(self, piece: bytes, title: bytes) -> None:
        """To those without titles the music alone. A block belongs behind every piece: an empty one
        says that the title is what it was."""
        plain = [who for who, titles in self.all.items() if not titles]
        titled = [who for who, titles in self.all.items() if titles]
        self.conn.deliver_to(plain, piece)
        self.conn.deliver_to(titled, piece + title)


def pieces(files: List[Path]) -> Iterator[Tuple[bytes, bytes, float]]:
    """(music, metadata, seconds that it plays), for ever. Files need not end where a piece does: the
    next begins in the same one."""
    music = b""
    for path in itertools.cycle(files):
        data = without_id3(path.read_bytes())
        seconds = PIECE / bytes_a_second(data[:65536])
        title = metadata(path.stem)
        music += data
        while len(music) >= PIECE:
            yield music[:PIECE], title, seconds
            music, title = music[PIECE:], b"\0"


def play(conn: Connection, files: List[Path], speed: float) -> None:
    listeners = Listeners(conn)
    for piece, title, seconds in pieces(files):
        due = time.monotonic() + seconds / speed
        while not listeners.all or time.monotonic() < due:
            left = max(0.0, due - time.monotonic()) if listeners.all else None
            try:
                listeners.take(conn.recv(left))
            except ReceiveTimeout:
                break
        listeners.send(piece, title)


def main(argv: Optional[List[str]] = None) -> int:
    options = argparse.ArgumentParser(description="Streams the MP3 files of a folder.")
    options.add_argument("folder", type=Path)
    options.add_argument("-requests", "--requests", default="tcp://127.0.0.1:9995")
    options.add_argument("-replies", "--replies", default="tcp://127.0.0.1:9994")
    options.add_argument("-speed", "--speed", type=float, default=1.0, help="for tests")
    args = options.parse_args(argv)
    files = sorted(path for path in args.folder.glob("*.mp3") if path.stat().st_size > 0)
    if not files:
        options.error(f"there are no MP3 files in {args.folder}")
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Connection(None, args.requests, args.replies) as conn:
        log.info("on the air with %d files", len(files))
        try:
            play(conn, files, args.speed)
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
