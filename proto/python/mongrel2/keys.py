"""The CURVE keys of a worker, from CZMQ certificates: see docs/reference/keys.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Tuple, Union

import zmq
import zmq.auth

__all__ = ["Keys"]

SUFFIX = ".cert"


class Keys:
    """The worker's own pair, and whom it trusts. `path` is a directory with handler.cert and
    coordinator.cert, or a certificate in it."""

    def __init__(self, path: Union[str, Path]):
        own = Path(path)
        if own.is_dir():
            own = own / f"handler{SUFFIX}"
        if not own.name.endswith("_secret"):
            own = own.with_name(own.name + "_secret")
        self.public, self._secret = _load(own)
        if not self._secret:
            raise ValueError(f"{own} has no secret key")
        self.coordinator, _ = _load(own.with_name(f"coordinator{SUFFIX}"))
        fixed = own.with_name(f"node{SUFFIX}")
        #: Of nodes that were named by their endpoints; empty when there is none.
        self.node = _load(fixed)[0] if fixed.exists() else b""
        #: Of nodes that a coordinator has named, by endpoint.
        self.nodes: Dict[str, bytes] = {}

    def of_node(self, endpoint: str) -> bytes:
        return self.nodes.get(endpoint, self.node)

    def put(self, sock: Any, server: bytes) -> None:
        """Lets a socket connect to a peer with this key, and to no other. A peer whose key is not
        known is given one that nobody has."""
        sock.setsockopt(zmq.CURVE_SERVERKEY, server or zmq.curve_keypair()[0])
        sock.setsockopt(zmq.CURVE_PUBLICKEY, self.public)
        sock.setsockopt(zmq.CURVE_SECRETKEY, self._secret)


def _load(path: Path) -> Tuple[bytes, bytes]:
    public, secret = zmq.auth.load_certificate(str(path))
    return public, secret or b""
