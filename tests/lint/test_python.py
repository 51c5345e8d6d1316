"""The Python check finds what it is there to find."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize(
    "text, problem",
    [
        ("x: int = 1\n", None),
        ("import os\n", "imported but unused"),
        ("print(y)\n", "undefined name"),
        ("x: int = 'a'\n", "Incompatible types"),
        ("def f(a):\n    return a\n", "missing a type annotation"),
    ],
)
def test_what_is_found(tmp_path, text, problem):
    file = tmp_path / "module.py"
    file.write_text(text)
    done = subprocess.run([HERE / "python", file], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == (1 if problem else 0), done.stdout
    if problem:
        assert problem in done.stdout + done.stderr
