"""One server for all cases of a file of tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from conformance_site import Site  # noqa: E402


@pytest.fixture(scope="module")
def site(module_stage, node):
    return Site(module_stage, node)
