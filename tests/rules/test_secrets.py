"""No finding of any family quotes a secret, whatever place it was made from."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from mock_intake.judging.judgement import Judge
from mock_intake.model.findings import Finding, Selection
from mock_intake.model.runs import Repeat
from mock_intake.openlineage.runs import repeated
from tests.events import base, dataset, run_event
from tests.rules.examples_datadog import (
    column_lineage,
    job_tags,
    loading,
    reading,
    run_tags,
    with_job_type,
    with_run_facets,
)
from tests.rules.examples_datasets import written_and_read
from tests.rules.examples_judged import (
    Body,
    encoded,
    found_in_event,
    found_in_request,
    found_in_sequence,
    only,
    views_of,
)
from tests.rules.examples_openlineage import documentation, with_job_facet, with_run_facet, without
from tests.rules.examples_requests import Sent, at, with_body, with_headers
from tests.rules.examples_runs import COMPLETE, START, step

SECRET = "h4rdlyas3cret"
ASSIGNED = f"password={SECRET}"
TOKEN = "ghp_" + SECRET * 3
SERVER = f"postgres://etl:{SECRET}@db:5432"


def quoting(findings: Sequence[Finding]) -> list[str]:
    """The codes of the findings that quote the secret."""
    return [finding.code for finding in findings if SECRET in str(finding)]


def environment(**variable: object) -> Body:
    facet = {**base("EnvironmentVariablesRunFacet", "1-0-0"), "environmentVariables": [variable]}
    return with_run_facet("environmentVariables", facet)


def spoiled_input() -> Body:
    """Column lineage that names no input; the one that is nearest to it has a secret in it."""
    event = loading("START", source="public.orders")
    event["inputs"][0]["namespace"] = SERVER
    return event


EVENTS: list[tuple[str, Body]] = [
    ("OL001", {ASSIGNED: 1}),
    ("OL003", run_event(inputs=ASSIGNED)),
    ("OL004", run_event(job={"namespace": "prod", ASSIGNED: 1})),
    ("OL005", run_event(ASSIGNED)),
    ("OL006", run_event(run={"runId": ASSIGNED})),
    ("OL007", run_event(eventTime=ASSIGNED)),
    ("OL009", run_event(producer=ASSIGNED)),
    ("OL010", without(run_event(), "schemaURL") | {ASSIGNED: 1}),
    ("OL012", run_event(schemaURL=f"https://etl:{SECRET}@acme.example/OpenLineage.json")),
    ("OL101", with_run_facet(ASSIGNED, {"x": 1})),
    # In a JSON Pointer the slashes of a URI are escaped.
    ("OL101", with_run_facet(SERVER, {"x": 1})),
    ("OL102", with_run_facet(ASSIGNED, documentation(_producer="acme-etl"))),
    ("OL103", with_job_facet("documentation", documentation([ASSIGNED]))),
    ("OL104", with_run_facet(ASSIGNED, {**base("AcmeRunFacet", "1-0-0"), "x": 1})),
    ("OL105", with_run_facet(ASSIGNED, {**base("X", "1"), "_schemaURL": "https://acme.example/X.json", "x": 1})),
    ("OL108", with_run_facet(ASSIGNED, base("AcmeRunFacet", "1-0-0"))),
    ("OL109", with_job_facet("documentation", documentation(_schemaURL=f"https://etl:{SECRET}@acme.example/A.json"))),
    ("OL201", run_event(inputs=[{**dataset(), "facets": {ASSIGNED: documentation()}}])),
    ("OL203", run_event(inputs=[dataset(f"a.b.{TOKEN}")])),
    ("DD102", with_job_type(integration="SPARK") | {"producer": f"https://etl:{SECRET}@acme.example/"}),
    ("DD201", reading(f"warehouse://etl:{SECRET}@db", "shop.public.orders")),
    ("DD202", reading(SERVER, "shop.public.orders")),
    # Cut where it is quoted, right behind the password.
    ("DD202", reading(f"postgres://{'u' * 72}:{SECRET}@db:5432", "shop.public.orders")),
    ("DD204", reading("postgres://db:5432", f"jdbc:postgresql://db?{ASSIGNED}")),
    ("DD205", reading("postgres://db:5432", f"a.b.c.d?{ASSIGNED}")),
    ("DD206", reading("s3://lake", f"a/b/c/d?{ASSIGNED}")),
    ("DD207", reading("pubsub", ASSIGNED)),
    ("DD402", job_tags([{"key": ASSIGNED}])),
    ("DD403", job_tags([{"key": ASSIGNED, "value": "x", "source": "user"}])),
    ("DD404", run_tags([{"key": ASSIGNED, "value": "x", "source": "USER"}])),
]

OF_RUNS: list[tuple[str, Body]] = [
    ("DD301", run_event(outputs=[dataset("a.b.c", columnLineage=column_lineage(SERVER))])),
    ("DD301", spoiled_input()),
    ("DD501", with_run_facets("FAIL", **{ASSIGNED: base("AcmeRunFacet", "1-0-0")})),
    ("DD502", run_event("COMPLETE", inputs=[dataset(f"a.b.c?{ASSIGNED}")])),
]


@pytest.mark.parametrize(("code", "event"), OF_RUNS)
def test_of_what_is_asked_of_the_run(code: str, event: Body) -> None:
    findings = found_in_sequence([event])
    assert code in [finding.code for finding in findings]
    assert quoting(findings) == []


@pytest.mark.parametrize(("code", "event"), EVENTS)
def test_of_events(code: str, event: Body) -> None:
    findings = found_in_event(event)
    codes = {finding.code for finding in findings}
    assert code in codes
    assert codes & {"OL201", "OL203"}
    assert quoting(findings) == []


@pytest.mark.parametrize(("code", "event"), EVENTS)
def test_of_events_though_the_rules_about_secrets_are_ignored(code: str, event: Body) -> None:
    findings = Judge(selection=Selection(ignore=frozenset({"OL2"}))).judge(encoded(event), "org").findings
    codes = {finding.code for finding in findings}
    assert codes >= {code} - {"OL201", "OL203"}
    assert not codes & {"OL201", "OL203"}
    assert quoting(findings) == []


@pytest.mark.parametrize("value", [SECRET, [SECRET], {"a": SECRET}])
def test_of_environment_variables_that_are_secret_by_their_names(value: object) -> None:
    findings = found_in_event(environment(name="DB_PASSWORD", value=value))
    assert only(findings, "OL203").message == "the environment variable DB_PASSWORD is sent with its value"
    assert quoting(findings) == []


REQUESTS: list[tuple[str, Sent]] = [
    ("HT101", with_headers(("content-type", f"Bearer {TOKEN}"))),
    ("HT201", with_body(SERVER.encode())),
    # The excerpt begins within what tells that a secret follows, or ends before.
    ("HT201", with_body(f'{{"a":"{ASSIGNED}","b":}}'.encode())),
    ("HT201", with_body(f"postgres://{'u' * 35}:{SECRET}@db.acme.example:5432".encode())),
    ("HT204", with_body(f'{{"a":"{ASSIGNED}","b":NaN}}'.encode())),
    ("HT301", at(f"/{TOKEN}/api/v1/lineage")),
    ("HT301", at(f"/https://etl:{SECRET}@intake/api/v1/lineage")),
]


@pytest.mark.parametrize(("code", "sent"), REQUESTS)
def test_of_requests(code: str, sent: Sent) -> None:
    findings = found_in_request(sent)
    assert code in [finding.code for finding in findings]
    assert quoting(findings) == []


def test_of_runs() -> None:
    findings = found_in_sequence([step(START, 0, name=f"load {ASSIGNED}"), step(COMPLETE, 9)])
    assert [finding.code for finding in findings] == ["RC201"]
    assert quoting(findings) == []


def test_of_events_accepted_again() -> None:
    finding = repeated(Repeat("0123456789abcdef", ASSIGNED, excused=False))
    assert finding.message == "the same password=****~89b4 was accepted again (0123456789abcdef)"


def test_of_datasets() -> None:
    findings = views_of(written_and_read((SERVER, "a.b.c"), (SERVER, "a.b.C"))).dataset_findings()
    assert [finding.code for finding in findings] == ["DS101"]
    assert quoting(findings) == []


def test_a_secret_is_found_in_no_time_whatever_else_is_in_the_event() -> None:
    event = with_job_facet("documentation", documentation("A" * 20_000))
    event["inputs"] = [dataset(namespace=SERVER)]
    found_in_event(run_event())
    start = time.thread_time()
    assert [finding.code for finding in found_in_event(event)] == ["OL201", "DD202"]
    # Some milliseconds, unless time grows with the square of a text's length.
    assert time.thread_time() - start < 0.3
