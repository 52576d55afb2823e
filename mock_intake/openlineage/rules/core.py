"""What the core schema asks of every event (OL003 to OL010, OL101, OL102).

The schema decides; each rule here says which of its refusals are its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.openlineage.meant import address
from mock_intake.openlineage.moments import IN_FACET, OnRefusal, Refusal
from mock_intake.openlineage.rules.kinds import DROPPED
from mock_intake.openlineage.sources import CORE_SCHEMA, DATADOG, RFC_3339, RUN_CYCLE
from mock_intake.rules import ABSENT, Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import RUN_ID, facet
from mock_intake.secrets.content import redact

_DOCUMENTATION = facet("DocumentationJobFacet", "1-1-0", description="Loads orders.")


@rule(
    "OL003",
    "core-violation",
    severity=Severity.ERROR,
    requirement="An event has what the core schema requires, of the types it requires.",
    because=DROPPED,
    advice="Follow the core schema.",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=(OnRefusal(), OnRefusal("type", IN_FACET)),
    trigger={"/inputs": {}},
    neighbour={"/inputs": []},
)
def core_violation(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    yield refusal.found(rule)


@rule(
    "OL004",
    "required-field-missing",
    severity=Severity.ERROR,
    requirement="The core's required fields are there: eventTime, producer, and the identity of run, job and datasets.",
    because=DROPPED,
    advice="Add the field.",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=OnRefusal("required"),
    trigger={"/eventTime": ABSENT},
    neighbour={"/eventTime": "2026-11-01T12:00:00Z"},
)
def required_field_missing(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    yield refusal.found(rule)


@rule(
    "OL005",
    "unknown-event-type",
    severity=Severity.ERROR,
    requirement="eventType is START, RUNNING, COMPLETE, ABORT, FAIL or OTHER.",
    because="The state of the run would be unknown.",
    advice="Use one of the six; anything of your own is OTHER.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRefusal("enum", ("eventType",)),
    trigger={"/eventType": "start"},
    neighbour={"/eventType": "START"},
)
def unknown_event_type(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    yield refusal.found(rule)


@rule(
    "OL006",
    "run-id-no-uuid",
    severity=Severity.ERROR,
    requirement="run.runId is a UUID.",
    because="Consumers drop events whose run id they cannot read, and Datadog derives trace and span ids from it.",
    advice="Use str(uuid.uuid4()), or make an id of your own into one with uuid.uuid5().",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=OnRefusal("format", ("run", "runId")),
    trigger={"/run/runId": RUN_ID[:-1]},
    neighbour={"/run/runId": RUN_ID},
)
def run_id_no_uuid(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    yield refusal.found(rule)


@rule(
    "OL007",
    "time-unreadable",
    severity=Severity.ERROR,
    requirement="eventTime is an RFC 3339 date-time.",
    because="Start and duration of the run come from it.",
    advice="Write it like 2026-01-31T12:00:00.000Z; in Python datetime.now(timezone.utc).isoformat().",
    source=RFC_3339,
    sureness=Sureness.DOCUMENTED,
    when=OnRefusal("format", ("eventTime",)),
    trigger={"/eventTime": "2026-11-31T12:00:00Z"},
    neighbour={"/eventTime": "2026-11-30T12:00:00Z"},
)
def time_unreadable(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    if not refusal.is_naive_time:
        yield refusal.found(rule)


@rule(
    "OL008",
    "time-without-offset",
    severity=Severity.WARNING,
    requirement="eventTime has a UTC offset.",
    because="The vendor's own Python examples leave it out, so Datadog takes it; but whoever reads it has to guess the "
    "zone, and a wrong guess moves the run by hours.",
    advice="Add the offset: `Z` at the end, or use `datetime.now(timezone.utc).isoformat()`.",
    source=RFC_3339,
    sureness=Sureness.DOCUMENTED,
    when=OnRefusal("format", ("eventTime",)),
    trigger={"/eventTime": "2026-11-01T12:00:00"},
    neighbour={"/eventTime": "2026-11-01T12:00:00Z"},
)
def time_without_offset(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    if refusal.is_naive_time:
        yield refusal.found(rule)


@rule(
    "OL009",
    "producer-no-uri",
    severity=Severity.WARNING,
    requirement="producer is a URI that tells what code made the event.",
    because="The vendor's own examples have a plain word there, so Datadog takes it; other consumers may not.",
    advice="Use an absolute URI, for instance the address of the repository and version of the code.",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=OnRefusal("format", ("producer",)),
    trigger={"/producer": "acme-etl"},
    neighbour={"/producer": "acme:etl"},
)
def producer_no_uri(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    right = address(refusal.explanation.value)
    yield refusal.found(rule, advice=f"Write {redact(right)}." if right else rule.advice)


@rule(
    "OL010",
    "schema-url-missing",
    severity=Severity.WARNING,
    requirement="schemaURL tells which version of the standard the event follows.",
    because="The vendor's own curl example has none, so Datadog takes it; other consumers may not.",
    advice='Add "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent" '
    "(JobEvent, DatasetEvent for the other kinds).",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=OnRefusal("required", (), "schemaURL"),
    trigger={"/schemaURL": ABSENT},
    neighbour={},
)
def schema_url_missing(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    yield refusal.found(rule, advice=rule.advice)


@rule(
    "OL101",
    "facet-base-missing",
    severity=Severity.ERROR,
    requirement="Every facet has _producer and _schemaURL.",
    because="Datadog documents both as needed, and the core schema refuses the event without them.",
    advice="Add both: _producer as in the event, _schemaURL of the facet's schema. "
    "The Python client's facet classes add them by themselves.",
    source=DATADOG,
    sureness=Sureness.DOCUMENTED,
    when=(OnRefusal("required", IN_FACET, "_producer"), OnRefusal("required", IN_FACET, "_schemaURL")),
    given={"/job/facets/documentation": _DOCUMENTATION},
    trigger={"/job/facets/documentation/_producer": ABSENT},
    neighbour={"/job/facets/documentation/_producer": "https://github.com/acme/etl"},
)
def facet_base_missing(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    yield refusal.found(rule)


@rule(
    "OL102",
    "facet-base-no-uri",
    severity=Severity.WARNING,
    requirement="A facet's _producer and _schemaURL are URIs.",
    because="The core schema refuses the event; what Datadog does then is assumed to be no worse than with the event's "
    "own producer, where its examples show a plain word.",
    advice="Use absolute URIs.",
    source=CORE_SCHEMA,
    sureness=Sureness.ASSUMED,
    when=(OnRefusal(at=(*IN_FACET, "_producer")), OnRefusal(at=(*IN_FACET, "_schemaURL"))),
    given={"/job/facets/documentation": _DOCUMENTATION},
    trigger={"/job/facets/documentation/_producer": "acme-etl"},
    neighbour={"/job/facets/documentation/_producer": "acme:etl"},
)
def facet_base_no_uri(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    yield refusal.found(rule)
