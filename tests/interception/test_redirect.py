"""``intercept()``: this process's connections for the intakes lead to a local one, and all is undone after."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import uvloop

from mock_intake import IntakeServer, intercept
from mock_intake.datadog.sites import INTAKE_HOSTS
from mock_intake.interception.redirect import RESERVED, Redirect
from mock_intake.server.access import Access
from mock_intake.server.runner import ServerError
from mock_intake.server.tls import FLAWS, Certificates, Flaw
from tests.clients import ASYNC_ROUTE, client_event, cut_off, datadog_client
from tests.interception.bystander import GREETING, Bystander, bystander
from tests.interception.wire import HOST, post, trusting
from tests.programs import arrived, run_program

URL = f"https://{HOST}/healthz"
HEALTHY = b'{"status":"ok"}'
REQUEST = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
# What a redirect replaces, and nothing else may.
REPLACED: tuple[tuple[Any, str], ...] = (
    (socket, "getaddrinfo"),
    (socket, "gethostbyname"),
    (socket, "gethostbyname_ex"),
    (socket, "create_connection"),
    (socket.socket, "connect"),
    (socket.socket, "connect_ex"),
    (ssl.SSLContext, "wrap_socket"),
    (ssl.SSLContext, "wrap_bio"),
    (ssl, "SSLContext"),
    (ssl, "create_default_context"),
)


def state() -> list[Any]:
    """The very objects that stand where a redirect could have put its own, and the environment."""
    return [
        *((vars(owner).get(name), getattr(owner, name)) for owner, name in REPLACED),
        sorted(vars(socket)),
        sorted(vars(socket.socket)),
        sorted(vars(ssl.SSLContext)),
        {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
    ]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    cut_off(monkeypatch, tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    before = state()
    yield
    assert state() == before


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer(tls=Certificates()) as server:
        yield server


@pytest.fixture(scope="module")
def other() -> Iterator[Bystander]:
    with bystander() as running:
        yield running


@pytest.fixture(scope="module")
def flawed() -> Iterator[dict[Flaw, IntakeServer]]:
    """Servers with wrong certificates."""
    with ExitStack() as stack:
        yield {flaw: stack.enter_context(IntakeServer(tls=Certificates(flaw=flaw))) for flaw in FLAWS}


# Who is caught


def by_urllib() -> bytes:
    with urllib.request.urlopen(URL, timeout=5) as answer:
        return answer.read()  # type: ignore[no-any-return]


def by_http_client() -> bytes:
    connection = http.client.HTTPSConnection(HOST, timeout=5)
    connection.request("GET", "/healthz")
    body = connection.getresponse().read()
    connection.close()
    return body


def by_requests() -> bytes:
    return requests.get(URL, timeout=5).content


def by_httpx() -> bytes:
    return httpx.get(URL).content


def by_async_httpx() -> bytes:
    async def get() -> bytes:
        async with httpx.AsyncClient() as client:
            return (await client.get(URL)).content

    return asyncio.run(get())


def by_asyncio_streams() -> bytes:
    async def get() -> bytes:
        reader, writer = await asyncio.open_connection(HOST, 443, ssl=True)
        writer.write(REQUEST)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    return asyncio.run(get()).partition(b"\r\n\r\n")[2]


def talk(secured: ssl.SSLSocket) -> bytes:
    with secured:
        secured.sendall(REQUEST)
        received = b""
        while more := secured.recv(65_536):
            received += more
    return received.partition(b"\r\n\r\n")[2]


def by_arguments_in_order() -> bytes:
    plain = socket.create_connection((HOST, 443), timeout=5)
    return talk(ssl.create_default_context().wrap_socket(plain, False, True, True, HOST))


def by_a_name_given_to_connect() -> bytes:
    plain = socket.socket()
    plain.settimeout(5)
    plain.connect((HOST, 443))
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_connect_ex() -> bytes:
    plain = socket.socket()
    assert plain.connect_ex((HOST.upper() + ".", 443)) == 0
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_an_address_looked_up() -> bytes:
    plain = socket.create_connection((socket.gethostbyname(HOST), 443), timeout=5)
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_an_address_looked_up_with_all_its_names() -> bytes:
    plain = socket.create_connection((socket.gethostbyname_ex(HOST)[2][0], 443), timeout=5)
    return talk(ssl.create_default_context().wrap_socket(plain, server_hostname=HOST))


def by_a_socket_that_was_wrapped_first() -> bytes:
    with ssl.create_default_context().wrap_socket(socket.socket(), server_hostname=HOST) as secured:
        secured.settimeout(5)
        secured.connect((HOST, 443))
        return talk(secured)


CLIENTS: tuple[Callable[[], bytes], ...] = (
    by_urllib,
    by_http_client,
    by_requests,
    by_httpx,
    by_async_httpx,
    by_asyncio_streams,
    by_arguments_in_order,
    by_a_name_given_to_connect,
    by_connect_ex,
    by_an_address_looked_up,
    by_an_address_looked_up_with_all_its_names,
    by_a_socket_that_was_wrapped_first,
)


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
from mock_intake.server.tls import Certificates
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
    with IntakeServer(host="0.0.0.0", access=Access(token="t"), tls=Certificates()) as server, intercept(server):
        assert by_requests() == HEALTHY
