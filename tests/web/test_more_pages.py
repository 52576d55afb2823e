"""Rules, coverage, faults and the greeting over HTTP, without scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.authentication import Keys
from mock_intake.judging.catalogue import RULES
from mock_intake.judging.intake import Settings
from tests.control.content import HTTP, KEY, ORG, OTHER_KEY, OTHER_ORG, api, run_of, send
from tests.events import dataset, job_type, run_event, schema
from tests.test_serve import Serving
from tests.web.looking import BROWSER, WEB, look, parsed, submit


def test_all_rules_are_there_with_how_often_they_have_spoken(full: IntakeServer) -> None:
    page = look(full, f"/mock/rules?org={ORG}")
    assert {one.attributes["id"] for one in page.all("article")} == set(RULES)
    spoken = look(full, f"/mock/rules?show=found&org={ORG}")
    assert {"OL006", "RC301", "DS101"} <= {one.attributes["id"] for one in spoken.all("article")} < set(RULES)
    for article in spoken.all("article"):
        if article.attributes["id"] == "OL006":
            assert "event" in article.text
    counts = {link: words for words, link in spoken.links().items() if "rule=" in link}
    for link, words in counts.items():
        assert str(len(look(full, link).rows())) == words.split()[0], link


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("2026-11-01T14:00:00.5+02:00", "2026-11-01 12:00:00.500"),
        ("2026-11-01T12:00:00", "2026-11-01 12:00:00.000 no offset"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("yesterday <b>", "yesterday <b>"),
    ],
)
def test_event_times_are_shown_as_all_other_times_are(server: IntakeServer, sent: str, seen: str) -> None:
    send(server, {**run_event(), "eventTime": sent})
    event = HTTP.get(api(server, "/events")).json()["events"][0]
    assert look(server, f"/mock/run?org={ORG}&id={event['run_id']}").rows()[0][3] == seen
    assert seen in look(server, f"/mock/events/{event['id']}").text


def test_rules_about_datasets_lead_to_the_lineage_of_each_org(server: IntakeServer) -> None:
    for name in ("shop.public.orders", "SHOP.public.orders"):
        send(server, run_event(inputs=[dataset(name)]))
    [link] = [where for words, where in look(server, "/mock/rules").links().items() if words == "1 dataset"]
    assert link == f"/mock/lineage?org={ORG}"
    for name in ("raw/orders", "raw//orders"):
        send(server, run_event(inputs=[dataset(name, "s3://lake")]), key=OTHER_KEY)
    for name in ("shop.public.users", "SHOP.public.users"):
        send(server, run_event(inputs=[dataset(name)]), key=OTHER_KEY)
    links = look(server, "/mock/rules").links()
    assert links["1 dataset"] == f"/mock/lineage?org={OTHER_ORG}"  # DS104, of one org only
    assert links[f"1 dataset of org {ORG}"] == f"/mock/lineage?org={ORG}"
    assert links[f"1 dataset of org {OTHER_ORG}"] == f"/mock/lineage?org={OTHER_ORG}"


def test_a_facet_is_counted_once_for_an_event_with_several_datasets(server: IntakeServer) -> None:
    inputs = [dataset(f"shop.public.{name}", schema=schema("id")) for name in ("orders", "users", "items")]
    for event_type in ("START", "COMPLETE"):
        send(server, run_event(event_type, inputs=inputs))
    for path in ("/mock/coverage", "/mock/job?namespace=prod&name=load_orders"):
        counts = [row[2] for row in look(server, path).rows() if row[:2] == ["schema", "dataset"]]
        assert counts == ["2"], path


def test_what_is_unfolded_on_coverage_has_a_name_of_its_own(full: IntakeServer) -> None:
    page = look(full, "/mock/coverage")
    keys = [key for one in page.all("details") if (key := one.attributes.get("data-key"))]
    assert set(keys) >= {link for link in page.links().values() if link.startswith("/mock/job?")} > set()
    assert len(set(keys)) == len(keys)


def test_coverage_tells_what_came_and_what_did_not(full: IntakeServer) -> None:
    page = look(full, f"/mock/coverage?org={ORG}&job_name=load_orders")
    assert ["jobType", "job"] in [row[:2] for row in page.rows()]
    assert "that Datadog reads and that never came" in page.text


def test_a_fault_plan_is_set_and_cleared_on_its_page(server: IntakeServer) -> None:
    began = submit(server, "/mock/faults", {"plan": "503,lost,202", "delay": "", "org": ""})
    assert (began.status_code, began.headers["location"]) == (303, "/mock/faults")
    assert send(server, run_event()).status_code == 503
    page = look(server, "/mock/faults")
    assert "1 request took a step" in page.text
    assert [" ".join(one.text.split()) for one in page.all("li") if "plan" not in one.attributes][-3:] == [
        "taken: 503", "next: lost", "202",
    ]  # fmt: skip
    assert submit(server, "/mock/faults", {"clear": "this", "org": ""}).status_code == 303
    assert send(server, run_event()).status_code == 202
    assert "There is no plan" in look(server, "/mock/faults").text


def test_a_plan_of_an_org_hits_that_org_only(server: IntakeServer) -> None:
    fields = {"plan": "", "delay": "0.01", "repeat_last": "on", "org": ORG}
    assert submit(server, "/mock/faults", fields).status_code == 303
    [state] = server.faults.states()
    assert (state["org"], state["delay"], state["repeat_last"]) == (ORG, 0.01, True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"plan": "503,bang"}, "bang"),
        ({"plan": ""}, "the plan is empty"),
        ({"plan": "503", "delay": "long"}, "the delay is a number of seconds"),
        ({"plan": '{"sequence": ['}, "looks like JSON"),
        ({"plan": "503", "delay": "nan"}, "delay"),
    ],
)
def test_a_plan_that_cannot_be_understood_is_refused_and_stays_in_the_form(
    server: IntakeServer, fields: dict[str, str], words: str
) -> None:
    answer = submit(server, "/mock/faults", fields)
    assert answer.status_code == 400
    assert words in answer.text
    assert not server.faults.any


def test_a_form_that_is_too_large_is_refused(server: IntakeServer) -> None:
    assert submit(server, "/mock/faults", {"plan": "5" * 70_000}).status_code == 400
    assert submit(server, "/mock/faults", {f"f{number}": "" for number in range(200)}).status_code == 400


def test_an_empty_intake_greets_with_commands_that_work(server: IntakeServer) -> None:
    page = look(server, "/mock/events")
    assert "Nothing has arrived yet." in page.text
    texts = {one.attributes.get("id"): one.text for one in page.all("pre")}
    assert f"OPENLINEAGE_URL={server.url}" in texts["text-http"]
    assert f"DD_SITE={server.url}" in texts["text-datadog"]
    done = subprocess.run(
        ["bash", "-c", texts["text-curl"] or ""], capture_output=True, text=True, timeout=30, check=True,
        env={"PATH": "/usr/bin:/bin", "no_proxy": "*"},
    )  # fmt: skip
    assert json.loads(done.stdout)["status"] == "ok"
    assert "START" in look(server, "/mock/events").rows()[0]


# A job that is set up by its environment alone.
JOB_BY_ENVIRONMENT = """
from datetime import datetime, timezone
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid

client = OpenLineageClient()
now = datetime.now(timezone.utc).isoformat()
run, job = Run(runId=str(generate_new_uuid())), Job(namespace="default", name="way")
client.emit(RunEvent(eventType=RunState.START, eventTime=now, run=run, job=job, producer="https://example.com"))
client.close()
"""


def test_every_way_that_is_told_leads_here(tmp_path: Path) -> None:
    """What the page says is pasted into a shell, and the event is here; also twice, without a word on its run."""
    options = ("--agent-port", "0", "--proxy-port", "0", "--ca-file", str(tmp_path / "ca.pem"))
    serving = Serving(tmp_path, *options)
    try:
        try_every_way(serving.url, tmp_path)
        assert serving.end()[0] == 0
    finally:
        serving.process.kill()


def try_every_way(url: str, home: Path) -> None:
    texts = told(url)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(home)}
    programs = {
        "curl": 2 * (texts.pop("curl") + "\n"),
        "python": f"python -W error - <<'END'\n{texts.pop('python')}\nEND",
    }
    assert texts.pop("run").startswith("mock-intake run")
    assert sorted(texts) == ["agent", "async", "datadog", "http", "proxy"]
    for name, text in texts.items():
        programs[name] = f"{text}\npython - <<'END'\n{JOB_BY_ENVIRONMENT}\nEND"
    came = 0
    for name, program in programs.items():
        done = subprocess.run(
            ["bash", "-e", "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (name, done.stderr)
        came += 2 if name == "curl" else 1
        counts = WEB.get(f"{url}/api/mock/v1/statistics").json()
        assert counts["events"] == came, (name, done.stdout, done.stderr)
    runs = WEB.get(f"{url}/api/mock/v1/runs?limit=50").json()["runs"]
    assert len(runs) == came


def told(url: str) -> dict[str, str]:
    """What the page of an intake tells to type, by way in."""
    texts = {}
    for one in parsed(WEB.get(f"{url}/mock/start", headers=BROWSER)).all("pre"):
        texts[(one.attributes.get("id") or "").removeprefix("text-")] = one.text or ""
    return texts


def test_ways_that_are_not_open_say_how_to_open_them(server: IntakeServer) -> None:
    texts = told(server.url)
    assert texts["agent"] == "mock-intake serve --agent-port 8126"
    assert texts["proxy"] == "mock-intake serve --proxy-port 8581 --ca-file ca.pem"


def test_serve_says_where_the_pages_are(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    page = WEB.get(f"{serving.url}/mock/events", headers=BROWSER)
    assert "Nothing has arrived yet." in page.text
    _, out, _ = serving.end()
    assert f"look at     {serving.url}/mock/events in a browser" in out


def test_keys_that_the_intake_was_started_with_are_not_told(start_server: Callable[..., IntakeServer]) -> None:
    server = start_server(Settings(keys=Keys(frozenset([KEY]))))
    page = look(server, "/mock/start")
    assert KEY not in page.response.text
    assert "Only the keys that the intake was started with" in page.text


def test_refused_requests_alone_lead_to_what_was_wrong(server: IntakeServer) -> None:
    send(server, b"no JSON")
    page = look(server, "/mock/events")
    assert page.links()["see what was wrong with them"] == "/mock/exchanges"


def test_jobs_that_make_no_node_are_told_apart(server: IntakeServer) -> None:
    query = {"namespace": "prod", "name": "q", "facets": {"jobType": job_type(jobType="QUERY")}}
    send(server, run_event("COMPLETE", job=query, inputs=[dataset()]))
    send(server, run_of("other", job={"namespace": "prod", "name": "untyped"}))
    page = look(server, "/mock/lineage")
    assert "jobs of the type QUERY make none" in page.text
    assert "not processed (DD101)" in page.text
