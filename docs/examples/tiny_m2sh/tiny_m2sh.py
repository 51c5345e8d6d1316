"""A second m2sh, to show that there is nothing secret in a configuration database: it is SQLite, and any
program may write it.

    python3 tiny_m2sh.py load mongrel2.conf config.sqlite

The configuration language was made after Python, so Python reads it: the objects are functions here, and
the file is run. (Which means that a configuration can do what a program can. m2sh reads it as data.)
"""

from __future__ import annotations

import getpass
import mimetypes
import os
import socket
import sqlite3
import sys
from typing import Any, Callable, Dict, List, Tuple

# What each object of the language is stored as: its table, and its columns with their defaults. None is a
# column that must be given.
TABLES: Dict[str, Tuple[str, Dict[str, Any]]] = {
    "Server": ("server", dict(uuid=None, access_log=None, error_log=None, error_log_level=2, chroot="",
                              pid_file=None, control_port="", default_host=None, name=None,
                              bind_addr="0.0.0.0", port=None, use_ssl=0)),
    "Host": ("host", dict(name=None, matching="")),
    "Dir": ("directory", dict(base=None, index_file=None, default_ctype=None, cache_ttl=0)),
    "Proxy": ("proxy", dict(addr=None, port=None)),
    "Handler": ("handler", dict(send_spec=None, send_ident=None, recv_spec=None, recv_ident=None,
                                raw_payload=0, protocol="json")),
}
TARGETS = {"directory": "dir", "proxy": "proxy", "handler": "handler"}

# As Mongrel2 makes them; what nobody stores here stays empty.
SCHEMA = """
CREATE TABLE server (id INTEGER PRIMARY KEY, uuid TEXT, access_log TEXT, error_log TEXT,
    error_log_level INTEGER, chroot TEXT DEFAULT '/var/www', pid_file TEXT, control_port TEXT DEFAULT '',
    default_host TEXT, name TEXT DEFAULT '', bind_addr TEXT DEFAULT '0.0.0.0', port INTEGER,
    use_ssl INTEGER DEFAULT 0);
CREATE TABLE host (id INTEGER PRIMARY KEY, server_id INTEGER, maintenance BOOLEAN DEFAULT 0, name TEXT,
    matching TEXT);
CREATE TABLE route (id INTEGER PRIMARY KEY, path TEXT, reversed BOOLEAN DEFAULT 0, host_id INTEGER,
    target_id INTEGER, target_type TEXT);
CREATE TABLE directory (id INTEGER PRIMARY KEY, base TEXT, index_file TEXT, default_ctype TEXT,
    cache_ttl INTEGER DEFAULT 0);
CREATE TABLE proxy (id INTEGER PRIMARY KEY, addr TEXT, port INTEGER);
CREATE TABLE handler (id INTEGER PRIMARY KEY, send_spec TEXT, send_ident TEXT, recv_spec TEXT,
    recv_ident TEXT, raw_payload INTEGER DEFAULT 0, protocol TEXT DEFAULT 'json');
CREATE TABLE filter (id INTEGER PRIMARY KEY, server_id INTEGER, name TEXT, settings TEXT);
CREATE TABLE xrequest (id INTEGER PRIMARY KEY, server_id INTEGER, name TEXT, settings TEXT);
CREATE TABLE setting (id INTEGER PRIMARY KEY, key TEXT, value TEXT);
CREATE TABLE mimetype (id INTEGER PRIMARY KEY, mimetype TEXT, extension TEXT);
CREATE TABLE statistic (id SERIAL, other_type TEXT, other_id INTEGER, name TEXT, sum REAL, sumsq REAL,
    n INTEGER, min REAL, max REAL, mean REAL, sd REAL, PRIMARY KEY (other_type, other_id, name));
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, who TEXT, what TEXT, location TEXT,
    happened_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, how TEXT, why TEXT);
"""


class Object:
    """One object of the configuration, before it is a row."""

    def __init__(self, kind: str, given: Dict[str, Any]):
        self.table, defaults = TABLES[kind]
        self.parts = {name: given.pop(name, {}) for name in ("hosts", "routes") if name in given}
        self.columns = {**defaults, **{k: v for k, v in given.items() if k in defaults}}
        missing = [name for name, value in self.columns.items() if value is None]
        unknown = sorted(set(given) - set(defaults))
        if missing or unknown:
            raise SystemExit(f"{kind}: missing {missing}, unknown {unknown}")
        self.id = 0  # of its row, once it has one


def read(path: str) -> Dict[str, Any]:
    def maker(kind: str) -> Callable[..., Object]:
        return lambda **given: Object(kind, given)

    names: Dict[str, Any] = {kind: maker(kind) for kind in TABLES}
    with open(path, encoding="utf-8") as text:
        exec(compile(text.read(), path, "exec"), names)
    return names


class Database:
    def __init__(self, path: str):
        self.db = sqlite3.connect(path)
        self.db.execute("BEGIN")
        for table in [*dict(TABLES.values()), "route", "filter", "xrequest", "setting", "mimetype", "statistic"]:
            self.db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in SCHEMA.split(";\n"):
            self.db.execute(statement)

    def insert(self, table: str, columns: Dict[str, Any]) -> int:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        cursor = self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))
        return int(cursor.lastrowid or 0)

    def store(self, o: Object, **more: Any) -> int:
        """The id of its row; an object that is used twice has one row."""
        if not o.id:
            o.id = self.insert(o.table, {**more, **o.columns})
        return o.id

    def store_host(self, host: Object, server_id: int) -> None:
        host.columns["matching"] = host.columns["matching"] or host.columns["name"]
        host_id = self.insert("host", {"server_id": server_id, **host.columns})
        for path, target in host.parts["routes"].items():
            target_id = self.store(target)
            kind = TARGETS[target.table]
            row = dict(path=path, host_id=host_id, target_id=target_id, target_type=kind)
            self.insert("route", row)

    def store_site(self, names: Dict[str, Any]) -> None:
        for server in names["servers"]:
            server_id = self.store(server)
            for host in server.parts["hosts"]:
                self.store_host(host, server_id)
        for key, value in names.get("settings", {}).items():
            self.insert("setting", {"key": key, "value": str(value)})
        for extension, kind in {**mimetypes.types_map, **names.get("mimetypes", {})}.items():
            self.insert("mimetype", {"mimetype": kind, "extension": extension})


def main(words: List[str]) -> int:
    if len(words) != 3 or words[0] != "load":
        print("usage: tiny_m2sh.py load mongrel2.conf config.sqlite", file=sys.stderr)
        return 2
    names = read(words[1])
    database = Database(words[2])
    database.store_site(names)
    who = os.environ.get("LOGNAME") or getpass.getuser()
    row = dict(who=who, what="load", location=socket.gethostname(), how=words[1], why="command")
    database.insert("log", row)
    database.db.commit()  # all or nothing: a server that is started now finds the old or the new
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
