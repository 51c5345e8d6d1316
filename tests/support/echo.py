"""Programs that stand behind a node and answer with the number of the request (`X-Request`), and the
route that led to them where they are told.

    python3 -m support.echo classic SEND RECV [SEND RECV]…   a classic handler, of several nodes
    python3 -m support.echo upstream PORT                    an HTTP server with keep-alive
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any, List

ROOT = Path(__file__).resolve().parent.parent.parent


def start(stage: Any, kind: str, *args: object) -> Any:
    """Starts one of the programs; it is ready when it says so, or as soon as its nodes are."""
    return stage.start(
        ["/usr/bin/python3", "-B", "-m", "support.echo", kind, *args],
        stage.folder(),
        name=f"echo-{kind}",
        env={"PYTHONPATH": f"{ROOT}/tests:{ROOT}/proto/python"},
    )


def classic(endpoints: List[str]) -> None:
    from mongrel2 import Connection

    with Connection(None) as conn:
        for send, recv in zip(endpoints[::2], endpoints[1::2]):
            conn.connect(send, recv)
        for request in conn:
            if request.is_notice():
                continue
            words = [
                request.headers.first("x-request") or b"",
                b"pattern=" + (request.headers.first("PATTERN") or b""),
            ]
            conn.reply_http(request, b" ".join(words))


class _Upstream(asyncio.Protocol):
    """Requests without a body only."""

    def __init__(self) -> None:
        self.unread = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.unread += data
        while b"\r\n\r\n" in self.unread:
            head, _, self.unread = self.unread.partition(b"\r\n\r\n")
            found = re.search(rb"\r\nx-request: *(\S+)", head, re.I)
            body = b"%s line=%s" % (found[1] if found else b"", head.split(b"\r\n", 1)[0])
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def upstream(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Upstream, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "classic":
        classic(sys.argv[2:])
    else:
        asyncio.run(upstream(int(sys.argv[2])))
