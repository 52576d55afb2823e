"""The client's facet classes of old, which name no version: the same facets, told once for an event."""

from __future__ import annotations

import json
import warnings

from openlineage.client.serde import Serde

from mock_intake.model.findings import Severity
from tests.events import run_event
from tests.rules.examples_judged import found_in_event, only

OLD = "https://raw.githubusercontent.com/OpenLineage/OpenLineage/main/spec/OpenLineage.json#/definitions/"


def test_facets_of_the_old_classes_are_checked_as_what_they_are_and_told_once() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from openlineage.client import facet

        old = [
            facet.SqlJobFacet("SELECT 1"),
            facet.DocumentationJobFacet("Loads orders."),
            facet.DataSourceDatasetFacet("a", "b://c"),
        ]
    sql, documentation, source = (json.loads(Serde.to_json(one)) for one in old)
    event = run_event()
    event["job"]["facets"] |= {"sql": sql, "documentation": documentation}
    event["inputs"] = [{"namespace": "postgres://db:5432", "name": "a.b.c", "facets": {"dataSource": source}}]
    found = found_in_event(event)
    finding = only(found, "OL113")
    assert finding.severity is Severity.INFO
    assert finding.message == "sql names its schema at the address of old, and 2 more of the event"
    assert not {"OL104", "OL105", "OL109"} & {one.code for one in found}


def test_what_is_wrong_in_such_a_facet_is_told_all_the_same() -> None:
    url = (
        "https://raw.githubusercontent.com/OpenLineage/OpenLineage/main/spec/OpenLineage.json#/definitions/SqlJobFacet"
    )
    event = run_event()
    event["job"]["facets"]["sql"] = {"_producer": "https://github.com/acme/etl", "_schemaURL": url}
    assert {"OL103", "OL113"} <= {finding.code for finding in found_in_event(event)}


def test_an_old_address_of_another_facet_is_none() -> None:
    url = OLD + "NominalTimeRunFacet"
    event = run_event()
    event["job"]["facets"]["sql"] = {"_producer": "https://github.com/acme/etl", "_schemaURL": url, "query": "SELECT 1"}
    assert "OL113" not in {finding.code for finding in found_in_event(event)}


def test_the_file_of_a_facet_before_it_had_versions_is_the_same_facet() -> None:
    url = "https://raw.githubusercontent.com/OpenLineage/OpenLineage/main/spec/facets/SQLJobFacet.json"
    event = run_event()
    facet = {"_producer": "https://github.com/acme/etl", "_schemaURL": url, "query": "SELECT 1"}
    event["job"]["facets"]["sql"] = facet
    assert only(found_in_event(event), "OL113").severity is Severity.INFO
    facet["_schemaURL"] = url.replace("SQLJobFacet", "NominalTimeRunFacet")
    assert {"OL109"} == {finding.code for finding in found_in_event(event)}
