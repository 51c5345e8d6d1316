"""Shows what a handler gets: answers every request with its parts, as a page.

    python3 handler_test.py [-requests tcp://127.0.0.1:9997] [-replies tcp://127.0.0.1:9996]
"""

from __future__ import annotations

import argparse
import html
import json
import signal
import sys

from mongrel2 import Connection, Request


def page(request: Request) -> bytes:
    headers = {
        name: [value.decode("utf-8", "replace") for value in request.headers.all(name)]
        for name in request.headers
    }
    parts = {
        "SENDER": request.sender.decode(),
        "IDENT": request.conn_id.decode(),
        "PATH": request.path.decode("latin-1"),
        "HEADERS": json.dumps(headers, indent=4),
        "BODY": request.body.decode("utf-8", "replace"),
    }
    text = "\n".join(f"{name}: {value}" for name, value in parts.items())
    return f"<!DOCTYPE html><title>Request</title><pre>\n{html.escape(text)}\n</pre>\n".encode()


def main() -> None:
    options = argparse.ArgumentParser(description="Answers with what it was asked.")
    options.add_argument("-requests", "--requests", default="tcp://127.0.0.1:9997")
    options.add_argument("-replies", "--replies", default="tcp://127.0.0.1:9996")
    args = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Connection(None, args.requests, args.replies) as conn:
        for request in conn:
            if request.is_disconnect():
                print("gone:", request.conn_id.decode(), flush=True)
                continue
            conn.reply_http(request, page(request), headers={"Content-Type": "text/html; charset=utf-8"})
            conn.finish(request)


if __name__ == "__main__":
    main()
