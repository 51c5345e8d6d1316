"""What is no request, or could be read in two ways, is answered with the right status, the
connection is closed, and nothing behind it is looked at: every row carries a second request, which
must reach nobody. RFC 9112 section 11; rows S7, S8, D1, D20 of the list of Mongrel2's defects."""

from __future__ import annotations

import pytest
from support.raw import Client

SMUGGLED = b"GET /echo/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD = b"POST /echo/x HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /echo/x HTTP/1.1\r\nHost: localhost\r\n"

# name, status, request
ROWS = [
    # Two lengths, or a length that is none (RFC 9112 6.3, S7).
    ("two lengths", 400, HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    ("two lengths in a list", 400, HEAD + b"Content-Length: 5, 6\r\n\r\nhello"),
    ("length and chunked", 400, HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunked and length", 400, HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
    ("length with a sign", 400, HEAD + b"Content-Length: +5\r\n\r\nhello"),
    ("negative length", 400, HEAD + b"Content-Length: -5\r\n\r\nhello"),
    ("length in hex", 400, HEAD + b"Content-Length: 0x5\r\n\r\nhello"),
    ("length with junk", 400, HEAD + b"Content-Length: 5 hello\r\n\r\nhello"),
    ("empty length", 400, HEAD + b"Content-Length:\r\n\r\nhello"),
    ("length beyond 64 bits", 400, HEAD + b"Content-Length: 18446744073709551621\r\n\r\nhello"),
    ("length beyond 63 bits", 400, HEAD + b"Content-Length: 9223372036854775808\r\n\r\nhello"),
    # Codings (RFC 9112 6.1).
    ("chunked twice", 400, HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked in two fields", 400, HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunked not last", 400, HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    ("identity", (400, 501), HEAD + b"Transfer-Encoding: identity\r\n\r\n"),
    ("junk before chunked", (400, 501), HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("vertical tab before chunked", 400, HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("quoted chunked", (400, 501), HEAD + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    ("unknown coding", 501, HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked in HTTP/1.0", 400, b"POST /echo/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    # Chunks (RFC 9112 7.1).
    ("chunk size with a sign", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n"),
    ("chunk size with 0x", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"),
    ("chunk size with a blank", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n"),
    ("empty chunk size", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n"),
    ("chunk size beyond 64 bits", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("chunk size ends in LF", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"),
    ("chunk longer than it says", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n"),
    ("chunk ends in LF", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n"),
    ("endless extension", 400, HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 2000 + b"\r\nhello\r\n0\r\n\r\n"),
    ("endless trailer", (400, 431), HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * 9000 + b"\r\n\r\n"),
    # Fields (RFC 9112 5, S8).
    ("blank before the colon", 400, HEAD + b"Content-Length : 5\r\n\r\nhello"),
    ("tab before the colon", 400, HEAD + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    ("folded field", 400, GET + b"X: a\r\n b\r\n\r\n"),
    ("folded coding", 400, HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("blank before the first field", 400, b"GET /echo/x HTTP/1.1\r\n Host: localhost\r\n\r\n"),
    ("no colon", 400, GET + b"nonsense\r\n\r\n"),
    ("no name", 400, GET + b": x\r\n\r\n"),
    ("control byte in a name", 400, GET + b"X\x01Y: x\r\n\r\n"),
    ("byte above 127 in a name", 400, GET + b"X\xe9: x\r\n\r\n"),
    ("NUL in a value", 400, GET + b"X: a\0b\r\n\r\n"),
    ("control byte in a value", 400, GET + b"X: a\x01b\r\n\r\n"),
    ("CR in a value", 400, GET + b"X: a\rContent-Length: 5\r\n\r\nhello"),
    ("CR alone ends nothing", 400, GET + b"X: a\r\r\n\r\n"),
    # Host (RFC 9112 3.2).
    ("no Host", 400, b"GET /echo/x HTTP/1.1\r\n\r\n"),
    ("two Hosts", 400, GET + b"Host: other.test\r\n\r\n"),
    ("two equal Hosts", 400, GET + b"Host: localhost\r\n\r\n"),
    ("a Host with a path", 400, b"GET /echo/x HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
    ("a Host with a blank", 400, b"GET /echo/x HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ("a Host with a user", 400, b"GET /echo/x HTTP/1.1\r\nHost: a@localhost\r\n\r\n"),
    ("a Host with a bad port", 400, b"GET /echo/x HTTP/1.1\r\nHost: localhost:99999x\r\n\r\n"),
    # The request line (RFC 9112 3).
    ("no method", 400, b" /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("no target", 400, b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("two blanks", 400, b"GET  /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("a tab", 400, b"GET\t/echo/x\tHTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("a blank in the target", 400, b"GET /echo/x y HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("NUL in the target", 400, b"GET /echo/x\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("byte above 127 in the target", 400, b"GET /echo/\xe9 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("no version", 400, b"GET /echo/x\r\n\r\n"),
    ("a small version", 400, b"GET /echo/x http/1.1\r\nHost: localhost\r\n\r\n"),
    ("a long version", 400, b"GET /echo/x HTTP/1.10\r\nHost: localhost\r\n\r\n"),
    ("version 2", 505, b"GET /echo/x HTTP/2.0\r\nHost: localhost\r\n\r\n"),
    ("the preface of HTTP/2", (400, 505), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("version 0.9", (400, 505), b"GET /echo/x HTTP/0.9\r\nHost: localhost\r\n\r\n"),
    ("a relative target", 400, b"GET echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("an asterisk without OPTIONS", 400, b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("many empty lines", 400, b"\r\n" * 100 + GET + b"\r\n"),
    # Limits of this site (D1, D2, D20).
    ("path too long", 414, b"GET /echo/" + b"x" * 200 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("request line too long", 414, b"GET /echo/?" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("too many fields", 431, GET + b"X: y\r\n" * 20 + b"\r\n"),
    ("head too long", 431, GET + b"X: " + b"y" * 5000 + b"\r\n\r\n"),
    ("method too long", 501, b"X" * 100 + b" /echo/x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("body too long", 413, HEAD + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001),
]


@pytest.mark.parametrize("pieces", [False, True], ids=["whole", "pieces"])
@pytest.mark.parametrize("name, status, request_bytes", ROWS, ids=[row[0] for row in ROWS])
def test_refused(site, name, status, request_bytes, pieces):
    data = request_bytes + SMUGGLED
    with Client(site.port) as client:
        try:
            if pieces:
                for at in range(0, len(data), 7):
                    client.send(data[at : at + 7])
            else:
                client.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent
        response = client.response()
        assert response.status in (status if isinstance(status, tuple) else (status,))
        assert response.header("connection") == b"close"
        assert client.is_closed(10), "the connection stayed open"
        assert client.unread == b""
    assert b"/echo/smuggled" not in site.echo.seen


def test_refusals_are_logged(site):
    """Upstream's access log omits them (D22)."""
    with Client(site.port) as client:
        client.send(b"GET /static/logged HTTP/1.1\r\n\r\n")
        assert client.response().status == 400
    site.server.stop()
    assert any(b"14:/static/logged" in line and b"3:400#" in line for line in site.server.access_log())
