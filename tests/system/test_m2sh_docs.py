"""The pages about m2sh and the configuration language say what the programs do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import List

import pytest

from support.m2sh import ROOT, m2sh

REFERENCE = ROOT / "docs" / "reference"
MAN = ROOT / "docs" / "man"


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> List[str]:
    folder = tmp_path_factory.mktemp("empty")
    return [entry["name"] for entry in json.loads(m2sh("help", "-json", cwd=folder).stdout)]


def test_the_reference_lists_every_option(commands: List[str], tmp_path: Path) -> None:
    """The last part of m2sh.md is the -help of all commands. M2_GOLDEN_WRITE=1 writes it."""
    page = REFERENCE / "m2sh.md"
    begin = "## Commands\n"
    text = page.read_text()
    head = text.partition(begin)[0]
    parts = [head + begin]
    for name in commands:
        help_text = m2sh(name, "-help", cwd=tmp_path).stdout.rstrip("\n")
        block = "\n".join(f"    {line}".rstrip() for line in help_text.split("\n"))
        parts.append(f"\n### {name}\n\n{block}\n")
    wanted = "".join(parts)
    if os.environ.get("M2_GOLDEN_WRITE"):
        page.write_text(wanted)
    assert page.read_text() == wanted


def test_the_manual_page_names_every_command_and_option(commands: List[str], tmp_path: Path) -> None:
    page = (MAN / "m2sh.1").read_text()
    for name in commands:
        assert re.search(rf"\.I[ct] (Ic )?{name}\b", page), name
        for option in re.findall(r"^  -(\w+)", m2sh(name, "-help", cwd=tmp_path).stdout, re.M):
            assert re.search(rf"Fl {option}\b", page), f"{name} -{option}"


GROUPS = {
    "m2sh-push.1": ["check", "diff", "push", "rollback", "promote", "abort", "log", "show", "commit"],
    "m2sh-status.1": ["status", "nodes", "pools", "workers", "drain", "undrain", "pause", "resume", "events",
                      "control"],
}
#: Of servers on this machine, which the page of the cluster leaves to m2sh(1); of every command.
ELSEWHERE = {"db", "name", "host", "uuid", "help"}


@pytest.mark.parametrize("page", GROUPS)
def test_the_pages_of_the_cluster_name_their_commands_and_options(page: str, tmp_path: Path) -> None:
    text = (MAN / page).read_text()
    for name in GROUPS[page]:
        assert re.search(rf"^\.It Ic {name}\b", text, re.M), name
        for option in re.findall(r"^  -(\w+)", m2sh(name, "-help", cwd=tmp_path).stdout, re.M):
            assert option in ELSEWHERE or re.search(rf"Fl {option}\b", text), f"{name} -{option}"


def keywords() -> List[str]:
    """Of the configuration language, from the page that the schema makes."""
    found = re.findall(r"^\| `\w+`[ +]*\|[^|]*\|[^|]*\| `(\w+)` \|", (REFERENCE / "database.md").read_text(), re.M)
    return sorted(set(found) | {"hosts", "filters", "xrequests", "routes"})


def test_every_parameter_is_described() -> None:
    assert len(keywords()) > 40
    language = (REFERENCE / "config-language.md").read_text()
    page = (MAN / "mongrel2.conf.5").read_text()
    for keyword in keywords():
        assert f"`{keyword}`" in language, keyword
        assert re.search(rf"^\.It Va .*\b{keyword}\b", page, re.M), keyword


def test_the_examples_of_the_language_page_load(tmp_path: Path) -> None:
    page = (REFERENCE / "config-language.md").read_text()
    example = re.search(r"\n\n((?:    .*\n|\n)+?)\n## Words", page)
    assert example
    (tmp_path / "mongrel2.conf").write_text(re.sub(r"^    ", "", example.group(1), flags=re.M))
    done = m2sh("check", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    page = (MAN / "mongrel2.conf.5").read_text()
    (tmp_path / "mongrel2.conf").write_text(page.partition(".Bd -literal\n")[2].partition(".Ed")[0])
    done = m2sh("check", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("name", ["m2sh.1", *GROUPS, "mongrel2.conf.5"])
def test_manual_pages_are_well_formed(name: str) -> None:
    done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", str(MAN / name)], stdout=subprocess.PIPE, text=True)
    assert done.stdout == ""
