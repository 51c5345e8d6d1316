"""Reference 8: hosts and routes, with every worked example."""

import sqlite3

import pytest
from compare import show
from support.server import server_conf
from world import HANDLERS, World, request

A = ["/", "/users/([0-9]+)", "/users", "/users/people/([0-9]+)$", "/cars-fast/([a-z]-)$"]
IMG = ["/", "/img/(.*).jpg$", "/img/(.*).png$"]
IMG4 = ["/img/(.*).jpg$", "/img/(.*).png$", "/img/(.*).gif$", "/img/(.*)$"]
ABC = ["/a", "/ab", "/abc"]
SOCKETS = ["@chat", "<chat", "@chat/(x+)$"]
NO = "404"

# number, routes in this order, {request: route}
EXAMPLES = [
    ("1", A, {"/": "/"}),
    ("2", A, {"/users/1234/testing": "/users/([0-9]+)"}),
    ("3", A, {"/users/1234": "/users/([0-9]+)"}),
    ("4", A, {"/users": "/users"}),
    ("5", A, {"/users/people/1234": "/users/people/([0-9]+)$"}),
    ("6", A, {"/cars-fast/cadillac": "/cars-fast/([a-z]-)$"}),
    ("7", A, {"/usersBLAH": "/users"}),
    ("8", A, {"/us": "/users"}),
    ("9", A, {"/u": "/users"}),
    ("10", A, {"/users/": NO}),
    ("11", A, {"/users/abc": NO}),
    ("12", A, {"/users/people/1234/x": NO}),
    ("13", A, {"/users/people/": NO}),
    ("14", A, {"/users/p": NO}),
    ("15", A, {"/users/people": NO}),
    ("16", A, {"/users/peopleX": NO}),
    ("17", A, {"/cars": NO}),
    ("18", A, {"/cars-fast/Cad": NO}),
    ("19", A, {"/xray": "/", "/cars-slow": "/", "/userz": "/"}),
    ("20", IMG, {"/img/foo.jpg": "/img/(.*).jpg$"}),
    ("21", IMG, {"/img/foo.png": "/img/(.*).png$"}),
    ("22", IMG, {"/img/foo.bmp": NO, "/img/": NO, "/img": NO}),
    ("23", IMG, {"/imgx": "/"}),
    ("24", IMG, {"/img/fooXjpg": "/img/(.*).jpg$"}),
    ("25", IMG4, {"/img/a.jpg": "/img/(.*).jpg$"}),
    ("26", IMG4, {"/img/a.png": "/img/(.*)$", "/img/a.gif": "/img/(.*)$"}),
    (
        "27",
        ["/foo"],
        {t: "/foo" for t in ("/foo", "/fo", "/f", "/", "/foobar", "/foo/bar", "/fo?x")},
    ),
    ("28", ["/foo"], {"/FOO": NO, "/bar": NO}),
    ("29", ABC, {"/abcd": "/abc"}),
    ("30", ABC, {"/abd": "/ab"}),
    ("31", ABC, {"/ac": "/a"}),
    ("32", ABC, {"/": "/a"}),
    ("33", ["/usual", "/users"], {"/us": "/usual", "/": "/usual"}),
    ("34", ["/users", "/usual"], {"/us": "/users", "/": "/users"}),
    ("35", ["/users", "/usual"], {"/use": "/users", "/usu": "/usual"}),
    ("35b", ["/usual", "/users"], {"/use": "/users", "/usu": "/usual"}),
    ("36", ["/x()$"], {"/x": "/x()$", "/xy": NO}),
    (
        "37",
        [r"/y/(\d+)/(\a+)$"],
        {"/y/12/ab": r"/y/(\d+)/(\a+)$", "/y/12/ab/": NO, "/y/a/b": NO},
    ),
    ("38", [r"/z/(\b())"], {"/z/(a(b)c)d": r"/z/(\b())", "/z/(a": NO}),
    (
        "39",
        ["/v/([^/]+)/edit$"],
        {"/v/1/edit": "/v/([^/]+)/edit$", "/v/1/2/edit": NO, "/v/1": NO},
    ),
    (
        "40",
        [r"/q/(a-\-\d+\.jpg)$"],
        {
            "/q/aaa-12.jpg": r"/q/(a-\-\d+\.jpg)$",
            "/q/-1.jpg": r"/q/(a-\-\d+\.jpg)$",
            "/q/aaa-1xjpg": NO,
        },
    ),
    ("41", ["/w/(%d+)"], {"/w/1": NO}),
    ("42", ["(/foo)", "(.*)", "/ok"], {"/foo": NO, "/ok": "/ok", "/x": NO}),
    ("43", ["/d/(.*)", "/d/"], {"/d/x": "/d/(.*)"}),
    ("44", ["/d/", "/d/(.*)"], {"/d/x": "/d/"}),
    ("45", SOCKETS, {"@chat": "@chat", "@ch": "@chat", "@chatty": "@chat"}),
    ("46", SOCKETS, {"@chat/xx": "@chat/(x+)$", "@chat/yy": NO}),
    ("47", SOCKETS, {"<chat": "<chat", "<ch": "<chat", "<chatter": "<chat"}),
    ("48", [r"/case/(\U+)$"], {"/case/abc": r"/case/(\U+)$", "/case/ABC": NO}),
    ("49", ["/sp/(.-)x$"], {"/sp/x": "/sp/(.-)x$", "/sp/aax": "/sp/(.-)x$"}),
    (
        "50",
        ["/opt/(ab?c)$"],
        {"/opt/ac": "/opt/(ab?c)$", "/opt/abc": "/opt/(ab?c)$", "/opt/abbc": NO},
    ),
    ("51", [r"/fr/(\f[\d]\d+)"], {"/fr/12": r"/fr/(\f[\d]\d+)", "/fr/a": NO}),
]

ROWS = [(number, routes, path, to) for number, routes, to_of in EXAMPLES for path, to in to_of.items()]
SETS = [list(routes) for routes in dict.fromkeys(tuple(r) for _, r, _ in EXAMPLES)]


def name_of(routes):
    """The host that has these routes. No name is the end of another."""
    return "localhost" if routes == SOCKETS else f"set{SETS.index(routes):02}.test"


def put_in_order(db):
    """Gives the routes of each host the order of the examples, which counts when prefixes are
    equal: upstream's m2sh does not keep it."""
    with sqlite3.connect(db) as base:
        rows = base.execute(
            "SELECT route.path, reversed, host_id, target_id, target_type, host.name"
            " FROM route JOIN host ON host.id = host_id"
        ).fetchall()
        base.execute("DELETE FROM route")
        order = {name_of(routes): routes for routes in SETS}
        rows.sort(key=lambda row: (row[5], order[row[5]].index(row[0])))
        columns = "path, reversed, host_id, target_id, target_type"
        base.executemany(
            f"INSERT INTO route ({columns}) VALUES (?, ?, ?, ?, ?)", [row[:5] for row in rows]
        )


def hosts_conf(hosts, default, settings=""):
    """Hosts as (name, matching, routes), all leading to one handler."""
    text = HANDLERS
    for number, (name, matching, routes) in enumerate(hosts):
        pairs = ", ".join(f"'{route}': hj" for route in routes)
        text += f"host{number} = Host(name='{name}', matching='{matching}', routes={{{{{pairs}}}}})\n"
    every = ", ".join(f"host{number}" for number in range(len(hosts)))
    return server_conf(text, default, settings=settings, extra=f"hosts=[{every}]")


@pytest.fixture(scope="module")
def world(module_stage, kit):
    hosts = [(name_of(routes), name_of(routes), routes) for routes in SETS]
    return World(module_stage, kit, hosts_conf(hosts, "localhost"), loaded=put_in_order)


def route_of(world, data):
    """The pattern of the route that a request takes, or the status of the answer."""
    with world.client() as client:
        client.send(data)
        while True:
            if world.hj.poll(0.01):
                req = world.hj.recv()
                if not req.is_notice():
                    return show(req.headers["PATTERN"])
            elif client.is_closed(0.01):
                return show(client.received.split(b" ")[1]) if client.received else "closed"


@pytest.mark.parametrize("number, routes, path, wanted", ROWS, ids=[f"{r[0]} {r[2]}" for r in ROWS])
def test_examples(world, expect, number, routes, path, wanted):
    if path[0] == "@":
        data = f"{path} {{}}\0"
    elif path[0] == "<":
        data = f"{path}/>\0"
    else:
        data = f"GET {path} HTTP/1.1\r\nHost: {name_of(routes)}\r\n\r\n"
    expect(f"route {number}: {path}", route_of(world, data), show(wanted.encode()))


# ---- hosts --------------------------------------------------------------------------------------

HOSTS = [
    ("localhost", "localhost"),
    ("mongrel2.org", "mongrel2.org"),
    ("testing", "(.+).testing.org"),
    ("num", r"(\d+).num.net"),
    ("sub.mongrel2.org", "sub.mongrel2.org"),
    ("a.com", "a.com"),
    ("b.com", "(b+).com"),
    ("c.com", "(c+).com"),
]

HOST_ROWS = [
    ("localhost", "localhost"),
    ("localhost:99", "localhost"),
    ("LOCALHOST", "localhost"),
    ("t", "localhost"),
    ("ost", "localhost"),
    ("xlocalhost", "localhost"),
    ("mongrel2.org", "mongrel2.org"),
    ("www.mongrel2.org", "mongrel2.org"),
    ("MONGREL2.org", "localhost"),
    ("mongrel2.org:8080", "mongrel2.org"),
    ("xmongrel2.org", "mongrel2.org"),
    ("sub.mongrel2.org", "sub.mongrel2.org"),
    ("a.sub.mongrel2.org", "sub.mongrel2.org"),
    ("rg", "mongrel2.org"),
    (".org", "mongrel2.org"),
    ("2.org", "mongrel2.org"),
    ("other.org", "localhost"),
    ("a.testing.org", "testing"),
    ("a.b.testing.org", "testing"),
    ("testing.org", "localhost"),
    (".testing.org", "localhost"),
    ("12.num.net", "num"),
    ("ab.num.net", "localhost"),
    ("a.com", "a.com"),
    ("bb.com", "b.com"),
    ("cc.com", "localhost"),
    ("[::1]:80", "localhost"),
    (":80", "localhost"),
]


@pytest.fixture(scope="module")
def many(module_stage, kit):
    hosts = [(name, matching, [f"/{name}"]) for name, matching in HOSTS]
    return World(module_stage, kit, hosts_conf(hosts, "localhost"))


@pytest.fixture(scope="module")
def as_upstream(module_stage, kit):
    """Ours can match hosts as upstream does; upstream does not know the setting."""
    hosts = [(name, matching, [f"/{name}"]) for name, matching in HOSTS]
    conf = hosts_conf(hosts, "localhost", settings=', "host.matching": "upstream"')
    return World(module_stage, kit, conf)


@pytest.mark.parametrize("host, wanted", HOST_ROWS, ids=[r[0] for r in HOST_ROWS])
def test_hosts(many, as_upstream, expect, host, wanted):
    """Every host has one route, so the pattern tells which host it was."""
    data = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"
    expect(f"host as upstream {host}", route_of(as_upstream, data).lstrip("/"), wanted)
    expect(f"host {host}", route_of(many, data).lstrip("/"), wanted)


def test_no_host_is_the_default_host(many, expect):
    expect("host: none", route_of(many, "GET / HTTP/1.0\r\n\r\n"), "/localhost")


def test_a_host_of_a_pattern_only(module_stage, kit, expect):
    """`(.+)` alone never matches, but as the default."""
    hosts = [("first", "first.test", ["/first"]), ("any", "(.+)", ["/any"])]
    world = World(module_stage, kit, hosts_conf(hosts, "first"))
    data = "GET / HTTP/1.1\r\nHost: other.test2\r\n\r\n"
    expect("host: a pattern only", route_of(world, data), "/first")


def test_handlers_see_the_host_that_was_asked_for(many, expect):
    with many.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: WWW.mongrel2.org:80\r\n\r\n")
        expect("host: as it was sent", show(request(many.hj).headers["host"]), "WWW.mongrel2.org:80")


CASES = (
    [f"route {number}: {path}" for number, _, path, _ in ROWS]
    + [f"host {host}" for host, _ in HOST_ROWS]
    + [f"host as upstream {host}" for host, _ in HOST_ROWS]
    + ["host: none", "host: a pattern only", "host: as it was sent"]
)
