"""The list of differences is itself in order."""

import importlib
import re

from compare import ROW, TABLE, differences, table

MODULES = (
    "test_requests test_replies test_http test_routes test_dir test_control test_databases test_settings "
    "test_uploads test_flow_control test_websocket test_sockets test_proxy "
    "test_filters"
)


def all_cases():
    return {case for name in MODULES.split() for case in importlib.import_module(name).CASES}


def test_every_difference_names_a_case():
    assert sorted(set(differences()) - all_cases()) == []


def test_every_difference_is_justified():
    for entry in [*differences().values()]:
        assert ROW.fullmatch(entry.row), f"{entry.case}: {entry.row}"
        assert len(entry.why.split()) > 2, entry.case
    for rule in table()["everywhere"]:
        assert ROW.fullmatch(rule["row"]) and len(rule["why"].split()) > 2
        re.compile(rule["pattern"])


def test_the_list_is_the_only_place():
    """No test asks which make it runs against, but to compare."""
    for path in TABLE.parent.glob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'kit\.name ==|kit_name ==', text) or path.name == "test_differences.py"
