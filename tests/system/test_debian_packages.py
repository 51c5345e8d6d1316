"""The Debian packages are built by one command, say whom they replace, and work when they are unpacked."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterator, List

import pytest

from support.program import run
from support.server import ROOT

PACKAGES = {
    "mongrel2-cluster": [
        "usr/bin/m2sh",
        "usr/bin/mongrel2",
        "usr/bin/procer",
        "usr/sbin/m2gateway",
        "usr/sbin/mongrel2-coordinator",
        "usr/lib/systemd/system/mongrel2@.service",
        "usr/share/man/man8/procer.8.gz",
    ],
    "libm2handler2": [],
    "libm2handler-dev": ["usr/include/m2handler.h", "usr/include/mongrel2/plugin.h"],
    "python3-mongrel2": ["usr/lib/python3/dist-packages/mongrel2/__init__.py"],
}

pytestmark = [
    pytest.mark.skipif(not shutil.which("dh"), reason="debhelper is not installed"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("packages")
    done = run([ROOT / "deploy/debian/build", out], env={"DEB_BUILD_OPTIONS": "noautodbgsym"}, timeout_s=800)
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    yield out
    shutil.rmtree(out)


def packages(built: Path) -> List[Path]:
    return sorted(built.glob("*.deb"))


def test_what_is_in_them(built: Path, tmp_path: Path) -> None:
    assert sorted(deb.name.split("_")[0] for deb in packages(built)) == sorted(PACKAGES)
    for deb in packages(built):
        top = tmp_path / deb.name
        assert run(["dpkg-deb", "-x", deb, top]).returncode == 0
        missing = [name for name in PACKAGES[deb.name.split("_")[0]] if not (top / name).is_file()]
        assert missing == []
        if deb.name.startswith("mongrel2-cluster"):
            shown = run([top / "usr/bin/mongrel2", "-version"])
            assert shown.stdout.startswith(b"Mongrel2/")
            unit = (top / "usr/lib/systemd/system/mongrel2@.service").read_text()
            assert "ExecStart=/usr/bin/mongrel2 config.sqlite" in unit


def test_debians_own_mongrel2_does_not_stay_beside_it(built: Path) -> None:
    deb = next(built.glob("mongrel2-cluster_*.deb"))
    for field in ("Conflicts", "Replaces", "Provides"):
        assert run(["dpkg-deb", "-f", deb, field]).stdout.strip() == b"mongrel2-core"


@pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is not installed")
def test_lintian_finds_no_error(built: Path) -> None:
    """Who publishes the packages puts in an address that is read."""
    kept = "bogus-mail-host,bogus-mail-host-in-debian-changelog"
    done = run(["lintian", "--fail-on", "error", "--suppress-tags", kept, *packages(built)], timeout_s=300)
    assert done.returncode == 0, done.stdout.decode()
