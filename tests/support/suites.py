"""The suites of tests/run. Each knows what a NAME means to it (`plan`), what it would run
(`describe`), and how to run and count that (`run`).
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = ROOT / "tests"
JOBS = os.cpu_count() or 1

SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


@dataclass
class Context:
    names: List[str]
    preset: str = "asan"
    fuzz_s: int = 0
    fuzz_seed: int = 1
    long: bool = False
    only_list: bool = False
    built: Dict[str, bool] = field(default_factory=dict)

    @property
    def build(self) -> Path:
        return ROOT / "build" if self.preset == "release" else ROOT / "build" / self.preset

    def wants(self, suite: str) -> bool:
        """Whether all of a suite is asked for."""
        return not self.names or suite in self.names

    def matching(self, suite: str, candidates: List[str]) -> List[str]:
        """Those of a suite that are asked for."""
        if self.wants(suite):
            return candidates
        parts = [name for name in self.names if name not in NAMES]
        if suite == "unit":  # a program may be named by its source
            parts = [re.sub(r"^tests/|\.c$", "", part).replace("/", ".") for part in parts]
        return [c for c in candidates if any(part in c for part in parts)]


@dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: List[str] = field(default_factory=list)
    name: str = ""
    seconds: float = 0.0

    def fail(self, what: str) -> None:
        self.failed += 1
        self.failures.append(what)


def call(*command: object, env: Optional[Dict[str, str]] = None) -> int:
    """Runs a command in the root, its output being seen as it comes."""
    words = [str(word) for word in command]
    print("$ " + " ".join(words), flush=True)
    return subprocess.call(words, cwd=ROOT, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


def build(context: Context, preset: str, targets: List[str]) -> bool:
    """Configures and builds; once for each set of targets."""
    key = " ".join([preset, *targets])
    if key not in context.built:
        options: List[str] = []
        if shutil.which("ccache"):
            options.append("-DCMAKE_C_COMPILER_LAUNCHER=ccache")
        chosen = [word for target in targets for word in ("--target", target)]
        context.built[key] = (
            call("cmake", "--preset", preset, "-Wno-dev", "--log-level=WARNING", *options) == 0
            and call("cmake", "--build", "--preset", preset, "-j", JOBS, *chosen) == 0
        )
    return context.built[key]


class Lint:
    """Scripts in tests/lint, and the tests that prove that each of them can fail."""

    def plan(self, context: Context) -> Optional[List[str]]:
        scripts = [p.name for p in (TESTS / "lint").iterdir() if os.access(p, os.X_OK) and p.is_file()]
        selftests = [p.name for p in (TESTS / "lint").glob("test_*.py")]
        return context.matching("lint", sorted(scripts) + sorted(selftests)) or None

    def describe(self, plan: List[str]) -> List[str]:
        return plan

    def run(self, context: Context, plan: List[str]) -> Result:
        result = Result()
        for name in plan:
            if name.endswith(".py"):
                continue
            if call(TESTS / "lint" / name) == 0:
                result.passed += 1
            else:
                result.fail(f"tests/lint/{name}")
        selftests = [f"tests/lint/{name}" for name in plan if name.endswith(".py")]
        if selftests:
            pytest(result, context, "lint", selftests)
        return result


class Unit:
    """The cmocka programs, and the replay of what fuzzing once found."""

    def plan(self, context: Context) -> Optional[List[str]]:
        programs = [
            "unit." + str(p.relative_to(TESTS / "unit").with_suffix("")).replace("/", ".")
            for p in (TESTS / "unit").rglob("test_*.c")
        ]
        replays = ["fuzz.replay." + p.stem for p in (TESTS / "fuzz").glob("fuzz_*.c")]
        return context.matching("unit", sorted(programs) + sorted(replays)) or None

    def describe(self, plan: List[str]) -> List[str]:
        return plan

    def run(self, context: Context, plan: List[str]) -> Result:
        result = Result()
        targets = [] if context.wants("unit") else [name.replace("fuzz.replay.", "") for name in plan]
        if not build(context, context.preset, targets):
            result.fail(f"the build of preset {context.preset}")
            return result
        report = context.build / "unit.xml"
        report.unlink(missing_ok=True)
        names = "^(" + "|".join(re.escape(name) for name in plan) + ")$"
        call(
            *["ctest", "--test-dir", context.build, "-j", JOBS, "-R", names],
            *["--output-on-failure", "--output-junit", report],
            *["--test-output-size-passed", 10_000_000, "--test-output-size-failed", 10_000_000],
            env=SANITIZERS,
        )
        self._count(result, report)
        missing = len(plan) - self._programs
        if missing > 0:
            result.fail(f"{missing} test programs that ctest does not know")
        return result

    def _count(self, result: Result, report: Path) -> None:
        """A cmocka program counts as its tests, any other program as one."""
        self._programs = 0
        if not report.exists():
            result.fail("ctest has made no report")
            return
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            self._programs += 1
            output = case.findtext("system-out") or ""
            result.passed += output.count("[       OK ]")
            failed = sorted(set(re.findall(r"\[  FAILED  \] ([A-Za-z_]\w*)$", output, re.M)))
            for name in failed:
                result.fail(f"{case.get('name')}: {name}")
            if case.get("status") != "run" and not failed:
                result.fail(f"{case.get('name')}: ended badly")
            elif "[==========]" not in output and case.get("status") == "run":
                result.passed += 1


class Python:
    """Tests with pytest in one folder."""

    def __init__(self, folder: str, programs: bool, parallel: bool = False):
        self.folder = folder
        self.programs = programs
        self.parallel = parallel

    def plan(self, context: Context) -> Optional[List[str]]:
        suite = self.folder.split("/")[-1]
        files = sorted(str(p.relative_to(ROOT)) for p in (TESTS / self.folder).rglob("test_*.py"))
        if not files or context.wants(suite):
            return files or None
        chosen = context.matching(suite, files)
        if chosen:
            return chosen
        names = [name for name in context.names if name not in NAMES and re.fullmatch(r"\w+", name)]
        has = re.compile(rf"^\s*(async )?def test_\w*({'|'.join(names)})", re.M) if names else None
        chosen = [f for f in files if has and has.search((ROOT / f).read_text(encoding="utf-8"))]
        return ["-k", " or ".join(names), *chosen] if chosen else None

    def describe(self, plan: List[str]) -> List[str]:
        return plan[2:] if plan[0] == "-k" else plan

    def run(self, context: Context, plan: List[str]) -> Result:
        result = Result()
        if self.programs and not build(context, context.preset, []):
            result.fail(f"the build of preset {context.preset}")
            return result
        extra = ["-n", str(JOBS)] if self.parallel else []
        pytest(result, context, self.folder.replace("/", "-"), [*extra, *plan])
        return result


def pytest(result: Result, context: Context, name: str, args: List[str]) -> None:
    """Runs pytest and adds up."""
    context.build.mkdir(parents=True, exist_ok=True)
    report = context.build / f"{name}.xml"
    report.unlink(missing_ok=True)
    status = call(
        *["/usr/bin/python3", "-B", "-m", "pytest", "-c", "tests/pytest.ini", "-p", "no:cacheprovider"],
        *["-q", f"--junitxml={report}", *args],
        env=SANITIZERS,
    )
    before = result.failed
    if report.exists():
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"}:
                result.fail(f"{case.get('classname')}::{case.get('name')}")
            elif "skipped" in kinds:
                result.skipped += 1
            else:
                result.passed += 1
    if status not in (0, 1, 5) or (status == 1 and result.failed == before):
        result.fail(f"pytest ended with status {status}")


class Fuzz:
    """Each target for some seconds, from its corpus; what is found stays in build/fuzz/findings.

    With the same seed and an empty build/fuzz/corpus a run tries the same inputs in the same order
    on every machine: a change that fails here is a change that broke something."""

    def plan(self, context: Context) -> Optional[List[str]]:
        targets = sorted(p.stem for p in (TESTS / "fuzz").glob("fuzz_*.c"))
        return context.matching("fuzz", targets) or None if context.fuzz_s else None

    def describe(self, plan: List[str]) -> List[str]:
        return plan

    def run(self, context: Context, plan: List[str]) -> Result:
        result = Result()
        if not build(context, "fuzz", plan):
            result.fail("the build of preset fuzz")
            return result
        with ThreadPoolExecutor(JOBS) as pool:
            runs = pool.map(lambda target: (target, self._target(context, target)), plan)
            for target, problem in runs:
                if problem:
                    print(problem, flush=True)
                    result.fail(target)
                else:
                    print(f"{target}: nothing found in {context.fuzz_s} s", flush=True)
                    result.passed += 1
        return result

    def _target(self, context: Context, target: str) -> str:
        """What went wrong, with the end of the log; empty when nothing was found."""
        base = ROOT / "build" / "fuzz"
        corpus, findings = base / "corpus" / target, base / "findings"
        for folder in (corpus, findings):
            folder.mkdir(parents=True, exist_ok=True)
        seeds = [TESTS / "fuzz" / kind / target for kind in ("corpus", "regressions")]
        dictionary = TESTS / "fuzz" / f"{target}.dict"
        command = [
            base / "fuzz" / target,
            f"-max_total_time={context.fuzz_s}",
            f"-seed={context.fuzz_seed}",
            *["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"],
            f"-artifact_prefix={findings}/{target}-",
            *([f"-dict={dictionary}"] if dictionary.exists() else []),
            corpus,
            *[seed for seed in seeds if seed.is_dir()],
        ]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=base,
            env={**os.environ, **SANITIZERS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        log = done.stdout.decode("utf-8", "replace")
        (findings / f"{target}.log").write_text(log)
        if done.returncode == 0:
            return ""
        named = re.search(r"Test unit written to (\S+)", log)
        found = base64.b64encode(Path(named[1]).read_bytes()).decode() if named else ""
        return f"{target}: FOUND, in base64: {found[:65536]}\n{log[-4000:]}"


ALL = {
    "lint": Lint(),
    "unit": Unit(),
    "python": Python("unit/python", programs=False),
    "conformance": Python("conformance", programs=True),
    "system": Python("system", programs=True),
    "contract": Python("contract", programs=True, parallel=True),
    "chaos": Python("chaos", programs=True),
    "fuzz": Fuzz(),
}
NAMES = list(ALL)
