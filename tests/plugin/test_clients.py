"""The clients that are alive, as a failure tells of them: looked for at little cost where there is none."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.transport.noop import NoopConfig, NoopTransport

from mock_intake_pytest.clients import live_clients


class Subclassed(OpenLineageClient):
    pass


class OfItself:
    """What only a collection of garbage takes away, with the client that it has."""

    def __init__(self, client: OpenLineageClient) -> None:
        self.client, self.itself = client, self


def made(kind: type[OpenLineageClient] = OpenLineageClient) -> OpenLineageClient:
    return kind(transport=NoopTransport(NoopConfig()))


@pytest.fixture(autouse=True)
def collections() -> Iterator[list[Any]]:
    """The full collections of garbage that were asked for; what other tests have left is not looked at."""
    seen: list[Any] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "start" and about["generation"] == 2:
            seen.append(about)

    gc.collect()
    gc.freeze()
    gc.disable()
    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)
    gc.enable()


def test_where_no_client_is_nothing_is_collected(collections: list[Any]) -> None:
    assert live_clients() == []
    assert collections == []


@pytest.mark.parametrize("kind", [OpenLineageClient, Subclassed])
def test_a_client_is_found_under_its_name(kind: type[OpenLineageClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "kept", made(kind), raising=False)
    assert [(client.name, client.legs[0].kind) for client in live_clients()] == [(f"{__name__}.kept", "noop")]


def test_a_client_that_nothing_has_any_more_is_none(collections: list[Any]) -> None:
    OfItself(made())
    assert live_clients() == []
    assert len(collections) == 1
