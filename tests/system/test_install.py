"""`cmake --install` puts everything where a Debian package would, and what is installed works."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from support.program import run
from support.server import ROOT, build_folder

PROGRAMS = ["bin/m2sh", "bin/mongrel2", "bin/procer", "sbin/m2gateway", "sbin/mongrel2-coordinator"]
FILES = [
    "include/m2handler.h",
    "lib/systemd/system/mongrel2@.service",
    "lib/systemd/system/mongrel2@.socket",
    "lib/systemd/system/mongrel2-node@.service",
    "lib/systemd/system/mongrel2-coordinator.service",
    "lib/sysusers.d/mongrel2.conf",
    "lib/python3/dist-packages/mongrel2/__init__.py",
    "share/doc/mongrel2-cluster/examples/mongrel2.logrotate",
]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The prefix of an installation in a folder of its own, removed afterwards: it is large."""
    top = tmp_path_factory.mktemp("root")
    done = run(["cmake", "--install", build_folder()], env={"DESTDIR": str(top)})
    assert done.returncode == 0, done.stderr.decode()
    yield top / "usr" / "local"
    shutil.rmtree(top)


def library_folder(prefix: Path) -> Path:
    return next(prefix.glob("lib/**/pkgconfig")).parent


def test_what_is_there(prefix: Path) -> None:
    manual = [f"share/man/man{page.suffix[1:]}/{page.name}" for page in (ROOT / "docs/man").glob("*.[1-8]")]
    assert len(manual) > 4
    missing = [name for name in PROGRAMS + FILES + manual if not (prefix / name).is_file()]
    assert missing == []
    assert (library_folder(prefix) / "libm2handler.so").is_symlink()


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_run(prefix: Path, program: str) -> None:
    shown = run([prefix / program, "version" if program.endswith("m2sh") else "-version"])
    assert shown.returncode == 0 and b"2." in shown.stdout + shown.stderr


def test_a_handler_is_compiled_by_pkg_config(prefix: Path, tmp_path: Path) -> None:
    library = library_folder(prefix)
    where = {"PKG_CONFIG_PATH": str(library / "pkgconfig")}
    flags = run(["pkg-config", "--cflags", "--libs", "m2handler"], env=where).stdout.decode().split()
    assert any(str(prefix) in os.path.realpath(word[2:]) for word in flags if word.startswith("-I"))
    command = ["cc", ROOT / "docs/examples/hello_c/hello.c", "-o", tmp_path / "hello", *flags]
    sanitized = "-fsanitize=address,undefined" if build_folder().name == "asan" else "-O1"
    done = run([*command, sanitized])
    assert done.returncode == 0, done.stderr.decode()
    linked = run(["ldd", tmp_path / "hello"], env={"LD_LIBRARY_PATH": str(library)}).stdout.decode()
    assert f"libm2handler.so.2 => {library}" in linked


def test_the_python_package_is_imported(prefix: Path) -> None:
    package = prefix / "lib/python3/dist-packages"
    done = run(
        ["/usr/bin/python3", "-B", "-c", "import mongrel2; print(mongrel2.__file__)"],
        env={"PYTHONPATH": str(package)},
    )
    assert done.stdout.decode().strip() == str(package / "mongrel2" / "__init__.py")


def test_units(prefix: Path) -> None:
    units = sorted((prefix / "lib/systemd/system").glob("*.service"))
    assert len(units) == 3
    for unit in units:
        text = unit.read_text()
        assert "@" not in text.split("ExecStart=")[1].split()[0]
        assert "Type=notify\n" in text and "ProtectSystem=strict\n" in text and "NoNewPrivileges=yes\n" in text


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(prefix: Path, tmp_path: Path) -> None:
    copies = []
    for unit in sorted((prefix / "lib/systemd/system").iterdir()):
        text = unit.read_text().replace("/usr/local/", f"{prefix}/").replace("User=mongrel2\n", "")
        copies.append(tmp_path / unit.name.replace("@.", "@one."))
        copies[-1].write_text(text)
    assert len(copies) == 4
    for copy in copies:  # the socket looks for its service
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(copy)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        ours = [line for line in done.stderr.decode().split("\n") if copy.name in line]
        assert done.returncode == 0 and ours == []
