"""System calls per operation, from a short run of its own.

`perf stat` on the tracepoint raw_syscalls:sys_enter counts them at hardly any cost, so that the
server behaves as it does when measured. Where perf may not do that, `strace -c -f` counts; it slows
the server so much that more is done per wake-up, which makes the figure too good. The report says
which of the two it was.
"""

import os
import signal
import subprocess
from functools import lru_cache

from .processes import Failure, find_program

MEASURE_MS = {"perf": 300, "strace": 1500}  # under strace little is done per second
EVENT = "raw_syscalls:sys_enter"


@lru_cache(maxsize=None)
def counter():
    """"perf", "strace", or None when neither works here."""
    if find_program("perf"):
        probe = subprocess.run(["perf", "stat", "-e", EVENT, "-p", str(os.getpid()), "-x", ",", "--",
                                "true"], capture_output=True, text=True, check=False)
        if probe.returncode == 0 and "not supported" not in probe.stderr:
            return "perf"
    if find_program("strace"):
        probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True,
                               check=False)
        if probe.returncode == 0:
            return "strace"
    return None


def count(case, setup):
    """{"calls": per operation, "calls_by": which tool}; {} when nothing can count them."""
    by = counter()
    if by is None:
        return {}
    options = setup.bench.options
    measure_ms = options.measure_ms if options.check else MEASURE_MS[by]
    command = case.command(setup, 0, measure_ms, with_usage=False)
    run = _by_perf if by == "perf" else _by_strace
    calls, operations = run(setup, command, measure_ms / 1000 + 30)
    if not operations:
        raise Failure("nothing was answered while system calls were counted")
    return {"calls": calls / operations, "calls_by": by}


def _by_perf(setup, command, timeout_s):
    out = setup.job.work / "perf.csv"
    figures = setup.bench.run_tool(
        ["perf", "stat", "-e", EVENT, "-p", setup.pids, "-x", ",", "-o", out, "--", *command],
        timeout_s)
    for line in out.read_text().splitlines():
        fields = line.split(",")
        if EVENT in fields and fields[0].isdigit():
            return int(fields[0]), figures["operations"]
    raise Failure(f"perf counted nothing: {out.read_text().strip()}")


def _by_strace(setup, command, timeout_s):
    out = setup.job.work / "strace.txt"
    bench = setup.bench
    pids = [word for pid in setup.pids.split(",") for word in ("-p", pid)]
    strace = bench.processes.start(["strace", "-f", "-c", "-o", out, *pids],
                                   setup.job.work / "strace.log", core=bench.cores.load)
    try:
        figures = bench.run_tool(command, timeout_s)
        os.killpg(strace.popen.pid, signal.SIGINT)  # lets go of the server and writes the table
        strace.popen.wait(10)
    finally:
        bench.processes.stop(strace)
    total = next((line.split() for line in out.read_text().splitlines()
                  if line.endswith(" total")), None)
    if total is None:
        raise Failure(f"strace counted nothing: {strace.log_tail()}")
    return int(total[3]), figures["operations"]
