"""The format check finds what it is there to find, and puts it right."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

GOOD = {"a.c": "int main(void)\n{\n    return 0;\n}\n", "b.txt": "words\n", "empty.txt": ""}
BAD = {
    "a.c": "int main(void) { return  0; }\n",
    "b.h": "int  x;\n",
    "b.txt": "words \nmore\n",
    "c.py": "x = 1\t\n",
    "d.md": "no newline",
}


def lint(mode, *files):
    command = [HERE / "format", mode, *files]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def write(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files]


def test_what_is_right(tmp_path):
    assert lint("check", *write(tmp_path, GOOD)) == (0, "")


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_found_and_put_right(tmp_path, name):
    (file,) = write(tmp_path, {name: BAD[name]})
    status, output = lint("check", file)
    assert status == 1 and name in output and "format fix" in output
    assert lint("fix", file)[0] == 0
    assert lint("check", file) == (0, "")


def test_where_every_byte_counts_nothing_is_touched(tmp_path):
    golden = tmp_path / "tests/golden"
    golden.mkdir(parents=True)
    (file,) = write(golden, {"x.txt": "bytes u 1:1, \nno newline"})
    assert lint("check", file) == (0, "")
    lint("fix", file)
    assert file.read_text() == "bytes u 1:1, \nno newline"


def test_wrong_usage():
    assert lint("what")[0] == 2
