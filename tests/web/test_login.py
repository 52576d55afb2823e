"""Who may see the pages: those of this machine, or with the token; and who may change something on them."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx
import pytest

from mock_intake import IntakeServer
from mock_intake.server.access import Access
from tests.control.content import PREFIX, fill
from tests.web.looking import BROWSER, WEB, look, submit

TOKEN = "control-token-of-this-test"
PATHS = (
    "events",
    "events/x",
    "events/x/body",
    "runs",
    "run?id=x",
    "lineage",
    "exchanges",
    "rules",
    "coverage",
    "faults",
    "start",
)


@pytest.fixture(scope="module")
def guarded() -> Iterator[IntakeServer]:
    with IntakeServer(access=Access(TOKEN, frozenset(("intake.test",)))) as server:
        fill(server)
        yield server


def log_in(server: IntakeServer, token: str = TOKEN, **fields: str) -> httpx.Response:
    return submit(server, "/mock/login", {"token": token, **fields})


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """What a browser would send from then on."""
    cookies = SimpleCookie(answer.headers["set-cookie"])
    return {"cookie": "; ".join(f"{name}={one.value}" for name, one in cookies.items())}


@pytest.mark.parametrize("path", PATHS)
def test_whoever_has_not_logged_in_is_led_to_the_log_in(guarded: IntakeServer, path: str) -> None:
    answer = WEB.get(f"{guarded.url}/mock/{path}", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/mock/login?next=%2Fmock%2F")
    assert answer.content == b""


def test_after_the_log_in_the_page_that_was_asked_for_is_shown(guarded: IntakeServer) -> None:
    led = WEB.get(f"{guarded.url}/mock/events?status=error&text=a%26b", headers=BROWSER)
    page = look(guarded, led.headers["location"])
    [following] = [one.attributes["value"] or "" for one in page.all("input") if one.attributes.get("name") == "next"]
    answer = log_in(guarded, next=following)
    assert (answer.status_code, answer.headers["location"]) == (303, "/mock/events?status=error&text=a%26b")
    shown = look(guarded, answer.headers["location"], headers=cookie_of(answer))
    assert shown.status == 200
    assert "Events" in shown.text
    assert "Log out" in shown.text


def test_the_cookie_is_for_this_site_alone_and_does_not_tell_the_token(guarded: IntakeServer) -> None:
    set_cookie = log_in(guarded).headers["set-cookie"]
    assert "HttpOnly" in set_cookie
    assert "SameSite=strict" in set_cookie
    assert "Max-Age" not in set_cookie  # gone with the browser
    assert TOKEN not in set_cookie


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "ü"])
def test_another_token_does_not_let_in(guarded: IntakeServer, token: str) -> None:
    answer = log_in(guarded, token)
    assert answer.status_code == 401
    assert "This is not the control token." in answer.text
    assert "set-cookie" not in answer.headers
    if token:
        assert token not in answer.text


@pytest.mark.parametrize("value", ["", "x", TOKEN, "0" * 64])
def test_another_cookie_does_not_let_in(guarded: IntakeServer, value: str) -> None:
    name = cookie_of(log_in(guarded))["cookie"].partition("=")[0]
    answer = WEB.get(f"{guarded.url}/mock/events", headers={**BROWSER, "cookie": f"{name}={value}"})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test", "/\\evil.test", "/api/mock/v1/events", "javascript:1", ""]
)
def test_the_log_in_leads_to_pages_of_ours_only(guarded: IntakeServer, target: str) -> None:
    assert log_in(guarded, next=target).headers["location"] == "/mock/events"


def test_who_has_logged_in_hears_of_new_events_too(guarded: IntakeServer) -> None:
    cookie = cookie_of(log_in(guarded))
    assert WEB.get(f"{guarded.url}{PREFIX}/statistics", headers=cookie).status_code == 200
    assert WEB.get(f"{guarded.url}{PREFIX}/statistics").status_code == 401


def test_the_cookie_alone_writes_nothing_without_saying_from_where(guarded: IntakeServer) -> None:
    cookie = cookie_of(log_in(guarded))
    for headers, status in (
        ({}, 401),
        ({"origin": "https://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": guarded.url}, 303),
    ):
        answer = WEB.post(
            f"{guarded.url}/mock/faults", data={"clear": "this"}, headers={**BROWSER, **cookie, **headers}
        )
        assert answer.status_code == status, headers
        if status != 303:
            assert WEB.delete(f"{guarded.url}{PREFIX}/exchanges", headers={**cookie, **headers}).status_code == status
    assert guarded.journal.position > 0


def test_the_token_itself_is_taken_as_by_the_control_api(guarded: IntakeServer) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert look(guarded, "/mock/events", headers=headers).status == 200
    assert WEB.post(f"{guarded.url}/mock/faults", data={"clear": "this"}, headers=headers).status_code == 303


def test_logging_out_takes_the_cookie_away(guarded: IntakeServer) -> None:
    answer = submit(guarded, "/mock/logout", {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/mock/login")
    assert "mock-intake-" in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_styles_and_the_log_in_itself_need_no_log_in(guarded: IntakeServer) -> None:
    page = look(guarded, "/mock/login")
    assert page.status == 200
    for link in page.all("link"):
        answer = WEB.get(guarded.url + (link.attributes["href"] or ""))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("name", ["../site.py", "..%2Fsite.py", "", "unknown.css", "templates/base.html"])
def test_no_other_file_is_given_out(guarded: IntakeServer, name: str) -> None:
    assert WEB.get(f"{guarded.url}/mock/static/{name}", headers=BROWSER).status_code in (404, 303)


@pytest.mark.parametrize("path", [*PATHS, "login", "nothing", "static/style.css"])
def test_names_that_are_not_ours_are_shut_out(guarded: IntakeServer, path: str) -> None:
    answer = WEB.get(f"{guarded.url}/mock/{path}", headers={**BROWSER, "host": "evil.test"})
    assert answer.status_code == 403
    assert "--allow-host" in answer.text
    allowed = WEB.get(f"{guarded.url}/mock/{path}", headers={**BROWSER, "host": "intake.test"})
    assert allowed.status_code != 403


def test_forms_of_other_sites_change_nothing(server: IntakeServer) -> None:
    answer = submit(server, "/mock/faults", {"plan": "503"}, origin="https://evil.test")
    assert answer.status_code == 403
    assert not server.faults.any
    assert submit(server, "/mock/faults", {"plan": "503"}).status_code == 303
    assert server.faults.any


def test_without_a_token_there_is_no_log_in_to_be_done(server: IntakeServer) -> None:
    assert look(server, "/mock/events").status == 200
    assert "Log out" not in look(server, "/mock/events").text
    answer = submit(server, "/mock/login", {"token": "any"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (303, False)


def test_two_servers_of_one_machine_are_looked_at_side_by_side(guarded: IntakeServer) -> None:
    with IntakeServer(access=Access("another-token")) as other:
        both = "; ".join((cookie_of(log_in(guarded))["cookie"], cookie_of(log_in(other, "another-token"))["cookie"]))
        for server in (guarded, other):
            assert look(server, "/mock/events", headers={"cookie": both}).status == 200
