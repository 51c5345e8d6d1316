"""Five hundred broken configurations: each is refused with the place, and changes nothing, whichever way
it comes: checked, loaded, pushed, read again by a server that runs."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

import pytest

from support.cluster import Cluster
from support.program import run
from support.server import Kit, Stage

pytestmark = pytest.mark.timeout(300)

TEXTS, DATABASES = 300, 160
PLACE = re.compile(r"broken\.conf:\d+:\d+: ")


@pytest.fixture(scope="module")
def cluster(module_stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = Cluster(module_stage, node, ["alpha"]).start()
    yield cluster
    cluster.stop()


def check(cluster: Cluster, path: Path) -> Tuple[int, str]:
    done = run([cluster.kit.m2sh, "check", "-config", path], cluster.folder)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def outside_strings(text: str) -> List[int]:
    """Places of brackets, commas and equal signs that are no part of a string or comment."""
    places, inside = [], False
    for at, char in enumerate(text):
        if char == '"':
            inside = not inside
        elif not inside and char in "()[]{},=":
            places.append(at)
    return places


def broken_text(text: str, dice: random.Random) -> str:
    """The text with one thing wrong that no reading could take for right."""
    place = dice.choice(outside_strings(text))
    how = dice.randrange(6)
    if how == 0:  # cut off
        return text[: dice.randrange(1, text.rindex("]"))]
    if how == 1:  # a character that means nothing
        return text[:place] + dice.choice("$;|~^") + text[place + 1 :]
    if how == 2:  # twice
        return text[:place] + dice.choice(["((", "]]", "==", "{{"]) + text[place + 1 :]
    if how == 3:  # a name that nobody has
        return re.sub(r"\bhosts=\[", f"hosts=[nobody_{dice.randrange(100)}, ", text)
    if how == 4:  # the wrong type
        return re.sub(r"\bport=\d+", dice.choice(['port="high"', "port=[80]", "port=0", "port=70000"]), text)
    wanted = dice.choice(["uuid", "default_host", "access_log", "pid_file"])  # one that must be there
    return re.sub(rf'\b{wanted}="[^"]*",\s*', "", text)


def test_texts(cluster: Cluster) -> None:
    dice = random.Random(7)
    good = cluster.site.write(1).read_text()
    path = cluster.folder / "broken.conf"
    for _ in range(TEXTS):
        text = broken_text(good, dice)
        path.write_text(text)
        status, told = check(cluster, path)
        assert status == 3 and PLACE.search(told), f"{status}\n{told}\n{text}"


def database(cluster: Cluster) -> Path:
    path = cluster.folder / "good.sqlite"
    if not path.exists():
        command = [cluster.kit.m2sh, "load", "-db", path, "-config", cluster.site.write(1)]
        assert run(command, cluster.folder).returncode == 0
    return path


def shown(cluster: Cluster, path: Path) -> bytes:
    done = run([cluster.kit.m2sh, "show", "-db", path], cluster.folder)
    return done.stdout if done.returncode == 0 else b""


def test_torn_databases(cluster: Cluster) -> None:
    """What is still the same configuration (a byte of free space, say) may be taken for it."""
    dice = random.Random(8)
    good = database(cluster)
    whole, text = good.read_bytes(), shown(cluster, good)
    path = cluster.folder / "broken.sqlite"
    refused = 0
    for n in range(DATABASES):
        if n % 2 == 0:
            torn = whole[: dice.randrange(len(whole))]
        else:
            start, length = dice.randrange(len(whole)), dice.randrange(1, 3000)
            torn = whole[:start] + dice.randbytes(min(length, len(whole) - start)) + whole[start + length :]
        path.write_bytes(torn)
        status, told = check(cluster, path)
        if status != 0:
            assert status in (1, 3) and "broken.sqlite" in told, f"{status}\n{told}"
            refused += 1
        else:
            assert shown(cluster, path) == text, told
    assert refused > DATABASES // 2


#: A statement, and what the refusal names.
WRONG = [
    ("ALTER TABLE server DROP COLUMN default_host", "default_host"),
    ("ALTER TABLE route RENAME COLUMN path TO way", "path"),
    ("DROP TABLE host", "host"),
    ("UPDATE server SET port='high'", "port"),
    ("UPDATE server SET port=70000", "port"),
    ("UPDATE server SET uuid=NULL", "uuid"),
    ("UPDATE server SET default_host='nowhere'", "default_host"),
    ("UPDATE host SET name=NULL", "name"),
    ("UPDATE host SET server_id=99", "server"),
    ("UPDATE route SET host_id=99 WHERE id=1", "host"),
    ("UPDATE route SET target_id=999 WHERE id=1", "target"),
    ("UPDATE route SET target_type='magic' WHERE id=1", "target"),
    ("UPDATE route SET path=NULL WHERE id=1", "path"),
    ("UPDATE proxy SET port='x'", "port"),
    ("UPDATE directory SET base=NULL", "base"),
    ("UPDATE handler SET send_spec=NULL, pool=NULL", "Handler"),
]


@pytest.mark.parametrize("statement, named", WRONG, ids=[row[0] for row in WRONG])
def test_wrong_columns(cluster: Cluster, statement: str, named: str) -> None:
    path = cluster.folder / "broken.sqlite"
    shutil.copy(database(cluster), path)
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()
    status, told = check(cluster, path)
    assert status in (1, 3) and named in told, f"{status}\n{told}"


def test_none_of_them_reaches_a_node(cluster: Cluster) -> None:
    dice = random.Random(9)
    good = cluster.site.write(1).read_text()
    before = cluster.rows("log")

    def texts() -> Iterator[Path]:
        path = cluster.folder / "broken.conf"
        for _ in range(12):
            path.write_text(broken_text(good, dice))
            yield path

    def databases() -> Iterator[Path]:
        whole, path = database(cluster).read_bytes(), cluster.folder / "broken.sqlite"
        for _ in range(12):
            path.write_bytes(whole[: dice.randrange(len(whole) * 9 // 10)])
            yield path

    makers: List[Callable[[], Iterator[Path]]] = [texts, databases]
    for make in makers:
        for path in make():
            done = cluster.m2sh("push", "-config", path, "-why", "it is broken", status=None)
            assert done.returncode in (1, 3), done
            assert cluster.nodes["alpha"].serves() == 1
    assert cluster.rows("log") == before
