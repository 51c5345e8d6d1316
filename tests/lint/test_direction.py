"""The direction check finds what it is there to find."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

GOOD = {
    "proto/base/buf.h": "",
    "proto/base/buf.c": '#include "proto/base/buf.h"\n#include <stdio.h>\n',
    "proto/wire/json.h": '#include "proto/base/buf.h"\n',
    "proto/link/spec.h": '#include "proto/wire/json.h"\n',
    "node/io/conn.h": '#include "proto/link/spec.h"\n',
    "node/io/conn_write.c": '#include "node/io/conn.h"\n',
    "node/stats/counters.h": "",
    "node/plugin/uri.h": '#include "node/stats/counters.h"\n',
    "node/conf/target.h": '#include "node/io/conn.h"\n',
    "node/conf/swap.h": "",
    "node/conf/swap.c": '#include "node/worker.h"\n',
    "node/target/kinds.c": '#include "node/conf/target.h"\n',
    "node/target/dir.h": "",
    "node/target/dir.c": '#include "node/io/conn.h"\n',
    "node/worker.h": '#include "node/io/conn.h"\n',
    "node/exchange/exchange.h": '#include "node/worker.h"\n',
    "node/server.h": '#include "node/exchange/exchange.h"\n',
    "node/main.c": '#include "node/server.h"\n',
    "m2sh/cmd.h": '#include "m2sh/out/table.h"\n',
    "m2sh/out/table.h": '#include "proto/base/buf.h"\n',
    "deploy/procer/profile.h": '#include "proto/base/buf.h"\n',
}

BAD = [
    ("proto/base/buf.h", '#include "proto/wire/json.h"\n', "proto/base may not include"),
    ("proto/base/buf.h", '#include "node/io/conn.h"\n', "proto/base may not include"),
    ("proto/model/row.h", '#include "proto/link/spec.h"\n', "proto/model may not include"),
    ("node/io/conn.h", '#include "node/plugin/uri.h"\n', "node/io may not include"),
    ("node/io/conn.h", '#include "node/exchange/exchange.h"\n', "node/io may not include"),
    ("node/io/conn.h", '#include "node/worker.h"\n', "node/io may not include"),
    ("node/io/conn.h", '#include "m2sh/cmd.h"\n', "node/io may not include"),
    ("node/plugin/uri.h", '#include "node/worker.h"\n', "node/plugin may not include"),
    ("node/conf/swap.h", '#include "node/exchange/exchange.h"\n', "node/conf may not include"),
    ("node/exchange/exchange.h", '#include "node/server.h"\n', "may not include"),
    ("m2sh/out/table.h", '#include "m2sh/cmd.h"\n', "m2sh/out may not include"),
    ("deploy/procer/profile.h", '#include "proto/wire/json.h"\n', "may not include"),
    ("node/io/conn.h", '#include "loop.h"\n', "not ours: write <loop.h>"),
    ("node/io/loop.h", '#include "conn.h"\n', "not written from the root"),
    ("node/io/conn.h", '#include "../io/loop.h"\n', "not written from the root"),
    ("node/io/conn.h", '#include "node/io/gone.h"\n', "does not exist"),
    ("node/io/conn.h", '  #  include "node/plugin/uri.h"\n', "node/io/conn.h:1"),
    ("node/io/conn.h", '\n\n#include "node/plugin/uri.h"\n', "node/io/conn.h:3"),
    ("node/io/conn.h", '#include "tests/support/golden.h"\n', "in no room"),
    ("node/io/drain.c", "", "it has no drain.h"),
    ("node/target/proxy.c", "", "it has no proxy.h"),
    ("deploy/other/x.h", "", None),
]


def lint(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "tests/support").mkdir(parents=True, exist_ok=True)
    (root / "tests/support/golden.h").write_text("")
    done = subprocess.run([HERE / "direction", root], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_what_is_in_order(tmp_path):
    assert lint(tmp_path, GOOD) == (0, "")


@pytest.mark.parametrize("name, text, problem", BAD)
def test_what_is_out_of_order(tmp_path, name, text, problem):
    status, output = lint(tmp_path, {**GOOD, name: text})
    if problem is None:
        assert status == 0, output
    else:
        assert status == 1 and problem in output and name in output
        assert output.endswith("1 includes or files are out of order; the order is in direction.txt\n")


def test_a_folder_that_the_table_does_not_know(tmp_path):
    table = (HERE / "direction.txt").read_text()
    script = tmp_path / "lint"
    script.mkdir()
    (script / "direction").write_text((HERE / "direction").read_text())
    (script / "direction").chmod(0o755)
    (script / "direction.txt").write_text(table.replace("m2sh", "other"))
    (tmp_path / "m2sh").mkdir()
    (tmp_path / "m2sh/cmd.h").write_text("")
    done = subprocess.run([script / "direction", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and "its room is not in direction.txt" in done.stdout
    (script / "direction.txt").write_text("node io\n")
    done = subprocess.run([script / "direction", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and "not understood" in done.stderr
