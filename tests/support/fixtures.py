"""What pytest gives to tests that ask for it by name."""

from __future__ import annotations

from typing import Iterator

import pytest

from .server import DEBIAN, Kit, Stage, ours


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Programs, ports and folders of one test."""
    stage = Stage()
    yield stage
    stage.end()


@pytest.fixture(scope="module")
def module_stage() -> Iterator[Stage]:
    """Programs, ports and folders of all tests of a file."""
    stage = Stage()
    yield stage
    stage.end()


def need(kit: Kit) -> Kit:
    """Skips the test if the programs are not there."""
    if not kit.is_there:
        pytest.skip(f"{kit.mongrel2} or {kit.m2sh} is not there")
    return kit


@pytest.fixture(scope="session")
def debian() -> Kit:
    return need(DEBIAN)


@pytest.fixture(scope="session")
def node() -> Kit:
    return need(ours())
