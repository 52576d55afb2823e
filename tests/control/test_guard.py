"""Every endpoint is guarded alike: by name, by token where there is one, and against pages of other sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mock_intake import IntakeServer
from mock_intake.server.access import Access
from mock_intake.server.control import ENDPOINTS
from mock_intake.server.control.endpoints import Endpoint
from tests.control.content import HTTP, api, run_of, send
from tests.control.openapi import conforms

TOKEN = "control-token-of-this-test"
WRITES = [endpoint for endpoint in ENDPOINTS if endpoint.method != "GET"]
EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
EVERY_WRITE = pytest.mark.parametrize("endpoint", WRITES, ids=lambda endpoint: endpoint.name)
BODIES = {"wait": b'{"timeout": 0}', "set_faults": b"[503]", "import": b""}


@pytest.fixture(scope="module")
def guarded() -> Iterator[IntakeServer]:
    with IntakeServer(access=Access(TOKEN, frozenset(("intake.test",)))) as server:
        yield server


@pytest.fixture(scope="module")
def open_to_loopback() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        send(server, run_of("one"))
        yield server


def ask(server: IntakeServer, endpoint: Endpoint, **headers: str) -> httpx.Response:
    """Asks an endpoint for what it would answer well; of a stream, the beginning only."""
    url = api(server, endpoint.path.replace("{id}", "latest"))
    request = HTTP.build_request(endpoint.method, url, content=BODIES.get(endpoint.name), headers=headers)
    response = HTTP.send(request, stream=True)
    try:
        if endpoint.name != "stream" or response.status_code != 200:
            response.read()
        return response
    finally:
        response.close()


def good(response: httpx.Response) -> bool:
    # Neither an event nor an exchange is called "latest", and nobody waits for long.
    return response.status_code in (200, 404, 409)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@EVERY
def test_a_name_that_is_not_ours_is_refused_also_with_the_token(guarded: IntakeServer, endpoint: Endpoint) -> None:
    for host in ("evil.test", "localhost.evil.test", "intake.test.", "127.0.0.1.nip.test", "0.0.0.0"):
        response = ask(guarded, endpoint, host=host, **bearer(TOKEN))
        assert response.status_code == 403
        assert "--allow-host" in conforms(response, endpoint.path)["error"]
    for host in ("localhost:1", "127.0.0.1", "[::1]:80", "INTAKE.test:8580"):
        assert good(ask(guarded, endpoint, host=host, **bearer(TOKEN)))


@EVERY
def test_without_the_token_there_is_nothing(guarded: IntakeServer, endpoint: Endpoint) -> None:
    for headers in ({}, bearer("x"), bearer(TOKEN + "x"), bearer(TOKEN[:-1]), {"authorization": TOKEN}):
        response = ask(guarded, endpoint, **headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer ")
        assert TOKEN not in conforms(response, endpoint.path)["error"]
    assert good(ask(guarded, endpoint, **bearer(TOKEN)))


@EVERY_WRITE
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.test",
        "https://evil.test:8580",
        "null",
        "",
        "file://",
        "http://localhost.evil.test",
        "http://evil.test#localhost",
        "http://localhost@evil.test",
        "http://evil.test@localhost",
        "http://localhost:80@evil.test",
        "http://[::2]",
        "http://localhost",
        "http://localhost:3000",
        "https://127.0.0.1:8443",
        "http://[::1]:80",
        "http://10.0.0.1",
        "chrome-extension://abcdef",
        "localhost",
        "http://intake.test",
    ],
)
def test_a_page_of_another_site_cannot_write(open_to_loopback: IntakeServer, endpoint: Endpoint, origin: str) -> None:
    before = HTTP.get(api(open_to_loopback, "/statistics")).json()
    response = ask(open_to_loopback, endpoint, origin=origin)
    assert response.status_code == 403
    assert "another site" in conforms(response, endpoint.path)["error"]
    assert HTTP.get(api(open_to_loopback, "/statistics")).json() == before
    assert HTTP.get(api(open_to_loopback, "/faults")).json()["active"] is False


def test_a_page_of_another_site_cannot_write_with_the_token_either(guarded: IntakeServer) -> None:
    send(guarded, run_of("one"))
    headers = {"origin": "http://evil.test", **bearer(TOKEN)}
    assert HTTP.delete(api(guarded, "/exchanges"), headers=headers).status_code == 403
    two = [("origin", "http://localhost"), ("origin", "http://evil.test"), ("authorization", f"Bearer {TOKEN}")]
    assert HTTP.delete(api(guarded, "/exchanges"), headers=two).status_code == 403
    assert guarded.journal.read(0, 1) != []


@EVERY_WRITE
@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "", "anything"])
def test_a_browser_that_tells_of_another_site_without_naming_it_cannot_write(
    open_to_loopback: IntakeServer, endpoint: Endpoint, site: str
) -> None:
    response = ask(open_to_loopback, endpoint, **{"sec-fetch-site": site})
    assert response.status_code == 403
    assert "another site" in conforms(response, endpoint.path)["error"]


def test_pages_of_this_server_may_write(open_to_loopback: IntakeServer) -> None:
    """The origin of a page is the place that its browser asks."""
    port = open_to_loopback.address[1]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "LOCALHOST", "localhost:80"):
        for endpoint in WRITES:
            if endpoint.name != "forget":
                origin = f"http://{host.lower().removesuffix(':80')}"
                for more in ({}, {"sec-fetch-site": "same-origin"}):
                    assert good(ask(open_to_loopback, endpoint, host=host, origin=origin, **more))
    HTTP.delete(api(open_to_loopback, "/faults"))


def test_whoever_is_no_page_may_write(open_to_loopback: IntakeServer) -> None:
    """Programs say nothing of pages; a browser that a person has sent says that there is none."""
    for headers in ({}, {"sec-fetch-site": "none"}):
        assert HTTP.post(api(open_to_loopback, "/wait"), json={"timeout": 0}, headers=headers).status_code == 200


def test_pages_under_an_allowed_name_may_write(guarded: IntakeServer) -> None:
    headers = {"origin": "https://Intake.TEST:8443", "sec-fetch-site": "cross-site", **bearer(TOKEN)}
    assert HTTP.post(api(guarded, "/wait"), json={"events": 0}, headers=headers).status_code == 200


def test_reading_needs_no_origin(open_to_loopback: IntakeServer) -> None:
    """Without CORS headers a browser keeps the answer from the page that asked."""
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET":
            assert good(ask(open_to_loopback, endpoint, origin="http://evil.test"))


@EVERY
@pytest.mark.parametrize("method", ["", "OPTIONS"])
def test_no_answer_lets_other_sites_in(open_to_loopback: IntakeServer, endpoint: Endpoint, method: str) -> None:
    url = api(open_to_loopback, endpoint.path.replace("{id}", "latest"))
    asked = {"origin": "http://evil.test", "access-control-request-method": endpoint.method}
    with HTTP.stream(method or endpoint.method, url, headers=asked, content=BODIES.get(endpoint.name)) as response:
        assert not [name for name in response.headers if name.startswith("access-control")]
        if method:
            assert response.status_code == 405


def test_paths_and_methods_that_there_are_not_are_guarded_too(guarded: IntakeServer) -> None:
    asked: list[tuple[str, str]] = [("GET", "/nothing"), ("POST", "/events"), ("PATCH", "/events"), ("DELETE", "/x/y")]
    for method, path in asked:
        assert HTTP.request(method, api(guarded, path)).status_code == 401
        assert HTTP.request(method, api(guarded, path), headers={"host": "evil.test"}).status_code == 403
        answer: Any = HTTP.request(method, api(guarded, path), headers=bearer(TOKEN))
        assert answer.status_code in (404, 405)


def test_the_intake_and_its_health_are_open_to_all(guarded: IntakeServer) -> None:
    response = send(guarded, run_of("two"), host="data-obs-intake.datadoghq.com", origin="http://evil.test")
    assert response.status_code == 202
    assert HTTP.get(guarded.url + "/healthz", headers={"host": "intake"}).status_code == 200
