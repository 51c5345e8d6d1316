"""Configurations that tell which one an answer came from.

Each revision has the same routes for the load (their targets change, and name the revision in
several places of an answer), and routes of its own, which come and go: redirects, a pool, a classic
handler.
"""

from __future__ import annotations

from pathlib import Path
from typing import List

from .load import Ask

REDIRECTS = [301, 302, 303, 307]

PAGE = """
redirect = Redirect(to="/r{n}", status={status})
pool = Handler(pool="echo", protocol="{protocol}", queue_timeout=30)
classic = Handler(send_spec="{send}", send_ident="classic", recv_spec="{recv}", recv_ident="",
                  queue_timeout=30)
proxy = Proxy(addr="127.0.0.1", port={upstream})
files = Dir(base="{folder}/www/{n}/", index_file="page", default_ctype="text/r{n}", cache_ttl={n})

localhost = Host(name="localhost", routes={{
    "/redirect": redirect,
    "/files/": files,
    "/pool/(echo[r{n}]*)": pool,
    "/classic/(echo[r{n}]*)": classic,
    "/proxy/": proxy,
    "/health": Status(what="health"),
    "/metrics": Status(what="metrics"){more}
}})
other = Host(name="other", matching="other", routes={{
    "/redirect": redirect
}})

servers = [Server(
    uuid="{uuid}", name="main", default_host="localhost", chroot="", hosts=[localhost, other],
    access_log="logs/access.log", error_log="logs/error.log", pid_file="run/mongrel2.pid",
    control_port="ipc://{folder}/run/control",
    bind_addr="127.0.0.1", port={port}
)]

settings = {{"server.daemonize": 0, "zeromq.threads": 1}}
"""


class Site:
    """A site, revision by revision."""

    def __init__(
        self,
        folder: Path,
        uuid: str,
        port: int,
        upstream: int,
        send: str = "ipc://run/send",
        recv: str = "ipc://run/recv",
    ):
        """`send` and `recv` are the classic handler's endpoints, as the node binds them."""
        self.folder = folder
        self.words = {
            "uuid": uuid,
            "port": port,
            "upstream": upstream,
            "send": send,
            "recv": recv,
            "folder": folder,
        }

    def write(self, n: int) -> Path:
        """The configuration file of revision `n`, and the files it serves."""
        www = self.folder / "www" / str(n)
        www.mkdir(parents=True, exist_ok=True)
        (www / "page").write_text(f"page of r{n}.")
        text = PAGE.format(
            n=n,
            status=REDIRECTS[n % len(REDIRECTS)],
            protocol=["json", "tnetstring"][n % 2],
            more="".join(self._more(n)),
            **self.words,
        )
        conf = self.folder / "site.conf"
        conf.write_text(text)
        return conf

    def _more(self, n: int) -> List[str]:
        """Routes that other revisions do not have."""
        own = [f',\n    "/only/{n}": Redirect(to="/r{n}")']
        own += [f',\n    "/some/{k}/": redirect' for k in range(20) if (n >> k % 5) & 1]
        if n % 3 == 0:
            own.append(',\n    "/extra/": Handler(pool="extra", queue_timeout=1)')
        if n % 4 == 0:
            own.append(
                ',\n    "/visitor/": Handler(send_spec="ipc://run/visitor", send_ident="visitor", '
                'recv_spec="ipc://run/visitor_back", recv_ident="")'
            )
        return own

    @staticmethod
    def asks() -> List[Ask]:
        route = r"pattern=/{}/\(echo\[r(\d+)\]\*\)"
        redirect = {"marks": [r"\r\nLocation: \S*/r(\d+)\r\n"], "status": REDIRECTS}
        return [
            Ask("redirect", "/redirect", **redirect),
            Ask("pool", "/pool/echo", echo=True, marks=[route.format("pool")]),
            Ask("post", "/pool/echo", method="POST", body="x" * 300, echo=True, marks=[route.format("pool")]),
            Ask("other", "/redirect", host="other", **redirect),
            Ask("classic", "/classic/echo", echo=True, marks=[route.format("classic")]),
            Ask(
                "file",
                "/files/page",
                marks=[
                    r"\r\nContent-Type: text/r(\d+)\r\n",
                    r"\r\nCache-Control: max-age=(\d+)\r\n",
                    r"page of r(\d+)\.",
                ],
            ),
            Ask("proxy", "/proxy/echo", echo=True),
        ]


def status_of(n: int) -> int:
    """Of the redirects of revision `n`."""
    return REDIRECTS[n % len(REDIRECTS)]
