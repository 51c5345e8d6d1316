"""How each kind of row is measured. A case is one table: entries (contenders at work) and a way to
measure one of them once."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from .processes import Failure
from .setup import Setup

WARMUP_MS = 200


@dataclass
class Entry:
    """One line of a table."""
    contender: str
    kind: str
    label: str = ""       # the contender's name unless given
    routes: int = 0
    file: str = "1k"
    any_route: bool = False  # all routes in random order, not only the last
    baseline: str = ""    # label that this one is compared with; empty: see Case.references

    def __post_init__(self):
        self.label = self.label or self.contender


@dataclass
class Case:
    """One table."""
    name: str
    title: str
    entries: list
    goals: list = field(default_factory=list)

    columns = ()      # (heading, key, format)
    compared = ()     # (heading, key): ratios are shown of these
    is_fresh = False  # the server is started anew for every round, by measure()
    has_calls = True  # system calls and instructions per operation can be counted
    probe = None      # path that tells that the server is ready
    answer_size = 0

    def make_setup(self, bench, entry):
        return Setup(bench, entry, self.probe, self.answer_size)

    def command(self, setup, warmup_ms, measure_ms, with_usage=True):
        """The measuring program and its arguments."""
        raise NotImplementedError

    def measure(self, setup):
        """One round: a dict of figures; "errors" says in words what went wrong, or is empty."""
        options = setup.bench.options
        command = self.command(setup, min(WARMUP_MS, options.measure_ms // 2), options.measure_ms)
        figures = setup.bench.run_tool(command, timeout_s=options.measure_ms / 1000 + 30)
        return self.per_operation(figures)

    @staticmethod
    def per_operation(figures):
        operations = figures["operations"]
        errors = ", ".join(f"{figures[key]:g} {key}" for key in
                           ("closed", "bad_status", "bad_length", "refused", "stalled")
                           if figures.get(key))
        if not operations:
            raise Failure("nothing was answered" + (f" ({errors})" if errors else ""))
        return {
            "rate": operations / figures["elapsed_s"],
            "cpu_us": figures["cpu_us"] / operations,
            "p50_ms": figures["p50_us"] / 1000,
            "p99_ms": figures["p99_us"] / 1000,
            "kernel": figures["kernel_share"],
            "busy": figures["busy_share"],
            "foreign": figures["foreign_share"],
            "errors": errors,
        }


RATE_COLUMNS = (("requests/s", "rate", ",.0f"), ("CPU µs", "cpu_us", ".2f"),
                ("kernel", "kernel", ".0%"), ("busy", "busy", ".0%"),
                ("calls", "calls", ".2f"))
LATENCY_COLUMNS = (("p50 ms", "p50_ms", ".2f"), ("p99 ms", "p99_ms", ".2f"))


@dataclass
class LoadCase(Case):
    """Requests on kept-alive connections, each sent when the one before is answered."""
    path: str = "/"
    length: int = 0
    connections: int = 64
    with_latency: bool = False

    def __post_init__(self):
        self.probe = self.path.replace("{}", "0")
        self.answer_size = self.length
        self.columns = RATE_COLUMNS + (LATENCY_COLUMNS if self.with_latency else ())
        self.compared = (("CPU", "cpu_us"), ("rate", "rate")) + \
            ((("p99", "p99_ms"),) if self.with_latency else ())

    def command(self, setup, warmup_ms, measure_ms, with_usage=True):
        entry, bench = setup.entry, setup.bench
        words = [bench.program("load"), "-port", setup.job.port, "-connections", self.connections,
                 "-path", self.path, "-length", self.length, "-warmup_ms", warmup_ms,
                 "-measure_ms", measure_ms]
        if entry.routes:
            words += ["-paths", entry.routes] if entry.any_route else ["-last", entry.routes - 1]
        if with_usage:
            words += ["-pids", setup.pids, "-core", bench.cores.server]
        return [str(word) for word in words]


@dataclass
class FanoutCase(Case):
    """One sender, many listeners; an operation is one delivery to one listener."""
    listeners: int = 100
    in_flight: int = 1
    size: int = 128

    columns = (("deliveries/s", "rate", ",.0f"),) + RATE_COLUMNS[1:] + LATENCY_COLUMNS
    compared = (("CPU", "cpu_us"), ("rate", "rate"))

    def command(self, setup, warmup_ms, measure_ms, with_usage=True):
        job, contender, bench = setup.job, setup.contender, setup.bench
        words = [bench.program("fanout"), "-port", job.port, "-path", "/fan",
                 "-listeners", self.listeners, "-in_flight", self.in_flight, "-size", self.size,
                 "-warmup_ms", warmup_ms, "-measure_ms", measure_ms]
        if hasattr(contender, "publish"):
            words += ["-publish", contender.publish, "-separator", contender.separator]
        else:
            words += ["-send_spec", f"tcp://127.0.0.1:{job.send_port}",
                      "-recv_spec", f"tcp://127.0.0.1:{job.recv_port}",
                      "-targets", contender.targets]
        if with_usage:
            words += ["-pids", setup.pids, "-core", bench.cores.server]
        return [str(word) for word in words]


@dataclass
class IdleCase(Case):
    """Memory of connections that have had one answer and are kept open."""
    connections: int = 9800

    columns = (("bytes per connection", "bytes", ",.0f"), ("closed", "closed", ",.0f"))
    compared = (("bytes", "bytes"),)
    is_fresh = True
    has_calls = False
    probe = "/1k"

    def measure(self, setup):
        setup.start()
        try:
            return self._hold(setup)
        finally:
            setup.stop()

    def _hold(self, setup):
        bench = setup.bench
        count = min(self.connections, bench.options.descriptors - 200)
        before = resident_bytes(setup.server.pids)
        holder = bench.processes.start(
            [bench.program("hold"), "-port", setup.job.port, "-path", "/1k", "-connections", count],
            bench.work / "hold.log", core=bench.cores.load, pipe=True)
        try:
            held = json.loads(holder.read_line(120))["held"]
            after = resident_bytes(setup.server.pids)
            holder.popen.stdin.close()
            closed = json.loads(holder.read_line(30))["closed"]
        finally:
            bench.processes.stop(holder)
        return {"bytes": max(0, after - before) / held, "held": held, "closed": closed,
                "errors": f"{closed} closed" if closed else ""}


@dataclass
class StartupCase(Case):
    """Time from starting the program to its first answer."""
    columns = (("ms to first 200", "ready_ms", ",.1f"),)
    compared = (("time", "ready_ms"),)
    is_fresh = True
    has_calls = False

    def measure(self, setup):
        bench, job = setup.bench, setup.job
        path = f"/r{job.routes - 1}/1k" if job.routes else "/1k"
        figures = bench.run_tool(
            [bench.program("startup"), "-port", job.port, "-path", path, "-core",
             bench.cores.server, "-output", job.work / "server.log", "--", *setup.server_command],
            timeout_s=60)
        return {"ready_ms": figures["ready_ms"], "errors": ""}


def resident_bytes(pids):
    """Resident memory of the processes. smaps_rollup counts pages; statm may lag behind by some."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
    return total
