"""What an operator looks with: connections and their end, rates, and what is wrong with what."""

from __future__ import annotations

import json
import re
import time
from typing import Any, Dict, Iterator, List

import pytest

from support.cluster import Cluster
from support.load import Ask, Load
from support.raw import Client
from support.server import Kit, Stage
from support.tls import make_certificate
from support.wait import until

UUID = "5ad4fc32-5c65-4ba8-9ad3-2a1d2ed6d5f1"
TLS = """
main = Server(uuid="{uuid}", name="main", port={port}, bind_addr="127.0.0.1", chroot="",
    access_log="access.log", error_log="error.log", pid_file="run/mongrel2.pid", default_host="localhost",
    use_ssl=1, hosts=[Host(name="localhost", routes={{"/": Status(what="health")}})])
settings = {{"certdir": "{certs}/"}}
servers = [main]
"""


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = Cluster(stage, node, ["alpha", "beta"]).start()
    yield cluster
    cluster.stop()


def findings(cluster: Cluster, status: int) -> List[Dict[str, Any]]:
    return json.loads(cluster.m2sh("doctor", "-json", status=status).stdout)


def about(rows: List[Dict[str, Any]], check: str, where: str = "alpha") -> List[str]:
    return [f"{row['state']}: {row['text']}" for row in rows if (row["check"], row["where"]) == (check, where)]


def test_connections_and_their_end(cluster: Cluster) -> None:
    cluster.start_workers(["one"])
    alpha = cluster.nodes["alpha"]
    with Client(alpha.port) as fresh, Client(alpha.port) as asked:
        asked.get("/pool/echo").response()
        assert asked is not fresh
        rows = cluster.rows("conns", "-node", "alpha")
        assert sorted(row["kind"] for row in rows) == ["http", "new"]
        one = next(row for row in rows if row["kind"] == "http")
        assert one["bytes_read"] > 0 and one["bytes_written"] > 0 and one["read_s"] < 60
        assert one["id"] is not None
        text = cluster.m2sh("conns", "-node", "alpha").stdout
        assert re.search(rf"(?m)^{one['id']}\thttp\t", text), text

        done = cluster.m2sh("kill", "-node", "alpha", "-id", one["id"], status=2)
        assert "is closed at once" in done.stderr and "-yes 1" in done.stderr
        cluster.m2sh("kill", "-node", "alpha", "-id", one["id"], "-yes", 1)
        asked.read_end()
        assert [row["kind"] for row in cluster.rows("conns", "-node", "alpha")] == ["new"]
        done = cluster.m2sh("kill", "-node", "alpha", "-id", one["id"], "-yes", 1, status=1)
        assert f"alpha has no connection {one['id']}" in done.stderr
    cluster.m2sh("kill", "-node", "alpha", status=2)
    cluster.m2sh("conns", status=2)
    assert "nowhere" in cluster.m2sh("conns", "-node", "nowhere", status=1).stderr


def test_top(cluster: Cluster) -> None:
    cluster.start_workers(["one"])
    load = Load(cluster.stage, cluster.nodes["alpha"].port, [Ask("pool", "/pool/echo", echo=True)], connections=4)
    begun = time.monotonic()
    text = cluster.m2sh("top", "-every", 2, "-n", 2).stdout
    assert time.monotonic() - begun >= 4
    load.stop()
    lines = [line.split("\t") for line in text.splitlines()]
    assert [line[0] for line in lines].count("node") == 2, text
    busy = [line for line in lines if line[0] == "alpha"]
    assert len(busy) == 2 and all(line[1] == "SYNCED" and float(line[4]) > 1 for line in busy), text
    assert all(float(line[5]) == 0 for line in busy)
    idle = [line for line in lines if line[0] == "beta"]
    assert all(float(line[4]) < float(busy[0][4]) for line in idle), text


def test_metrics(cluster: Cluster) -> None:
    text = cluster.m2sh("metrics").stdout
    assert re.search(r"(?m)^mongrel2_coordinator_version 1$", text), text
    assert re.search(r"(?m)^# TYPE mongrel2_coordinator_pushes_total counter$", text), text
    assert re.search(r"(?m)^mongrel2_coordinator_nodes_ready 2$", text), text
    assert {row["name"] for row in cluster.rows("metrics")} >= {"beats", "requests_denied"}
    text = cluster.m2sh("metrics", "-node", "beta").stdout
    assert re.search(r"(?m)^mongrel2_config_version 1$", text), text


def test_a_doctor_names_what_is_wrong(cluster: Cluster) -> None:
    rows = findings(cluster, status=1)
    assert any("pool echo has no worker" in text for text in about(rows, "handlers"))
    blind = [text for text in about(rows, "handlers") if text.startswith("note: classic ")]
    assert blind and all("is blind" in text for text in blind)
    cluster.start_workers(["one"])
    rows = findings(cluster, status=0)
    assert {row["state"] for row in rows} == {"note"}, rows

    cluster.seats[0].running.stop()
    cluster.m2sh("doctor", status=6)


def test_few_descriptors(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, ["alpha"])
    alpha = cluster.nodes["alpha"]
    cluster.start_coordinator("-settle", "1")
    wrapper = cluster.folder / "few"
    wrapper.write_text(f'#!/bin/sh\nulimit -n 300\nexec {node.mongrel2} "$@"\n')
    wrapper.chmod(0o755)
    cluster.kit, ours = Kit("few", wrapper, node.m2sh), cluster.kit
    alpha.start()
    cluster.kit = ours
    until(lambda: cluster.member("alpha"), "node alpha has joined")
    cluster.push(1)
    rows = findings(cluster, status=1)
    assert about(rows, "descriptors") == [
        "warning: Only 300 descriptors are allowed, one for each connection and file; raise LimitNOFILE."
    ]
    held = [Client(alpha.port) for _ in range(245)]
    try:
        until(lambda: cluster.member("alpha")["connections"] >= 240, "the connections are counted")
        assert any(text.startswith("problem: ") for text in about(findings(cluster, status=1), "descriptors"))
    finally:
        for client in held:
            client.close()
    cluster.stop()


def test_certificates_that_end(stage: Stage, node: Kit) -> None:
    cluster = Cluster(stage, node, ["alpha"])
    certs = cluster.folder / "certs"
    certs.mkdir()
    make_certificate(certs, UUID, "localhost", days=5)
    cluster.start_coordinator("-settle", "1")
    cluster.nodes["alpha"].start()
    until(lambda: cluster.member("alpha"), "node alpha has joined")
    conf = cluster.folder / "tls.conf"
    conf.write_text(TLS.format(uuid=UUID, port=stage.port(), certs=certs))
    cluster.push_file(conf)
    (text,) = about(findings(cluster, status=1), "certificates")
    assert re.fullmatch(rf"warning: The certificate {UUID}.crt ends in [45] days; renew it.", text), text
    text = cluster.m2sh("doctor", status=1).stdout
    assert re.search(r"(?m)^alpha\tcertificates\twarning\tThe certificate ", text), text
    cluster.stop()
