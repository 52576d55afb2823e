"""The intake by https: a certificate for every intake, and certificates that are wrong, met by the real clients."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from openlineage.client import OpenLineageClient
from openlineage.client.transport.async_http import AsyncHttpConfig, AsyncHttpTransport
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

from mock_intake import IntakeServer
from mock_intake.datadog.sites import INTAKE_HOSTS
from mock_intake.faults.plans import parse_plan
from mock_intake.model.exchange import header
from mock_intake.server.http.tls import FLAWS, WRONG_HOST, Certificates, Flaw, TlsError
from tests.clients import ASYNC_ROUTE, client_event, cut_off, datadog_client, http_client
from tests.commands import mock_intake
from tests.events import run_event
from tests.fuzz import request_bytes
from tests.programs import arrived

# The clients' own plans for trying again take 9 and 55 seconds (see the soak test below); what they refuse is the same.
AT_ONCE = {"total": 0, "connect": 0, "read": 0, "backoff_factor": 0.0, "status_forcelist": [], "allowed_methods": None}
# What OpenSSL says of each flaw, by a name and by an address.
REASONS: dict[Flaw, str] = {
    "untrusted": "unable to get local issuer certificate",
    "expired": "certificate has expired",
    "wrong-host": "is not valid for '127.0.0.1'",
}
CURL_REASONS = {**REASONS, "wrong-host": "no alternative certificate subject name matches"}
EVENT = json.dumps(run_event()).encode()


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer(tls=Certificates()) as server:
        yield server


@pytest.fixture
def ca_file(intake: IntakeServer, tmp_path: Path) -> Path:
    assert intake.certificates is not None
    return intake.certificates.write_ca(tmp_path / "ca.pem")


@contextmanager
def showing(flaw: Flaw, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IntakeServer]:
    """An intake with a wrong certificate, and every client told to trust the CA that it gives out."""
    with IntakeServer(tls=Certificates(flaw=flaw)) as server:
        assert server.certificates is not None
        trusted = server.certificates.write_ca(directory / "ca.pem")
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, str(trusted))
        yield server


def curl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["curl", "-sS", "--noproxy", "*", *map(str, arguments)], capture_output=True, text=True, timeout=20, check=False
    )


def posting(api_key: str) -> list[str]:
    headers = (f"Authorization: Bearer {api_key}", "Content-Type: application/json")
    return [*(part for line in headers for part in ("-H", line)), "--data-binary", EVENT.decode()]


# The certificate is right


def test_the_certificate_holds_for_every_intake_and_the_loopback_names(intake: IntakeServer, ca_file: Path) -> None:
    context = ssl.create_default_context(cafile=str(ca_file))
    assert len(INTAKE_HOSTS) == 10
    for name in (*INTAKE_HOSTS, "localhost", "127.0.0.1", "::1"):
        with (
            socket.create_connection(intake.https_address, timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.version() == "TLSv1.3", name
    with (
        pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'example\.com'"),
        socket.create_connection(intake.https_address, timeout=5) as plain,
    ):
        context.wrap_socket(plain, server_hostname="example.com")


def test_the_certificate_stands_a_strict_check(intake: IntakeServer, ca_file: Path) -> None:
    """What Python checks by default from 3.13 on."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(intake.https_address, timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.getpeercert()


def test_old_versions_of_tls_are_refused(intake: IntakeServer, ca_file: Path) -> None:
    asking = ("--cacert", ca_file, "--ciphers", "DEFAULT@SECLEVEL=0", f"{intake.https_url}/healthz", "--tls-max")
    assert [curl(*asking, version).returncode for version in ("1.1", "1.2")] == [35, 0]


@pytest.mark.parametrize("option", ["--connect-to", "--resolve"])
def test_curl_reaches_every_intake_by_its_name(option: str, intake: IntakeServer, ca_file: Path, api_key: str) -> None:
    _, port = intake.https_address
    places = []
    for host in sorted(INTAKE_HOSTS):
        # --resolve keeps the port, so it has to stand in the URL.
        where = (
            (f"{host}:443:127.0.0.1:{port}", "")
            if option == "--connect-to"
            else (f"{host}:{port}:127.0.0.1", f":{port}")
        )
        places += [option, where[0], f"https://{host}{where[1]}/api/v1/lineage"]
    done = curl("--cacert", ca_file, "-o", os.devnull, "-w", "%{http_code}\n", *posting(api_key), *places)
    # Only the first URL has an -o; what the others print is the answers.
    assert done.returncode == 0, done.stderr
    exchanges = arrived(intake, api_key)
    hosts = [(header(exchange.request.headers, "host") or "").partition(":")[0] for exchange in exchanges]
    assert hosts == sorted(INTAKE_HOSTS)
    assert all(exchange.accepted for exchange in exchanges)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_requests_and_both_transports_trust_the_ca_file(
    name: str, intake: IntakeServer, ca_file: Path, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://{name}:{intake.https_address[1]}"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    assert requests.get(f"{url}/healthz", timeout=5).status_code == 200
    with http_client(url, api_key) as client:
        client.emit(client_event())
    with datadog_client(url, api_key) as client:
        client.emit(client_event())
    with datadog_client(url, api_key, async_transport_rules=ASYNC_ROUTE) as client:
        client.emit(client_event())
    agents = [header(exchange.request.headers, "user-agent") or "" for exchange in arrived(intake, api_key)]
    assert [agent.partition("/")[0] for agent in agents] == ["python-requests", "python-requests", "python-httpx2"]


@pytest.mark.parametrize(
    ("variable", "obeying"),
    [
        ("REQUESTS_CA_BUNDLE", {"sync"}),
        ("CURL_CA_BUNDLE", {"sync", "curl"}),
        ("SSL_CERT_FILE", {"async", "curl", "ssl"}),
    ],
)
def test_which_variable_makes_whom_trust_the_ca(
    variable: str, obeying: set[str], intake: IntakeServer, ca_file: Path, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured; the how-to on interception has the table."""
    monkeypatch.setenv(variable, str(ca_file))
    monkeypatch.setattr(logging.getLogger("openlineage"), "disabled", True)
    trusting = set()
    for name, rules in (("sync", {}), ("async", ASYNC_ROUTE)):
        before = len(arrived(intake, api_key))
        config = DatadogConfig(api_key, intake.https_url, retry=AT_ONCE, async_transport_rules=rules)
        transport = DatadogTransport(config)
        client = OpenLineageClient(transport=transport)
        try:
            client.emit(client_event())
        except requests.exceptions.SSLError:
            pass
        finally:
            client.close()
        if len(arrived(intake, api_key)) > before:
            trusting.add(name)
    if curl(f"{intake.https_url}/healthz").returncode == 0:
        trusting.add("curl")
    with socket.create_connection(intake.https_address, timeout=5) as plain:
        try:
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost").close()
        except ssl.SSLCertVerificationError:
            pass
        else:
            trusting.add("ssl")
    assert trusting == obeying


def test_http_and_https_are_served_side_by_side(start_server: Callable[..., IntakeServer], tmp_path: Path) -> None:
    server = start_server(tls=Certificates())
    assert server.certificates is not None
    trusted = server.certificates.write_ca(tmp_path / "ca.pem")
    assert server.url.startswith("http://127.0.0.1:")
    assert server.https_url.startswith("https://127.0.0.1:")
    for url in (server.url, server.https_url):
        assert curl("--cacert", trusted, *posting("0" * 32), f"{url}/api/v1/lineage").returncode == 0
    ((_, first), (_, second)) = server.journal.read(0, 10)
    # One record, and one and the same event.
    assert first.event is not None
    assert second.event is not None
    assert first.event.id == second.event.id


def test_plain_http_to_the_port_of_https_is_no_answer_and_tls_to_that_of_http_is_explained(
    intake: IntakeServer,
) -> None:
    _, port = intake.https_address
    assert curl(f"http://127.0.0.1:{port}/healthz").returncode in (52, 56)
    before = intake.journal.position
    assert curl(intake.url.replace("http:", "https:")).returncode == 35
    ((_, exchange),) = intake.journal.read(before, 10)
    (finding,) = exchange.findings
    assert finding.code == "HT303"
    assert "begin with http://" in finding.advice


def test_a_reset_by_https_is_a_reset_on_the_wire(intake: IntakeServer, ca_file: Path, api_key: str) -> None:
    intake.faults.set(parse_plan("reset"))
    context = ssl.create_default_context(cafile=str(ca_file))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(intake.https_address, timeout=5) as plain:

        def carry(step: Callable[[], Any]) -> Any:
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65_536))
                else:
                    plain.sendall(outgoing.read())
                    return done

        carry(secured.do_handshake)
        secured.write(request_bytes(EVENT, key=api_key))
        with pytest.raises(ConnectionResetError):
            carry(lambda: secured.read(65_536))
    assert [exchange.fault for exchange in arrived(intake, api_key)] == ["reset"]


# The certificate is the user's own


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A CA's certificate, and a chain and key that it signed for localhost."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    ca, chain, key = tmp_path / "own-ca.pem", tmp_path / "chain.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(str(ca))
    leaf.private_key_pem.write_to_path(str(key))
    for pem in leaf.cert_chain_pems:
        pem.write_to_path(str(chain), append=True)
    return ca, chain, key


def test_a_certificate_of_ones_own_is_shown(
    own: tuple[Path, Path, Path], start_server: Callable[..., IntakeServer]
) -> None:
    ca, chain, key = own
    server = start_server(tls=Certificates(own=(chain, key)))
    url = f"https://localhost:{server.https_address[1]}/healthz"
    assert curl("--cacert", ca, url).stdout == '{"status":"ok"}'
    assert server.certificates is not None
    with pytest.raises(TlsError, match="--cert"):
        server.certificates.write_ca(ca.with_name("none.pem"))


@pytest.mark.parametrize("swap", ["other key", "no PEM", "key first"])
def test_a_certificate_that_cannot_be_used_is_told(swap: str, own: tuple[Path, Path, Path]) -> None:
    _, chain, key = own
    if swap == "other key":
        trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(str(key))
    elif swap == "no PEM":
        chain.write_text("what is this?")
    else:
        chain, key = key, chain
    with pytest.raises(TlsError, match=f"{chain.name} with the key .*{key.name} cannot be used"):
        Certificates(own=(chain, key))
    done = mock_intake("serve", "--port", "0", "--cert", chain, "--cert-key", key)
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked_for_it(own: tuple[Path, Path, Path]) -> None:
    _, chain, key = own
    locked = key.with_name("locked.pem")
    command = ["openssl", "pkcs8", "-topk8", "-in", str(key), "-out", str(locked), "-passout", "pass:open-sesame"]
    subprocess.run(command, check=True, capture_output=True)
    done = mock_intake("serve", "--port", "0", "--cert", chain.name, "--cert-key", locked.name, cwd=key.parent)
    assert done.returncode == 2
    assert "Enter PEM pass phrase" not in done.stdout + done.stderr
    assert re.search(r"encrypted|pass ?phrase", done.stderr)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cert", "chain.pem"], "--cert and --cert-key go together"),
        (["--cert-key", "key.pem"], "--cert and --cert-key go together"),
        (["--cert", "chain.pem", "--cert-key", "key.pem", "--ca-file", "out.pem"], "no CA of the intake's own"),
        (["--cert", "chain.pem", "--cert-key", "key.pem", "--tls-flaw", "expired"], "--tls-flaw"),
        (["--tls", "--ca-file", "no/such/directory/ca.pem"], "no/such/directory/ca.pem"),
    ],
)
def test_options_that_cannot_go_together_are_told(
    options: list[str], words: str, own: tuple[Path, Path, Path], intake: IntakeServer, tmp_path: Path
) -> None:
    # A port that is in use, so that it ends in any case.
    done = mock_intake("serve", "--port", str(intake.address[1]), *options, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr


# The certificate is wrong


@pytest.mark.parametrize("flaw", FLAWS)
def test_curl_refuses_a_wrong_certificate_unless_it_is_told_to_take_any(
    flaw: Flaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_key: str
) -> None:
    with showing(flaw, tmp_path, monkeypatch) as server:
        url = f"{server.https_url}/api/v1/lineage"
        done = curl("--cacert", tmp_path / "ca.pem", *posting(api_key), url)
        assert done.returncode == 60
        assert CURL_REASONS[flaw] in done.stderr
        assert server.journal.position == 0
        assert curl("--insecure", *posting(api_key), url).returncode == 0
        assert server.journal.position == 1


@pytest.mark.parametrize("flaw", FLAWS)
def test_the_sync_transports_refuse_a_wrong_certificate(
    flaw: Flaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_key: str
) -> None:
    with showing(flaw, tmp_path, monkeypatch) as server:
        for open_client in (http_client, datadog_client):
            with (
                open_client(server.https_url, api_key, retry=AT_ONCE) as client,
                pytest.raises(requests.exceptions.SSLError, match=REASONS[flaw]),
            ):
                client.emit(client_event())
        assert server.journal.position == 0


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize("verify", [True, False])
def test_the_async_engine_refuses_a_wrong_certificate_whatever_verify_says_and_tells_nobody_but_the_log(
    flaw: Flaw,
    verify: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    api_key: str,
) -> None:
    with showing(flaw, tmp_path, monkeypatch) as server:
        if verify:
            options = {"async_transport_rules": ASYNC_ROUTE, "retry": AT_ONCE}
            datadog = DatadogTransport(DatadogConfig(api_key, server.https_url, **options))  # type: ignore[arg-type]
            client = OpenLineageClient(transport=datadog)
        else:
            config = {"url": server.https_url, "verify": False, "retry": AT_ONCE}
            client = OpenLineageClient(transport=AsyncHttpTransport(AsyncHttpConfig.from_dict(config)))
        client.emit(client_event())
        assert client.close(), "it does not say that an event was lost"
        assert server.journal.position == 0
    assert REASONS[flaw] in caplog.text


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_http_transport_takes_any_certificate_with_verify_off(
    flaw: Flaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_key: str
) -> None:
    with showing(flaw, tmp_path, monkeypatch) as server:
        with http_client(server.https_url, api_key, verify=False) as client:
            client.emit(client_event())
        (exchange,) = arrived(server, api_key)
        assert exchange.accepted


def test_the_datadog_transport_has_no_verify_and_passes_over_it_in_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_key: str
) -> None:
    with pytest.raises(TypeError, match="verify"):
        DatadogConfig(api_key, "datadoghq.com", verify=False)  # type: ignore[call-arg]
    with showing("untrusted", tmp_path, monkeypatch) as server:
        config = {"apiKey": api_key, "site": server.https_url, "verify": False, "retry": AT_ONCE}
        client = OpenLineageClient(transport=DatadogTransport(DatadogConfig.from_dict(config)))
        with pytest.raises(requests.exceptions.SSLError):
            client.emit(client_event())
        client.close()
        assert server.journal.position == 0


def test_a_certificate_for_another_host_is_right_for_that_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is the host alone that is wrong."""
    with showing("wrong-host", tmp_path, monkeypatch) as server:
        _, port = server.https_address
        where = ("--resolve", f"{WRONG_HOST}:{port}:127.0.0.1", f"https://{WRONG_HOST}:{port}/healthz")
        assert curl("--cacert", tmp_path / "ca.pem", *where).returncode == 0


@pytest.mark.skipif(os.environ.get("HYPOTHESIS_PROFILE") != "soak", reason="takes more than a minute: make soak")
@pytest.mark.parametrize(
    ("options", "handshakes", "seconds"),
    [({}, 6, (8, 12)), ({"async_transport_rules": ASYNC_ROUTE}, 36, (50, 65))],
    ids=["sync", "async"],
)
def test_the_clients_own_plans_try_a_wrong_certificate_again_and_again(
    options: dict[str, Any],
    handshakes: int,
    seconds: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    api_key: str,
) -> None:
    """The async engine's retries of the connection multiply with those of the request, and closing waits for all."""
    made = 0
    with showing("untrusted", tmp_path, monkeypatch) as server:
        wrap = server.certificates.context.wrap_bio  # type: ignore[union-attr]

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal made
            made += 1
            return wrap(*args, **kwargs)

        monkeypatch.setattr(server.certificates.context, "wrap_bio", counted)  # type: ignore[union-attr]
        client = OpenLineageClient(transport=DatadogTransport(DatadogConfig(api_key, server.https_url, **options)))
        began = time.monotonic()
        try:
            client.emit(client_event())
        except requests.exceptions.SSLError:
            assert not options
        client.close()
        assert seconds[0] < time.monotonic() - began < seconds[1]
        assert made == handshakes
        assert server.journal.position == 0
