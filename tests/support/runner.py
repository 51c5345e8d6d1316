"""What tests/run does once the packages are there: plans the suites, runs them one after the other,
counts. A suite that cannot even be built counts as one failure; the others still run.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support import suites  # noqa: E402
from support.suites import Context, Result  # noqa: E402

USAGE = """tests/run [NAME...] [-preset asan|debug] [-fuzz SECONDS] [-seed N] [-long] [-list]

NAME is a suite, or any part of the name of a test program (unit.proto.base.test_buf), of a test
file or function, of a lint script, of a fuzz target. Suites: %s.
""" % ", ".join(suites.NAMES)


def parse(args: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/run", usage=USAGE, add_help=False, allow_abbrev=False)
    parser.add_argument("names", nargs="*")
    for name, options in {
        "preset": {"choices": ["asan", "debug", "release"], "default": "asan"},
        "fuzz": {"type": int, "default": 0, "metavar": "SECONDS"},
        "seed": {"type": int, "default": 1, "metavar": "N", "help": "of fuzzing; 0: a new one"},
        "long": {"action": "store_true"},
        "list": {"action": "store_true"},
        "help": {"action": "help"},
    }.items():
        parser.add_argument(f"-{name}", f"--{name}", dest=name, **options)
    return parser.parse_args(args)


def title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def run(context: Context) -> list[Result]:
    results: list[Result] = []
    for name, suite in suites.ALL.items():
        plan = suite.plan(context)
        if plan is None:
            continue
        if context.only_list:
            print("\n".join(f"{name}: {line}" for line in suite.describe(plan)))
            continue
        title(name)
        start = time.monotonic()
        result = suite.run(context, plan)
        result.name, result.seconds = name, time.monotonic() - start
        results.append(result)
    return results


def summary(results: list[Result]) -> int:
    title("summary")
    for result in results:
        skipped = f", {result.skipped} skipped" if result.skipped else ""
        print(
            f"{result.name:12} {result.passed:6} passed {result.failed:4} failed"
            f"  {result.seconds:6.1f} s{skipped}"
        )
        for failure in result.failures:
            print(f"             {failure}")
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def main() -> int:
    options = parse(sys.argv[1:])
    context = Context(
        names=options.names,
        preset=options.preset,
        fuzz_s=options.fuzz,
        fuzz_seed=options.seed,
        long=options.long,
        only_list=options.list,
    )
    os.environ["M2_BUILD"] = str(context.build)
    if options.long:
        os.environ["M2_LONG"] = "1"
    results = run(context)
    if options.list:
        return 0
    if not results:
        print(f"tests/run: nothing is called {' '.join(options.names)}; -list shows what there is")
    return summary(results)


if __name__ == "__main__":
    sys.exit(main())
