"""Each contract test runs against Debian's Mongrel2, the oracle, and against ours."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from compare import Expect  # noqa: E402
from support.fixtures import need  # noqa: E402
from support.server import DEBIAN, ours  # noqa: E402


@pytest.fixture(scope="module", params=["debian", "ours"])
def kit(request):
    """One make's programs."""
    return need(DEBIAN if request.param == "debian" else ours())


@pytest.fixture(scope="module")
def expect(kit):
    """Compares: expect(case, what was seen, what upstream does)."""
    return Expect(kit.name)
