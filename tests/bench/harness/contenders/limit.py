"""The limit: the least that a program can do to move the same bytes (see tests/bench/programs)."""

from .base import Contender


class Limit(Contender):
    name = "limit"
    kinds = {"static": "static", "handler": "handler", "fanout": "handler", "proxy": "proxy"}
    companions = {"handler": "handler", "proxy": "upstream"}
    targets = 128
    extra = []

    def missing(self):
        if (self.options.build / "bench" / "limit_static").exists():
            return None
        return "limit_static is not built (build directory: bench/limit_static)"

    def version(self):
        return "of this tree"

    def static(self, job):
        by_file = ["-sendfile"] if job.file == "10m" else []
        return self._command(job, "limit_static", "-file", job.docroot / job.file, *by_file)

    def handler(self, job):
        return self._command(job, "limit_handler", "-send_port", job.send_port, "-recv_port",
                             job.recv_port, *self.extra)

    def proxy(self, job):
        return self._command(job, "limit_proxy", "-upstream", job.upstream_port)

    def _command(self, job, program, *args):
        return [self.options.build / "bench" / program, "-port", job.port, *args]


class LimitGathered(Limit):
    """What one turn of the loop has for a listener goes out as one write."""

    name = "limit gathered"
    kinds = {"fanout": "handler"}
    extra = ["-gather"]
