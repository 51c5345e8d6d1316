"""What the Tab key of bash offers, asked of a real bash; and that zsh and fish can read their scripts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import List

import pytest

from support.m2sh import m2sh

ASK = """
source {script}
COMP_WORDS=({words}) COMP_CWORD=$(({count} - 1)) COMP_LINE='{line}' COMP_POINT={point}
compopt() {{ :; }}
_m2sh
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "m2sh.bash"
    path.write_text(m2sh("completion", "bash", cwd=path.parent).stdout)
    return path


def offered(script: Path, *words: str, cwd: Path = Path("/")) -> List[str]:
    """What is offered for the last word."""
    line = " ".join(words)
    text = ASK.format(
        script=script, words=" ".join(f"'{w}'" for w in words), count=len(words), line=line, point=len(line)
    )
    done = subprocess.run(["bash", "--norc", "-c", text], stdout=subprocess.PIPE, text=True, check=True, cwd=cwd)
    return done.stdout.split()


def test_commands_and_options(script: Path) -> None:
    names = [entry["name"] for entry in json.loads(m2sh("help", "-json", cwd=script.parent).stdout)]
    assert offered(script, "m2sh", "") == names
    assert offered(script, "m2sh", "re") == [name for name in names if name.startswith("re")]
    options = offered(script, "m2sh", "push", "-")
    assert {"-config", "-why", "-policy", "-canary", "-cluster", "-json", "-help"} <= set(options)
    assert offered(script, "m2sh", "push", "-ca") == ["-canary"]
    assert offered(script, "m2sh", "nonsense", "-") == []


def test_values(script: Path, tmp_path: Path) -> None:
    assert offered(script, "m2sh", "push", "-policy", "") == ["all", "majority", "any"]
    assert offered(script, "m2sh", "push", "-policy", "ma") == ["majority"]
    (tmp_path / "site.conf").touch()
    (tmp_path / "sites").mkdir()
    assert sorted(offered(script, "m2sh", "push", "-config", "si", cwd=tmp_path)) == ["site.conf", "sites"]
    assert offered(script, "m2sh", "push", "-why", "") == []


def test_every_command_has_its_options(script: Path) -> None:
    for name in offered(script, "m2sh", ""):
        told = json.loads(m2sh("help", "-json", cwd=script.parent).stdout)
        assert any(entry["name"] == name for entry in told)
        assert {"-json", "-help"} <= set(offered(script, "m2sh", name, "-")), name


@pytest.mark.parametrize("shell, check", [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_the_script_can_be_read(shell: str, check: str, tmp_path: Path) -> None:
    path = tmp_path / f"m2sh.{shell}"
    path.write_text(m2sh("completion", shell, cwd=tmp_path).stdout)
    done = subprocess.run([shell, check, str(path)], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_shells(tmp_path: Path) -> None:
    done = m2sh("completion", "csh", cwd=tmp_path)
    assert done.returncode == 2 and "bash, zsh or fish" in done.stderr
