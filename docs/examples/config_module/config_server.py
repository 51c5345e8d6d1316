"""Answers what Mongrel2 asks a configuration module: the other end of zmq.so.

    python3 config_server.py ipc://run/config config.sqlite
    mongrel2 ipc://run/config UUID /usr/lib/mongrel2/config_modules/zmq.so

This one takes its answers from a configuration database; yours may take them from an inventory, a
directory service or a spreadsheet. A request is [function, {arguments}], an answer a table with the
columns of the database. The database is opened for each request, so a reload of the server sees what
has been loaded into it.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from typing import Any, Dict, List, Tuple

import zmq

from mongrel2 import tnetstrings

# Function: query, with the names of its arguments.
QUERIES = {
    b"load_settings": "SELECT * FROM setting",
    b"load_mimetypes": "SELECT * FROM mimetype",
    b"load_server": "SELECT * FROM server WHERE uuid = :uuid",
    b"load_hosts": "SELECT * FROM host WHERE server_id = :server_id",
    b"load_routes": "SELECT * FROM route WHERE host_id = :host_id",
    b"load_handler": "SELECT * FROM handler WHERE id = :id",
    b"load_proxy": "SELECT * FROM proxy WHERE id = :id",
    b"load_dir": "SELECT * FROM directory WHERE id = :id",
    b"load_redirect": "SELECT * FROM redirect WHERE id = :id",
    b"load_status": "SELECT * FROM status WHERE id = :id",
    b"load_filters": "SELECT * FROM filter WHERE server_id = :server_id",
    b"load_xrequests": "SELECT * FROM xrequest WHERE server_id = :server_id",
}


def table(database: str, query: str, arguments: Dict[str, Any]) -> Dict[str, Any]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        rows = db.execute(query, arguments)
        headers = [column[0] for column in rows.description]
        return {"headers": headers, "rows": [list(row) for row in rows]}


def parsed(request: bytes) -> Tuple[bytes, Dict[str, Any]]:
    call = tnetstrings.load(request)
    if not isinstance(call, list) or len(call) != 2 or not isinstance(call[1], dict):
        raise ValueError("a request is [function, {arguments}]")
    return call[0], {key.decode(): v.decode() if isinstance(v, bytes) else v for key, v in call[1].items()}


def answer(database: str, request: bytes) -> Dict[str, Any]:
    try:
        function, arguments = parsed(request)
        if function not in QUERIES:
            return {"code": "NOT_FOUND", "error": f"there is no function {function!r}"}
        return table(database, QUERIES[function], arguments)
    except (ValueError, sqlite3.Error) as problem:
        return {"code": "INVALID", "error": f"{database}: {problem}"}


def main(arguments: List[str]) -> int:
    if len(arguments) != 2:
        print("usage: config_server.py ENDPOINT DATABASE", file=sys.stderr)
        return 2
    endpoint, database = arguments
    socket = zmq.Context.instance().socket(zmq.REP)
    socket.bind(endpoint)
    print(f"{endpoint} answers from {database}", flush=True)
    try:
        while True:
            socket.send(tnetstrings.dump(answer(database, socket.recv())))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
