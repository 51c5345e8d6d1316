"""What a contender is: a server that can be configured for some kinds of work and started."""

from dataclasses import dataclass
from pathlib import Path

from ..machine import package_version
from ..processes import find_program


@dataclass
class Job:
    """What a server is to do in one setup. A contender reads what its kind of work needs."""
    work: Path              # a directory of its own
    docroot: Path           # holds 1k, 64k, 10m
    port: int               # to serve on
    upstream_port: int = 0  # "proxy": where the HTTP server listens
    send_port: int = 0      # "handler", "fanout": where the PUSH socket is to be bound
    recv_port: int = 0      # … and the SUB socket
    pool_port: int = 0      # "pool": where workers connect
    routes: int = 0         # "routes": /r0/ … /rN/, each leading to docroot
    file: str = "1k"        # "static": what the limit program sends
    connections: int = 20000  # descriptors that a server may have open


class Contender:
    """One server under test. Subclasses say where it is, how it is configured, what it can do.

    `kinds` maps a kind of work to the name of the method that writes the configuration into
    job.work and gives the command line; `companions` maps it to what must run beside the server:
    "upstream" (http_upstream), "handler" (handler_echo), "worker" (pool worker).
    """

    name = ""
    program = ""      # looked for in PATH
    package = ""      # Debian package, for the version and for the hint when it is missing
    kinds = {}
    companions = {}

    def __init__(self, options):
        self.options = options

    def missing(self):
        """None, or why this contender cannot take part here."""
        if find_program(self.program):
            return None
        return f"{self.program} is not installed (package {self.package})"

    def version(self):
        return package_version(self.package) or "unknown"

    def command(self, kind, job):
        return getattr(self, self.kinds[kind])(job)

    def companion(self, kind):
        return self.companions.get(kind)


def write(path, text):
    path.write_text(text)
    return path
