"""For every Python test: the handler library and the helpers of tests/support can be imported."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "proto" / "python"), str(ROOT / "tests")]

pytest_plugins = ["support.fixtures"]
