"""What is said of an event has a size of its own, whatever the event holds: each quote, each answer, each record."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.judging.intake import Intake
from mock_intake.model.bounding import MOST_CHARACTERS, MOST_IN_ALL, MOST_OF_A_RULE
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Severity, Status
from mock_intake.model.runs import Repeat, RunFacts
from mock_intake.openlineage.runs import judge_run
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import LONGEST_POINTER, LONGEST_QUOTE, quoted, quoted_list, quoted_pointer
from tests.events import RUN_ID, base, dataset, job_type, run_event
from tests.test_intake import received

LONG = "k" * 400_000
_SCHEMA_FACET = base("SchemaDatasetFacet", "1-1-1")
_LINEAGE = base("ColumnLineageDatasetFacet", "1-2-0")


def judged(**changes: Any) -> Exchange:
    body = json.dumps(run_event(**changes)).encode()
    return Intake().receive(received(gzip.compress(body, 1), ("content-encoding", "gzip")))


def _sources(number: int) -> list[dict[str, str]]:
    return [{"namespace": "postgres://db:5432", "name": f"shop.public.t{i}", "field": "id"} for i in range(number)]


def _with_facets(facets: dict[str, Any]) -> dict[str, Any]:
    return {**dataset(), "facets": facets}


# Each multiplies: many findings, each of which would quote what is long.
LARGE: dict[str, dict[str, Any]] = {
    "a facet's key": {"outputs": [_with_facets({LONG: {**_SCHEMA_FACET, "fields": [1] * 1000}})]},
    "the keys of many facets": {"outputs": [_with_facets({f"{i}{LONG[:2000]}": {} for i in range(500)})]},
    "a column": {
        "outputs": [
            dataset(columnLineage={**_LINEAGE, "fields": {LONG: {"inputFields": [{}] * 3000}}}),
        ]
    },
    "a dataset's name": {
        "outputs": [dataset(LONG, columnLineage={**_LINEAGE, "fields": {"id": {"inputFields": _sources(3000)}}})]
    },
    "namespaces": {"inputs": [dataset(f"t{i}", f"{i}{LONG[:4000]}") for i in range(200)]},
    "fields that are not allowed": {"run": {"runId": "no", **{f"{i}{LONG[:4000]}": 1 for i in range(99)}}},
    "tags without fields": {
        "job": {
            "namespace": LONG,
            "name": LONG,
            "facets": {
                "jobType": job_type(integration=LONG, processingType=LONG),
                "tags": {**base("TagsJobFacet", "1-0-0"), "tags": [{}] * 20_000},
            },
        }
    },
    "an event's type": {"eventType": LONG, "eventTime": LONG, "producer": LONG, "schemaURL": LONG},
}


@pytest.mark.parametrize("changes", LARGE.values(), ids=LARGE)
def test_an_answer_has_a_size_of_its_own(changes: dict[str, Any]) -> None:
    exchange = judged(**changes)
    assert exchange.accepted
    assert exchange.findings
    assert len(exchange.response.body) < 3 * MOST_CHARACTERS
    assert len(exchange.findings) <= MOST_IN_ALL
    longest = max(len(str(text)) for finding in exchange.findings for text in finding.to_dict().values())
    assert longest < 4_100


def test_what_is_said_of_a_large_event_is_on_record(tmp_path: Path) -> None:
    exchange = judged(**LARGE["a facet's key"])
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.append([exchange])
    assert journal.position == 1
    journal.close()
    assert (tmp_path / "journal.db").stat().st_size < 1024 * 1024


def test_findings_that_are_not_kept_are_counted_and_change_the_status_all_the_same() -> None:
    tags = [{"key": "team", "value": "data", "source": "user"}] * 30_000
    facets = {"jobType": job_type(), "tags": {**base("TagsJobFacet", "1-0-0"), "tags": tags}}
    exchange = judged(job={"namespace": "prod", "name": "load", "facets": facets})
    of_tags = [finding for finding in exchange.findings if finding.code == "DD403"]
    assert len(of_tags) == MOST_OF_A_RULE
    assert of_tags[-1].message.endswith(f" (and {30_000 - MOST_OF_A_RULE} more of DD403 in the event)")
    assert exchange.event is not None
    assert exchange.event.status is Status.WARNING


def test_where_there_are_too_many_in_all_each_rule_and_severity_is_still_heard() -> None:
    """The one that is worst stands behind hundreds of the same rule."""
    facets = {f"{i}{LONG[:1500]}": {**base("JobTypeJobFacet", "9-9-9")} for i in range(300)}
    exchange = judged(job={"namespace": "prod", "name": "load", "facets": {**facets, "jobType": None}})
    assert exchange.event is not None
    assert exchange.event.status is Status.ERROR
    assert "DD101" in [finding.code for finding in exchange.findings]
    assert {Severity.ERROR} <= {finding.severity for finding in exchange.findings}
    assert any(" more of OL" in finding.message for finding in exchange.findings)


def test_two_that_are_quoted_at_their_beginning_stay_two() -> None:
    one, other = LONG + "1", LONG + "2"
    assert quoted(one) != quoted(other)
    assert quoted(one) == quoted(LONG + "1") == str(quoted(one))
    assert quoted(one).startswith("k" * LONGEST_QUOTE + "... (400,001 characters, ")
    assert quoted_pointer("job", one) != quoted_pointer("job", other)
    assert shown(one) != shown(other)
    assert shown([1] * 5000 + [1]) != shown([1] * 5000 + [2])


def test_what_is_short_is_quoted_as_it_is() -> None:
    assert quoted("shop.public.orders") == "shop.public.orders"
    assert quoted_pointer("job", "facets", "a/b", 3) == "/job/facets/a~1b/3"
    assert quoted_list(["a", "b"]) == "a, b"
    assert shown({"a": [1, True, None, "x"]}) == '{"a": [1, true, null, "x"]}'


def test_a_deep_pointer_is_cut_at_the_end_of_a_part() -> None:
    pointer = quoted_pointer(*["part"] * 400)
    assert len(pointer) < LONGEST_POINTER + 30
    assert "/part/... (" in pointer


def test_no_secret_is_cut_through() -> None:
    """Half of a password tells nobody that it is one, and would be shown."""
    secret = "postgres://etl:" + "s3same" * 60 + "@db:5432"
    for before in range(0, LONGEST_QUOTE, 7):
        text = "x" * before + " " + secret + " " + LONG
        assert "s3same" not in quoted(text)
        assert "s3same" not in quoted_pointer("run", text)
        assert "s3same" not in shown([text])


def test_a_query_full_of_keys_makes_no_answer_of_any_size() -> None:
    exchange = Intake().receive(received(query="&".join(["api_key=" + "ab" * 16] * 1500)))
    assert len(exchange.response.body) < 64 * 1024
    assert exchange.findings[-1].message.endswith("more of HT006 in the event)")


def test_what_is_said_of_a_run_is_bounded_in_the_same_way() -> None:
    same = [Repeat("0123456789abcdef", "START", excused=False) for _ in range(200)]
    findings = judge_run(RunFacts(RUN_ID, [], same), closed=False)
    assert len(findings) == MOST_OF_A_RULE
    assert findings[-1].message.endswith(f" (and {200 - MOST_OF_A_RULE} more of RC301 in the run)")
