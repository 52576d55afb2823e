"""``intercept()``: this process's connections for the intakes lead to a local one, and all is undone after."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import uvloop

from mock_intake import IntakeServer, intercept
from mock_intake.datadog.sites import INTAKE_HOSTS
from mock_intake.producers.interception.redirect import RESERVED, Redirect
from mock_intake.server.http.tls import FLAWS, Flaw
from tests.clients import ASYNC_ROUTE, client_event, datadog_client
from tests.interception.bystander import GREETING, Bystander
from tests.interception.callers import CLIENTS, HEALTHY, URL, by_httpx, by_requests, by_urllib, talk
from tests.interception.wire import HOST, post, trusting
from tests.programs import arrived, run_program

pytestmark = pytest.mark.usefixtures("all_is_undone")


# Who is caught


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_clients_of_the_standard_library_and_above_it_are_caught(
    client: Callable[[], bytes], intake: IntakeServer
) -> None:
    with intercept(intake):
        assert client() == HEALTHY


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_an_untrusted_certificate_is_refused_inside_too(
    client: Callable[[], bytes], flawed: dict[Flaw, IntakeServer]
) -> None:
    with (
        intercept(flawed["untrusted"]),
        pytest.raises((OSError, httpx.ConnectError), match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client()


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_kind_of_wrong_certificate_is_refused_inside_too(flaw: Flaw, flawed: dict[Flaw, IntakeServer]) -> None:
    with intercept(flawed[flaw]), pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        by_requests()


@pytest.mark.parametrize("options", [{}, {"async_transport_rules": ASYNC_ROUTE}], ids=["sync", "async"])
@pytest.mark.parametrize("site", ["datadoghq.com", "us5.datadoghq.com", "datadoghq.eu", "ap1.datadoghq.com"])
def test_the_datadog_transport_is_caught_whichever_engine_it_uses(
    site: str, options: dict[str, Any], intake: IntakeServer, api_key: str
) -> None:
    with intercept(intake), datadog_client(site, api_key, **options) as client:
        client.emit(client_event())
    (exchange,) = arrived(intake, api_key)
    assert exchange.accepted
    assert ("host", f"data-obs-intake.{site}") in exchange.request.headers


def test_without_a_server_it_brings_its_own(api_key: str) -> None:
    with intercept() as server:
        with datadog_client("datadoghq.com", api_key) as client:
            client.emit(client_event())
        assert len(arrived(server, api_key)) == 1
    assert not server.is_running


def test_every_intake_is_caught_in_every_spelling(intake: IntakeServer) -> None:
    with intercept(intake):
        for host in INTAKE_HOSTS:
            for spelling in (host, host.upper(), host + ".", host.encode()):
                found = socket.getaddrinfo(spelling, 443, type=socket.SOCK_STREAM)
                assert [address[4] for address in found] == [(RESERVED, 443)]
            assert socket.getaddrinfo(host=host, port="https", proto=socket.IPPROTO_TCP)[0][4] == (RESERVED, 443)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(HOST, 443, socket.AF_INET6)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verify_off_stays_off(flawed: dict[Flaw, IntakeServer]) -> None:
    """The producer's own choice, right or wrong, is kept."""
    with intercept(flawed["untrusted"]):
        assert requests.get(URL, verify=False, timeout=5).content == HEALTHY  # noqa: S501
        assert httpx.get(URL, verify=False).content == HEALTHY  # noqa: S501


def test_a_context_that_changes_between_two_handshakes_is_taken_as_it_is_then(
    flawed: dict[Flaw, IntakeServer],
) -> None:
    context = ssl.create_default_context()
    with intercept(flawed["untrusted"]):

        def shake_hands() -> str | None:
            with (
                socket.create_connection((HOST, 443), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=HOST) as secured,
            ):
                return secured.version()

        for _ in range(2):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            assert shake_hands() == "TLSv1.3"
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            assert shake_hands() == "TLSv1.2"
            context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
            context.verify_mode = ssl.CERT_REQUIRED
            context.check_hostname = True
            with pytest.raises(ssl.SSLCertVerificationError):
                shake_hands()


def test_a_context_with_its_own_checks_keeps_them(intake: IntakeServer) -> None:
    """Python's from 3.13 on, and a revocation list, which the local CA does not have."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_CRL_CHECK_LEAF
    with (
        intercept(intake),
        socket.create_connection((HOST, 443), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        assert secured.context is not context
        assert secured.context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF


def test_a_session_is_not_carried_from_one_context_into_another(intake: IntakeServer) -> None:
    outside = trusting(intake)
    with (
        socket.create_connection(intake.https_address, timeout=5) as plain,
        outside.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        post(secured, "0" * 32)
        session = secured.session
    assert session is not None
    with intercept(intake):
        named: tuple[tuple[Any, ...], dict[str, Any]] = ((), {"server_hostname": HOST, "session": session})
        in_order: tuple[tuple[Any, ...], dict[str, Any]] = ((False, True, True, HOST, session), {})
        for arguments, keywords in (named, in_order):
            plain = socket.create_connection((HOST, 443), timeout=5)
            assert talk(outside.wrap_socket(plain, *arguments, **keywords)) == HEALTHY


TRUSTSTORE = f"""
import truststore
truststore.inject_into_ssl()
import httpx, requests
from mock_intake import IntakeServer, intercept
from mock_intake.server.http.tls import Certificates
with intercept():
    assert requests.get({URL!r}, timeout=5).status_code == 200
    assert httpx.get({URL!r}).status_code == 200
with IntakeServer(tls=Certificates(flaw="untrusted")) as server, intercept(server):
    try:
        requests.get({URL!r}, timeout=5)
    except requests.exceptions.SSLError:
        print("refused")
"""


def test_truststore_in_place_of_ssl_is_caught_too(tmp_path: Path) -> None:
    """A program of its own, because it replaces what all else in the process uses."""
    done = run_program([sys.executable, "-c", TRUSTSTORE], tmp_path, {})
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr


# Who is not


def test_other_hosts_are_reached_and_checked_as_before(intake: IntakeServer, other: Bystander) -> None:
    trusts_it = ssl.create_default_context(cadata=other.ca_pem)
    with intercept(intake):
        assert requests.get(f"{intake.url}/healthz", timeout=5).content == HEALTHY
        assert httpx.get(other.url, verify=trusts_it).content == GREETING
        # Neither does the local intake's CA vouch for others, nor another's for the intake.
        for context in (ssl.create_default_context(), trusting(intake)):
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                httpx.get(other.url, verify=context)
        assert httpx.get(URL, verify=trusts_it).content == HEALTHY
        assert httpx.get(other.url, verify=trusts_it).content == GREETING


@pytest.mark.parametrize(
    "host", ["datadoghq.com", "api.datadoghq.com", f"{HOST}.example", f"x{HOST}", "data-obs-intake.example"]
)
def test_names_that_only_look_like_an_intake_are_left_alone(host: str, intake: IntakeServer) -> None:
    asked = []
    original = socket.getaddrinfo
    socket.getaddrinfo = lambda *arguments, **_: asked.append(arguments[0]) or []  # type: ignore[func-returns-value]
    try:
        with intercept(intake):
            socket.getaddrinfo(host, 443)
            socket.getaddrinfo(HOST, 443)
    finally:
        socket.getaddrinfo = original
    assert asked == [host, RESERVED]


def test_uvloop_is_not_caught_and_its_handshake_is_refused(intake: IntakeServer, other: Bystander) -> None:
    """Shown with a local name, so that nothing leaves the machine: it goes where the name really leads."""
    assert intake.certificates is not None
    assert intake.certificates.ca_pem is not None
    redirect = Redirect({"localhost"}, intake.https_address, intake.certificates.ca_pem.decode())
    context = ssl.create_default_context(cadata=other.ca_pem)

    async def peer(secured: ssl.SSLContext | None) -> Any:
        _, writer = await asyncio.open_connection("localhost", other.port, ssl=secured)
        name = writer.get_extra_info("peername")
        writer.close()
        await writer.wait_closed()
        return name[1]

    redirect.install()
    try:
        assert asyncio.run(peer(context)) == intake.https_address[1]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(peer(None)) == other.port
            with pytest.raises(ssl.SSLCertVerificationError):
                runner.run(peer(context))
    finally:
        redirect.uninstall()


def test_a_proxy_that_the_program_names_is_asked(intake: IntakeServer) -> None:
    """As the how-to says: whoever is named gets the connection, here a socket of ours."""
    with socket.create_server(("127.0.0.1", 0)) as nobody, intercept(intake):
        named = {"https": f"http://127.0.0.1:{nobody.getsockname()[1]}"}
        heard: list[bytes] = []

        def listen() -> None:
            connection, _ = nobody.accept()
            with connection:
                heard.append(connection.recv(1_000))

        thread = threading.Thread(target=listen)
        thread.start()
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(URL, proxies=named, timeout=5)
        thread.join()
    assert heard[0].startswith(f"CONNECT {HOST}:443 ".encode())


def test_a_connection_that_was_open_before_stays_where_it_leads(intake: IntakeServer, other: Bystander) -> None:
    context = ssl.create_default_context(cadata=other.ca_pem)
    redirect = Redirect({other.host}, intake.https_address, "")
    with httpx.Client(verify=context) as client:
        assert client.get(other.url).content == GREETING
        redirect.install()
        try:
            assert client.get(other.url).content == GREETING
            with pytest.raises(httpx.ConnectError):
                httpx.get(other.url, verify=context)
        finally:
            redirect.uninstall()


def test_the_intakes_pass_by_a_proxy_that_is_set(intake: IntakeServer, api_key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody, pytest.MonkeyPatch.context() as patch:
        nobody.settimeout(0.1)
        patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        patch.setenv("NO_PROXY", "internal.example")
        before = dict(os.environ)
        with intercept(intake):
            assert os.environ["NO_PROXY"].startswith("internal.example,data-obs-intake.")
            for get in (by_requests, by_httpx, by_urllib):
                assert get() == HEALTHY
            with datadog_client("datadoghq.com", api_key) as client:
                client.emit(client_event())
        assert dict(os.environ) == before
        with pytest.raises(TimeoutError):
            nobody.accept()
    assert len(arrived(intake, api_key)) == 1
