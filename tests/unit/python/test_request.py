"""Messages of a node, taken apart and put together."""

import pytest

from mongrel2 import BadMessage, Headers, Request

UUID = b"34f9ceee-cd52-4b7f-b197-88bf2f0ec378"

HTTP = (
    UUID + b' 2 /hj/a%20b 302:{"PATH":"/hj/a%20b","x-forwarded-for":"127.0.0.1",'
    b'"x-quote":"a\\"b\\\\c/\xc3\xa9","x-multi":["one","two"],"user-agent":"demo",'
    b'"host":"localhost:16000","METHOD":"GET","VERSION":"HTTP/1.1","URI":"/hj/a%20b?x=1&y=2",'
    b'"QUERY":"x=1&y=2","FRAGMENT":"frag","PATTERN":"/hj","URL_SCHEME":"http",'
    b'"REMOTE_ADDR":"127.0.0.1"},0:,'
)
TNET = (
    b"54c6755b-9628-40a4-9a2d-cc82a816345e 2 /ht/z 228:11:REMOTE_ADDR,9:127.0.0.1,6:METHOD,4:POST,"
    b"10:URL_SCHEME,4:http,7:PATTERN,3:/ht,3:URI,5:/ht/z,7:VERSION,8:HTTP/1.1,4:PATH,5:/ht/z,"
    b"4:host,9:localhost,7:x-multi,12:3:one,3:two,]14:content-length,1:5,15:x-forwarded-for,"
    b"9:127.0.0.1,}5:hello,"
)
LEAVE = UUID + b' 2 @* 17:{"METHOD":"JSON"},21:{"type":"disconnect"},'
LEAVE_TNET = UUID + b' 1 @* 16:6:METHOD,4:JSON,}21:{"type":"disconnect"},'
CREDITS = UUID + b' 1 @* 40:{"METHOD":"JSON","DOWNLOAD_CREDITS":"5"},18:{"type":"credits"},'


def request_with(body=b"", path=b"/", **headers):
    return Request(UUID, b"1", path, Headers(headers), body)


def test_http_with_json_headers():
    req = Request.parse(HTTP)
    assert (req.sender, req.conn_id, req.path, req.body) == (UUID, b"2", b"/hj/a%20b", b"")
    assert req.headers["x-quote"] == b'a"b\\c/\xc3\xa9'
    assert req.headers["x-multi"] == [b"one", b"two"]
    assert req.headers.first("x-multi") == b"one"
    assert req.headers.all("x-multi") == [b"one", b"two"]
    assert req.headers.all("host") == [b"localhost:16000"]
    assert req.headers.all("absent") == [] and req.headers.first("absent") is None
    assert req.method == b"GET" and req.data is None
    assert req.listener == (UUID, b"2")
    assert req.msg == HTTP and req.encode() == HTTP


def test_http_with_tnetstring_headers():
    req = Request.parse(TNET)
    assert req.method == b"POST" and req.body == b"hello"
    assert req.headers["x-multi"] == [b"one", b"two"]
    assert req.encode("tnetstring") == TNET


@pytest.mark.parametrize("value", [b"\xff\xfe", b"\t\x01\x1f", b'"\\', "é€😀".encode(), b"\xc3"])
def test_any_bytes_in_a_header_survive_a_raw_json_text(value):
    escaped = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    text = b'{"METHOD":"GET","x":"' + escaped + b'"}'
    req = Request.parse(b"u 1 / %d:%b,0:," % (len(text), text))
    assert req.headers["x"] == value


def test_what_encode_writes_is_valid_json():
    req = request_with(METHOD=b"GET", x=b"\t\xff\xc3\xa9\"\\")
    assert b'"x":"\\u0009\\u00ff\xc3\xa9\\"\\\\"' in req.msg
    assert Request.parse(req.msg).headers["x"] == "\tÿé\"\\".encode()


BAD = [
    b"",
    b"u 1 /",
    b" 1 / 2:{},0:,",
    b"u x / 2:{},0:,",
    b"u  / 2:{},0:,",
    b"u 1 / 3:{},0:,",
    b"u 1 / 2:{},",
    b"u 1 / 2:{},0:}",
    b"u 1 / 2:{},0:,x",
    b"u 1 / 2:[],0:,",
    b"u 4294967296 / 2:{},0:,",
    b"u " + b"9" * 5000 + b" / 2:{},0:,",
    b"u 1  2:{},0:,",
    b'u 1 / 8:{"a":{}},0:,',
    b'u 1 / 10:{"a":[[]]},0:,',
    b'u 1 / 14:{"a":"\\ud800"},0:,',
    b"u 1 / 2:{x,0:,",
    b"u 1 / 0:]0:,",
    b"u 1 / 10:1:a,3:0:]]}0:,",
    b"u 1 / 1:1#0:,",
]


@pytest.mark.parametrize("message", BAD)
def test_what_is_malformed_is_refused(message):
    with pytest.raises(BadMessage) as caught:
        Request.parse(message)
    assert caught.value.message == message


@pytest.mark.parametrize("message", [LEAVE, LEAVE_TNET])
def test_disconnect(message):
    req = Request.parse(message)
    assert req.is_disconnect() and req.is_notice() and not req.is_credits()
    assert req.data == {"type": "disconnect"}


def test_a_client_cannot_say_that_it_is_gone():
    forged = request_with(b'{"type":"disconnect"}', b"@*", METHOD=b"JSON", PATH=b"@*")
    assert forged.data == {"type": "disconnect"} and not forged.is_disconnect()
    http = request_with(b'{"type":"disconnect"}', b"/@*", METHOD=b"POST", PATH=b"/@*")
    assert not http.is_disconnect()


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"disconnect"', b"[" * 100_000])
def test_a_json_message_may_be_no_json(body):
    req = request_with(body, b"@*", METHOD=b"JSON")
    assert not req.is_disconnect()


def test_credits():
    notice = Request.parse(CREDITS)
    assert notice.is_credits() and notice.credits == 5 and not notice.is_disconnect()
    assert request_with(DOWNLOAD_CREDITS=b"102400").credits == 102400
    assert request_with(DOWNLOAD_CREDITS=b"x").credits == 0


@pytest.mark.parametrize(
    "headers, close",
    [
        ({"VERSION": b"HTTP/1.1"}, False),
        ({"VERSION": b"HTTP/1.0"}, True),
        ({"VERSION": b"HTTP/1.1", "connection": b"close"}, True),
        ({"VERSION": b"HTTP/1.1", "connection": b"keep-alive, Close"}, True),
        ({"VERSION": b"HTTP/1.1", "connection": [b"te", b"close"]}, True),
        ({"VERSION": b"HTTP/1.1", "connection": b"disclose"}, False),
    ],
)
def test_should_close(headers, close):
    assert request_with(**headers).should_close() is close


def test_websocket():
    frame = request_with(b"hi", METHOD=b"WEBSOCKET", FLAGS=b"0x81")
    assert frame.is_websocket() and frame.flags == 0x81 and frame.opcode == 1
    assert request_with(METHOD=b"WEBSOCKET_HANDSHAKE").is_handshake()
    assert request_with(METHOD=b"WEBSOCKET", FLAGS=b"zz").flags == 0
    assert request_with(METHOD=b"GET").flags == 0


def test_upload_headers():
    start, done = {"x-mongrel2-upload-start": b"t/a"}, {"x-mongrel2-upload-done": b"t/a"}
    assert request_with(**start).is_upload_start() and not request_with(**start).is_upload_done()
    both = request_with(**start, **done)
    assert both.is_upload_done() and not both.is_upload_start() and both.upload_path == b"t/a"
    forged = request_with(**start, **{"x-mongrel2-upload-done": b"t/b"})
    assert not forged.is_upload_done()
    twice = request_with(**start, **{"x-mongrel2-upload-done": [b"t/a", b"t/b"]})
    assert not twice.is_upload_done()
    assert not request_with(**done).is_upload_done()


def test_streamed_upload():
    piece = Request.parse(UUID + b' 2 /hj 25:{"UPLOAD_STREAM":"24615"},3:abc,')
    assert piece.is_upload_piece() and piece.upload_offset == 24615 and piece.method == b""
    assert not piece.is_last_piece()
    last = Request.parse(
        UUID + b' 2 /hj 50:{"UPLOAD_STREAM":"45095","UPLOAD_STREAM_DONE":"1"},0:,'
    )
    assert last.is_last_piece()


def test_forward_sends_the_message_as_it_came():
    class Socket:
        sent = None

        def send(self, message):
            self.sent = message

    socket = Socket()
    Request.parse(TNET).forward(socket)
    assert socket.sent == TNET


def test_repr_names_what_matters():
    assert repr(Request.parse(TNET)).startswith("<Request b'POST' b'/ht/z'")
