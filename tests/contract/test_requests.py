"""Reference 1: what a handler receives."""

import pytest
from compare import show, show_request
from support.raw import Client
from support.server import Server, server_conf
from world import JSON_ID, TNET_ID, World, conf_of, request

CONF = conf_of(
    """
    "/hj": hj, "/ht": ht, "@hj": hj, "@ht": ht, "<hx": hj, "<ht": ht, "/static/": dir,
    "/img/(.*).jpg$": hj
    """,
    before='dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain")\n',
)


def prepare(folder):
    (folder / "static").mkdir()
    (folder / "static/index.html").write_text("index\n")


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, CONF, prepare)


# case, handler, bytes of the client, message with the client's headers in any order
SAMPLES = [
    (
        "http, json",
        "hj",
        b"GET /hj/a%20b?x=1&y=2#frag HTTP/1.1\r\nHost: localhost:16000\r\nUser-Agent: demo\r\n"
        b"X-Multi: one\r\nX-Multi: two\r\nX-Quote: a\"b\\c/\xc3\xa9\r\n\r\n",
        JSON_ID.encode() + b' 2 /hj/a%20b 302:{"PATH":"/hj/a%20b","x-forwarded-for":"127.0.0.1",'
        b'"x-quote":"a\\"b\\\\c/\xc3\xa9","x-multi":["one","two"],"user-agent":"demo",'
        b'"host":"localhost:16000","METHOD":"GET","VERSION":"HTTP/1.1","URI":"/hj/a%20b?x=1&y=2",'
        b'"QUERY":"x=1&y=2","FRAGMENT":"frag","PATTERN":"/hj","URL_SCHEME":"http",'
        b'"REMOTE_ADDR":"127.0.0.1"},0:,',
    ),
    (
        "http post, tnetstring",
        "ht",
        b"POST /ht/z HTTP/1.1\r\nHost: localhost\r\nX-Multi: one\r\nX-Multi: two\r\n"
        b"Content-Length: 5\r\n\r\nhello",
        TNET_ID.encode() + b" 2 /ht/z 228:11:REMOTE_ADDR,9:127.0.0.1,6:METHOD,4:POST,10:URL_SCHEME,"
        b"4:http,7:PATTERN,3:/ht,3:URI,5:/ht/z,7:VERSION,8:HTTP/1.1,4:PATH,5:/ht/z,4:host,"
        b"9:localhost,7:x-multi,12:3:one,3:two,]14:content-length,1:5,15:x-forwarded-for,"
        b"9:127.0.0.1,}5:hello,",
    ),
    (
        "http/1.0 without headers",
        "hj",
        b"GET /hj HTTP/1.0\r\n\r\n",
        JSON_ID.encode() + b' 3 /hj 154:{"PATH":"/hj","x-forwarded-for":"127.0.0.1","METHOD":"GET",'
        b'"VERSION":"HTTP/1.0","URI":"/hj","PATTERN":"/hj","URL_SCHEME":"http",'
        b'"REMOTE_ADDR":"127.0.0.1"},0:,',
    ),
    (
        "json socket, json",
        "hj",
        b'@hj {"msg":"hi"}\0',
        JSON_ID.encode() + b' 2 @hj 122:{"PATH":"@hj","x-forwarded-for":"127.0.0.1","METHOD":"JSON",'
        b'"PATTERN":"@hj","URL_SCHEME":"http","REMOTE_ADDR":"127.0.0.1"},12:{"msg":"hi"},',
    ),
    (
        "json socket, tnetstring",
        "ht",
        b'@ht {"msg":"hi"}\0',
        TNET_ID.encode() + b" 3 @ht 124:11:REMOTE_ADDR,9:127.0.0.1,6:METHOD,4:JSON,10:URL_SCHEME,"
        b"4:http,7:PATTERN,3:@ht,4:PATH,3:@ht,15:x-forwarded-for,9:127.0.0.1,}12:{\"msg\":\"hi\"},",
    ),
    (
        "xml socket, json",
        "hj",
        b'<hx a="1"><b/></hx>\0',
        JSON_ID.encode() + b' 13 <hx 121:{"PATH":"<hx","x-forwarded-for":"127.0.0.1",'
        b'"METHOD":"XML","PATTERN":"<hx","URL_SCHEME":"http","REMOTE_ADDR":"127.0.0.1"},'
        b'19:<hx a="1"><b/></hx>,',
    ),
    (
        "xml socket, tnetstring",
        "ht",
        b"<ht><a></ht>\0",
        TNET_ID.encode() + b" 16 <ht 123:11:REMOTE_ADDR,9:127.0.0.1,6:METHOD,3:XML,10:URL_SCHEME,"
        b"4:http,7:PATTERN,3:<ht,4:PATH,3:<ht,15:x-forwarded-for,9:127.0.0.1,}12:<ht><a></ht>,",
    ),
    (
        "websocket handshake",
        "hj",
        b"GET /hj HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n",
        JSON_ID.encode() + b' 2 /hj 322:{"PATH":"/hj","x-forwarded-for":"127.0.0.1",'
        b'"connection":"keep-alive, Upgrade","sec-websocket-version":"13",'
        b'"sec-websocket-key":"dGhlIHNhbXBsZSBub25jZQ==","host":"localhost","upgrade":"websocket",'
        b'"METHOD":"WEBSOCKET_HANDSHAKE","VERSION":"HTTP/1.1","URI":"/hj","PATTERN":"/hj",'
        b'"URL_SCHEME":"http","REMOTE_ADDR":"127.0.0.1"},28:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=,',
    ),
    (
        "pattern is the whole route",
        "hj",
        b"GET /img/a.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n",
        JSON_ID.encode() + b' 1 /img/a.jpg 198:{"PATH":"/img/a.jpg","x-forwarded-for":"127.0.0.1",'
        b'"host":"localhost","METHOD":"GET","VERSION":"HTTP/1.1","URI":"/img/a.jpg",'
        b'"PATTERN":"/img/(.*).jpg$","URL_SCHEME":"http","REMOTE_ADDR":"127.0.0.1"},0:,',
    ),
]


@pytest.mark.parametrize("case, name, data, message", SAMPLES, ids=[s[0] for s in SAMPLES])
def test_samples(world, expect, case, name, data, message):
    handler = world.handler(name)
    with Client(world.port) as client:
        client.send(data)
        expect(f"sample: {case}", show_request(request(handler).msg), show_request(message))


# case, header lines of the client, what the handler sees of them (None: the request is refused)
HEADERS = [
    ("repeated five times", "X: 1|X: 2|x: 3|X: 4|X: 5", '"x":["1","2","3","4","5"]'),
    ("repeated six times", "X: 1|X: 2|X: 3|X: 4|X: 5|X: 6", '"x":["1","2","3","4","5"]'),
    ("in another case", "x-A: 1|X-a: 2", '"x-a":["1","2"]'),
    ("white space", "X: \t  one  ", '"x":"one  "'),
    ("empty value", "X:", '"x":""'),
    ("empty value with a space", "X: ", '"x":""'),
    ("quotes and backslashes", 'X: "\\', '"x":"\\\\"\\\\\\\\"'),
    ("utf-8", "X: \u00c3\u00a9", '"x":"\\xc3\\xa9"'),
    ("latin-1", "X: caf\u00e9", '"x":"caf\\xe9"'),
    ("tab inside a value", "X: a\tb", '"x":"a\\tb"'),
    ("control byte in a value", "X: a\1b", '"x":"a\\x01b"'),
    ("control byte in a name", "X\1Y: a", '"x\\x01y":"a"'),
    ("a server's name", "PATH: x", '"path":"x"'),
    ("forwarded for", "X-Forwarded-For: 1.2.3.4|X-Forwarded-For: 5.6.7.8", None),
    ("an upload marker", "x-mongrel2-upload-done: /etc/passwd",
     '"x-mongrel2-upload-done":"/etc/passwd"'),
    ("no value of the node is lower case", "METHOD: x|UPLOAD_STREAM: 0",
     '"method":"x","upload_stream":"0"'),
]


@pytest.mark.parametrize("case, lines, pairs", HEADERS, ids=[h[0] for h in HEADERS])
def test_headers(world, expect, case, lines, pairs):
    text = "\r\n".join(["GET /hj HTTP/1.1", "Host: h", *lines.split("|"), "", ""])
    clients = sorted(['"host":"h"', '"x-forwarded-for":"127.0.0.1"', *([pairs] if pairs else [])])
    with Client(world.port) as client:
        client.send(text.encode("latin-1"))
        expect(f"header: {case}", seen(world, client), ",".join(clients))


def seen(world, client):
    """The client's headers as the handler has them, or the answer to the client."""
    while True:
        if world.hj.poll(0.02):
            req = world.hj.recv()
            if not req.is_notice():
                break
        elif client.is_closed(0.02):
            return "refused: " + show(client.received.split(b"\r\n")[0])
    shown = show_request(req.msg)
    inside = shown[shown.index('"PATH":"/hj",') + len('"PATH":"/hj",') : shown.index(',"METHOD"')]
    return inside


def ids_of(world, client, steps):
    """The ids in a handler's messages, and answers so that each step is over."""
    ids = []
    for handler, data in steps:
        client.send(data)
        req = request(handler)
        handler.reply_http(req, b"x")
        ids.append(int(req.conn_id))
        client.response()
    return ids


def test_connection_ids(world, expect):
    """One for the life of a connection, over all handlers."""
    get = "GET {} HTTP/1.1\r\nHost: h\r\n\r\n"
    with world.client() as one, world.client() as two:
        first = ids_of(world, one, [(world.hj, get.format("/hj"))])
        other = ids_of(world, two, [(world.hj, get.format("/hj"))])
        first += ids_of(world, one, [(world.ht, get.format("/ht")), (world.hj, get.format("/hj"))])
    assert len(set(first)) == 1 and first[0] != other[0]
    expect("ids: the next connection has the next id", str(other[0] - first[0]), "1")


def test_connection_ids_over_protocols(world, expect):
    with world.client() as client:
        ids = []
        for data in ("GET /hj HTTP/1.1\r\nHost: h\r\n\r\n", "@hj {}\0", "<hx/>\0"):
            client.send(data)
            req = request(world.hj)
            ids.append(int(req.conn_id))
            if data.startswith("GET"):
                world.hj.reply_http(req, "x")  # requests are answered in order: D3
                client.response()
    assert len(set(ids)) == 1


def test_static_files_use_no_id(world, expect):
    ids = []
    for _ in range(2):
        with Client(world.port) as client:
            client.send("GET /hj HTTP/1.1\r\nHost: h\r\n\r\n")
            ids.append(int(request(world.hj).conn_id))
        with Client(world.port) as client:
            client.get("/static/").response()
    expect("ids: a connection that only reads files", str(ids[1] - ids[0]), "2")


def test_many_segments_of_a_body(world, expect):
    with Client(world.port) as client:
        client.send("POST /hj HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n")
        client.send_slowly(b"0123456789" * 4, pieces=8)
        body = request(world.hj).body
        expect("body: in many segments", show(body), "0123456789" * 4)


def test_requests_wait_for_a_handler(module_stage, kit, expect):
    """With no handler connected a request waits; the first to come gets it."""
    conf = server_conf(
        """
h = Handler(send_spec="ipc://{folder}/run/h.send", send_ident="h",
            recv_spec="ipc://{folder}/run/h.recv", recv_ident="")
localhost = Host(name="localhost", routes={{"/": h}})
""",
        "localhost",
        extra="hosts=[localhost]",
    )
    server = Server(module_stage, kit, conf).load().start()
    with Client(server.port) as client:
        client.send("GET /early HTTP/1.1\r\nHost: h\r\n\r\n")
        specs = [f"ipc://{server.folder}/run/h.{way}" for way in ("send", "recv")]
        handler = module_stage.handler(*specs)
        req = request(handler)
        handler.reply_http(req, "late")
        expect("no handler: the request waits", show(req.path), "/early")
        expect("no handler: and is answered", show(client.response().body), "late")


CASES = (
    [f"sample: {s[0]}" for s in SAMPLES]
    + [f"header: {h[0]}" for h in HEADERS]
    + [
        "ids: the next connection has the next id",
        "ids: a connection that only reads files",
        "body: in many segments",
        "no handler: the request waits",
        "no handler: and is answered",
    ]
)
