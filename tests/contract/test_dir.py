"""Reference 9: files."""

import os
import re

import pytest
from compare import show
from support.wait import until
from world import World, conf_of

CONF = conf_of(
    """
    "/hj": hj, "/static/": dir, "/st2": dir, "/pat/(.*.html)$": dir, "/gone/": gone, "/ttl/": ttl,
    "/mime/": dir
    """,
    before="""
dir = Dir(base="static/", index_file="index.html", default_ctype="text/x-default")
gone = Dir(base="nowhere/", index_file="index.html", default_ctype="text/plain")
ttl = Dir(base="static/", index_file="index.html", default_ctype="text/plain", cache_ttl=60)
""",
)

MTIME = 1700000000  # Tue, 14 Nov 2023 22:13:20 GMT
LATER = "Wed, 15 Nov 2023 00:00:00 GMT"
EQUAL = "Tue, 14 Nov 2023 22:13:20 GMT"
EARLIER = "Tue, 14 Nov 2023 22:13:19 GMT"
FUTURE = "Tue, 14 Nov 2093 22:13:20 GMT"

FILES = {
    "static/index.html": "index\n",
    "static/a.txt": "hello world",
    "static/a b.txt": "blank",
    "static/a%20b": "percent",
    "static/.dot": "dot",
    "static/x.tar.gz": "gz",
    "static/x.JSON": "{}",
    "static/jpg": "no type",
    "static/foojpg": "no type",
    "static/empty.txt": "",
    "static/big.bin": "0123456789abcdef" * 8192,
    "static/sub/index.html": "sub index\n",
    "static/sub/b.txt": "b",
    "static/noindex/c.txt": "c",
    "static2/secret": "secret",
    "secret.txt": "secret",
}


def prepare(folder):
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (MTIME, MTIME))
    (folder / "static/inside").symlink_to("sub/b.txt")
    (folder / "static/outside").symlink_to("../secret.txt")


@pytest.fixture(scope="module")
def world(module_stage, kit):
    return World(module_stage, kit, CONF, prepare)


def get(world, target, method="GET", **headers):
    pairs = {name.replace("_", "-"): value for name, value in headers.items()}
    with world.client() as client:
        return client.get(target, pairs, method).response(method)


NOT_FOUND = "404 Not Found"

# request, what comes: the body of a 200, or the status
TARGETS = [
    ("/static/", "index\\n"),
    ("/static/a.txt", "hello world"),
    ("/static//a.txt", "hello world"),
    ("/static/./a.txt", "hello world"),
    ("/static/sub/../a.txt", "hello world"),
    ("/static/a.txt%00x", "hello world"),
    ("/static/%61.txt", "hello world"),
    ("/static/a.txt?q=1", "hello world"),
    ("/static/a%20b.txt", "blank"),
    ("/static/a%2520b", "percent"),
    ("/static/a+b.txt", NOT_FOUND),
    ("/static/.dot", "dot"),
    ("/static/empty.txt", ""),
    ("/static/sub/", "sub index\\n"),
    ("/static/sub/b.txt", "b"),
    ("/static/sub%2fb.txt", "b"),
    ("/static/noindex/", NOT_FOUND),
    ("/static/a.txt/", NOT_FOUND),
    ("/static/none", NOT_FOUND),
    ("/static/A.TXT", NOT_FOUND),
    ("/static/%2e%2e/%2e%2e/secret.txt", NOT_FOUND),
    ("/static/../secret.txt", NOT_FOUND),
    ("/static/..%2fsecret.txt", NOT_FOUND),
    ("/static/../static2/secret", "secret"),
    ("/static/..%2fstatic2/secret", "secret"),
    ("/static/inside", "b"),
    ("/static/outside", NOT_FOUND),
    ("/static", NOT_FOUND),
    ("/stat", NOT_FOUND),
    ("/st2a.txt", "hello world"),
    ("/st2/a.txt", "hello world"),
    ("/st2", NOT_FOUND),
    ("/pat/index.html", "index\\n"),
    ("/pat/a.txt", NOT_FOUND),
    ("/gone/a.txt", NOT_FOUND),
]


@pytest.mark.parametrize("target, wanted", TARGETS, ids=[t[0] for t in TARGETS])
def test_targets(world, expect, target, wanted):
    response = get(world, target)
    if response.status == 200:
        got = show(response.body)
    else:
        location = response.header("location")
        got = f"{response.status} {show(response.reason)}" + (
            f" to {show(location)}" if location is not None else ""
        )
    expect(f"file {target}", got, wanted)


def head(response):
    """The head of a response, the time of it left out."""
    return re.sub(r"Date: [^\\]*", "Date: *", show(response.head))


def test_a_response(world, expect):
    wanted = (
        "HTTP/1.1 200 OK\\r\\nDate: *\\r\\nContent-Type: text/plain\\r\\nContent-Length: 11\\r\\n"
        "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\\r\\nETag: 6553f100-b\\r\\n"
        "Server: Mongrel2/*\\r\\n\\r\\n"
    )
    expect("file: head of a response", head(get(world, "/static/a.txt")), wanted)
    expect("file: head for HEAD", head(get(world, "/static/a.txt", "HEAD")), wanted)


@pytest.mark.parametrize("where", ["a host and a port", "a query", "no host"])
def test_redirects(world, expect, where):
    lines = {
        "a host and a port": "GET /static/sub HTTP/1.1\r\nHost: localhost:16000\r\n\r\n",
        "a query": "GET /static/sub?x=1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "no host": "GET /static/sub HTTP/1.0\r\n\r\n",
    }
    locations = {
        "a host and a port": "//localhost:16000/static/sub/",
        "a query": "//h/static/sub?x=1/",
        "no host": "//(null)/static/sub/",
    }
    with world.client() as client:
        response = client.send(lines[where]).response()
    wanted = (
        f"HTTP/1.1 301 Moved Permanently\\r\\nLocation: {locations[where]}\\r\\n"
        "Content-Length: 0\\r\\nServer: Mongrel2/*\\r\\n\\r\\n"
    )
    expect(f"redirect: with {where}", show(response.raw), wanted)


TYPES = [
    ("/static/a.txt", "text/plain"),
    ("/static/index.html", "text/html"),
    ("/static/x.tar.gz", "application/x-gzip"),
    ("/static/x.JSON", "application/json"),
    ("/static/jpg", "text/x-default"),
    ("/static/foojpg", "text/x-default"),
    ("/static/big.bin", "application/octet-stream"),
    ("/ttl/jpg", "text/plain"),
]


@pytest.mark.parametrize("target, wanted", TYPES, ids=[t[0] for t in TYPES])
def test_types(world, expect, target, wanted):
    expect(f"type {target}", show(get(world, target).header("content-type")), wanted)


def test_a_large_file(world, expect):
    body = get(world, "/static/big.bin").body
    whole = body == FILES["static/big.bin"].encode()
    expect("file: large", f"{len(body)} {whole}", "131072 True")


def test_ranges(world, expect):
    response = get(world, "/static/a.txt", Range="bytes=0-4")
    expect("file: range", f"{response.status} {show(response.body)}", "200 hello world")


# headers of the request, status
CONDITIONS = [
    ({"If_None_Match": "6553f100-b"}, "304"),
    ({"If_None_Match": "*"}, "304"),
    ({"If_None_Match": '"6553f100-b"'}, "200"),
    ({"If_None_Match": "zzz"}, "200"),
    ({"If_None_Match": "a, 6553f100-b"}, "200"),
    ({"If_Modified_Since": EQUAL}, "304"),
    ({"If_Modified_Since": LATER}, "304"),
    ({"If_Modified_Since": EARLIER}, "200"),
    ({"If_Modified_Since": FUTURE}, "200"),
    ({"If_Modified_Since": "junk"}, "200"),
    ({"If_Modified_Since": "Tuesday, 14-Nov-23 22:13:20 GMT"}, "200"),
    ({"If_Unmodified_Since": EQUAL}, "500"),
    ({"If_Unmodified_Since": LATER}, "500"),
    ({"If_Unmodified_Since": EARLIER}, "412"),
    ({"If_Unmodified_Since": LATER, "If_None_Match": "zzz"}, "200"),
    ({"If_Unmodified_Since": LATER, "If_None_Match": "*"}, "304"),
    ({"If_Unmodified_Since": LATER, "If_Modified_Since": EARLIER}, "200"),
    ({"If_None_Match": "zzz", "If_Modified_Since": LATER}, "304"),
    ({"If_Match": "*"}, "200"),
    ({"If_Match": "1-1"}, "200"),
    ({"If_Match": "6553f100-b"}, "412"),
    ({"If_Match": '"6553f100-b"'}, "412"),
    ({"If_Match": "f-f"}, "412"),
    ({"If_Match": "zzz"}, "412"),
    ({"If_Match": "1-1", "If_None_Match": "*"}, "304"),
]


def condition_name(headers):
    return ", ".join(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())


@pytest.mark.parametrize("headers, wanted", CONDITIONS, ids=[condition_name(c[0]) for c in CONDITIONS])
def test_conditions(world, expect, headers, wanted):
    response = get(world, "/static/a.txt", **headers)
    expect(f"if {condition_name(headers)}", str(response.status), wanted)


def fixed(status, body):
    type = "Content-Type: text/plain\\r\\n" if body else ""
    return (
        f"HTTP/1.1 {status}\\r\\n{type}Connection: close\\r\\nContent-Length: {len(body)}\\r\\n"
        f"Server: Mongrel2/*\\r\\n\\r\\n{body}"
    )


def test_answers_to_conditions(world, expect):
    response = get(world, "/static/a.txt", If_None_Match="*")
    expect("file: 304", show(response.raw), fixed("304 Not Modified", ""))
    response = get(world, "/static/a.txt", If_Unmodified_Since=EARLIER)
    expect("file: 412", show(response.raw), fixed("412 Precondition Failed", "Precondition Failed"))


def test_a_changed_file(world, expect):
    """Found out by time; a record may be a second old."""
    path = world.server.folder / "static/changing.txt"
    path.write_text("before")
    os.utime(path, (MTIME, MTIME))
    first = get(world, "/static/changing.txt").header("last-modified")
    expect("file: before its change", show(first), EQUAL)
    path.write_text("after it")
    os.utime(path, (MTIME + 60, MTIME + 60))

    def changed():
        return get(world, "/static/changing.txt").header("last-modified") != first

    until(changed, "the change of a file being seen")
    expect("file: after its change", show(get(world, "/static/changing.txt").body), "after it")


CASES = (
    [f"file {t[0]}" for t in TARGETS]
    + [f"type {t[0]}" for t in TYPES]
    + [f"if {condition_name(c[0])}" for c in CONDITIONS]
    + [f"redirect: with {w}" for w in ("a host and a port", "a query", "no host")]
    + [
        *["file: head of a response", "file: head for HEAD", "file: large", "file: range"],
        *["file: 304", "file: 412", "file: before its change", "file: after its change"],
    ]
)
