"""Mongrel2, upstream's and ours: the same configuration language, the same database, the same
command line, so one class with two places to look for the programs."""

import subprocess

from ..processes import Failure, find_program
from .base import Contender, write

UUID = "0b5e2f0e-0000-4000-8000-6d6f6e677232"

CONF = """\
{targets}
bench = Server(
    uuid="{uuid}"
    name="bench"
    default_host="localhost"
    access_log="{work}/access.log"
    error_log="{work}/error.log"
    pid_file="{work}/server.pid"
    control_port="ipc://{work}/control"
    chroot=""
    bind_addr="127.0.0.1"
    port={port}
    hosts=[Host(name="localhost", routes={{
{routes}
    }})]
)
servers = [bench]
settings = {{
    "server.daemonize": 0,
    "disable.access_logging": 1,
    "limits.min_ping": 0,
    "limits.min_read_rate": 0,
    "limits.min_write_rate": 0
}}
"""

DIR = 'files = Dir(base="{docroot}/", index_file="index.html", default_ctype="text/plain", cache_ttl=60)'

HANDLER = """\
handler = Handler(send_spec="tcp://127.0.0.1:{send_port}", send_ident="bench-0001",
                  recv_spec="tcp://127.0.0.1:{recv_port}", recv_ident="")"""


class Mongrel2(Contender):
    """Upstream's, as Debian packages it."""

    name = "mongrel2"
    program = "mongrel2"
    package = "mongrel2-core"
    kinds = {"static": "static", "handler": "handler", "fanout": "handler", "proxy": "proxy",
             "routes": "routes"}
    companions = {"handler": "handler", "proxy": "upstream"}
    targets = 128  # listeners that one message of a handler may name

    def missing(self):
        return next((f"{program} is not installed (package {self.package})"
                     for program in ("mongrel2", "m2sh") if not self.find(program)), None)

    def find(self, program):
        return find_program(program)

    def static(self, job):
        return self._command(job, DIR.format(docroot=job.docroot), '"/": files')

    def handler(self, job):
        return self._command(job, HANDLER.format(send_port=job.send_port, recv_port=job.recv_port),
                             '"/bench": handler, "/fan": handler')

    def proxy(self, job):
        return self._command(job, f'proxy = Proxy(addr="127.0.0.1", port={job.upstream_port})',
                             '"/": proxy')

    def routes(self, job):
        return self._command(job, DIR.format(docroot=job.docroot),
                             ",\n".join(f'"/r{i}/": files' for i in range(job.routes)))

    def _command(self, job, targets, routes):
        conf = write(job.work / "bench.conf", CONF.format(
            targets=targets, routes=routes, uuid=UUID, work=job.work, port=job.port))
        database = job.work / "config.sqlite"
        load = subprocess.run(
            [self.find("m2sh"), "load", "-config", conf, "-db", database], cwd=job.work,
            capture_output=True, text=True, timeout=300, check=False)
        if load.returncode != 0:
            raise Failure(f"{self.name}: m2sh load failed: {(load.stderr + load.stdout).strip()}")
        return [self.find("mongrel2"), database, UUID]


class Ours(Mongrel2):
    """Ours, from the build directory."""

    name = "ours"
    package = ""

    def missing(self):
        return next((f"{program} is not built (build directory: bin/{program})"
                     for program in ("mongrel2", "m2sh") if not self.find(program)), None)

    def version(self):
        try:
            out = subprocess.run([self.find("mongrel2"), "-version"], capture_output=True, text=True,
                                 timeout=10, check=False)
        except OSError:
            return "unknown"
        return out.stdout.strip() or "unknown"

    def find(self, program):
        path = self.options.build / "bin" / program
        return str(path) if path.exists() else None


class OursPool(Ours):
    """The same requests through a handler pool: credit instead of round robin. Workers connect to
    the node's handler port by address; no coordinator is needed."""

    name = "ours pool"
    kinds = {"handler": "pool"}
    companions = {"handler": "worker"}

    def missing(self):
        if not (self.options.build / "bench" / "worker_echo").exists():
            return "worker_echo is not built (build directory: bench/worker_echo)"
        return super().missing()

    def pool(self, job):
        command = self._command(job, 'handler = Handler(pool="bench")', '"/bench": handler')
        return command + ["-handler_port", f"tcp://127.0.0.1:{job.pool_port}"]
