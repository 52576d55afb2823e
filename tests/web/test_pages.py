"""Every page over HTTP, without scripts: what is on it, how it is narrowed, and how it says no."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from mock_intake import IntakeServer
from mock_intake.journal import EventFilter, MemoryJournal
from mock_intake.model.exchange import Exchange
from mock_intake.web.site import PAGES, POLICY
from tests.control.content import KEY, ORG, OTHER_ORG, api, id_of, send
from tests.events import RUN_ID, base, dataset, run_event
from tests.web.looking import BROWSER, WEB, look

LISTS = ("events", "runs", "lineage", "exchanges", "rules", "coverage", "faults", "start")
ORDERS = "dataset?namespace=postgres%3A%2F%2Fdb%3A5432&name=shop.public.orders"
JOB = "job?namespace=prod&name=load_orders"


def all_pages(server: IntakeServer) -> list[str]:
    """An address for every page there is."""
    event = server.journal.events(EventFilter(), 1).items[0]
    there = {"{id}": event.summary.id}
    paths = [page.path.replace("{id}", there["{id}"]) for page in PAGES if page.method == "GET"]
    named = {
        "/mock/run": f"/mock/run?id={id_of('first')}",
        "/mock/dataset": f"/mock/{ORDERS}",
        "/mock/job": f"/mock/{JOB}",
        f"/mock/events/{event.summary.id}/changes": f"/mock/events/{event.summary.id}/changes?since={event.summary.id}",
    }
    return [
        named.get(path, path.replace(f"/exchanges/{event.summary.id}", f"/exchanges/{event.exchange_id}"))
        for path in paths
    ]


def test_every_page_answers_with_its_policy_and_nothing_is_to_be_had_from_elsewhere(full: IntakeServer) -> None:
    for path in all_pages(full):
        answer = WEB.get(full.url + path, headers=BROWSER, follow_redirects=True)
        assert answer.status_code == 200, path
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in POLICY
        if path.endswith("/body"):
            continue
        page = look(full, path, follow_redirects=True)
        for one in page.elements:
            assert not any(name.startswith("on") or name == "style" for name in one.attributes), (path, one)
            if one.tag in ("script", "link", "img", "form", "use", "iframe"):
                target = one.attributes.get("src") or one.attributes.get("href") or one.attributes.get("action") or "/"
                assert target.startswith("/"), (path, one)
        assert not page.all("style")
        assert not [one for one in page.all("script") if one.text.strip()]


def test_every_link_on_every_page_leads_to_a_page(full: IntakeServer) -> None:
    seen: set[str] = set()
    for path in all_pages(full):
        if not path.endswith("/body"):
            seen.update(look(full, path, follow_redirects=True).links().values())
    inner = {link.partition("#")[0] for link in seen if link.startswith("/")}
    assert len(inner) > 60
    for link in inner:
        assert look(full, link, follow_redirects=True).status == 200, link
    assert {link.split("/")[2] for link in seen if link.startswith("http")} <= {
        "docs.datadoghq.com", "openlineage.io", "github.com", "www.rfc-editor.org", "datatracker.ietf.org",
    }  # fmt: skip


def test_the_page_that_is_looked_at_is_marked(full: IntakeServer) -> None:
    for name in LISTS:
        marked = [one for one in look(full, f"/mock/{name}").all("a") if one.attributes.get("aria-current") == "page"]
        assert [one.attributes["href"] for one in marked] == [f"/mock/{name}"]


# Who is shown a page, and who is a producer that went astray.


def test_a_browser_at_the_root_is_led_to_the_events(server: IntakeServer) -> None:
    answer = WEB.get(server.url, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/mock/events")
    assert server.journal.position == 0


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/", {"accept": "*/*"}),
        ("POST", "/", BROWSER),
        ("POST", "/mock/events", {}),
        ("POST", "/mock", {}),
        ("GET", "/mock/api/v1/lineage", {}),
        ("POST", "/mock/api/v1/lineage", {}),
        ("PUT", "/mock/faults", {}),
        ("GET", "/mock/events/x/y", {"accept": "application/json"}),
        ("GET", "/", {**BROWSER, "host": "data-obs-intake.datadoghq.com"}),
    ],
)
def test_who_asks_for_no_page_went_astray_and_is_put_on_record(
    server: IntakeServer, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = WEB.request(method, server.url + path, headers={"accept": "*/*", **headers})
    assert answer.status_code == 404 or (path == "/" and answer.status_code < 500)
    [(_, exchange)] = server.journal.read(0, 10)
    assert exchange.request.path == path
    assert "HT301" in [finding.code for finding in exchange.findings]


def test_looking_leaves_nothing_on_record(full: IntakeServer) -> None:
    before = full.journal.position
    for path in (*all_pages(full), "/mock/nothing", "/mock/events/unknown", "/mock/static/style.css"):
        WEB.get(full.url + path, headers=BROWSER, follow_redirects=True)
    assert full.journal.position == before


def test_what_is_not_there_is_said(full: IntakeServer) -> None:
    for path, words in {
        "/mock/nothing": "There is no page /mock/nothing.",
        "/mock/events/unknown": "No event unknown is on record.",
        "/mock/exchanges/unknown": "No exchange unknown is on record.",
        "/mock/run?id=unknown": "No event of a run unknown is on record.",
        "/mock/run": "The address has no id.",
        "/mock/dataset?namespace=n&name=unknown": "No dataset unknown in n is in the lineage.",
        "/mock/job": "The address has no namespace and no name.",
        "/mock/lineage?type=job&namespace=n&name=unknown": "No job unknown is in the lineage.",
    }.items():
        page = look(full, path)
        assert (page.status, words in page.text) == (404, True), path


def test_a_slash_too_many_leads_to_the_page(full: IntakeServer) -> None:
    for path in ("/mock/runs/", "/mock/events/?status=error&text=a%26b", "/mock/run/?id=x%2Fy", "/mock/lineage//"):
        answer = WEB.get(full.url + path, headers=BROWSER)
        page, _, query = path.partition("?")
        there = page.rstrip("/") + (f"?{query}" if query else "")
        assert (answer.status_code, answer.headers["location"]) == (308, there)
    # Not from these pages: a producer's.
    assert WEB.get(full.url + "/mock//", headers=BROWSER).status_code in (303, 308)
    assert WEB.get(full.url + "//evil.example/mock/runs/", headers=BROWSER).status_code == 404


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("events?status=green", "status is one of ok, warning, error"),
        ("events?kind=Event", "kind is one of RunEvent"),
        ("events?cursor=last", "cursor is a number"),
        ("events?cursor=-1", "cursor is a number"),
        ("events?cursor=9999999999999999", "cursor is a number"),
        ("events?rule=XX1", "There is no rule 'XX1'"),
        ("runs?state=DONE", "state is one of START"),
        ("runs?rule=XX1", "There is no rule 'XX1'"),
        ("exchanges?outcome=lost", "outcome is one of accepted"),
        ("lineage?depth=0", "depth is a number from 1 to 20"),
        ("lineage?type=thing", "type is one of job, dataset"),
    ],
)
def test_what_cannot_be_asked_is_said(full: IntakeServer, path: str, words: str) -> None:
    page = look(full, f"/mock/{path}")
    assert page.status == 400
    assert words in page.text


# Events.


def test_events_are_listed_newest_first_with_what_matters(start_server: Callable[..., IntakeServer]) -> None:
    server = start_server()
    send(server, run_event("START", inputs=[dataset("shop.public.a")], outputs=[dataset("shop.public.b")]))
    send(server, run_event("COMPLETE", job={"namespace": "prod", "name": "load_orders"}))
    newest, oldest = look(server, "/mock/events").rows()
    assert newest[1:5] == ["not process", "COMPLETE", "load_orders prod", f"…{RUN_ID[-8:]}"]
    assert "DD101" in newest[6]
    assert oldest[1:3] == ["process", "START"]
    assert oldest[5] == "shop.public.a → to shop.public.b"
    assert oldest[6] == ""


@pytest.mark.parametrize(
    "query",
    [
        "status=error",
        "kind=DatasetEvent",
        "event_type=FAIL",
        "job_name=report_orders",
        "job_namespace=prod",
        f"run_id={id_of('first')}",
        f"org={OTHER_ORG}",
        f"org={ORG}&status=ok&event_type=COMPLETE",
    ],
)
def test_filters_leave_what_the_control_api_leaves(full: IntakeServer, query: str) -> None:
    wanted = [event["id"] for event in WEB.get(api(full, f"/events?{query}")).json()["events"]]
    links = [one.attributes["href"] for one in look(full, f"/mock/events?{query}").all("a", class_="open")]
    assert links == [f"/mock/events/{identity}" for identity in wanted]
    assert links


def test_filters_that_are_left_empty_ask_for_nothing(full: IntakeServer) -> None:
    assert look(full, "/mock/events?status=&kind=&text=&rule=&org=").rows() == look(full, "/mock/events").rows()


def test_events_are_found_by_rule_and_by_text(full: IntakeServer) -> None:
    events = WEB.get(api(full, "/events?limit=1000")).json()["events"]
    for code in ("OL006", "DD101", "DD201", "DD401"):
        spoken = {event["id"] for event in events if code in [finding["code"] for finding in event["findings"]]}
        page = look(full, f"/mock/events?rule={code}")
        assert {(one.attributes["href"] or "")[13:] for one in page.all("a", class_="open")} == {
            f"/{identity}"[1:] for identity in spoken
        }, code
    page = look(full, "/mock/events?text=REPORT_ORDERS")
    assert {row[2] for row in page.rows()} == {"START", "FAIL"}
    assert "were looked through" in page.text
    assert "No event fits" in look(full, "/mock/events?text=nowhere+to+be+found").text
    assert len(look(full, "/mock/events?text=report_orders&rule=DD401&event_type=FAIL").rows()) <= 1


def test_long_lists_are_shown_in_parts_and_nothing_is_left_out(start_server: Callable[..., IntakeServer]) -> None:
    server = start_server()
    for number in range(120):
        send(server, run_event(number=number, job={"namespace": "prod", "name": "load_orders"}))
    for query in ("", "?text=load_orders", "?rule=DD101", "?rule=DD101&text=load_orders"):
        seen: list[str] = []
        path = f"/mock/events{query}"
        while path:
            page = look(server, path)
            seen += [one.attributes["href"] or "" for one in page.all("a", class_="open")]
            path = next((one.attributes["href"] or "" for one in page.all("a", rel="next")), "")
        assert len(seen) == len(set(seen)) == 120, query


def test_what_retention_has_dropped_is_said(start_server: Callable[..., IntakeServer]) -> None:
    server = start_server(journal=MemoryJournal(max_exchanges=2))
    sent = [send(server, run_event(number=number)).json()["id"] for number in range(3)]
    for name in LISTS:
        assert "Retention has dropped 1 exchanges" in look(server, f"/mock/{name}").text
    gone = look(server, f"/mock/events/{sent[0]}")
    assert gone.status == 404
    assert "it may have been in there" in gone.text
    assert look(server, f"/mock/run?id={RUN_ID}").status == 200


# One event.


def test_an_event_shows_its_body_as_received_with_findings_at_their_lines(server: IntakeServer) -> None:
    body = b"""{"eventType":"START",\t"eventTime": "2026-11-01T12:00:00", "producer": "https://a.example", "x": 1.50e1,
"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
"run": {"runId": "no-uuid"}, "job": {"namespace": "prod", "name": "j"}}"""
    identity = send(server, body).json()["id"]
    page = look(server, f"/mock/events/{identity}")
    [raw] = [one for one in page.all("pre") if one.attributes.get("id") == "raw"]
    assert raw.text == body.decode()
    links = {one.attributes["href"]: " ".join(one.text.split()) for one in page.all("a", class_="place")}
    lines = {one.attributes["id"]: one.text for one in page.all("div", class_="line")}
    assert links["#line-3"] == "line 3 /eventTime"
    assert '"eventTime": "2026-11-01T12:00:00"' in lines["line-3"]
    assert '"runId": "no-uuid"' in lines[next(str(link)[1:] for link, words in links.items() if "runId" in words)]
    assert '"x": 1.50e1,' in lines["line-5"]
    notes = [one.text for one in page.all("p", class_="note")]
    assert any("OL006" in note for note in notes)
    assert "DD101" in page.text
    assert WEB.get(f"{server.url}/mock/events/{identity}/body").content == body


def test_of_a_large_event_no_more_is_laid_out_than_is_shown(server: IntakeServer) -> None:
    body = gzip.compress(json.dumps(run_event(x=[0] * 400_000)).encode())
    sent = send(server, body, **{"content-encoding": "gzip"})
    page = look(server, f"/mock/events/{sent.json()['id']}")
    assert "There are more lines: only the first 4,000 are laid out." in page.text
    assert len(page.text) < 3_000_000


def test_no_secret_in_the_beginning_of_a_large_event_is_shown(server: IntakeServer) -> None:
    """What is a secret is told by the name beside it, and there is no end to look at."""
    variables = [{"name": "DB_PASSWORD", "value": "correct-horse"}]
    facet = {**base("EnvironmentVariablesRunFacet", "1-0-0"), "environmentVariables": variables}
    event = run_event(run={"runId": RUN_ID, "facets": {"environmentVariables": facet}}, x=["x" * 3_000_000])
    sent = send(server, gzip.compress(json.dumps(event).encode()), **{"content-encoding": "gzip"})
    page = look(server, f"/mock/events/{sent.json()['id']}")
    assert "DB_PASSWORD" in page.text
    assert "correct-horse" not in page.text


def test_an_event_shows_headers_with_the_key_masked_and_all_attempts(server: IntakeServer) -> None:
    send(server, run_event())
    identity = send(server, run_event()).json()["id"]
    page = look(server, f"/mock/events/{identity}")
    assert KEY not in page.response.text
    assert "2 requests had this body" in page.text
    assert len([row for row in page.rows() if row[1] == "202"]) == 2


def test_the_command_that_is_shown_sends_the_event_again(server: IntakeServer) -> None:
    for body in (
        run_event(note='it\'s "quoted" $HOME `date` \\ ü'),
        run_event(note="x" * 30_000),
        run_event(note="\u202e"),
    ):
        content = json.dumps(body, ensure_ascii=False).encode()
        identity = send(server, content).json()["id"]
        [command] = [
            one.text
            for one in look(server, f"/mock/events/{identity}").all("pre")
            if one.attributes.get("id") == "curl"
        ]
        environment = {**os.environ, "DD_API_KEY": KEY, "no_proxy": "*"}
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=30, check=True)
        assert json.loads(done.stdout)["id"] == identity
        record = server.journal.event(identity)
        assert record is not None
        assert record.attempts == 2


def test_bodies_are_downloaded_and_never_rendered(full: IntakeServer) -> None:
    for path in [path for path in all_pages(full) if path.endswith("/body")]:
        answer = WEB.get(full.url + path)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")


# Exchanges.


def test_all_requests_are_listed_also_those_that_went_wrong(full: IntakeServer) -> None:
    page = look(full, "/mock/exchanges")
    rows = [" ".join(row) for row in page.rows()]
    assert any("HT201" in row and "400" in row for row in rows)
    assert any("GET /somewhere/else" in row and "404" in row and "HT301" in row for row in rows)
    assert any("fault: lost" in row for row in rows)
    assert len(rows) == full.journal.position


@pytest.mark.parametrize("outcome", ["accepted", "refused", "astray", "faulted"])
def test_requests_are_narrowed_by_what_came_of_them(full: IntakeServer, outcome: str) -> None:
    fits: dict[str, Callable[[Exchange], bool]] = {
        "accepted": lambda one: one.accepted,
        "refused": lambda one: not one.accepted,
        "astray": lambda one: one.response.status_code == 404,
        "faulted": lambda one: one.fault is not None,
    }
    wanted = [f"/mock/exchanges/{one.id}" for _, one in full.journal.read(0, 1_000) if fits[outcome](one)]
    links = [one.attributes["href"] for one in look(full, f"/mock/exchanges?outcome={outcome}").all("a", class_="open")]
    assert links == wanted[::-1]
    assert links


def test_a_request_shows_what_was_wrong_and_what_it_was_answered(full: IntakeServer) -> None:
    [link] = [
        one.attributes["href"] or "" for one in look(full, "/mock/exchanges?text=somewhere").all("a", class_="open")
    ]
    page = look(full, link)
    assert "nothing takes events at /somewhere/else" in page.text
    assert "Nothing to do for a health check or a scraper" in page.text
    assert "404" in page.text
    assert "There was none." in page.text  # no body


# Runs.


def test_runs_are_listed_with_state_duration_error_and_bar(start_server: Callable[..., IntakeServer]) -> None:
    server = start_server()
    error = {"message": "disk full", "programmingLanguage": "PYTHON", **base("ErrorMessageRunFacet", "1-0-1")}
    send(server, run_event("START", eventTime="2026-11-01T12:00:00Z"))
    send(
        server,
        run_event("FAIL", eventTime="2026-11-01T12:01:30Z", run={"runId": RUN_ID, "facets": {"errorMessage": error}}),
    )
    page = look(server, "/mock/runs")
    [row] = page.rows()
    assert row[:4] == ["load_orders prod", "FAIL", "2026-11-01 12:00:00.000", "90.0 s"]
    assert "disk full" in row[6]
    assert [(one.attributes["x"], one.attributes["width"]) for one in page.all("rect")] == [("0", "1000")]


def test_runs_are_narrowed_by_state_job_rule_and_org(full: IntakeServer) -> None:
    assert {row[1] for row in look(full, "/mock/runs?state=FAIL").rows()} == {"FAIL"}
    assert {row[0] for row in look(full, "/mock/runs?job_name=report_orders").rows()} == {"report_orders prod"}
    assert len(look(full, f"/mock/runs?org={OTHER_ORG}").rows()) == 1
    assert "No run fits" in look(full, "/mock/runs?job_name=unknown").text
    assert len(look(full, "/mock/runs?rule=RC301").rows()) == 1


def test_a_run_shows_its_events_facets_cycle_and_span(full: IntakeServer) -> None:
    page = look(full, f"/mock/run?org={ORG}&id={id_of('first')}")
    assert [row[2] for row in page.rows()[:2]] == ["START", "COMPLETE"]
    assert "RC301" in page.text
    assert "Documented as a draft only" in page.text
    assert "custom.job" in page.text
    assert "jobType" in page.text
    assert "columnLineage" in page.text
    unended = look(full, f"/mock/run?org={OTHER_ORG}&id={id_of('first')}")
    assert "this one has not ended" in unended.text
    assert "RC102" in unended.text  # what would be said if nothing else came


# Lineage.


def test_the_lineage_is_drawn_listed_and_leads_on(full: IntakeServer) -> None:
    page = look(full, f"/mock/lineage?org={ORG}")
    assert page.all("svg", class_="lineage")
    nodes = {one.text for one in page.all("text", class_="name")}
    assert {"shop.public.raw", "shop.public.orders", "load_orders", "report_orders", "Orders"} <= nodes
    assert any("unsurfaced" in (one.attributes.get("class") or "") and "Orders" in one.text for one in page.all("g"))
    assert "not surfaced (DD201)" in page.text
    assert next(one.text for one in page.all("path", class_="near-miss")).startswith("DS101")
    assert "differ only in upper and lower case" in page.text


def test_the_lineage_around_something_is_a_part_of_it(full: IntakeServer) -> None:
    focus = f"/mock/lineage?org={ORG}&type=dataset&namespace=postgres%3A%2F%2Fdb%3A5432&name=shop.public.raw"
    near = {one.text for one in look(full, f"{focus}&depth=1").all("text", class_="name")}
    far = {one.text for one in look(full, f"{focus}&depth=4").all("text", class_="name")}
    assert near == {"shop.public.raw", "load_orders"}
    assert near < far >= {"shop.public.orders", "report_orders"}


def test_jobs_and_datasets_are_found_by_name(full: IntakeServer) -> None:
    page = look(full, f"/mock/lineage?org={ORG}&text=REPORT")
    [link] = [one for words, one in page.links().items() if words == "report_orders"]
    assert parse_qs(urlsplit(link).query)["name"] == ["report_orders"]
    assert "No job and no dataset" in look(full, f"/mock/lineage?org={ORG}&text=unknown").text


def test_a_dataset_shows_who_uses_it_and_where_its_columns_come_from(full: IntakeServer) -> None:
    page = look(full, f"/mock/{ORDERS}&org={ORG}")
    assert "PostgreSQL" in page.text
    assert ["amount", "shop.public.raw cents", ""] in page.rows()
    assert len(page.all("svg", class_="lineage")) == 2
    assert "DS101" in page.text


def test_a_job_shows_its_events_and_what_its_facets_produce(full: IntakeServer) -> None:
    page = look(full, f"/mock/{JOB}&org={ORG}")
    assert ["jobType", "job"] in [row[:2] for row in page.rows()]
    assert "COMPLETE" in [row[2] for row in page.rows()]


def test_more_than_can_be_drawn_is_narrowed(start_server: Callable[..., IntakeServer]) -> None:
    server = start_server()
    for number in range(30):
        inputs = [dataset(f"shop.public.t{number}_{column}") for column in range(70)]
        send(server, run_event(inputs=inputs, job={"namespace": "prod", "name": f"job_{number}", "facets": {}}))
    page = look(server, "/mock/lineage")
    assert "30 jobs and 2,100 datasets are more than the 2,000 that are drawn at once" in page.text
    assert not page.all("svg")
    link = page.links()["job_7"]
    assert len(look(server, link).all("text", class_="name")) == 71
