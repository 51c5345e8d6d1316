"""The warnings check finds what it is there to find: with our own flags, by both compilers."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CMAKE = HERE.parent.parent / "deploy" / "cmake"

PROJECT = f"""
cmake_minimum_required(VERSION 3.22)
project(small LANGUAGES C)
set(UTHASH_INCLUDE_DIR /usr/include)
include({CMAKE}/Options.cmake)
include({CMAKE}/Warnings.cmake)
m2_library(small small.c)
"""
GOOD = "int half(int n);\nint half(int n)\n{\n    return n / 2;\n}\n"
BAD = {
    "unused variable": GOOD.replace("return", "int x;\n    return"),
    "shadowed name": GOOD.replace("return n / 2", "{ int n = 1; return n; }"),
    "narrowing": GOOD.replace("return n / 2", "char c = n; return c"),
    "no prototype": GOOD.replace("int half(int n);\n", ""),
}


def lint(folder, text, compiler):
    (folder / "CMakeLists.txt").write_text(PROJECT)
    (folder / "small.c").write_text(text)
    command = [HERE / "warnings", compiler, "-source", folder, "-build", folder / "build"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_warnings_are_errors(tmp_path, compiler):
    done = lint(tmp_path, GOOD, compiler)
    assert done.returncode == 0, done.stdout + done.stderr
    for what, text in BAD.items():
        done = lint(tmp_path, text, compiler)
        assert done.returncode == 1 and "small.c:" in done.stdout, what


def test_wrong_usage():
    done = subprocess.run([HERE / "warnings", "tcc"], capture_output=True, text=True)
    assert done.returncode == 2 and "usage" in done.stderr
