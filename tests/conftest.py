"""For every Python test: the handler library and the helpers of tests/support can be imported."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "proto" / "python"), str(ROOT / "tests")]

from support import fixtures  # noqa: E402

# pytest finds fixtures by the names in this module.
debian, module_stage, node, stage = fixtures.debian, fixtures.module_stage, fixtures.node, fixtures.stage
