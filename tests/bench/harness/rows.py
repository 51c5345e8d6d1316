"""The table of rows: what `tests/bench/run NAME` measures. A row is one case or several."""

from .cases import Entry, FanoutCase, IdleCase, LoadCase, StartupCase
from .goals import NOISE, least, most

STATIC = ("mongrel2", "nginx", "h2o", "lighttpd", "ours", "limit")


def static(size, length, title, goals):
    entries = [Entry(name, "static", file=size) for name in STATIC]
    return LoadCase(f"static_{size}", f"static file, {title}, keep-alive, 64 connections", entries,
                    goals, path=f"/{size}", length=length)


def static_1k(_options):
    return [static("1k", 1024, "1 KiB", [
        most("first", "cpu_us", 1.0, "h2o"), most("then", "cpu_us", 1.15, "limit")])]


def static_64k(_options):
    return [static("64k", 65536, "64 KiB", [
        most("first", "cpu_us", 1.0, "lighttpd"), most("then", "cpu_us", 1.15, "limit")])]


def static_10m(_options):
    return [static("10m", 10 * 1024 * 1024, "10 MiB", [
        most("first", "cpu_us", 1.0, "nginx"), least("first", "rate", 1.0, "nginx")])]


def round_trip(name, connections, goals):
    entries = [Entry("mongrel2", "handler"), Entry("nginx", "proxy", "nginx → HTTP"),
               Entry("haproxy", "proxy", "haproxy → HTTP"), Entry("ours", "handler"),
               Entry("ours pool", "handler"), Entry("limit", "handler")]
    return LoadCase(name, f"handler round trip, 128 bytes, {connections} connections", entries,
                    goals, path="/bench", length=128, connections=connections, with_latency=True)


def handler(_options):
    goals = []
    for label in ("ours", "ours pool"):
        goals += [most("first", "cpu_us", 0.65, "mongrel2", label=label),
                  least("first", "rate", 1.5, "mongrel2", label=label),
                  most("then", "cpu_us", 0.5, "mongrel2", label=label),
                  least("then", "rate", 1.8, "mongrel2", label=label)]
    return [round_trip("handler", 64, goals)]


def handler_256(_options):
    goals = []
    for label in ("ours", "ours pool"):
        goals += [least("first", "rate", 1.6, "mongrel2", label=label),
                  most("first", "p99_ms", 1.0, "nginx → HTTP", label=label),
                  least("then", "rate", 1.85, "mongrel2", label=label),
                  most("then", "p99_ms", 0.4, "mongrel2", label=label)]
    return [round_trip("handler_256", 256, goals)]


def fanout(listeners, in_flight, then):
    entries = [Entry(name, "fanout") for name in
               ("mongrel2", "nchan", "ours", "limit", "limit gathered")]
    words = {1: "one message", 4: "four messages"}[in_flight]
    return FanoutCase(f"fanout_{listeners}_{in_flight}",
                      f"fan-out to {listeners:,} listeners, 128 bytes, {words} in flight", entries,
                      [least("first", "rate", 1.0, "nchan"), least("then", "rate", then, "mongrel2")],
                      listeners=listeners, in_flight=in_flight)


def fanout_100(_options):
    return [fanout(100, 1, 1.3), fanout(100, 4, 2.3)]


def fanout_1000(_options):
    return [fanout(1000, 1, 1.6), fanout(1000, 4, 2.0)]


def proxy(_options):
    entries = [Entry(name, "proxy") for name in ("mongrel2", "nginx", "haproxy", "ours", "limit")]
    return [LoadCase("proxy", "reverse proxy, 1 KiB, 64 connections", entries,
                     [most("first", "cpu_us", 1.0, "haproxy"),
                      most("then", "cpu_us", 0.8, "haproxy")],
                     path="/1k", length=1024, with_latency=True)]


def idle(options):
    entries = [Entry(name, "static") for name in
               ("mongrel2", "nginx", "h2o", "lighttpd", "haproxy", "ours", "limit")]
    count = 500 if options.check else 9800
    return [IdleCase("idle", f"memory of an idle kept-alive connection, {count:,} held", entries,
                     [most("first", "bytes", 500, noise=0), most("then", "bytes", 256, noise=0)],
                     connections=count)]


def routes(options):
    """Each server against itself: the last of many routes, and all of them in random order, which
    adds the cache misses that other work between requests would cause anyway."""
    sizes = (10, 1000) if options.check else (10, 10_000, 100_000)
    entries = []
    for name in ("mongrel2", "nginx", "haproxy", "ours"):
        few = f"{name}, {sizes[0]}"
        for count in sizes:
            label = f"{name}, {count:,}"
            entries.append(Entry(name, "routes", label, routes=count,
                                 baseline=few if label != few else ""))
            if count != sizes[0]:
                entries.append(Entry(name, "routes", f"{label} at random", routes=count,
                                     any_route=True, baseline=few))
    # One per cent is below the noise of times: -instructions decides.
    goals = [most("first", key, 1.01, f"ours, {sizes[0]}", label=f"ours, {count:,}", noise=noise)
             for count in sizes[1:] for key, noise in (("cpu_us", NOISE), ("instructions", 0))]
    return [LoadCase("routes", "1 KiB through the last of so many routes, or through all at random",
                     entries, goals, path="/r{}/1k", length=1024)]


def startup(options):
    few = StartupCase("startup_10", "start to first 200, 10 routes", _startup_entries(10),
                      [most("first", "ready_ms", 1.0, "nginx"),
                       most("then", "ready_ms", 0.55, "nginx")])
    count = 1000 if options.check else 10_000
    many = StartupCase(f"startup_{count}", f"start to first 200, {count:,} routes",
                       _startup_entries(count),
                       [most("first", "ready_ms", 1.1, "haproxy"),
                        most("then", "ready_ms", 0.83, "haproxy")])
    return [few, many]


def _startup_entries(count):
    servers = [Entry(name, "routes", routes=count) for name in
               ("mongrel2", "nginx", "haproxy", "ours")]
    return servers + ([Entry("limit", "static")] if count == 10 else [])


ROWS = {row.__name__: row for row in (static_1k, static_64k, static_10m, handler, handler_256,
                                      fanout_100, fanout_1000, proxy, idle, routes, startup)}
