"""A server that stands where production points: catches a producer that is set to a real Datadog site, in process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mock_intake.datadog.sites import INTAKE_HOSTS
from mock_intake.producers.interception import Redirect
from mock_intake.server.http.tls import Certificates
from mock_intake.server.runner import IntakeServer, ServerError


@contextmanager
def intercept(server: IntakeServer | None = None) -> Iterator[IntakeServer]:
    """Within, this process's connections to every Datadog intake lead to ``server`` (by default one of its own).

    The producer keeps its site, its URL building and its certificate checks. Caught is whatever connects and
    speaks TLS by Python's ``socket`` and ``ssl``, asynchronous or not; uvloop is not, nor are other processes (see
    ``mock-intake run --path intercept``). All is undone on exit; within another ``intercept`` the inner one counts.
    Raises ``ServerError`` unless the server runs, on an IPv4 address, and serves TLS with a CA of its own.
    """
    if server is None:
        with IntakeServer(tls=Certificates()) as own, intercept(own):
            yield own
        return
    if server.certificates is None or server.certificates.ca_pem is None:
        raise ServerError("To intercept, the server needs a CA of its own: IntakeServer(tls=Certificates()).")
    host, port = server.https_address
    if host in ("0.0.0.0", "::"):  # noqa: S104 - bound to all, reached by loopback
        host = "127.0.0.1"
    elif ":" in host:
        raise ServerError(f"To intercept, the server needs an IPv4 address, not {host}.")
    redirect = Redirect(INTAKE_HOSTS, (host, port), server.certificates.ca_pem.decode("ascii"))
    redirect.install()
    try:
        yield server
    finally:
        redirect.uninstall()
