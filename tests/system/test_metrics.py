"""What Prometheus scrapes: read by a parser that takes nothing but the text format (version 0.0.4) as
it is described; and that the dashboard in deploy/ asks for nothing that is not there."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from support.cluster import Cluster
from support.raw import Client
from support.server import ROOT, Kit, Stage

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|Inf)|NaN")

Labels = Tuple[Tuple[str, str], ...]


@dataclass
class Family:
    """A metric: its samples by the name they have and by their labels, in order."""

    help: str
    type: str
    samples: Dict[Tuple[str, Labels], float] = field(default_factory=dict)


def parse_labels(text: str) -> Labels:
    labels: List[Tuple[str, str]] = []
    while text:
        found = LABEL.match(text)
        assert found, f"no label: {text!r}"
        labels.append((found[1], found[2]))
        text = text[found.end() :]
        assert not text or text.startswith(","), text
        text = text[1:]
    assert len({name for name, _ in labels}) == len(labels), f"a label is there twice: {labels}"
    return tuple(labels)


def parse_sample(line: str) -> Tuple[str, Labels, float]:
    found = re.fullmatch(r"([^{ ]+)(?:\{(.*)\})? (\S+)", line)
    assert found and NAME.fullmatch(found[1]) and VALUE.fullmatch(found[3]), f"no sample: {line!r}"
    return found[1], parse_labels(found[2] or ""), float(found[3])


def parse(text: str) -> Dict[str, Family]:
    """Each family: HELP, TYPE, then all of its samples, and never again."""
    families: Dict[str, Family] = {}
    name, family = "", Family("", "")
    assert text.endswith("\n"), "the last line must end too"
    for line in text[:-1].split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "#" and rest.startswith("HELP "):
            name, _, words = rest[5:].partition(" ")
            assert NAME.fullmatch(name) and words and name not in families, line
            family = families[name] = Family(words, "")
        elif kind == "#" and rest.startswith("TYPE "):
            of, _, word = rest[5:].partition(" ")
            assert of == name and not family.type and not family.samples, line
            assert word in ("counter", "gauge", "histogram"), line
            assert (word == "counter") == name.endswith("_total"), line
            family.type = word
        else:
            sample, labels, value = parse_sample(line)
            endings = ("_bucket", "_sum", "_count") if family.type == "histogram" else ("",)
            assert sample in [name + ending for ending in endings], f"{line!r} among those of {name}"
            assert (sample, labels) not in family.samples, f"twice: {line}"
            assert family.type == "gauge" or value >= 0, line
            family.samples[sample, labels] = value
    return families


def check_histogram(name: str, family: Family) -> None:
    """Buckets grow in bound and in count; the last is +Inf and has all."""
    last_bound, last_count = -math.inf, 0.0
    for (sample, labels), value in family.samples.items():
        if sample == f"{name}_bucket":
            bound = float(dict(labels)["le"])
            assert bound > last_bound and value >= last_count, f"{sample} {labels}"
            last_bound, last_count = bound, value
    assert last_bound == math.inf
    assert family.samples[f"{name}_count", ()] == last_count
    assert (last_count == 0) == (family.samples[f"{name}_sum", ()] == 0)


@pytest.fixture
def cluster(stage: Stage, node: Kit) -> Iterator[Cluster]:
    cluster = Cluster(stage, node, ["alpha"]).start()
    cluster.start_workers(["one"])
    yield cluster
    cluster.stop()


def scrape(cluster: Cluster) -> Dict[str, Family]:
    answer = cluster.nodes["alpha"].get("/metrics")
    assert answer.header("Content-Type") == b"text/plain; version=0.0.4; charset=utf-8"
    families = parse(answer.body.decode())
    for name, family in families.items():
        assert family.type and family.samples, f"{name} is empty"
        if family.type == "histogram":
            check_histogram(name, family)
    return families


def visit(cluster: Cluster) -> None:
    alpha = cluster.nodes["alpha"]
    for path in ("/redirect", "/pool/echo", "/files/page", "/proxy/echo", "/nowhere"):
        alpha.get(path)
    with Client(alpha.port) as client:
        client.send(b"nonsense\r\n\r\n")
        client.is_closed(5)


def test_what_is_scraped(cluster: Cluster) -> None:
    visit(cluster)
    before = scrape(cluster)
    visit(cluster)
    after = scrape(cluster)
    assert {"mongrel2_requests_total", "mongrel2_request_duration_seconds", "mongrel2_connections"} <= set(after)
    for name, family in before.items():
        if family.type == "counter":
            for key, value in family.samples.items():
                assert after[name].samples[key] >= value, f"{key} has gone back"
    asked = ("mongrel2_requests_total", ())
    assert after["mongrel2_requests_total"].samples[asked] >= before["mongrel2_requests_total"].samples[asked] + 5
    backends = {dict(labels)["backend"] for _, labels in after["mongrel2_backend_requests_total"].samples}
    assert "pool echo" in backends and any(name.startswith("classic ") for name in backends)


def expressions(dashboard: Dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        yield variable["query"]


def test_the_dashboard_asks_for_what_is_there(cluster: Cluster) -> None:
    visit(cluster)
    known = {sample for family in scrape(cluster).values() for sample, _ in family.samples}
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "mongrel2.json").read_text())
    asked = {name for expr in expressions(dashboard) for name in re.findall(r"\bmongrel2_\w+", expr)}
    assert len(asked) > 20
    assert asked <= known, f"not there: {sorted(asked - known)}"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def test_every_metric_is_in_the_reference(cluster: Cluster) -> None:
    visit(cluster)
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    rows = set(re.findall(r"(?m)^\| `(\w+)` \| (\w+) \| (.+) \|$", page))
    assert rows == {(name, family.type, family.help) for name, family in scrape(cluster).items()}
