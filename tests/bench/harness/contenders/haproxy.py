"""HAProxy: one thread, reused upstream connections. It serves no files; where a row is about
connections, routes or starting up, it answers the same bytes from memory."""

from ..processes import find_program
from .base import Contender, write

CONF = """\
global
    maxconn {connections}
    nbthread 1
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s
    timeout http-request 600s
frontend bench
    bind 127.0.0.1:{port} backlog 4096
    {frontend}
"""

ANSWER = 'http-request return status 200 content-type "text/plain" file {file}'


class Haproxy(Contender):
    name = "haproxy"
    program = "haproxy"
    package = "haproxy"
    kinds = {"proxy": "proxy", "static": "static", "routes": "routes"}
    companions = {"proxy": "upstream"}

    def proxy(self, job):
        return self._command(job, "default_backend upstream\nbackend upstream\n"
                                  f"    server u 127.0.0.1:{job.upstream_port}")

    def static(self, job):
        return self._command(job, ANSWER.format(file=job.docroot / "1k"))

    def routes(self, job):
        routes = write(job.work / "routes.map",
                       "".join(f"/r{i}/ found\n" for i in range(job.routes)))
        return self._command(job, ANSWER.format(file=job.docroot / "1k") +
                             f" if {{ path,map_beg({routes}) -m found }}")

    def _command(self, job, frontend):
        # It wants two descriptors for each connection, whether it uses them or not.
        conf = write(job.work / "haproxy.cfg", CONF.format(
            port=job.port, connections=job.connections // 2 - 100, frontend=frontend))
        return [find_program("haproxy"), "-db", "-f", conf]
