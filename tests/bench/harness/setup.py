"""One server, configured and running for one row, with what must run beside it."""

import http.client
import json
import subprocess
import tempfile
import time
from pathlib import Path

from .contenders.base import Job
from .processes import GRACE_S, Failure, free_port

READY_S = 60.0  # nginx reads 100,000 routes for many seconds


class Bench:
    """What all rows share: options, cores, programs, files, processes."""

    FILES = {"1k": 1024, "64k": 65536, "10m": 10 * 1024 * 1024}

    def __init__(self, options, cores, processes, contenders):
        self.options = options
        self.cores = cores
        self.processes = processes
        self.contenders = contenders
        self._directory = tempfile.TemporaryDirectory(prefix="mongrel2-bench-")
        self.work = Path(self._directory.name)
        self.work.chmod(0o755)  # servers may give up root before they open files
        self.docroot = self.work / "docroot"
        self.docroot.mkdir()
        for name, size in self.FILES.items():
            (self.docroot / name).write_bytes(b"0123456789abcde\n" * (size // 16))

    def close(self):
        self.processes.stop_all()
        if self.options.keep:
            # Forgetting the finaliser keeps the directory; there is no option for it before 3.12.
            self._directory._finalizer.detach()  # pylint: disable=protected-access
            print(f"kept: {self.work}")
        else:
            self._directory.cleanup()

    def program(self, name):
        path = self.options.build / "bench" / name
        if not path.exists():
            raise Failure(f"{path} is not built: cmake --build {self.options.build} --target bench")
        return str(path)

    def run_tool(self, command, timeout_s):
        """Runs a measuring program on the load core; its one line of JSON as a dict."""
        log = self.work / "tool.log"
        log.unlink(missing_ok=True)
        process = self.processes.start(command, log, core=self.cores.load, pipe=True)
        try:
            out, _ = process.popen.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{process.name} did not end in {timeout_s:g} s") from error
        finally:
            self.processes.stop(process)
        if process.popen.returncode != 0:
            raise Failure(process.log_tail())
        return json.loads(out)


class Setup:
    """A contender at one kind of work. prepare() writes the configuration, start() starts it."""

    def __init__(self, bench, entry, probe, answer_size=0):
        self.bench = bench
        self.entry = entry
        self.contender = bench.contenders[entry.contender]
        self.probe = probe  # path that must answer 200; None: a connection is enough
        self.answer_size = answer_size
        self.server = None
        self.ready_s = 0.0  # from start() to the first answer
        self.beside = []
        work = Path(tempfile.mkdtemp(prefix="setup-", dir=bench.work))
        work.chmod(0o755)
        self.job = Job(work=work, docroot=bench.docroot, port=free_port(), send_port=free_port(),
                       recv_port=free_port(), pool_port=free_port(), routes=entry.routes,
                       file=entry.file, connections=bench.options.descriptors)
        self.server_command = None

    @property
    def pids(self):
        pids = self.server.pids
        if not pids:
            raise Failure(f"{self.contender.name} has ended: {self.server.log_tail()}")
        return ",".join(map(str, pids))

    def prepare(self):
        if self.contender.companion(self.entry.kind) == "upstream":
            self._start_upstream()
        self.server_command = self.contender.command(self.entry.kind, self.job)

    def start(self, wrapper=()):
        """Starts the server on its core, `wrapper` in front of its command, and waits for it."""
        started = time.monotonic()
        self.server = self.bench.processes.start(
            [*wrapper, *self.server_command], self.job.work / "server.log", cwd=self.job.work,
            core=self.bench.cores.server)
        companion = self.contender.companion(self.entry.kind)
        if companion == "handler":
            self._start_beside("handler_echo", "-send_spec", f"tcp://127.0.0.1:{self.job.send_port}",
                               "-recv_spec", f"tcp://127.0.0.1:{self.job.recv_port}",
                               "-size", self.answer_size)
        elif companion == "worker":
            self._start_beside("worker_echo", "-pool", "bench", "-node",
                               f"tcp://127.0.0.1:{self.job.pool_port}", "-size", self.answer_size)
        self._wait()
        self.ready_s = time.monotonic() - started

    def stop(self, grace_s=GRACE_S):
        if self.server:
            self.bench.processes.stop(self.server, grace_s)
            self.server = None
        while self.beside:
            self.bench.processes.stop(self.beside.pop())

    def _start_upstream(self):
        line = self._start_beside("http_upstream", "-size", self.answer_size)
        self.job.upstream_port = int(line.split()[1])

    def _start_beside(self, program, *args):
        command = [self.bench.program(program), *args]
        process = self.bench.processes.start(command, self.job.work / f"{program}.log",
                                             core=self.bench.cores.load, pipe=True)
        self.beside.append(process)
        return process.read_line(READY_S)

    def _wait(self):
        deadline = time.monotonic() + READY_S
        while True:
            status = self._ask()
            if status == 200:
                return
            if not self.server.is_running():
                raise Failure(f"{self.contender.name} ended: {self.server.log_tail()}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.contender.name} did not answer 200 in {READY_S:g} s "
                              f"({status}): {self.server.log_tail()}")
            time.sleep(0.01)

    def _ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.job.port, timeout=5)
        try:
            connection.connect()
            if self.probe is None:
                return 200
            connection.request("GET", self.probe)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()
