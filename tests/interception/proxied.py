"""A server with a forward proxy, which every test has to leave as it was: for the modules that test the proxy."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from mock_intake import IntakeServer
from mock_intake.server.http.tls import Certificates
from tests.interception.bystander import Bystander, bystander
from tests.interception.wire import HOST, post, trusting, tunnel


@pytest.fixture(scope="module")
def server() -> Iterator[IntakeServer]:
    with IntakeServer(tls=Certificates(), proxy_port=0) as running:
        yield running


@pytest.fixture
def other() -> Iterator[Bystander]:
    with bystander() as running:
        yield running


@pytest.fixture(autouse=True)
def lives_on(server: IntakeServer) -> Iterator[None]:
    """After every test the proxy still leads to the intake."""
    yield
    server.faults.clear(everything=True)
    key = secrets.token_hex(16)
    with tunnel(server) as plain, trusting(server).wrap_socket(plain, server_hostname=HOST) as secured:
        assert post(secured, key).status == 202
