"""Options of ``mock-intake serve`` for the Agent's keys and endpoints and for names in the certificate."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from mock_intake import IntakeServer
from mock_intake.secrets.api_keys import org_of
from tests.commands import mock_intake
from tests.events import run_event
from tests.fuzz import recorded
from tests.test_serve import Serving
from tests.test_serve_forward import listening

PATH = "/api/v1/lineage"
EVENT = json.dumps(run_event())
Start = Callable[..., IntakeServer]


def curl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["curl", "-sS", "--noproxy", "*", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_the_agent_sends_with_keys_from_the_environment(start_server: Start, tmp_path: Path) -> None:
    main, copied = start_server(), start_server()
    real, first, second = (secrets.token_hex(16) for _ in range(3))
    url = f"{copied.url}{PATH}?a=b"
    serving = Serving(
        tmp_path,
        *("--agent-port", "0", "--agent-url", main.url + PATH, "--agent-key-env", "REAL"),
        *("--agent-endpoint", f"{url}=FIRST", "--agent-endpoint", f"{url}=SECOND"),
        REAL=real,
        FIRST=first,
        SECOND=second,
    )
    try:
        done = curl("--json", EVENT, serving.ready["agent_url"] + "/openlineage/api/v1/lineage")
        assert json.loads(done.stdout)["status"] == "ok"
    finally:
        code, out, err = serving.end()
    assert (code, err) == (0, "")
    assert [exchange.org for exchange in recorded(main.journal, 0, 1)] == [org_of(real)]
    copies = recorded(copied.journal, 0, 2)
    assert {exchange.org for exchange in copies} == {org_of(first), org_of(second)}
    assert {exchange.request.query for exchange in copies} == {"a=b&api-version=2"}
    assert f"agent to    {main.url}{PATH}?api-version=2, {url}&api-version=2\n" in out
    for key in (real, first, second):
        assert key not in out


def test_a_site_stands_for_its_intake_with_the_agent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "0" * 32)
    given = listening(forward=None, agent_port=0, agent_url="us5.datadoghq.com", agent_endpoints=("datadoghq.eu=KEY",))
    assert given.agent_sends_to == [
        f"https://data-obs-intake.us5.datadoghq.com{PATH}?api-version=2",
        f"https://data-obs-intake.datadoghq.eu{PATH}?api-version=2",
    ]


def test_the_agents_key_is_the_first_api_key_unless_it_has_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "a" * 32)
    given: dict[str, Any] = {"forward": None, "agent_port": 0, "api_keys": ("b" * 32, "c" * 32)}
    assert listening(**given).arguments["agent"].api_key == "b" * 32
    assert listening(**given, agent_key_env="KEY").arguments["agent"].api_key == "a" * 32
    made_up = listening(**{**given, "api_keys": ()}).arguments["agent"].api_key
    assert len(made_up) == 32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"agent_key_env": "NONE"}, "--agent-key-env needs an API key: set NONE."),
        ({"agent_key_env": "EMPTY"}, "--agent-key-env needs an API key: set EMPTY."),
        ({"agent_key_env": "BAD"}, "BAD is no API key: it has 11 characters"),
        ({"agent_endpoints": ("datadoghq.eu",)}, "--agent-endpoint takes a URL or site, =, and the variable"),
        ({"agent_endpoints": ("datadoghq.eu=",)}, "--agent-endpoint takes a URL or site, =, and the variable"),
        ({"agent_endpoints": ("=KEY",)}, "--agent-endpoint takes a URL (http:// or https://) or a site such as"),
        ({"agent_endpoints": ("datadoghq.eu=NONE",)}, "--agent-endpoint needs an API key: set NONE."),
        ({"agent_endpoints": ("datadoghq.eu=BAD",)}, "BAD is no API key"),
        # A key where the variable's name belongs is not repeated either.
        ({"agent_endpoints": ("datadoghq.eu=0pen-sesame",)}, "the variable that holds its API key"),
        ({"agent_endpoints": ("http://open-sesame@host/=KEY",)}, "a user name or a password"),
        ({"agent_endpoints": ("ftp://host=KEY",)}, "neither with http:// nor with https://"),
        ({"agent_url": "http://user:open-sesame@host"}, "--agent-url: events cannot be sent to this URL: it holds"),
        ({"agent_url": "http://"}, "it names no host"),
        ({"agent_url": "user:open-sesame@host"}, "--agent-url takes a URL"),
        ({"agent_port": None, "agent_off": True}, "served with --agent-port or --agent-socket only"),
        (
            {"agent_port": None, "agent_url": "datadoghq.eu"},
            "served with --agent-port or --agent-socket only",
        ),
        ({"agent_port": None, "agent_key_env": "KEY"}, "served with --agent-port or --agent-socket only"),
        (
            {"agent_port": None, "agent_endpoints": ("datadoghq.eu=KEY",)},
            "served with --agent-port or --agent-socket only",
        ),
        ({"tls_names": ("in take",)}, "No certificate can be made for in take"),
        ({"tls_names": ("x",), "tls_flaw": "wrong-host"}, "--tls-flaw wrong-host leaves no room for it"),
        ({"tls_names": ("x",), "cert": Path("c"), "cert_key": Path("k")}, "--cert leaves no room for it"),
    ],
)
def test_options_that_cannot_be_are_explained(
    options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"KEY": "0" * 32, "BAD": "open-sesame", "EMPTY": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NONE", raising=False)
    with pytest.raises(click.UsageError) as told:
        listening(**{"forward": None, "agent_port": 0, **options})
    assert words in told.value.message
    assert "sesame" not in told.value.message


def test_a_key_that_is_missing_ends_the_command() -> None:
    done = mock_intake("serve", "--port", "0", "--agent-port", "0", "--agent-key-env", "NO_SUCH_VARIABLE")
    assert done.returncode == 2
    assert "--agent-key-env needs an API key: set NO_SUCH_VARIABLE." in done.stderr


def test_the_certificate_is_for_the_names_that_are_given(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    names = ("--tls-name", "intake.internal", "--tls-name", "*.corp.example", "--tls-name", "192.0.2.7")
    serving = Serving(tmp_path, "--ca-file", str(ca_file), *names)
    try:
        port = serving.ready["https_url"].rpartition(":")[2]
        for name, code in (
            ("intake.internal", 0),
            ("any.corp.example", 0),
            ("192.0.2.7", 0),
            ("localhost", 0),
            ("data-obs-intake.datadoghq.com", 0),
            ("another.internal", 60),
        ):
            where = ("--connect-to", f"{name}:{port}:127.0.0.1:{port}")
            done = curl("--cacert", ca_file, *where, f"https://{name}:{port}/healthz")
            assert done.returncode == code, (name, done.stderr)
    finally:
        assert serving.end()[0] == 0
