"""Takes uploads: PUT or POST /upload/NAME becomes files/NAME. See README.md."""

import hashlib
import json
import os
import re
import sys
from pathlib import Path

from mongrel2 import Connection

REQUESTS, REPLIES = "tcp://127.0.0.1:9997", "tcp://127.0.0.1:9996"
FILES = Path("files")
LARGEST = 100 << 20
NAME = re.compile(rb"/upload/([A-Za-z0-9_-][A-Za-z0-9._-]{0,99})")


def problem(request):
    """Why it is not wanted, as a status and a sentence; None if it is."""
    length = int(request.headers.first("content-length", b"0"))
    if request.method not in (b"PUT", b"POST"):
        return 405, "PUT a file here.\n"
    if not NAME.fullmatch(request.path):
        return 400, "A name has letters, digits, dots and dashes.\n"
    if length > LARGEST:
        return 413, f"At most {LARGEST} bytes.\n"
    return None


def refuse(conn, request, code, text):
    """The client may still be sending: only closing ends that. The server removes its file."""
    conn.reply_http(request, text, code=code, headers={"Connection": "close", "Allow": "PUT, POST"})
    conn.close(request)


def keep(request, path):
    """Moves the file to its place; what the client is told."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    name = NAME.fullmatch(request.path).group(1).decode()
    size = os.path.getsize(path)
    os.chmod(path, 0o644)
    os.replace(path, FILES / name)
    return {"file": f"/files/{name}", "bytes": size, "sha256": digest.hexdigest()}


def take(conn, request, path):
    """A whole body, in the file `path`. One in chunks did not say its length before."""
    found = problem(request)
    if found is None and os.path.getsize(path) > LARGEST:
        found = 413, f"At most {LARGEST} bytes.\n"
    if found is not None:
        os.unlink(path)  # it is ours by now
        refuse(conn, request, *found)
        return
    text = json.dumps(keep(request, path)) + "\n"
    conn.reply_http(request, text, code=201, headers={"Content-Type": "application/json"})


def take_small(conn, request):
    """What fits into a message is not put into a file by the server."""
    path = FILES / f".{request.conn_id.decode()}"
    path.write_bytes(request.body)
    take(conn, request, path)


def handle(conn, request):
    if request.is_notice():
        return  # an upload whose client has left: the server has removed the file
    if request.is_upload_done():
        take(conn, request, os.fsdecode(request.upload_path))
    elif request.is_upload_start():
        found = problem(request)
        if found is not None:
            refuse(conn, request, *found)
    else:
        take_small(conn, request)


def main(requests=REQUESTS, replies=REPLIES):
    with Connection(None, requests, replies) as conn:
        conn.wait_ready()
        print("ready", flush=True)
        for request in conn:
            handle(conn, request)


if __name__ == "__main__":
    main(*sys.argv[1:])
