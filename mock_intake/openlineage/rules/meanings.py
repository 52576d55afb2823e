"""What the standard says in words, in the descriptions of its schemas, and no schema checks (OL401 to OL409).

Info, as nothing is refused for it; a warning where the standard's words say must.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mock_intake.model.event import EventView
from mock_intake.model.times import nanoseconds
from mock_intake.openlineage.sources import FACETS
from mock_intake.rules import FacetView, Finding, OnEvent, OnFacet, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import dataset, facet
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted

_DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
_INDIRECT = ("JOIN", "GROUP_BY", "FILTER", "SORT", "WINDOW", "CONDITIONAL")
_TYPES = {**dict.fromkeys(_DIRECT, "DIRECT"), **dict.fromkeys(_INDIRECT, "INDIRECT")}
_WRONG = {("INDIRECT" if right == "DIRECT" else "DIRECT", subtype) for subtype, right in _TYPES.items()}
_STATE_CHANGES = ("ALTER", "CREATE", "DROP", "OVERWRITE", "TRUNCATE")
DATASET_TYPES = ("TABLE", "VIEW", "FILE", "TOPIC", "STREAM", "MODEL", "JOB_OUTPUT")
# What is longer is misspelt in no way that a user would recognise.
_LONGEST_TYPE = 24

_ON = {"/outputs": [dataset("shop.public.daily")]}
_NOMINAL = "/run/facets/nominalTime"
_PATTERN = "/job/facets/jobType/emissionPattern"


def _nominal(start: str, end: str) -> dict[str, Any]:
    return facet("NominalTimeRunFacet", "1-0-1", nominalStartTime=start, nominalEndTime=end)


@rule(
    "OL401",
    "nominal-end-before-start",
    severity=Severity.INFO,
    requirement="A run's nominal end is not before its nominal start.",
    because="The two are the interval that the run was scheduled for: its start is included, its end is not.",
    advice="Take both from the scheduler's interval; the end is the nominal start of the next run.",
    source=FACETS + "run-facets/nominal_time",
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("nominalTime", "run"),
    trigger={_NOMINAL: _nominal("2026-11-01T00:00:00Z", "2026-10-31T00:00:00Z")},
    neighbour={_NOMINAL: _nominal("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")},
)
def nominal_end_before_start(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    start, end = facet.content.get("nominalStartTime"), facet.content.get("nominalEndTime")
    if type(start) is not str or type(end) is not str:
        return
    begins, ends = nanoseconds(start), nanoseconds(end)
    if begins is not None and ends is not None and ends < begins:
        yield rule.found(
            facet.at("nominalEndTime"),
            "the run's nominal end is before its nominal start",
            expected=f"not before {quoted(start)}",
            actual=shown(end),
        )


_COLUMNS = {
    "/outputs": [
        dataset(
            "shop.public.daily",
            columnLineage=facet(
                "ColumnLineageDatasetFacet",
                "1-2-0",
                fields={
                    "id": {
                        "inputFields": [
                            {"namespace": "postgres://db:5432", "name": "shop.public.orders", "field": "id"}
                        ]
                    }
                },
            ),
        )
    ],
    "/inputs": [dataset("shop.public.orders")],
}
_TRANSFORMATIONS = "/outputs/0/facets/columnLineage/fields/id/inputFields/0/transformations"


@rule(
    "OL402",
    "transformation-of-other-type",
    severity=Severity.INFO,
    requirement=f"A transformation's subtype is one of its type: DIRECT has {', '.join(_DIRECT)}, INDIRECT "
    f"{', '.join(_INDIRECT)}.",
    because="Consumers go by the type: what flows into a column is drawn otherwise than what only decides about rows.",
    advice="Use the type that the subtype belongs to.",
    source=FACETS + "dataset-facets/column_lineage_facet",
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("columnLineage", "dataset"),
    given=_COLUMNS,
    trigger={_TRANSFORMATIONS: [{"type": "DIRECT", "subtype": "JOIN"}]},
    neighbour={_TRANSFORMATIONS: [{"type": "INDIRECT", "subtype": "JOIN"}]},
)
def transformation_of_other_type(rule: Rule, facet: FacetView) -> Iterable[Finding]:
    # Nearly always nothing is wrong; places are looked for where something may be.
    try:
        pairs = {
            (transformation.get("type"), transformation.get("subtype"))
            for entry in (*facet.content["fields"].values(), {"inputFields": facet.content.get("dataset", ())})
            for source in entry["inputFields"]
            for transformation in source.get("transformations", ())
        }
        if _WRONG.isdisjoint(pairs):
            return ()
    except (AttributeError, KeyError, TypeError):
        pass  # something in it is of another type, which the facet's schema refuses; the rest may be wrong as well
    return _of_other_types(rule, facet)


def _of_other_types(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    for path, transformation in _transformations(facet.content):
        kind, subtype = transformation.get("type"), transformation.get("subtype")
        right = _TYPES.get(subtype) if type(subtype) is str else None
        if right is not None and kind != right and kind in ("DIRECT", "INDIRECT"):
            yield rule.found(
                facet.at(*path, "type"),
                f"a transformation of the type {kind} has the subtype {subtype}, which is one of {right}",
                expected=f'"{right}"',
                actual=shown(kind),
                advice=f'Write "type": "{right}" beside the subtype {subtype}.',
            )


def _transformations(content: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The transformations of a columnLineage facet, each with its path in the facet."""
    fields = content.get("fields")
    if type(fields) is dict:
        for column, entry in fields.items():
            sources = entry.get("inputFields") if type(entry) is dict else None
            if type(sources) is list:
                yield from _of_sources(("fields", column, "inputFields"), sources)
    if type(content.get("dataset")) is list:
        yield from _of_sources(("dataset",), content["dataset"])


def _of_sources(
    path: tuple[str | int, ...], sources: list[Any]
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    for index, source in enumerate(sources):
        listed = source.get("transformations") if type(source) is dict else None
        if type(listed) is list:
            for number, transformation in enumerate(listed):
                if type(transformation) is dict:
                    yield (*path, index, "transformations", number), transformation


_CHANGE = "/outputs/0/facets/lifecycleStateChange"
_RENAME = facet("LifecycleStateChangeDatasetFacet", "1-0-1", lifecycleStateChange="RENAME")


@rule(
    "OL403",
    "rename-without-previous-name",
    severity=Severity.INFO,
    requirement="A dataset that was renamed says what it was called: previousIdentifier.",
    because="Without it the dataset under its old name ends, and one without a past begins.",
    advice="Add previousIdentifier with the namespace and the name that the dataset had.",
    source=FACETS + "dataset-facets/lifecycle_state_change",
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("lifecycleStateChange", "dataset", field="lifecycleStateChange", unless=_STATE_CHANGES),
    given=_ON,
    trigger={_CHANGE: _RENAME},
    neighbour={
        _CHANGE: {
            **_RENAME,
            "previousIdentifier": {"namespace": "postgres://db:5432", "name": "shop.public.daily_old"},
        }
    },
)
def rename_without_previous_name(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    if facet.content.get("lifecycleStateChange") == "RENAME" and not facet.content.get("previousIdentifier"):
        yield rule.found(
            facet.at(),
            "the dataset was renamed, and the event does not say from what",
            expected="previousIdentifier with namespace and name",
            actual="none",
        )


_TYPE = "/outputs/0/facets/datasetType"


def _typed(value: str) -> dict[str, Any]:
    return facet("DatasetTypeDatasetFacet", "1-0-1", datasetType=value)


@rule(
    "OL404",
    "dataset-type-misspelt",
    severity=Severity.INFO,
    requirement=f"A dataset's type is written as the standard has it: {', '.join(DATASET_TYPES)}, or a word of one's "
    "own.",
    because="A consumer that goes by the type does not know a word that is nearly one of these.",
    advice="Write it in the standard's letters.",
    source=FACETS + "dataset-facets/dataset_type",
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("datasetType", "dataset", field="datasetType", unless=DATASET_TYPES),
    given=_ON,
    trigger={_TYPE: _typed("Table")},
    neighbour={_TYPE: _typed("CUBE")},
)
def dataset_type_misspelt(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    value = facet.content.get("datasetType")
    if type(value) is not str or len(value) > _LONGEST_TYPE:
        return
    from difflib import get_close_matches

    written = value.strip().upper().replace(" ", "_").replace("-", "_")
    if near := get_close_matches(written, DATASET_TYPES, n=1, cutoff=0.8):
        yield rule.found(
            facet.at("datasetType"),
            f"the dataset's type {quoted(value)} is nearly {near[0]}",
            expected=f'"{near[0]}"',
            actual=shown(value),
            advice=f'Write "{near[0]}".',
        )


@rule(
    "OL405",
    "dataset-named-twice",
    severity=Severity.INFO,
    requirement="A dataset stands once among the inputs of an event, and once among its outputs.",
    because="Which of the two a consumer keeps, with its facets, is up to it.",
    advice="Put the facets of both into one.",
    source=FACETS,
    sureness=Sureness.ASSUMED,
    when=OnEvent(("RunEvent", "JobEvent", None)),
    given={"/inputs": [dataset("shop.public.orders"), dataset("shop.public.items")]},
    trigger={"/inputs/1/name": "shop.public.orders"},
    neighbour={"/inputs/1/name": "shop.public.orders_old"},
)
def dataset_named_twice(rule: Rule, event: EventView) -> Iterable[Finding]:
    datasets = event.datasets
    if len(datasets) < 2:
        return ()
    if len({(entry.role, entry.namespace, entry.name) for entry in datasets}) == len(datasets):
        return ()
    return _named_twice(rule, event)


def _named_twice(rule: Rule, event: EventView) -> Iterator[Finding]:
    first: dict[tuple[str, str | None, str | None], str] = {}
    for entry in event.datasets:
        if entry.namespace is None or entry.name is None:
            continue
        key = (entry.role, entry.namespace, entry.name)
        if key in first:
            yield rule.found(
                entry.pointer,
                f"{quoted(entry.name)} stands twice among the {entry.role}s",
                expected=f"once; it is {first[key]} too",
                actual=f"{quoted(entry.namespace)} {quoted(entry.name)}",
            )
        else:
            first[key] = entry.pointer


_ERROR = "/run/facets/errorMessage"


@rule(
    "OL406",
    "error-message-on-complete",
    severity=Severity.INFO,
    requirement="The errorMessage facet says why a run failed.",
    because="On COMPLETE it contradicts the event's type: the run looks as if it had succeeded, with an error.",
    advice="Send FAIL if the run failed; leave the facet out if it did not.",
    source=FACETS + "run-facets/error_message",
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("errorMessage", "run", types=("COMPLETE",)),
    given={_ERROR: facet("ErrorMessageRunFacet", "1-0-1", message="no such table", programmingLanguage="PYTHON")},
    trigger={"/eventType": "COMPLETE"},
    neighbour={"/eventType": "FAIL"},
)
def error_message_on_complete(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    message = facet.content.get("message")
    if type(message) is str and message.strip():
        yield rule.found(
            facet.at(),
            "the run is COMPLETE, and says that it failed",
            expected="FAIL, or no errorMessage",
            actual=shown(message),
        )


def _pattern(trigger: str, mode: str = "ACCUMULATIVE", **more: Any) -> dict[str, Any]:
    return {"eventTrigger": trigger, "eventContentMode": mode, **more}


_PATTERNED = {"/job/facets/jobType/_schemaURL": facet("JobTypeJobFacet", "2-0-4")["_schemaURL"]}


@rule(
    "OL407",
    "window-without-period",
    severity=Severity.INFO,
    requirement="windowDuration stands beside the eventTrigger PERIODIC.",
    because="The standard has it for periodic emission only: beside another trigger it means nothing.",
    advice='Leave it out, or write "eventTrigger": "PERIODIC" if the events come in such intervals.',
    source=FACETS + "job-facets/job-type",
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("jobType", "job", field="emissionPattern", unless=(None,)),
    given=_PATTERNED,
    trigger={_PATTERN: _pattern("EVENT_BASED", windowDuration=300)},
    neighbour={_PATTERN: _pattern("PERIODIC", windowDuration=300)},
)
def window_without_period(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    pattern = facet.content["emissionPattern"]
    if type(pattern) is dict and "windowDuration" in pattern and pattern.get("eventTrigger") != "PERIODIC":
        yield rule.found(
            facet.at("emissionPattern", "windowDuration"),
            "a windowDuration without periodic emission",
            expected='"eventTrigger": "PERIODIC"',
            actual=shown(pattern.get("eventTrigger")),
        )


@rule(
    "OL408",
    "window-missing",
    severity=Severity.WARNING,
    requirement="Periodic events that are complete snapshots say of what window: windowDuration.",
    because="The standard requires it there: each event holds the state of one window, and nobody knows of which.",
    advice="Add windowDuration in seconds.",
    source=FACETS + "job-facets/job-type",
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("jobType", "job", field="emissionPattern", unless=(None,)),
    given=_PATTERNED,
    trigger={_PATTERN: _pattern("PERIODIC", "COMPLETE_SNAPSHOT")},
    neighbour={_PATTERN: _pattern("PERIODIC", "COMPLETE_SNAPSHOT", windowDuration=300)},
)
def window_missing(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    pattern = facet.content["emissionPattern"]
    if (
        type(pattern) is dict
        and pattern.get("eventTrigger") == "PERIODIC"
        and pattern.get("eventContentMode") == "COMPLETE_SNAPSHOT"
        and pattern.get("windowDuration") is None
    ):
        yield rule.found(
            facet.at("emissionPattern"),
            "periodic complete snapshots without windowDuration",
            expected="windowDuration, in seconds",
            actual="none",
        )


_LINEAGE = "/job/facets/lineage"
_ENTRY = {"namespace": "postgres://db:5432", "name": "shop.public.daily", "type": "DATASET", "inputs": []}


def _lineage(entries: list[Any]) -> dict[str, Any]:
    # One document has the facet of jobs and that of datasets.
    made = facet("LineageFacet", "1-0-0", entries=entries)
    return {**made, "_schemaURL": made["_schemaURL"].removesuffix("LineageFacet") + "LineageJobFacet"}


@rule(
    "OL409",
    "lineage-empty",
    severity=Severity.INFO,
    requirement="An explicit lineage facet names what flows where.",
    because="Without entries it says nothing. That something has no source is said in its own entry, by inputs: [].",
    advice="Add the entries, or leave the facet out.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=(OnFacet("lineage", "job"), OnFacet("lineage", "dataset")),
    trigger={_LINEAGE: _lineage([])},
    neighbour={_LINEAGE: _lineage([_ENTRY])},
)
def lineage_empty(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    wanted = ("entries",) if facet.entity == "job" else ("inputs", "fields")
    if any(facet.content.get(name) for name in wanted) or not any(name in facet.content for name in wanted):
        return  # with nothing but its base fields it is an empty facet, and said to be one
    yield rule.found(
        facet.at(),
        f"the {facet.entity}'s lineage facet is empty",
        expected=" or ".join(wanted),
        actual="none",
    )
