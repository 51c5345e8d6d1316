"""Instructions per operation in user space, by callgrind: repeatable where times are not.

The server runs under callgrind twice, with few and with more operations; the difference of the two
totals over the difference of the operations leaves starting and stopping out. Only rows whose load
ends after a number of requests.
"""

import re

from .cases import LoadCase
from .processes import find_program

FEW, MANY = 1000, 4000
SLOW_S = 1.5
WRITE_S = 20.0  # callgrind writes its figures when the server ends politely


def count(case, setup):
    """{"instructions": per operation}; {} for rows that cannot be counted so."""
    if not isinstance(case, LoadCase) or case.length > 65536 or not find_program("valgrind"):
        return {}
    if setup.ready_s > SLOW_S:
        return {}  # callgrind would take a minute and more to start it
    setup.stop()
    setup.prepare()
    few, few_operations = _run(case, setup, FEW)
    setup.prepare()
    many, many_operations = _run(case, setup, MANY)
    return {"instructions": (many - few) / max(1, many_operations - few_operations)}


def _run(case, setup, requests):
    name = f"callgrind.{requests}"
    setup.start(wrapper=["valgrind", "-q", "--tool=callgrind",
                         f"--callgrind-out-file={setup.job.work}/{name}.%p"])
    try:
        command = case.command(setup, 0, 60000, with_usage=False) + ["-requests", str(requests)]
        operations = setup.bench.run_tool(command, 120)["operations"]
    finally:
        setup.stop(grace_s=WRITE_S)
    total = 0
    for path in setup.job.work.glob(name + ".*"):
        for value in re.findall(r"^(?:summary|totals): (\d+)", path.read_text(), re.MULTILINE)[:1]:
            total += int(value)
    return total, operations
