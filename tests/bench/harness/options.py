"""The command line, Mongrel2's way: `-name value`."""

import argparse
from pathlib import Path

from .rows import ROWS

ROOT = Path(__file__).resolve().parents[3]

DESCRIPTION = "Compares our mongrel2 with its peers: same run, same core, taking turns."


def parse(arguments):
    """The options; exits with 2 on wrong usage."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=DESCRIPTION,
                                     allow_abbrev=False)

    def option(name, **more):
        parser.add_argument(f"-{name}", f"--{name}", dest=name, **more)

    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows to measure (all): " +
                        " ".join(ROWS))
    option("rounds", type=int, metavar="N", help="alternating rounds, the median counts (5)")
    option("seconds", type=float, metavar="S", help="measured time per round (1)")
    option("only", metavar="LIST", help="contenders to measure, with commas (all)")
    option("twice", metavar="NAME", help="measure this contender under a second name as well: what "
           "lies between the two is noise")
    option("cores", metavar="S:L", help="core of the server, core of everything else (last:first)")
    option("nice", type=int, metavar="N", default=0, help="nice value of all that is measured; -20 "
           "(as root) keeps other work on the machine out of the way (0)")
    option("build", type=Path, metavar="DIR", default=ROOT / "build",
           help="build directory with our programs (build)")
    option("syscalls", type=int, choices=(0, 1), default=1,
           help="count system calls per operation (1)")
    option("instructions", action="store_true", help="count instructions per operation, by callgrind")
    option("wrk", action="store_true", help="measure the rate by wrk as well")
    option("json", type=Path, metavar="FILE", help="write every figure there")
    option("markdown", type=Path, metavar="FILE", help="write the tables there")
    option("check", action="store_true", help="only see that every row works: a fraction of a second "
           "each, small counts; exit 1 if one does not")
    option("keep", action="store_true", help="keep configurations and logs")
    option("list", action="store_true", help="list rows and contenders, measure nothing")
    options = parser.parse_args(arguments)
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; rows are: {' '.join(ROWS)}")
    options.rows = options.rows or list(ROWS)
    options.rounds = options.rounds or (1 if options.check else 5)
    seconds = options.seconds or (0.08 if options.check else 1.0)
    options.measure_ms = max(1, round(seconds * 1000))
    options.only = options.only.split(",") if options.only else None
    options.build = options.build.resolve()
    return options
