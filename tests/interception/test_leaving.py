"""``run --path proxy`` and a client that ignores proxies: it reaches the outside, and must not deliver there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from mock_intake import IntakeServer
from mock_intake.server.http.tls import Certificates
from tests.commands import MOCK_INTAKE, clean_environment

# The Datadog transport on the engine that takes dbt jobs, and on the other one; each set in code, to the outside.
TRANSPORT = """
import sys
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job
from openlineage.client.transport.datadog import DatadogConfig, DatadogTransport

retry = {{"total": 0, "backoff_factor": 0, "status_forcelist": []}}
client = OpenLineageClient(transport=DatadogTransport(DatadogConfig("0" * 32, sys.argv[1], retry=retry)))
facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="{integration}", jobType="JOB")
client.emit(
    RunEvent(
        eventType=RunState.START,
        eventTime="2026-11-01T12:00:00Z",
        run=Run("5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"),
        job=Job("a", "b", {{"jobType": facet}}),
        producer="https://example.com",
    )
)
client.close()
"""
# OpenSSL's own defaults: a file, and a directory besides.
STANDARD_LIBRARY = """
import sys, urllib.request
headers = {"Authorization": "Bearer " + "0" * 32, "Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/api/v1/lineage", b"{}", headers))
"""
PROGRAMS = {
    "dbt": TRANSPORT.format(integration="DBT"),
    "sync": TRANSPORT.format(integration="CUSTOM"),
    "urllib": STANDARD_LIBRARY,
}


@pytest.fixture
def authority() -> trustme.CA:
    """One with a name of its own: of two with the same name OpenSSL looks at the first alone."""
    return trustme.CA(organization_name="somebody else")


@pytest.fixture
def outside(authority: trustme.CA, tmp_path: Path) -> Iterator[IntakeServer]:
    """Stands for the real intake: another server, with a certificate that the machine trusts."""
    leaf = authority.issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    leaf.private_key_pem.write_to_path(str(key))
    for pem in leaf.cert_chain_pems:
        pem.write_to_path(str(chain), append=True)
    with IntakeServer(tls=Certificates(own=(chain, key))) as server:
        yield server


@pytest.fixture
def trusting_outside(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that trusts the outside: in OpenSSL's file, and in its directory."""
    directory = tmp_path / "certs"
    directory.mkdir()
    trusted = directory / "outside.pem"
    authority.cert_pem.write_to_path(str(trusted))
    subprocess.run(["openssl", "rehash", str(directory)], check=True, capture_output=True)
    files = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(trusted))
    return clean_environment(HOME=str(tmp_path), SSL_CERT_DIR=str(directory), **files)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_passes_by_the_proxy_delivers_nothing_to_the_outside(
    program: str, outside: IntakeServer, trusting_outside: dict[str, str], tmp_path: Path
) -> None:
    # By a name of loopback, which no client leads through the proxy: as if it ignored it.
    url = f"https://localhost:{outside.https_address[1]}"
    command = [sys.executable, "-c", PROGRAMS[program], url]

    def run(*before: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, *command],
            cwd=tmp_path,
            env=trusting_outside,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = run()
    assert done.returncode == 0, done.stderr
    assert outside.journal.position == 1, "without run it delivers"
    done = run(MOCK_INTAKE, "run", "--path", "proxy", "--")
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert "No event arrived by the path proxy" in done.stderr
    assert "for dbt jobs: use --path intercept" in done.stderr
    assert outside.handshakes_broken_off == 1, "it was there, and went away"
    assert outside.journal.position == 1
