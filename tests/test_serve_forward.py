"""``mock-intake serve --forward``: which targets are taken, which are told at the start, what is printed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from mock_intake import IntakeServer
from mock_intake.cli.listener_options import Listening
from mock_intake.model.exchange import header
from mock_intake.server.ingest.forwarding import Target
from tests.commands import mock_intake
from tests.events import run_event
from tests.fuzz import request_bytes, send
from tests.test_forward import EVENT, FORWARD_KEY, PATH, WITHOUT_JOB_TYPE, exchanges, nothing_from_outside, there
from tests.test_serve import Serving

Start = Callable[..., IntakeServer]


__all__ = ["nothing_from_outside", "there"]


def listening(**given: Any) -> Listening:
    """What ``serve`` makes of its options."""
    options: dict[str, Any] = {
        "api_keys": (),
        "tls": False,
        "tls_port": None,
        "ca_file": None,
        "cert": None,
        "cert_key": None,
        "tls_names": (),
        "tls_flaw": None,
        "proxy_port": None,
        "proxy_allow": (),
        "agent_port": None,
        "agent_socket": None,
        "agent_off": False,
        "agent_url": None,
        "agent_key_env": None,
        "agent_endpoints": (),
        "forward_key_env": None,
    }
    return Listening.from_options(**{**options, **given})


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        ({}, {}, "--forward needs an API key: set DD_API_KEY, or name another with --forward-key-env"),
        ({}, {"DD_API_KEY": ""}, "--forward needs an API key"),
        ({}, {"DD_API_KEY": "a" * 40}, "DD_API_KEY is no API key: it has 40 characters"),
        ({"forward_key_env": "OTHER"}, {"DD_API_KEY": "0" * 32}, "set OTHER"),
        ({"forward": "datadoghq.org"}, {"DD_API_KEY": "0" * 32}, "one of the sites datadoghq.com"),
        ({"forward": "http://"}, {"DD_API_KEY": "0" * 32}, "--forward: events cannot be sent to this URL: it names no"),
        ({"forward": "http:///path"}, {"DD_API_KEY": "0" * 32}, "it names no host"),
        ({"forward": "http://host:0"}, {"DD_API_KEY": "0" * 32}, "it names no host and port"),
        ({"forward": "http://host:x"}, {"DD_API_KEY": "0" * 32}, "it is no URL"),
        ({"forward": "http://[::1"}, {"DD_API_KEY": "0" * 32}, "it is no URL"),
        ({"forward": "http://a b/"}, {"DD_API_KEY": "0" * 32}, "it names no host"),
        ({"forward": "http://open-sesame@host"}, {"DD_API_KEY": "0" * 32}, "a user name or a password"),
    ],
)
def test_a_forward_that_cannot_be_is_told_at_the_start(
    options: dict[str, str], variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(click.UsageError) as told:
        listening(**{"forward": "http://127.0.0.1:1", **options})
    assert words in told.value.message
    for value in (*variables.values(), "open-sesame"):
        assert not value or value not in told.value.message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tls_port": 0}, "--tls-port is the port of https, which is not served: add --tls."),
        ({"forward_key_env": "OTHER"}, "--forward-key-env is for forwarding: add --forward"),
    ],
)
def test_an_option_that_would_do_nothing_says_what_to_add(options: dict[str, Any], words: str) -> None:
    with pytest.raises(click.UsageError) as told:
        listening(**{"forward": None, **options})
    assert words in told.value.message


def test_a_forward_without_a_key_ends_the_command(server: IntakeServer) -> None:
    done = mock_intake("serve", "--port", str(server.address[1]), "--forward", "us5.datadoghq.com")
    assert done.returncode == 2
    assert "--forward needs an API key" in done.stderr


def test_serve_says_where_it_forwards_to_and_never_with_what_key(there: IntakeServer, tmp_path: Path) -> None:
    own = secrets.token_hex(16)
    serving = Serving(tmp_path, "--forward", there.url, "--forward-key-env", "REAL_KEY", REAL_KEY=FORWARD_KEY)
    try:
        assert serving.send(run_event(), key=own)[0] == 202
        status, answer = serving.send(json.loads(WITHOUT_JOB_TYPE), key=own)
        assert (status, json.loads(answer)["errors"][0]["detail"]) == (400, "the event has errors (strict)")
    finally:
        code, out, err = serving.end()
    assert (code, err) == (0, "")
    assert f"forwards    accepted events to {there.url}{PATH}" in out
    assert FORWARD_KEY not in out
    assert own not in out
    assert len(exchanges(there)) == 2


def test_a_password_in_the_url_ends_the_command_and_is_not_printed(there: IntakeServer) -> None:
    for url in ("http://user:open-sesame@", "http://open-sesame@", "user:open-sesame@"):
        forward = there.url.replace("http://", url)
        done = mock_intake("serve", "--port", "0", "--forward", forward, DD_API_KEY=FORWARD_KEY)
        assert done.returncode == 2
        assert "--forward" in done.stderr
        assert "open-sesame" not in done.stdout + done.stderr


def test_a_password_in_the_url_of_an_embedded_server_does_not_replace_the_key(
    there: IntakeServer, start_server: Start
) -> None:
    target = Target(there.url.replace("http://", "http://user:open-sesame@") + PATH, FORWARD_KEY)
    here = start_server(forward=target)
    assert send(here, request_bytes(EVENT))[0].status == 202
    assert header(exchanges(there)[0].request.headers, "authorization") == f"Bearer ****{FORWARD_KEY[-4:]}"
    assert target.shown == there.url + PATH


def test_a_key_in_the_query_is_not_printed() -> None:
    assert Target(f"http://host/x?api_key={FORWARD_KEY}&a=b").shown == "http://host/x?api_key=****a4d0&a=b"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("", PATH),
        ("/", PATH),
        ("/custom/lineage", "/custom/lineage"),
        ("/custom/", "/custom/"),
        ("?dry-run=1", PATH + "?dry-run=1"),
    ],
)
def test_the_endpoint_is_added_to_a_url_without_a_path(given: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_API_KEY", FORWARD_KEY)
    target = listening(forward="https://intake.example:8443" + given).arguments["forward"]
    assert target == Target("https://intake.example:8443" + path, FORWARD_KEY)


def test_a_site_stands_for_its_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_API_KEY", FORWARD_KEY)
    target = listening(forward="us5.datadoghq.com").arguments["forward"]
    assert target == Target("https://data-obs-intake.us5.datadoghq.com" + PATH, FORWARD_KEY)
