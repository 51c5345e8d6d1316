"""docs/examples/handler_test: what a request looks like to a handler, shown as a page."""

from __future__ import annotations

from support.program import run
from support.raw import Client
from support.server import ROOT, Kit, Server, Stage, server_conf

EXAMPLE = ROOT / "docs" / "examples" / "handler_test"
HOSTS = """
site = Host(name="localhost", routes={{{{
    "/handlertest": Handler(send_spec="tcp://127.0.0.1:{requests}", send_ident="{ident}",
                            recv_spec="tcp://127.0.0.1:{replies}", recv_ident="")
}}}})
"""
IDENT = "34f9ceee-cd52-4b7f-b197-88bf2f0ec378"


def test_what_a_handler_gets(stage: Stage, node: Kit) -> None:
    requests, replies = stage.port(), stage.port()
    hosts = HOSTS.format(requests=requests, replies=replies, ident=IDENT)
    server = Server(stage, node, server_conf(hosts, "localhost", extra="hosts=[site]"))
    server.load().start()
    handler = stage.start(
        ["/usr/bin/python3", "-B", EXAMPLE / "handler_test.py"]
        + ["-requests", f"tcp://127.0.0.1:{requests}", "-replies", f"tcp://127.0.0.1:{replies}"],
        stage.folder(),
        name="handler",
        env={"PYTHONPATH": str(ROOT / "proto" / "python")},
    )
    url = f"http://127.0.0.1:{server.port}/handlertest?q=1"
    done = run(["curl", "-s", "--retry", "5", "--max-time", "20", "-d", "<hello>", "-H", "X-A: 1", "-H", "X-A: 2", url])
    page = done.stdout.decode()
    assert f"SENDER: {IDENT}" in page and "PATH: /handlertest\n" in page
    assert "BODY: &lt;hello&gt;" in page
    for line in ('"QUERY": [', '"q=1"', '"METHOD"', '"POST"', '"x-a"', '"1",', '"2"'):
        assert line.replace('"', "&quot;") in page, page
    with Client(server.port) as client:
        client.get("/handlertest", headers={"Connection": "close"})
        assert client.response().status == 200
        assert client.is_closed(5)
    handler.wait_log("gone: ")
