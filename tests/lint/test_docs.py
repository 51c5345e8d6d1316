"""The check of the documentation finds what it is there to find."""

import shutil
import subprocess
from pathlib import Path
from typing import Dict, Tuple

import pytest

HERE = Path(__file__).resolve().parent

GOOD = {
    "README.md": "# Mongrel2\n\n[tour](docs/ARCHITECTURE.md#life-of-a-request) [web](https://x.test/)\n",
    "docs/ARCHITECTURE.md": "## Life of a `request`\n\n`conn_create` in `io/conn.c`; `name_of_shape`\n",
    "node/io/conn.c": "/* docs/ARCHITECTURE.md */\nint conn_create(int name_of_shape);\n",
    "node/main.c": 'options[] = {\n    {"port", "N", "listen"},\n};\n',
    "docs/man/mongrel2.8": ".Dd November 22, 2026\n.Dt MONGREL2 8\n.Os\n.Sh NAME\n.Nm mongrel2\n"
    ".Nd server\n.Sh DESCRIPTION\nOptions:\n.Bl -tag -width Ds\n.It Fl port Ar n\nA port.\n.El\n",
}
BAD = [
    ("README.md", "[tour](docs/TOUR.md)\n", "the link to docs/TOUR.md leads nowhere"),
    ("README.md", "[tour](docs/ARCHITECTURE.md#death)\n", "has no part #death"),
    ("docs/ARCHITECTURE.md", "## Life of a `request`\n\n`conn_make`\n", "there is no conn_make"),
    ("docs/ARCHITECTURE.md", "## Life of a `request`\n\n`io/socket.c`\n", "no file io/socket.c"),
    ("docs/decisions/0001-x.md", "`conn_gone`\n", "there is no conn_gone"),
    ("node/io/conn.c", "/* docs/man/m2.7 */\nint conn_create(int name_of_shape);\n", "no page docs/man/m2.7"),
    ("node/main.c", '    {"port", "N", ""},\n    {"bind", "ADDR", ""},\n', "option -bind of node/main.c"),
]


def lint(root: Path, files: Dict[str, str]) -> Tuple[int, str]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([HERE / "docs", root], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_is_in_order(tmp_path: Path) -> None:
    assert lint(tmp_path, GOOD) == (0, "")


@pytest.mark.parametrize("name, text, problem", BAD)
def test_what_does_not_fit(tmp_path: Path, name: str, text: str, problem: str) -> None:
    status, output = lint(tmp_path, {**GOOD, name: text})
    assert status == 1 and problem in output


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_a_manual_page_that_is_malformed(tmp_path: Path) -> None:
    page = GOOD["docs/man/mongrel2.8"].replace(".El\n", "")
    status, output = lint(tmp_path, {**GOOD, "docs/man/mongrel2.8": page})
    assert status == 1 and "mongrel2.8" in output
