"""The pairs of cases/*.http, each sent whole and byte by byte."""

import pytest
from http_cases import load
from support.raw import Client

CASES = load()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whole(site, case):
    with Client(site.port) as client:
        client.send(case.request)
        case.check(client)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_byte_by_byte(site, case):
    with Client(site.port) as client:
        try:
            for at in range(len(case.request)):
                client.send(case.request[at : at + 1])
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent
        case.check(client)
