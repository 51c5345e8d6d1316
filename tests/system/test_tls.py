"""TLS: what is spoken and what is refused, whose certificate is shown, who comes back without a full
handshake, and that everything behind it works as without."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any, List

import pytest

from support.program import run
from support.raw import Client
from support.server import Kit, Server, Stage, server_conf
from support.tls import TlsClient, make_certificate, plain_socket, trusting
from support.wait import until

IDENT = "34f9ceee-cd52-4b7f-b197-88bf2f0ec378"
BIG = 5_000_000
HOSTS = f"""
handler = Handler(send_spec="ipc://{{folder}}/run/send", send_ident="{IDENT}",
                  recv_spec="ipc://{{folder}}/run/recv", recv_ident="")
routes = {{{{
    "/handler": handler,
    "/proxy": Proxy(addr="127.0.0.1", port={{upstream}}),
    "/files/": Dir(base="files/", index_file="index.html", default_ctype="text/plain")
}}}}
hosts_of_main = [Host(name="localhost", routes=routes)]
"""


class Site:
    """A server with use_ssl and its certificates."""

    def __init__(self, stage: Stage, kit: Kit, settings: str = "", folder: Any = None):
        self.stage, self.upstream = stage, stage.port()
        hosts = HOSTS.replace("{upstream}", str(self.upstream))
        conf = server_conf(
            hosts,
            "localhost",
            settings=', "certdir": "certs/"' + settings,
            extra="hosts=hosts_of_main, use_ssl=1",
        )
        self.server = Server(stage, kit, conf, folder or stage.folder())
        self.folder, self.port, self.uuid = self.server.folder, self.server.port, self.server.uuid
        self.certs = self.folder / "certs"
        self.certs.mkdir(exist_ok=True)
        (self.folder / "files").mkdir(exist_ok=True)
        (self.folder / "files" / "small").write_bytes(b"hello")
        (self.folder / "files" / "big").write_bytes(os.urandom(BIG))
        make_certificate(self.certs, self.uuid, "default.test")

    def start(self) -> "Site":
        program = self.server.load().start().program
        assert program is not None
        program.wait_log("serves on")  # signals are heard from then on
        return self

    @property
    def log(self) -> str:
        assert self.server.program is not None
        return self.server.program.log()

    def client(self, *args: Any, **options: Any) -> TlsClient:
        return TlsClient(self.port, *args, **options)

    def shown(self, name: Any) -> str:
        client = self.client(name=name)
        try:
            return client.certificate_name()
        finally:
            client.close()

    def counter(self, name: str) -> int:
        return self.metrics()[f"mongrel2_{name}_total"]

    def metrics(self) -> Any:
        text = self.server.control().request("metrics").one()["metrics"]
        return {k: int(float(v)) for k, v in re.findall(r"(?m)^(mongrel2_\w+) ([\d.e+]+)$", text)}

    def openssl(self, *args: object, input: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *args]
        return run(command, self.folder, input=input)

    def hup(self) -> None:
        assert self.server.program is not None
        before = self.log.count("in place again")
        self.server.program.signal(signal.SIGHUP)
        until(lambda: self.log.count("in place again") > before, "a reload")


@pytest.fixture
def site(stage: Stage, node: Kit) -> Site:
    return Site(stage, node).start()


def legacy(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


# ---- what is spoken ------------------------------------------------------------------------------


def test_curl_gets_a_file(site: Site) -> None:
    make_certificate(site.certs, "localhost", "localhost.test")
    url = f"https://localhost.test:{site.port}/files/big"
    where = f"localhost.test:{site.port}:127.0.0.1"
    authority = site.certs / "localhost.crt"
    shutil.copy(authority, site.certs / "localhost.test.crt")
    shutil.copy(site.certs / "localhost.key", site.certs / "localhost.test.key")
    done = run(
        ["curl", "-sS", "-v", "--cacert", authority, "--resolve", where, url, url, "-o", "/dev/null", "-o", "got"],
        site.folder,
    )  # fmt: skip
    talk = done.stderr.decode()
    assert done.returncode == 0, talk
    assert (site.folder / "got").read_bytes() == (site.folder / "files" / "big").read_bytes()
    assert "TLSv1.2 / ECDHE-ECDSA-AES128-GCM-SHA256" in talk
    assert "server accepted http/1.1" in talk
    assert "Re-using existing connection" in talk


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(site: Site, version: ssl.TLSVersion) -> None:
    with pytest.raises(ssl.SSLError, match="alert"):
        site.client(legacy(version))
    until(lambda: "handshake failed" in site.log, "the line in the log")
    assert site.counter("tls_failures") == 1


def test_weak_suites_are_refused_and_strong_ones_taken(site: Site) -> None:
    for ciphers in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"):
        context = legacy(ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError):
            site.client(context)
    for suite in ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"):
        context = legacy(ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(suite)
        assert site.client(context).tls.cipher()[0] == suite


def test_the_protocol_is_agreed_on(site: Site) -> None:
    both, neither = trusting(), trusting()
    both.set_alpn_protocols(["h2", "http/1.1"])
    neither.set_alpn_protocols(["h2"])
    assert site.client(both).tls.selected_alpn_protocol() == "http/1.1"
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        site.client(neither)


def test_plain_http_is_closed_without_a_word(site: Site) -> None:
    client = Client(site.port).get("/files/small")
    client.read_end()
    assert client.received == b""
    until(lambda: "what came is no TLS" in site.log, "the line in the log")
    assert site.counter("tls_failures") == 1


def test_a_handshake_has_a_deadline(stage: Stage, node: Kit) -> None:
    site = Site(stage, node, ', "limits.header_timeout": 1').start()
    with plain_socket(site.port) as silent, plain_socket(site.port) as slow:
        slow.sendall(b"\x16\x03\x01")
        assert silent.recv(1) == b"" and slow.recv(1) == b""
    assert site.counter("timeouts") == 2


def test_suites_can_be_chosen(stage: Stage, node: Kit) -> None:
    names = "TLS_ECDHE-ECDSA_WITH-AES-256-GCM-SHA384 SSL-RSA-AES-128-SHA"
    site = Site(stage, node, f', "ssl_ciphers": "{names}"').start()
    context = trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert site.client(context).tls.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        site.client(context)


# ---- what does not start -------------------------------------------------------------------------


def start_fails(site: Site) -> str:
    site.server.load()
    program = site.stage.start([site.server.kit.mongrel2, site.server.db, site.uuid], site.folder)
    assert program.wait_end() == 1
    return program.log()


@pytest.mark.parametrize(
    "settings, says",
    [
        (', "ssl_ciphers": "ECDHE-RSA-AES128-GCM-SHA256 NONSENSE"', '"NONSENSE", which is no cipher'),
        (', "ssl.ca_chain": "nothing.pem"', "nothing.pem"),
        ("", "does not belong to the certificate"),
    ],
)
def test_what_cannot_work_does_not_start(stage: Stage, node: Kit, settings: str, says: str) -> None:
    site = Site(stage, node, settings)
    if not settings:
        make_certificate(site.certs, "other", "other.test")
        shutil.copy(site.certs / "other.key", site.certs / f"{site.uuid}.key")
    assert says in start_fails(site)


def test_without_its_certificate_it_does_not_start(stage: Stage, node: Kit) -> None:
    site = Site(stage, node)
    (site.certs / f"{site.uuid}.crt").unlink()
    assert f"certs/{site.uuid}.crt and {site.uuid}.key are not both there" in start_fails(site)


# ---- certificates --------------------------------------------------------------------------------


def test_the_name_decides_about_the_certificate(site: Site) -> None:
    make_certificate(site.certs, "exact.example.test", "exact.example.test")
    make_certificate(site.certs, "_.example.test", "wild.example.test")
    for name, shown in [
        ("exact.example.test", "exact.example.test"),
        ("EXACT.Example.TEST", "exact.example.test"),
        ("any.example.test", "wild.example.test"),
        ("a.any.example.test", "default.test"),
        ("example.test", "default.test"),
        ("unknown.test", "default.test"),
        (None, "default.test"),
    ]:
        assert site.shown(name) == shown, name


def test_certificates_change_without_a_restart(site: Site) -> None:
    make_certificate(site.certs, "a.test", "first.test")
    assert site.shown("a.test") == "first.test"
    old = site.client(name="a.test")
    make_certificate(site.certs, "a.test", "second.test")
    until(lambda: site.shown("a.test") == "second.test", "the new certificate")
    make_certificate(site.certs, site.uuid, "new-default.test")
    until(lambda: site.shown(None) == "new-default.test", "the new default certificate")
    (site.certs / "a.test.crt").write_text("no certificate")
    until(lambda: site.shown("a.test") and "certificate from before stays" in site.log, "the line")
    assert site.shown("a.test") == "second.test"
    assert site.log.count("certificate from before stays") == 1
    site.hup()
    assert site.shown("a.test") == "second.test"
    (site.certs / "a.test.crt").unlink()
    until(lambda: site.shown("a.test") == "new-default.test", "the default certificate")
    assert old.get("/files/small").response().body == b"hello"


def test_a_certificate_may_come_with_its_chain(stage: Stage, node: Kit) -> None:
    site = Site(stage, node)
    for stem, ca in [("root", None), ("b.test", "root")]:
        make_certificate(site.certs, stem, stem, ca, key="rsa:2048")
    with (site.certs / "b.test.crt").open("ab") as chain:
        chain.write((site.certs / "root.crt").read_bytes())
    site.start()
    seen = site.openssl("-servername", "b.test", "-showcerts").stdout
    assert seen.count(b"BEGIN CERTIFICATE") == 2
    assert b"ECDHE-RSA-AES128-GCM-SHA256" in seen


# ---- resumption ----------------------------------------------------------------------------------


def resumes(site: Site, *options: str) -> List[bool]:
    """Whether six handshakes of `openssl s_client -reconnect` went on with a session."""
    talk = site.openssl("-reconnect", *options, input=b"Q").stdout.decode()
    return [word == "Reused" for word in re.findall(r"(?m)^(New|Reused), TLS", talk)]


@pytest.mark.parametrize("options", [[], ["-no_ticket"]], ids=["ticket", "id"])
def test_sessions_are_resumed(site: Site, options: List[str]) -> None:
    assert resumes(site, *options) == [False] + 5 * [True]
    assert site.counter("tls_handshakes") == 6
    assert site.counter("tls_resumed") == 5


@pytest.mark.parametrize("options", [[], ["-no_ticket"]], ids=["ticket", "id"])
def test_sessions_outlive_configurations(site: Site, options: List[str]) -> None:
    site.openssl("-sess_out", "session", *options, input=b"Q")
    site.hup()
    assert b"Reused, TLS" in site.openssl("-sess_in", "session", *options, input=b"Q").stdout


# ---- certificates of clients ---------------------------------------------------------------------


@pytest.fixture
def authority(stage: Stage) -> Path:
    folder = stage.folder()
    (folder / "certs").mkdir()
    make_certificate(folder / "certs", "ca", "Authority")
    make_certificate(folder / "certs", "known", "somebody", "ca")
    make_certificate(folder / "certs", "stranger", "anybody")
    return folder


def verifying(stage: Stage, node: Kit, folder: Path, how: str) -> Site:
    settings = f', "ssl.ca_chain": "certs/ca.crt", "ssl.verify_{how}": 1' if how else ""
    return Site(stage, node, settings, folder).start()


def told(site: Site, client: TlsClient, path: str = "/handler") -> Any:
    """What a handler is told of the client."""
    conn = site.stage.handler(f"ipc://{site.folder}/run/send", f"ipc://{site.folder}/run/recv")
    client.get(path, {"PEER_CERT_VERIFIED": "forged"})
    asked = conn.recv()
    conn.reply_http(asked, b"ok")
    assert client.response().body == b"ok"
    names = ("URL_SCHEME", *(f"PEER_CERT_{x}" for x in ("SHA1", "SHA256", "SUBJECT", "VERIFIED")))
    return {name: (asked.headers.first(name) or b"").decode() for name in names}


@pytest.mark.parametrize("stem, verified", [("known", "1"), ("stranger", "0")])
def test_optional_certificates(stage: Stage, node: Kit, authority: Path, stem: str, verified: str) -> None:
    site = verifying(stage, node, authority, "optional")
    certificate = authority / "certs" / stem
    der = ssl.PEM_cert_to_DER_cert(Path(f"{certificate}.crt").read_text())
    seen = told(site, site.client(trusting(certificate=certificate)))
    assert seen["URL_SCHEME"] == "https"
    assert seen["PEER_CERT_SHA1"] == hashlib.sha1(der).hexdigest().upper() + "00"
    assert seen["PEER_CERT_SHA256"] == hashlib.sha256(der).hexdigest().upper()
    assert seen["PEER_CERT_SUBJECT"] == f"O=Tests, CN={'somebody' if stem == 'known' else 'anybody'}"
    assert seen["PEER_CERT_VERIFIED"] == verified


def test_without_a_certificate_nothing_is_told(stage: Stage, node: Kit, authority: Path) -> None:
    site = verifying(stage, node, authority, "optional")
    seen = told(site, site.client())
    assert [v for k, v in seen.items() if k.startswith("PEER_CERT")] == 4 * [""]


def test_required_certificates(stage: Stage, node: Kit, authority: Path) -> None:
    site = verifying(stage, node, authority, "required")
    certs = authority / "certs"
    assert told(site, site.client(trusting(certificate=certs / "known")))["PEER_CERT_VERIFIED"] == "1"
    for context in (trusting(), trusting(certificate=certs / "stranger")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            site.client(context)


def test_a_session_of_another_policy_is_worth_nothing(stage: Stage, node: Kit, authority: Path) -> None:
    site = verifying(stage, node, authority, "optional")
    certs = authority / "certs"
    files = ("-cert", certs / "stranger.crt", "-key", certs / "stranger.key")
    for options in ([], ["-no_ticket"]):
        site.openssl("-sess_out", "session", *options, *files, input=b"Q")
        assert b"Reused" in site.openssl("-sess_in", "session", *options, *files, input=b"Q").stdout
        site.server.conf = site.server.conf.replace("verify_optional", "verify_required")
        site.server.load()
        site.hup()
        again = site.openssl("-sess_in", "session", *options, *files, input=b"Q")
        assert b"Reused" not in again.stdout and b"alert" in again.stderr
        site.server.conf = site.server.conf.replace("verify_required", "verify_optional")
        site.server.load()
        site.hup()


def test_without_either_no_certificate_is_asked_for(site: Site) -> None:
    assert b"No client certificate CA names sent" in site.openssl(input=b"Q").stdout


# ---- what is behind it ---------------------------------------------------------------------------


def test_requests_on_one_connection(site: Site) -> None:
    client = site.client()
    for _ in range(3):
        client.get("/files/small")
    assert [client.response().body for _ in range(3)] == 3 * [b"hello"]
    client.get("/files/big")
    assert client.response().body == (site.folder / "files" / "big").read_bytes()
    client.get("/files/small", {"Connection": "close"})
    assert client.response().body == b"hello"
    client.read_end()  # raises when the end was not announced (close_notify)


def test_a_long_pipeline_in_one_record(site: Site) -> None:
    client = site.client()
    one = b"GET /files/small HTTP/1.1\r\nHost: localhost\r\n\r\n"
    client.send(300 * one)
    assert [client.response().status for _ in range(300)] == 300 * [200]


def test_a_large_body_over_the_proxy_and_its_scheme(site: Site) -> None:
    body, seen = os.urandom(300_000), b""
    with socket.create_server(("127.0.0.1", site.upstream)) as upstream:
        client = site.client().get("/proxy", method="POST", body=body)
        served, _ = upstream.accept()
        with served:
            while not seen.endswith(body[-100:]):
                seen += served.recv(1 << 16)
            served.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert client.response().body == b"ok"
    head, _, rest = seen.partition(b"\r\n\r\n")
    assert rest == body and b"X-Forwarded-Proto: https" in head


def test_a_swap_from_plain_to_tls_keeps_the_socket(stage: Stage, node: Kit) -> None:
    site = Site(stage, node)
    site.server.conf = site.server.conf.replace("use_ssl=1", "use_ssl=0")
    site.start()
    plain = Client(site.port)
    assert plain.get("/files/small").response().body == b"hello"
    site.server.conf = site.server.conf.replace("use_ssl=0", "use_ssl=1")
    site.server.load()
    site.hup()
    assert plain.get("/files/small").response().body == b"hello"
    assert site.client().get("/files/small").response().body == b"hello"


def test_swaps_under_load_disturb_nobody(site: Site) -> None:
    """Connections that stay and connections that come and resume, while configurations change."""
    over, problems = threading.Event(), []
    rounds = [0, 0]

    def go_on(n: int) -> None:
        context, session = trusting(), None
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            client = site.client(context)
            while not over.is_set():
                assert client.get("/files/small").response().body == b"hello"
                rounds[n] += 1
                if n == 1:
                    client.close()
                    client = site.client(context, session=session)
                    assert session is None or client.tls.session_reused
                    session = client.tls.session
            client.close()
        except Exception as problem:  # a thread that fails fails the test
            problems.append(problem)

    threads = [threading.Thread(target=go_on, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        before = list(rounds)
        site.hup()
        until(lambda: problems or all(now > old for now, old in zip(rounds, before)), "requests")
    over.set()
    for thread in threads:
        thread.join()
    assert not problems


def test_a_reload_without_certificate_is_refused(site: Site) -> None:
    site.server.conf = site.server.conf.replace('"certdir": "certs/"', '"certdir": "nowhere/"')
    site.server.load()
    assert site.server.program is not None
    site.server.program.signal(signal.SIGHUP)
    site.server.program.wait_log("reload refused.*nowhere/")
    assert site.client().get("/files/small").response().body == b"hello"


# ---- what others say -----------------------------------------------------------------------------


@pytest.mark.skipif(not os.environ.get("M2_LONG"), reason="takes a minute: tests/run -long")
def test_testssl_finds_nothing(site: Site) -> None:
    report = site.folder / "report.json"
    command = ["testssl", "--quiet", "--warnings", "off", "--color", "0", "--jsonfile", report]
    run([*command, f"127.0.0.1:{site.port}"], site.folder, timeout_s=600)
    findings = json.loads(report.read_text())
    assert len(findings) > 100
    # the certificate is made for this test: self-signed, for a month
    bad = [
        f
        for f in findings
        if f["severity"] in ("HIGH", "CRITICAL", "FATAL") and not f["id"].startswith("cert_")
    ]
    assert not bad
