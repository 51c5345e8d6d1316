"""Rounds: every contender of a case in turn, over and over, so that what the machine does besides
hits all alike; the median of the rounds is the figure."""

import statistics
from dataclasses import dataclass, field

from . import instructions, syscalls, wrk
from .processes import Failure

FOREIGN = 0.05  # of the server's core; more is worth a word


@dataclass
class EntryResult:
    label: str
    missing: str = ""   # why it did not take part
    failure: str = ""   # what went wrong
    rounds: list = field(default_factory=list)
    extra: dict = field(default_factory=dict)  # "calls", "calls_by", "instructions", "wrk"

    @property
    def median(self):
        """Medians of all figures and what was counted besides; None when nothing was measured."""
        if not self.rounds:
            return None
        keys = [key for key, value in self.rounds[0].items() if isinstance(value, (int, float))]
        medians = {key: statistics.median(r[key] for r in self.rounds) for key in keys}
        return {**medians, **self.extra}

    def spread(self, key):
        """Half the distance of the extreme rounds, as a share of the median."""
        values = [r[key] for r in self.rounds]
        middle = statistics.median(values)
        return (max(values) - min(values)) / 2 / middle if middle else 0.0

    @property
    def errors(self):
        return "; ".join(sorted({r["errors"] for r in self.rounds if r["errors"]}))


@dataclass
class CaseResult:
    case: object
    entries: list

    @property
    def figures(self):
        return {e.label: e.median for e in self.entries if e.rounds}

    @property
    def failures(self):
        return [f"{self.case.name}, {e.label}: {e.failure or e.errors}" for e in self.entries
                if e.failure or e.errors]

    @property
    def foreign(self):
        """The largest share that others took of the server's core in a median round."""
        return max((m.get("foreign", 0.0) for m in self.figures.values()), default=0.0)


def run_case(bench, case, progress):
    """Measures one case; always leaves with everything it started stopped."""
    pairs = []
    result = CaseResult(case, [])
    try:
        for entry in case.entries:
            if entry.contender not in bench.contenders:
                continue  # left out by -only
            outcome = EntryResult(entry.label)
            result.entries.append(outcome)
            outcome.missing = bench.contenders[entry.contender].missing() or ""
            if outcome.missing:
                continue
            progress(f"{case.name}: preparing {entry.label}")
            setup = case.make_setup(bench, entry)
            if _attempt(outcome, lambda s=setup: _bring_up(case, s)):
                pairs.append((setup, outcome))
            else:
                setup.stop()
        _rounds(bench, case, pairs, progress)
        _extras(bench, case, pairs, progress)
    finally:
        for setup, _ in pairs:
            setup.stop()
    return result


def _bring_up(case, setup):
    setup.prepare()
    if not case.is_fresh:
        setup.start()


def _attempt(outcome, action):
    try:
        action()
        return True
    except Failure as failure:
        outcome.failure = str(failure)
        return False


def _rounds(bench, case, pairs, progress):
    count = bench.options.rounds
    for number in range(count):
        first = number % len(pairs) if pairs else 0
        for setup, outcome in pairs[first:] + pairs[:first]:
            if outcome.failure:
                continue
            progress(f"{case.name}: round {number + 1} of {count}, {outcome.label}")
            _attempt(outcome, lambda s=setup, o=outcome: o.rounds.append(case.measure(s)))


def _extras(bench, case, pairs, progress):
    options = bench.options
    if not case.has_calls:
        return
    for number, (setup, outcome) in enumerate(pairs):
        if outcome.failure:
            continue
        if options.syscalls and not (options.check and number > 0):
            progress(f"{case.name}: system calls of {outcome.label}")
            _attempt(outcome, lambda s=setup, o=outcome: o.extra.update(syscalls.count(case, s)))
        if options.wrk and wrk.is_possible(case, setup):
            progress(f"{case.name}: wrk against {outcome.label}")
            _attempt(outcome, lambda s=setup, o=outcome: o.extra.update(wrk.measure(case, s)))
        if options.instructions:
            progress(f"{case.name}: instructions of {outcome.label}")
            _attempt(outcome,
                     lambda s=setup, o=outcome: o.extra.update(instructions.count(case, s)))
