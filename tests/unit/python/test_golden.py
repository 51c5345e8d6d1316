"""The Python library reads and writes the bytes that the C library does."""

import pytest

from mongrel2 import BadMessage, Request
from support import golden

REQUESTS = golden.cases("handler_request.txt")
NOTICES = golden.cases("handler_notice.txt")


def flat(headers):
    return [
        [name.encode("utf-8", "surrogateescape"), value]
        for name, item in headers.items()
        for value in (item if isinstance(item, list) else [item])
    ]


@pytest.mark.parametrize("case", REQUESTS, ids=str)
def test_request(case):
    if case.refused:
        with pytest.raises(BadMessage):
            Request.parse(case.bytes)
        return
    req, fields = Request.parse(case.bytes), case.fields
    assert (req.sender, int(req.conn_id), req.path) == (
        fields["sender"],
        fields["conn_id"],
        fields["path"],
    )
    assert req.body == fields["body"]
    assert flat(req.headers) == fields["headers"]
    again = req.encode(fields["format"].decode())
    # a reader of JSON sees Latin-1 as the text that was meant, so that it is written as UTF-8
    if not case.decode_only and b"\\u00" not in case.bytes.replace(b"\\u000", b"").replace(
        b"\\u001", b""
    ):
        assert again == case.bytes
    assert flat(Request.parse(again).headers) == fields["headers"]


@pytest.mark.parametrize("case", NOTICES, ids=str)
def test_notice(case):
    req, fields = Request.parse(case.bytes), case.fields
    assert (req.sender, int(req.conn_id)) == (fields["sender"], fields["conn_id"])
    assert req.is_notice()
    assert req.is_disconnect() == (fields["type"] == b"disconnect")
    assert req.is_credits() == (fields["type"] == b"credits")
    assert req.credits == fields.get("credits", 0)
    assert req.encode(fields["format"].decode()) == case.bytes
