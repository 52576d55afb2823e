"""What an event is, and what its schemaURL says that it is (OL001, OL002, OL011 to OL013)."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.model.event import EventView
from mock_intake.openlineage.facts import CORES, LATEST_CORE
from mock_intake.openlineage.moments import DATASET_BESIDE, NO_KIND, SCHEMA_URL, SchemaReference
from mock_intake.openlineage.schema import core_id
from mock_intake.openlineage.sources import CORE_SCHEMA, OBJECT_MODEL
from mock_intake.rules import ABSENT, Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import CORE, dataset
from mock_intake.secrets.content import redact, shown
from mock_intake.secrets.quoting import quoted_list

DROPPED = "An event that the core schema refuses may be dropped after it was taken with a 2xx."


@rule(
    "OL001",
    "no-kind",
    severity=Severity.ERROR,
    requirement="An event is a RunEvent (run and job), a JobEvent (job) or a DatasetEvent (dataset).",
    because=DROPPED,
    advice="Send run and job for a run's life; job alone or dataset alone for what is known without a run.",
    source=OBJECT_MODEL,
    sureness=Sureness.DOCUMENTED,
    when=NO_KIND,
    given={"/run": ABSENT, "/eventType": ABSENT, "/schemaURL": CORE + "JobEvent"},
    trigger={"/job": ABSENT},
    neighbour={"/job": {"namespace": "prod", "name": "load_orders"}},
)
def no_kind(rule: Rule, event: EventView) -> Iterator[Finding]:
    fields = quoted_list(event.body) or "none"
    yield rule.found(
        "",
        "the event has neither run, job nor dataset, so it is none of the three kinds",
        expected="run and job, or job, or dataset",
        actual=f"fields: {redact(fields)}",
        violates="openlineage",
    )


@rule(
    "OL002",
    "two-kinds",
    severity=Severity.ERROR,
    requirement="An event is of one kind only.",
    because="A consumer reads such an event as one of the two, and the other half is lost. The core schema refuses a "
    "job beside a dataset; with a run it takes the event as one of the two, and this is a warning.",
    advice="Send two events: one about the run or job, one about the dataset.",
    source=OBJECT_MODEL,
    sureness=Sureness.DOCUMENTED,
    when=DATASET_BESIDE,
    given={"/run": ABSENT, "/eventType": ABSENT, "/schemaURL": CORE + "JobEvent"},
    trigger={"/dataset": dataset("shop.public.orders")},
    neighbour={"/dataset": ABSENT},
)
def two_kinds(rule: Rule, event: EventView) -> Iterator[Finding]:
    carried = " and ".join(name for name in ("run", "job", "dataset") if name in event.body)
    # The core's root accepts what only one of its kinds accepts, however much else is there.
    refused = "run" not in event.body
    yield rule.found(
        "",
        f"the event carries {carried}" + ("" if refused else f"; it is taken as a {event.kind}"),
        expected="a RunEvent, a JobEvent or a DatasetEvent",
        actual=f"fields: {carried}",
        severity=None if refused else Severity.WARNING,
        violates="openlineage" if refused else None,
    )


@rule(
    "OL012",
    "schema-url-unknown",
    severity=Severity.INFO,
    requirement="schemaURL names a published version of the core schema.",
    because="The event is judged by the latest version, which may not be the one it was written for.",
    advice="Use https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent (or the event's own kind).",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=SCHEMA_URL,
    trigger={"/schemaURL": CORE.replace("2-0-2", "2-0-9") + "RunEvent"},
    neighbour={"/schemaURL": CORE.replace("2-0-2", "2-0-1") + "RunEvent"},
)
def schema_url_unknown(rule: Rule, named: SchemaReference) -> Iterator[Finding]:
    if named.version is None:
        yield rule.found(
            "/schemaURL",
            f"schemaURL names no published core schema; the event is judged by {LATEST_CORE}",
            expected=_wanted(named),
            actual=shown(named.url),
        )


@rule(
    "OL011",
    "schema-url-of-another-kind",
    severity=Severity.WARNING,
    requirement="schemaURL names the kind that the event is.",
    because="A consumer that goes by schemaURL reads the event as something it is not.",
    advice="Let schemaURL end in the event's own kind.",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=SCHEMA_URL,
    trigger={"/schemaURL": CORE + "JobEvent"},
    neighbour={"/schemaURL": CORE + "RunEvent"},
)
def schema_url_of_another_kind(rule: Rule, named: SchemaReference) -> Iterator[Finding]:
    if named.event.claims:
        return  # what is wrong is not the schemaURL: the run is missing, as DD106 says
    if named.definition in ("RunEvent", "JobEvent", "DatasetEvent") and named.definition != named.kind:
        wanted = _wanted(named)
        yield rule.found(
            "/schemaURL",
            f"schemaURL says {named.definition}, and the event is a {named.kind}",
            expected=wanted,
            actual=shown(named.url),
            advice=f"Write {wanted}.",
        )


@rule(
    "OL013",
    "kind-unknown-to-core",
    severity=Severity.ERROR,
    requirement="The core version that schemaURL names knows the event's kind: before 2-0-0 there were run events "
    "only.",
    because=DROPPED,
    advice="Let schemaURL name 2-0-0 or later.",
    source=CORE_SCHEMA,
    sureness=Sureness.DOCUMENTED,
    when=SCHEMA_URL,
    given={"/run": ABSENT, "/eventType": ABSENT},
    trigger={"/schemaURL": core_id("1-0-5")},
    neighbour={"/schemaURL": core_id("2-0-0")},
)
def kind_unknown_to_core(rule: Rule, named: SchemaReference) -> Iterator[Finding]:
    if named.version is None or named.kind in CORES[named.version].kinds:
        return
    if named.event.claims:
        yield rule.found(
            "/schemaURL",
            f"schemaURL names core {named.version}, which knows run events only; the event has no run",
            expected="run with runId",
            actual=shown(named.url),
            advice="Add the run.",
            violates="openlineage",
        )
    else:
        yield rule.found(
            "/schemaURL",
            f"schemaURL names core {named.version}, which knows run events only; the event is a {named.kind}",
            expected=f"{core_id(LATEST_CORE)}#/$defs/{named.kind}",
            actual=shown(named.url),
            violates="openlineage",
        )


def _wanted(named: SchemaReference) -> str:
    return f"{core_id(named.version or LATEST_CORE)}#/$defs/{named.event.meant}"
