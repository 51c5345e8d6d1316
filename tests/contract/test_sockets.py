"""JSON and XML sockets: what is a message, where it leads, and what the server answers itself."""

import pytest
from compare import show
from world import World, conf_of, request

CONF = conf_of(
    '"/hj": hj, "@hj": hj, "<hx": hj, "/static/": dir, "@dir": dir',
    before='dir = Dir(base="static/", index_file="index.html", default_ctype="text/plain")\n',
)


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, CONF)


NOT_FOUND = "404 Not Found"
BAD = "400 Bad Request"

#: case, bytes of the client, what comes of it: METHOD PATH body, or the status line of a refusal
MESSAGES = [
    ("json", '@hj {"a":1}\0', 'JSON @hj {"a":1}'),
    ("json, empty object", "@hj {}\0", "JSON @hj {}"),
    ("json, below the route", "@hj/a/b {}\0", "JSON @hj/a/b {}"),
    ("json, an escape", "@hj/%41 {}\0", "JSON @hj/%41 {}"),
    ("json, a bad escape", "@hj/%4x {}\0", BAD),
    ("json, a prefix of the route", "@h {}\0", "JSON @h {}"),
    ("json, not checked", "@hj {nonsense}\0", "JSON @hj {nonsense}"),
    ("json, a NUL inside", '@hj {"a\0":1}\0', 'JSON @hj {"a\\0":1}'),
    ("json, the end inside a string", '@hj {"a":"}\0"}\0', 'JSON @hj {"a":"}'),
    ("json, a list", "@hj [1]\0", BAD),
    ("json, a query", "@hj?x=1 {}\0", BAD),
    ("json, a fragment", "@hj#x {}\0", BAD),
    ("json, two spaces", "@hj  {}\0", BAD),
    ("json, no space", "@hj{}\0", BAD),
    ("json, no route", "@zzz {}\0", NOT_FOUND),
    ("xml", '<hx a="1"><b/></hx>\0', 'XML <hx <hx a="1"><b/></hx>'),
    ("xml, empty element", "<hx/>\0", "XML <hx <hx/>"),
    ("xml, below the route", "<hx-1.2 />\0", "XML <hx-1.2 <hx-1.2 />"),
    ("xml, a tab behind the tag", "<hx\t>\0", "XML <hx <hx\\t>"),
    ("xml, a NUL inside", "<hx>\0</hx>\0", "XML <hx <hx>\\0</hx>"),
    ("xml, a declaration", '<?xml version="1.0"?><hx/>\0', BAD),
    ("xml, an underscore", "<h_x/>\0", BAD),
    ("xml, no route", "<zzz/>\0", NOT_FOUND),
    ("xml, nearly the policy", "<policy-file-requests/>\0", NOT_FOUND),
    ("ping with more", '@hj {"type":"ping", "x":1}\0', 'JSON @hj {"type":"ping", "x":1}'),
    ("ping with a digit", '@hj/1 {"type":"ping"}\0', 'JSON @hj/1 {"type":"ping"}'),
    ("ping without a route", '@zzz {"type":"ping"}\0', NOT_FOUND),
]


@pytest.mark.parametrize("case, data, wanted", MESSAGES, ids=[m[0] for m in MESSAGES])
def test_message(world, expect, case, data, wanted):
    with world.client() as client:
        client.send(data)
        if wanted in (BAD, NOT_FOUND):
            line = client.read_end().split(b"\r\n", 1)[0]
            got = show(line.partition(b" ")[2])
        else:
            req = request(world.hj)
            got = f"{show(req.method)} {show(req.path)} {show(req.body)}"
        expect(f"socket: {case}", got, wanted)


PINGS = ['@hj {"type":"ping"}\0', '@hj {"type": "ping"}\0', '@hj {"type": \t"ping"}\0']


@pytest.mark.parametrize("ping", PINGS)
def test_a_ping_is_kept(world, expect, ping):
    with world.client() as client:
        client.send(ping + '@hj {"behind":1}\0')
        expect(f"socket: {ping[:-1]}", show(request(world.hj).body), '{"behind":1}')


def test_a_refusal_is_http(world, expect):
    with world.client() as client:
        got = show(client.send("@hj [1]\0").read_end())
    wanted = (
        "HTTP/1.1 400 Bad Request\\r\\nContent-Type: text/plain\\r\\nConnection: close\\r\\n"
        "Content-Length: 11\\r\\nServer: Mongrel2/*\\r\\n\\r\\nBad Request"
    )
    expect("socket: refused", got, wanted)


def test_something_between_messages(world, expect):
    with world.client() as client:
        client.send("@hj {}\0")
        request(world.hj)
        got = client.send("\n@hj {}\0").read_end().split(b"\r\n", 1)[0]
        expect("socket: a line end between messages", show(got), "HTTP/1.1 400 Bad Request")


POLICY = (
    '<?xml version="1.0"?><!DOCTYPE cross-domain-policy SYSTEM '
    '"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd"><cross-domain-policy> '
    '<allow-access-from domain="*" to-ports="*" /></cross-domain-policy>\\0'
)


@pytest.mark.parametrize("question", ["<policy-file-request/>\0", "<policy-file-request >\0"])
def test_the_policy(world, expect, question):
    with world.client() as client:
        expect(f"socket: {question[:-1]}", show(client.send(question).read_end()), POLICY)


def test_all_kinds_on_one_connection(world, expect):
    seen = []
    with world.client() as client:
        for data in ("@hj {}\0", "GET /hj HTTP/1.1\r\nHost: h\r\n\r\n", "<hx/>\0", "@hj/2 {}\0"):
            client.send(data)
            req = request(world.hj)
            seen.append(show(req.method))
            if seen[-1] == "GET":
                world.hj.reply_http(req, "x")
                client.response()
    expect("socket: mixed", " ".join(seen), "JSON GET XML JSON")


CASES = (
    [f"socket: {m[0]}" for m in MESSAGES]
    + [f"socket: {p[:-1]}" for p in PINGS]
    + ["socket: <policy-file-request/>", "socket: <policy-file-request >", "socket: mixed"]
    + ["socket: refused", "socket: a line end between messages"]
)
