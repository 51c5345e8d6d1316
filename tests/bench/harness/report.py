"""What people and programs read: aligned tables on the terminal, Markdown for docs/performance.md,
JSON with every round."""

import json
import time

from .goals import NOISE
from .measure import FOREIGN

CAVEAT = (
    "Take less than 10 % as nothing: the same program under two names differs by 6–8 % in "
    "requests/s. CPU per operation is the figure to trust; rates count only where the server is the "
    "bottleneck (busy near 100 %). Compare within one run, never absolute figures between runs.")


EXTRA_COLUMNS = (("wrk requests/s", "wrk", ",.0f"), ("instructions", "instructions", ",.0f"))


class Table:
    """A case as text cells: heading, rows, and lines to be read below it."""

    def __init__(self, result):
        self.result = result
        case = result.case
        self.references = self._references()
        self.columns = [column for column in (*case.columns, *EXTRA_COLUMNS)
                        if any(column[1] in median for median in result.figures.values())]
        self.heading = ["", *(heading for heading, _, _ in self.columns),
                        *(f"{reference}/it {heading}" for reference in self.references
                          for heading, _ in case.compared), *self._baseline_heading()]
        self.rows = [self._row(entry) for entry in result.entries]
        self.notes = self._notes()
        self.goals = self._goals()

    def _references(self):
        """Whose figures are divided by the others': ours if measured, otherwise mongrel2's."""
        if self._has_baselines():
            return []
        measured = self.result.figures
        return [label for label in ("ours", "ours pool") if label in measured] or \
            [label for label in ("mongrel2",) if label in measured]

    def _has_baselines(self):
        return any(entry.baseline for entry in self.result.case.entries)

    def _baseline_heading(self):
        return ["CPU against few"] if self._has_baselines() else []

    def _row(self, outcome):
        median = outcome.median
        if median is None:
            return [outcome.label, outcome.missing or f"failed: {outcome.failure}"]
        cells = [outcome.label]
        for _, key, form in self.columns:
            cells.append(format(median[key], form) if key in median else "")
        for reference in self.references:
            base = self.result.figures[reference]
            for _, key in self.result.case.compared:
                cells.append("" if outcome.label == reference or not median[key]
                             else f"{base[key] / median[key]:.2f}")
        if self._has_baselines():
            cells.append(self._against_baseline(outcome.label, median))
        return cells

    def _against_baseline(self, label, median):
        entry = next(e for e in self.result.case.entries if e.label == label)
        base = self.result.figures.get(entry.baseline)
        return f"{median['cpu_us'] / base['cpu_us']:.2f}" if base else ""

    def _notes(self):
        notes = [f"{e.label}: {e.failure or e.errors}" for e in self.result.entries
                 if e.rounds and (e.failure or e.errors)]
        by = sorted({m["calls_by"] for m in self.result.figures.values() if "calls_by" in m})
        if by:
            notes.append(f"calls: system calls per operation, counted by {' and '.join(by)} in a "
                         "separate short run")
        spread = [(e.spread(key), e.label, heading) for e in self.result.entries if len(e.rounds) > 1
                  for heading, key in self.result.case.compared]
        if spread:
            worst = max(spread)
            notes.append(f"rounds differ by up to ±{worst[0]:.0%} ({worst[1]}, {worst[2]})")
        if self.result.foreign > FOREIGN:
            notes.append(f"NOISY: other processes took up to {self.result.foreign:.0%} of the "
                         "server's core")
        return notes

    def _goals(self):
        lines = []
        for goal in self.result.case.goals:
            value, verdict = goal.judge(self.result.figures)
            if value is not None:
                form = ",.2f" if goal.peer else ",.0f"
                lines.append((goal.level, goal.text(), format(value, form), verdict))
        return lines


def terminal(table):
    """The table as aligned text."""
    widths = [max(len(row[i]) for row in [table.heading, *table.rows] if len(row) > max(i, 2))
              if i else max(len(row[0]) for row in [table.heading, *table.rows])
              for i in range(len(table.heading))]
    lines = ["", table.result.case.title,
             "  ".join(cell.rjust(width) for cell, width in zip(table.heading, widths))]
    for row in table.rows:
        name = row[0].ljust(widths[0])
        if len(row) == 2 and len(table.heading) > 2:
            lines.append(f"{name}  {row[1]}")
        else:
            lines.append("  ".join([name, *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]))
    lines += [f"  {note}" for note in table.notes]
    lines += [f"  goal ({level}) {text}: {value}, {verdict}"
              for level, text, value, verdict in table.goals]
    return "\n".join(lines)


def markdown(table):
    """The table for docs/performance.md."""
    lines = [f"### {table.result.case.title[0].upper()}{table.result.case.title[1:]}", "",
             "| " + " | ".join(table.heading) + " |",
             "|---|" + "---:|" * (len(table.heading) - 1)]
    for row in table.rows:
        lines.append("| " + " | ".join(row + [""] * (len(table.heading) - len(row))) + " |")
    lines += [""] + [f"- {note[0].upper()}{note[1:]}." for note in table.notes]
    if table.goals:
        lines += ["", "| goal | | measured | |", "|---|---|---:|---|"]
        lines += [f"| {level} | {text} | {value} | {verdict} |"
                  for level, text, value, verdict in table.goals]
    return "\n".join(lines) + "\n"


def machine_line(machine):
    return (f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}; server on core "
            f"{machine['server_core']}, load, handlers and upstreams on core "
            f"{machine['load_core']}")


def versions_line(versions):
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def write_markdown(path, header, results):
    """A whole file: machine, versions, how it was measured, the tables, the caveat."""
    text = ["Written by `tests/bench/run" + "".join(f" {word}" for word in header["arguments"]) +
            f"` on {header['date']}.", "", machine_line(header["machine"]) + ".",
            versions_line(header["versions"]) + ".", "",
            f"Median of {header['rounds']} alternating rounds of {header['seconds']:g} s. {CAVEAT}", ""]
    text += [markdown(Table(result)) for result in results]
    path.write_text("\n".join(text))


def write_json(path, header, results):
    """Every round of every entry, and the medians."""
    cases = []
    for result in results:
        cases.append({
            "name": result.case.name,
            "title": result.case.title,
            "entries": [{
                "label": e.label, "missing": e.missing, "failure": e.failure, "errors": e.errors,
                "rounds": e.rounds, "median": e.median} for e in result.entries],
            "goals": [{"level": level, "goal": text, "value": value, "verdict": verdict}
                      for level, text, value, verdict in Table(result).goals],
        })
    path.write_text(json.dumps({**header, "noise": NOISE, "cases": cases}, indent=1) + "\n")


def without_files(arguments):
    """The words that decide what is measured; where files lie is nobody else's business."""
    words, skip = [], False
    for word in arguments:
        if skip:
            skip = False
        elif word.lstrip("-") in ("json", "markdown", "build"):
            skip = True
        elif not word.lstrip("-").startswith(("json=", "markdown=", "build=")):
            words.append(word)
    return words


def header_of(options, machine, versions, arguments):
    return {
        "date": time.strftime("%Y-%m-%d"),
        "arguments": without_files(arguments),
        "machine": machine,
        "versions": versions,
        "rounds": options.rounds,
        "seconds": options.measure_ms / 1000,
    }
