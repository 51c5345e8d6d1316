"""The handler in docs/examples/handler_perl: a library in another language, by the golden messages and a
real server."""

from __future__ import annotations

import re
import subprocess

from support.raw import Client
from support.server import ROOT, Kit, Server, Stage, server_conf

PERL = ROOT / "docs" / "examples" / "handler_perl"

HOSTS = """
perl = Handler(send_spec="ipc://{folder}/run/send", send_ident="34f9ceee-cd52-4b7f-b197-88bf2f0ec378",
               recv_spec="ipc://{folder}/run/recv", recv_ident="")
localhost = Host(name="localhost", routes={{"/": perl}})
"""


def test_the_golden_messages() -> None:
    command = ["perl", PERL / "golden.pl", ROOT / "tests" / "golden"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    found = re.fullmatch(r"(\d+) right, 0 wrong\n", done.stdout)
    assert found and int(found.group(1)) >= 10, done.stdout


def test_it_answers(stage: Stage, node: Kit) -> None:
    server = Server(stage, node, server_conf(HOSTS, "localhost", extra="hosts=[localhost]")).load().start()
    specs = [f"ipc://{server.folder}/run/{way}" for way in ("send", "recv")]
    stage.start(["perl", PERL / "hello.pl", *specs], server.folder, name="perl")
    with Client(server.port) as client:
        for path in ("/a", "/b"):
            assert client.get(path).response().body == f"Hello from Perl, {path}\n".encode()
