"""wrk as a witness: the same row by another load generator. Its rate should be near or below ours;
its CPU per operation is not taken."""

import re

from .cases import LoadCase
from .processes import Failure, find_program


def is_possible(case, setup):
    return isinstance(case, LoadCase) and not setup.entry.routes and bool(find_program("wrk"))


def measure(case, setup):
    """{"wrk": requests per second}"""
    bench = setup.bench
    seconds = max(1, round(bench.options.measure_ms / 1000))
    url = f"http://127.0.0.1:{setup.job.port}{case.path}"
    process = bench.processes.start(
        ["wrk", "-t", "1", "-c", case.connections, "-d", f"{seconds}s", url],
        setup.job.work / "wrk.log", core=bench.cores.load, pipe=True)
    try:
        out, _ = process.popen.communicate(timeout=seconds + 30)
    finally:
        bench.processes.stop(process)
    rate = re.search(rb"Requests/sec:\s*([\d.]+)", out)
    if not rate:
        raise Failure(f"wrk said nothing of use: {process.log_tail()}")
    return {"wrk": float(rate.group(1))}
