"""Who may use the control API: no page of another site, and nobody without the token where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mock_intake import IntakeServer
from mock_intake.server.access import Access, host_name, is_loopback
from mock_intake.server.runner import ServerError
from tests.fuzz import FLAWED, Answer, request_bytes, send

TOKEN = "control-token-of-this-test"
PATHS = ("/events", "/events/x", "/exchanges", "/exchanges/x", "/runs", "/runs/latest", "/findings", "/nothing")


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer(access=Access(hosts=frozenset(("intake.test",)))) as server:
        yield server


@pytest.fixture(scope="module")
def guarded() -> Iterator[IntakeServer]:
    with IntakeServer(access=Access(token=TOKEN)) as server:
        yield server


def ask(intake: IntakeServer, path: str, *lines: str, method: str = "GET") -> Answer:
    """A request with just these header lines."""
    head = "\r\n".join((f"{method} /api/mock/v1{path} HTTP/1.1", *lines))
    return send(intake, f"{head}\r\n\r\n".encode("latin-1"))[0]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:8080",
        "intake.test",
        "Intake.Test:443",
    ],
)
def test_loopback_names_and_names_of_ones_own_are_let_in(intake: IntakeServer, host: str) -> None:
    assert ask(intake, "/events", f"Host: {host}").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test", "evil.test:80", "localhost.evil.test", "127.0.0.1.evil.test", "xn--lcalhost-e4a", "10.0.0.1",
        "0.0.0.0", "[::2]",
        "", "evil.test@localhost", "intake.test.", "data-obs-intake.datadoghq.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", PATHS)
def test_other_names_are_shut_out_whatever_they_ask_for(intake: IntakeServer, host: str, path: str) -> None:
    answer = ask(intake, path, f"Host: {host}")
    assert answer.status == 403
    assert "--allow-host" in answer.json()["error"]


def test_a_request_without_host_is_shut_out(intake: IntakeServer) -> None:
    assert ask(intake, "/events").status == 403


def test_nothing_is_forgotten_for_another_site(intake: IntakeServer) -> None:
    send(intake, request_bytes(FLAWED))
    before = len(ask(intake, "/exchanges", "Host: localhost").json()["exchanges"])
    assert ask(intake, "/exchanges", "Host: evil.test", method="DELETE").status == 403
    assert len(ask(intake, "/exchanges", "Host: localhost").json()["exchanges"]) == before > 0


def test_browsers_are_not_told_that_other_sites_may_read_or_delete(intake: IntakeServer) -> None:
    lines = ("Host: localhost", "Origin: http://evil.test", "Access-Control-Request-Method: DELETE")
    for method in ("OPTIONS", "GET"):
        answer = ask(intake, "/exchanges", *lines, method=method)
        assert not any(name.startswith("access-control-") for name in answer.headers)
    assert ask(intake, "/exchanges", *lines, method="OPTIONS").status in (403, 405)


def test_the_intake_itself_takes_any_host(intake: IntakeServer) -> None:
    request = request_bytes(FLAWED).replace(b"Host: 127.0.0.1", b"Host: data-obs-intake.datadoghq.com")
    assert send(intake, request)[0].status == 202
    health = request_bytes(method="GET", target="/healthz").replace(b"Host: 127.0.0.1", b"Host: intake")
    assert send(intake, health)[0].status == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "line",
    [
        "", "Authorization: ", "Authorization: Bearer", "Authorization: Bearer ", f"Authorization: {TOKEN}",
        f"Authorization: Basic {TOKEN}", f"Authorization: Bearer {TOKEN}x", f"Authorization: Bearer {TOKEN[:-1]}",
        f"Authorization: Bearer {TOKEN.upper()}", "Authorization: Bearer \xe9\xff", f"X-Token: {TOKEN}",
    ],
)  # fmt: skip
def test_without_the_token_nothing_is_shown(guarded: IntakeServer, path: str, line: str) -> None:
    answer = ask(guarded, path, "Host: localhost", *([line] if line else []))
    assert answer.status == 401
    assert list(answer.json()) == ["error"]
    assert TOKEN not in answer.body.decode()


def test_with_the_token_everything_is_shown(guarded: IntakeServer) -> None:
    for line in (f"Authorization: Bearer {TOKEN}", f"authorization: bearer  {TOKEN} "):
        assert ask(guarded, "/events", "Host: localhost", line).status == 200
    # The token does not make up for the name.
    assert ask(guarded, "/events", "Host: evil.test", f"Authorization: Bearer {TOKEN}").status == 403


def test_the_token_guards_forgetting_and_not_the_intake(guarded: IntakeServer) -> None:
    assert send(guarded, request_bytes(FLAWED))[0].status == 202
    assert ask(guarded, "/exchanges", "Host: localhost", method="DELETE").status == 401
    assert guarded.journal.position > 0
    assert len(guarded.journal.read(0, 10)) > 0


def test_a_server_that_other_machines_can_reach_needs_a_token(start_server: Callable[..., IntakeServer]) -> None:
    """Who is on the network can say ``Host: localhost`` too."""
    with pytest.raises(ServerError, match="needs a token"):
        start_server(host="0.0.0.0")
    intake = start_server(host="0.0.0.0", access=Access(token=TOKEN))
    assert ask(intake, "/events", "Host: localhost").status == 401


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:80", "localhost"), (" LocalHost ", "localhost"), ("[::1]:80", "::1"), ("[::1", "[::1"), ("", ""),
        (":80", ":80"),
        ("a:b:c", "a:b:c"),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_loopback_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.test", "", "localhost.example.test"])
def test_addresses_that_others_can_reach(host: str) -> None:
    assert not is_loopback(host)
