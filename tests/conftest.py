"""For every Python test: the handler library and the helpers of tests/support can be imported, and
signals do what they do in a terminal."""

import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "proto" / "python"), str(ROOT / "tests")]

pytest_plugins = ["support.fixtures"]

# Whoever runs the tests with nohup or in the background has them ignored, and so would every program
# that a test sends one to.
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
