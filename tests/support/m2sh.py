"""Runs the m2sh that was built, and makes small sites for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Mapping, Optional

ROOT = Path(__file__).resolve().parent.parent.parent


def bin_folder() -> Path:
    """$M2_BIN, else the newest of the builds that have an m2sh."""
    if "M2_BIN" in os.environ:
        return Path(os.environ["M2_BIN"]).resolve()
    builds = [ROOT / "build" / preset / "bin" for preset in ("asan", "debug", ".")]
    found = [folder for folder in builds if (folder / "m2sh").exists()]
    assert found, "m2sh is not built"
    return max(found, key=lambda folder: (folder / "m2sh").stat().st_mtime)


def m2sh(
    *args: object,
    cwd: Path,
    stdin: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
    program: Optional[Path] = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `m2sh ARGS` in `cwd`; no environment of the machine gets in its way."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("M2SH_")}
    clean.update({"LOGNAME": "alice", "HOME": str(cwd), **(env or {})})
    return subprocess.run(
        [str(program or bin_folder() / "m2sh"), *map(str, args)],
        cwd=cwd,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean,
        text=True,
        timeout=30,
    )


def server(name: str, number: int, **more: str) -> str:
    """One server in the configuration language, its port being `number`; `more` replaces its parameters, as written."""
    parameters = {
        "uuid": f'"aaaaaaaa-bbbb-4ccc-8ddd-{number:012d}"',
        "name": f'"{name}"',
        "default_host": f'"{name}.example"',
        "chroot": '"./"',
        "access_log": f'"/{name}.access.log"',
        "error_log": f'"/{name}.error.log"',
        "pid_file": f'"/{name}.pid"',
        "control_port": f'"ipc://{name}.control"',
        "port": str(number),
        "hosts": f'[Host(name="{name}.example", routes={{"/": files, "/more/(.*)": files}})]',
        **more,
    }
    return "Server(" + ", ".join(f"{key}={value}" for key, value in parameters.items()) + ")"


def site(*servers: str, more: str = "") -> str:
    """A whole configuration file."""
    return (
        'files = Dir(base="www/", index_file="index.html", default_ctype="text/html")\n'
        f"servers = [{', '.join(servers)}]\n{more}"
    )
