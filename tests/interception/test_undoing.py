"""``intercept()`` ends: nothing of it stays, whatever has happened meanwhile; and what it needs to begin."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mock_intake import IntakeServer, intercept
from mock_intake.producers.interception.redirect import Redirect
from mock_intake.server.access import Access
from mock_intake.server.http.tls import Certificates
from mock_intake.server.runner import ServerError
from tests.clients import client_event, datadog_client
from tests.interception.callers import CLIENTS, HEALTHY, by_requests
from tests.interception.traces import state
from tests.interception.wire import HOST
from tests.programs import arrived

pytestmark = pytest.mark.usefixtures("all_is_undone")


# How it ends


def test_all_is_as_before_when_it_ends(intake: IntakeServer) -> None:
    before = state()
    with intercept(intake):
        assert state() != before
        by_requests()
    assert state() == before


def test_all_is_as_before_after_an_exception(intake: IntakeServer) -> None:
    before = state()
    with pytest.raises(ZeroDivisionError), intercept(intake):
        _ = 1 / 0
    with pytest.raises(ZeroDivisionError), intercept() as own:
        _ = 1 / 0
    assert not own.is_running
    assert state() == before


def test_a_context_does_not_keep_the_trust(intake: IntakeServer) -> None:
    context = ssl.create_default_context()
    authorities = context.get_ca_certs(binary_form=True)
    with intercept(intake), socket.create_connection((HOST, 443), timeout=5) as plain:
        context.wrap_socket(plain, server_hostname=HOST).close()
    assert context.get_ca_certs(binary_form=True) == authorities
    with (
        socket.create_connection(intake.https_address, timeout=5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname=HOST)


def test_within_another_the_inner_one_counts(intake: IntakeServer, api_key: str) -> None:
    with intercept(intake), datadog_client("datadoghq.com", api_key) as client:
        client.emit(client_event())
        with intercept() as inner, datadog_client("datadoghq.com", api_key) as second:
            second.emit(client_event())
            assert len(arrived(inner, api_key)) == 1
        client.emit(client_event())
    assert len(arrived(intake, api_key)) == 2


def test_two_that_overlap_end_in_any_order(intake: IntakeServer) -> None:
    """As those of two threads may. The last that began counts."""
    before = state()
    with IntakeServer(tls=Certificates()) as second:
        first_one, second_one = intercept(intake), intercept(second)
        first_one.__enter__()
        second_one.__enter__()
        redirected = socket.create_connection((HOST, 443), timeout=5)
        assert redirected.getpeername() == second.https_address
        first_one.__exit__(None, None, None)
        assert state() != before
        by_requests()
        second_one.__exit__(None, None, None)
        redirected.close()
    assert state() == before


def test_many_threads_are_caught_at_once(intake: IntakeServer) -> None:
    answers: list[bytes] = []

    def work(client: Callable[[], bytes]) -> None:
        answers.append(client())

    with intercept(intake):
        threads = [threading.Thread(target=work, args=(client,)) for client in CLIENTS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [HEALTHY] * len(CLIENTS)


def test_what_others_have_put_on_top_stays_theirs_and_works(intake: IntakeServer) -> None:
    original = socket.getaddrinfo
    asked = []
    with intercept(intake):
        beneath = socket.getaddrinfo

        def on_top(*arguments: Any, **named: Any) -> Any:
            asked.append(arguments[0])
            return beneath(*arguments, **named)

        socket.getaddrinfo = on_top
        by_requests()
    try:
        assert socket.getaddrinfo is on_top
        assert socket.getaddrinfo("127.0.0.1", 80)
        assert asked == [HOST, "127.0.0.1"]
        # What it holds on to passes everything on by now.
        assert beneath("127.0.0.1", 80) == original("127.0.0.1", 80)
    finally:
        socket.getaddrinfo = original


def test_a_redirect_is_installed_once_and_may_be_taken_away_twice(intake: IntakeServer) -> None:
    redirect = Redirect({"localhost"}, intake.https_address, "")
    redirect.install()
    try:
        with pytest.raises(RuntimeError, match="already"):
            redirect.install()
    finally:
        redirect.uninstall()
        redirect.uninstall()


# What it needs


def test_a_server_that_cannot_be_used_is_told_and_nothing_is_changed(tmp_path: Path, intake: IntakeServer) -> None:
    before = state()
    assert intake.certificates is not None
    for server, words in (
        (IntakeServer(), r"tls=Certificates\(\)"),
        (IntakeServer(tls=Certificates()), "not running"),
    ):
        with pytest.raises(ServerError, match=words), intercept(server):
            pass
    with (
        IntakeServer(host="::1", tls=Certificates()) as server,
        pytest.raises(ServerError, match="IPv4"),
        intercept(server),
    ):
        pass
    assert state() == before


def test_a_server_bound_to_all_addresses_is_reached() -> None:
    with IntakeServer(host="0.0.0.0", tls=Certificates(), access=Access(token="t0ken")) as server, intercept(server):
        assert by_requests() == HEALTHY
