"""Certificates made for a test, and clients that speak TLS."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any, Optional, Tuple

from .program import Failed, run
from .raw import Client
from .wait import PATIENCE_S


def _openssl(folder: Path, *args: object) -> None:
    done = run(["openssl", *args], folder)
    if done.returncode != 0:
        raise Failed(f"openssl {args[0]}: {done.stderr.decode()}")


def make_certificate(folder: Path, stem: str, name: str, ca: Optional[str] = None, key: str = "",
                     days: int = 30) -> None:  # fmt: skip
    """STEM.crt and STEM.key in `folder` for a host or a client `name`: self-signed, or by the authority
    of which CA.crt and CA.key are there."""
    new = ["-newkey", key] if key else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    signed = ["-CA", f"{ca}.crt", "-CAkey", f"{ca}.key"] if ca else []
    alt = ["-addext", f"subjectAltName=DNS:{name}"] if ca or "." in name else []
    _openssl(
        folder, "req", "-x509", "-nodes", *new, "-days", days, "-subj", f"/O=Tests/CN={name}", *signed, *alt,
        *(["-addext", "basicConstraints=critical,CA:FALSE"] if ca else []),
        "-keyout", f"{stem}.key", "-out", f"{stem}.crt",
    )  # fmt: skip


def trusting(authority: Optional[Path] = None, certificate: Optional[Path] = None) -> ssl.SSLContext:
    """A client's context: believes this authority, or everybody; shows a certificate (STEM)."""
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    context.check_hostname = False
    if authority is None:
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(f"{certificate}.crt", f"{certificate}.key")
    return context


class TlsClient(Client):
    """A raw client over TLS."""

    def __init__(self, port: int, context: Optional[ssl.SSLContext] = None, name: Optional[str] = None,
                 session: Any = None):  # fmt: skip
        super().__init__(port)
        context = context or trusting()
        try:
            self.tls = context.wrap_socket(
                self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False
            )
        except (OSError, ssl.SSLError):
            self.socket.close()
            raise
        self.socket = self.tls

    def certificate_name(self) -> str:
        """The common name of the server's certificate."""
        return common_name(self.tls.getpeercert(binary_form=True) or b"")


def common_name(der: bytes) -> str:
    at = der.rindex(bytes.fromhex("0603550403"))  # of the subject, which comes last
    length = der[at + 6]
    return der[at + 7 : at + 7 + length].decode()


def address(port: int) -> Tuple[str, int]:
    return ("127.0.0.1", port)


def plain_socket(port: int) -> socket.socket:
    return socket.create_connection(address(port), PATIENCE_S)
