"""The package as it is installed."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import mongrel2

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "proto" / "python"


def test_one_version():
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert re.search(r"project\(\S+ VERSION (\S+)", cmake).group(1) == mongrel2.__version__


def test_everything_that_is_promised_is_there():
    for name in mongrel2.__all__:
        assert getattr(mongrel2, name).__doc__, name


def test_the_oldest_python_can_read_it():
    for path in PACKAGE.glob("mongrel2/*.py"):
        text = path.read_text(encoding="utf-8")
        ast.parse(text, path.name, feature_version=(3, 9))
        assert "from __future__ import annotations" in text or path.name == "__init__.py", path


def test_cmake_installs_it(tmp_path):
    """By the rules of its folder alone, in a project of its own."""
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(package LANGUAGES NONE)\n"
        f"add_subdirectory({PACKAGE} python)\n"
    )
    prefix = tmp_path / "prefix"
    for command in (
        ["cmake", "-S", tmp_path, "-B", tmp_path / "build"],
        ["cmake", "--install", tmp_path / "build", "--prefix", prefix],
    ):
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    installed = prefix / "lib/python3/dist-packages"
    assert (installed / "mongrel2/py.typed").exists()
    code = "import mongrel2; print(mongrel2.__file__)"
    env = {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == str(installed / "mongrel2/__init__.py")
    assert not list(installed.rglob("__pycache__")) and not list(installed.rglob("*.pyc"))
