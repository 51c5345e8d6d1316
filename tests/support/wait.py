"""Waiting for something to become true, with a deadline: the only way in which tests wait."""

from __future__ import annotations

import os
import time
from typing import Callable, TypeVar

T = TypeVar("T")

#: How long anything may take here; a machine under load gets more by M2_PATIENCE.
PATIENCE_S = 10.0 * float(os.environ.get("M2_PATIENCE", "1"))


class Impatient(AssertionError):
    """What was waited for did not come."""


def until(condition: Callable[[], T], what: str = "", timeout_s: float = PATIENCE_S) -> T:
    """The first true value of `condition`, which is asked often. Fails with `what` after
    `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    pause_s = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Impatient(f"not within {timeout_s:g} s: {what or condition.__name__}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.02)


class Deadline:
    """What is left of a time."""

    def __init__(self, timeout_s: float = PATIENCE_S):
        self.timeout_s = timeout_s
        self._end = time.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def left_ms(self) -> int:
        return int(self.left_s * 1000)
