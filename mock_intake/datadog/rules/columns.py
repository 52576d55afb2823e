"""How columns come of columns: what columnLineage is drawn from (DD301, DD302)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from msgspec.structs import replace

from mock_intake.datadog.columns import Columns, columns_of, is_column, plain_column
from mock_intake.datadog.rules.run_states import of_run
from mock_intake.datadog.sources import DRAFT
from mock_intake.datadog.symlinks import Names
from mock_intake.model.event import EventView
from mock_intake.rules import DatasetFacets, FacetView, Finding, OnFacet, OnRun, Rule, RunView, Severity, Sureness, rule
from mock_intake.rules.definition import either
from mock_intake.rules.examples import dataset, facet
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted, quoted_list, quoted_pointer

# Namespace and name, by which a dataset is known; None for what is no text.
Identity = tuple[str | None, str | None]
Path = tuple[str | int, ...]
# What is nearest to a name that is none is looked for so often in a facet, among so many names, by so much of each: to
# compare two names costs a product of their lengths, and nobody reads more than a few.
_MOST_NEAREST = 10
_MOST_COMPARED = 50
_LONGEST_COMPARED = 128

# Of so many strange datasets or columns a run is told.
_MOST_OF_RUN = 20

_START = {"/eventType": "START", "/eventTime": "2026-11-01T12:00:00Z"}
_COMPLETE = {"/eventType": "COMPLETE", "/eventTime": "2026-11-01T12:00:09Z"}
_SCHEMA = facet("SchemaDatasetFacet", "1-1-1", fields=[{"name": "id", "type": "VARCHAR"}])
_LINEAGE = facet("ColumnLineageDatasetFacet", "1-2-0", fields={})
_GIVEN = {
    "/inputs": [dataset("shop.public.orders")],
    "/outputs": [dataset("shop.public.daily", columnLineage=_LINEAGE)],
}
_INPUT_FIELDS = "/outputs/0/facets/columnLineage/fields/id/inputFields"


def _input_field(name: str) -> list[dict[str, str]]:
    return [{"namespace": "postgres://db:5432", "name": name, "field": "id"}]


@rule(
    "DD301",
    "column-lineage-input-unknown",
    severity=Severity.WARNING,
    requirement="The input fields of columnLineage are of datasets that are inputs of the run, namespace and name "
    "being equal.",
    because="Column lineage narrows which inputs are connected to an output; an input that the run does not have "
    "connects to nothing.",
    advice="Use the very same namespace and name as in inputs, or add the dataset to inputs, on any event of the run.",
    source=DRAFT,
    sureness=Sureness.DRAFT,
    when=either(OnRun(closed=True), OnFacet("columnLineage", "dataset", kinds=("JobEvent", None))),
    given=_GIVEN,
    trigger=({**_START, _INPUT_FIELDS: _input_field("public.orders")}, {**_COMPLETE, "/outputs": []}),
    neighbour=(
        {**_START, "/outputs": []},
        {**_COMPLETE, "/inputs": [], _INPUT_FIELDS: _input_field("shop.public.orders")},
    ),
)
def column_lineage_input_unknown(rule: Rule, of: RunView | FacetView) -> Iterable[Finding]:
    if isinstance(of, FacetView):
        # No run could have said more: what the event says is all.
        name = of.dataset.name if of.dataset is not None else None
        known = of.event.remembered("inputs by all names", _inputs)
        strangers = _strangers(rule, name or "?", of.content, known, of.at(), "the event")
        return [replace(finding, subject="event") for finding in strangers]
    if of.run.incomplete or of.dropped:
        return ()
    found = islice(_strangers_of_run(rule, of), _MOST_OF_RUN)
    return [replace(finding, pointer="", message=f"{finding.message}: {of_run(of.run)}") for finding in found]


@rule(
    "DD302",
    "column-lineage-column-unknown",
    severity=Severity.WARNING,
    requirement="The columns that columnLineage names are those of the schema facets, of the output and of the inputs.",
    because="Columns are followed by their names: one that the schema does not have leads to nothing.",
    advice="Use the names of the schema facet, to the letter.",
    source=DRAFT,
    sureness=Sureness.ASSUMED,
    when=either(OnRun(closed=True), OnFacet("columnLineage", "dataset", kinds=("JobEvent", "DatasetEvent", None))),
    given={
        "/inputs": [dataset("shop.public.orders", schema=_SCHEMA)],
        "/outputs": [
            dataset(
                "shop.public.daily",
                schema=_SCHEMA,
                columnLineage={**_LINEAGE, "fields": {"id": {"inputFields": _input_field("shop.public.orders")}}},
            )
        ],
    },
    trigger=(_START, {**_COMPLETE, f"{_INPUT_FIELDS}/0/field": "Id"}),
    neighbour=(_START, {**_COMPLETE, f"{_INPUT_FIELDS}/0/field": "id"}),
)
def column_lineage_column_unknown(rule: Rule, of: RunView | FacetView) -> Iterable[Finding]:
    if isinstance(of, FacetView):
        own = columns_of(of.dataset.facets.get("schema") if of.dataset is not None else None)
        inputs = of.event.remembered("columns of inputs", _columns_of_inputs)
        name = of.dataset.name if of.dataset is not None else None
        found = _unknown_columns(rule, name or "?", of.content, own, inputs)
        return [replace(one, pointer=of.at(), subject="event") for one in islice(found, _MOST_OF_RUN)]
    if of.run.incomplete:
        return ()
    unknown = islice(_unknown_columns_of_run(rule, of), _MOST_OF_RUN)
    return [replace(one, message=f"{one.message}: {of_run(of.run)}") for one in unknown]


def _strangers_of_run(rule: Rule, view: RunView) -> Iterable[Finding]:
    outputs = view.remembered("column lineage", _outputs_with_lineage)
    if not outputs:
        return ()
    known = view.remembered("columns of inputs", _inputs_of_run).keys()
    return [
        finding
        for output in outputs
        if output.sources is None or not output.sources.keys() <= known
        for finding in _strangers(rule, output.name, output.lineage, known, "", "the run")
    ]


SourceColumns = Mapping[Identity, set[str]]
"""The columns that a columnLineage facet draws on, by dataset."""


class _Output(NamedTuple):
    """An output of a run that has columnLineage: its name, what that facet holds, and all its facets.

    ``sources`` is what it draws on; None where it has other things than it is to have.
    """

    name: str
    lineage: Mapping[str, Any]
    facets: DatasetFacets
    sources: SourceColumns | None


def _outputs_with_lineage(view: RunView) -> list[_Output]:
    return [
        _Output(identity.name, lineage, facets, _sources_of(lineage))
        for (role, identity), facets in view.facets.datasets.items()
        if role == "output" and (lineage := facets.own.content("columnLineage"))
    ]


def _sources_of(content: Mapping[str, Any]) -> SourceColumns | None:
    """What a columnLineage facet draws on, if all of it stands where it is to stand, as in nearly all: then what most
    are right in is found without looking at them one by one."""
    by_dataset: dict[Identity, set[str]] = {}
    try:
        listed = [entry["inputFields"] for entry in content["fields"].values()]
        if "dataset" in content:
            listed.append(content["dataset"])
        for sources in listed:
            if type(sources) is not list:
                return None
            for source in sources:
                identity = source["namespace"], source["name"]
                columns = by_dataset.get(identity)
                if columns is None:
                    by_dataset[identity] = {source["field"]}
                else:
                    columns.add(source["field"])
    except (AttributeError, KeyError, TypeError):
        return None
    return by_dataset


def _strangers(
    rule: Rule, name: str, content: Mapping[str, Any], known: Collection[Identity], at: str, whose: str
) -> Iterator[Finding]:
    """What a columnLineage facet draws on that is no input, each dataset once."""
    said: set[Identity] = set()
    for path, source in _input_fields(content):
        namespace, of = source.get("namespace"), source.get("name")
        if not isinstance(namespace, str) or not isinstance(of, str):
            continue  # the facet's schema refuses it, and says so
        if (namespace, of) in known or (namespace, of) in said:
            continue
        said.add((namespace, of))
        nearest = _nearest(namespace, of, known) if len(said) <= _MOST_NEAREST else None
        none = "" if known else "; it has none"
        yield rule.found(
            at + quoted_pointer(*path),
            f"columnLineage of {quoted(name)} names {_text(namespace, of)}, which is no input of {whose}",
            expected=f"an input of {whose}: {nearest}" if nearest else f"an input of {whose}{none}",
            actual=_text(namespace, of),
        )


def _unknown_columns_of_run(rule: Rule, view: RunView) -> Iterable[Finding]:
    outputs = view.remembered("column lineage", _outputs_with_lineage)
    if not outputs:
        return ()
    inputs = view.remembered("columns of inputs", _inputs_of_run)
    found: list[Finding] = []
    for output in outputs:
        own = columns_of(output.facets.own.content("schema"))
        if not _are_columns(output, own, inputs):
            found += islice(_unknown_columns(rule, output.name, output.lineage, own, inputs), _MOST_OF_RUN)
    return found


def _are_columns(output: _Output, own: Columns, inputs: Mapping[Identity, Columns]) -> bool:
    """Whether the columns that an output's lineage names are all written as ``is_column`` has it, as nearly all are;
    False as well where that is to be looked at one by one."""
    if output.sources is None or (own and not output.lineage["fields"].keys() <= own.keys()):
        return False
    for identity, sources in output.sources.items():
        columns = inputs.get(identity)
        if columns and not sources <= columns.keys():
            return False
    return True


def _inputs_of_run(view: RunView) -> Mapping[Identity, Columns]:
    """The inputs of a run by all the names that they have, each with its columns; with none where it has no schema."""
    names = _names_in_run(view)
    inputs: dict[Identity, Columns] = {}
    for (role, identity), facets in view.facets.datasets.items():
        if role == "input":
            columns = columns_of(facets.own.content("schema"))
            for name in names.of((identity.namespace, identity.name)):
                if columns or name not in inputs:
                    inputs[name] = columns
    return inputs


def _unknown_columns(
    rule: Rule, name: str, content: Mapping[str, Any], own: Columns, inputs: Mapping[Identity, Columns]
) -> Iterator[Finding]:
    """The columns that a columnLineage facet names and no schema has; where there is no schema nothing is known."""
    fields = content.get("fields")
    for column in fields if own and type(fields) is dict else ():
        if not is_column(column, own):
            yield _unknown(rule, f"columnLineage of {quoted(name)} has the column {shown(column)}", column, name, own)
    if not any(inputs.values()):
        return
    said: set[tuple[Identity, str]] = set()
    for _, source in _input_fields(content):
        namespace, of = source.get("namespace"), source.get("name")
        field = source.get("field")
        if type(namespace) is not str or type(of) is not str or type(field) is not str:
            continue
        identity = namespace, of
        columns = inputs.get(identity)
        if not columns or (identity, field) in said or is_column(field, columns):
            continue
        said.add((identity, field))
        message = f"columnLineage of {quoted(name)} draws on the column {shown(field)} of {quoted(of)}"
        yield _unknown(rule, message, field, of, columns)


def _unknown(rule: Rule, message: str, column: str, name: str, columns: Columns) -> Finding:
    near = columns.get(plain_column(column))
    there = quoted_list(dict.fromkeys(columns.values()))
    return rule.found(
        "",
        f"{message}, which its schema does not have",
        expected=shown(near) if near is not None else f"one of {there}",
        actual=shown(column),
        advice=f"Write {shown(near)}." if near is not None else f"The schema of {quoted(name)} has {there}.",
    )


def _columns_of_inputs(event: EventView) -> Mapping[Identity, Columns]:
    names = _names_in_event(event)
    inputs: dict[Identity, Columns] = {}
    for entry in event.datasets:
        if entry.role == "input" and (columns := columns_of(entry.facets.get("schema"))):
            inputs.update(dict.fromkeys(names.of((entry.namespace, entry.name)), columns))
    return inputs


def _inputs(event: EventView) -> Collection[Identity]:
    """The inputs of an event by all the names that they have, in the order in which they were sent."""
    names = _names_in_event(event)
    # A dictionary for its order: the same event is always told the same.
    inputs = [entry for entry in event.datasets if entry.role == "input"]
    return dict.fromkeys(name for entry in inputs for name in names.of((entry.namespace, entry.name)))


def _names_in_event(event: EventView) -> Names[Identity]:
    linked = ((entry.namespace, entry.name, entry.facets.get("symlinks")) for entry in event.datasets)
    return _names((namespace, name, facet) for namespace, name, facet in linked if facet is not None)


def _names_in_run(view: RunView) -> Names[Identity]:
    """What symlinks join, whichever of the run's events and datasets they came with."""
    return _names(
        (identity.namespace, identity.name, symlinks)
        for (_, identity), facets in view.facets.datasets.items()
        if (symlinks := facets.own.content("symlinks"))
    )


def _names(linked: Iterable[tuple[str | None, str | None, Any]]) -> Names[Identity]:
    names: Names[Identity] = Names()
    for namespace, name, symlinks in linked:
        for other in _symlinks(symlinks):
            names.join((namespace, name), other)
    return names


def _symlinks(facet: Any) -> Iterator[Identity]:
    """By which other names a dataset is known."""
    identifiers = facet.get("identifiers") if type(facet) is dict else None
    if type(identifiers) is list:
        for identifier in identifiers:
            if type(identifier) is dict and isinstance(identifier.get("namespace"), str):
                name = identifier.get("name")
                yield identifier["namespace"], name if isinstance(name, str) else None


def _input_fields(facet: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What a columnLineage facet draws on, each with its path in the facet."""
    fields = facet.get("fields")
    if type(fields) is dict:
        for column, entry in fields.items():
            sources = entry.get("inputFields") if type(entry) is dict else None
            if type(sources) is list:
                for index, source in enumerate(sources):
                    if type(source) is dict:
                        yield ("fields", column, "inputFields", index), source
    sources = facet.get("dataset")
    if type(sources) is list:
        for index, source in enumerate(sources):
            if type(source) is dict:
                yield ("dataset", index), source


def _nearest(namespace: str, name: str, known: Collection[Identity]) -> str | None:
    from difflib import get_close_matches

    some = islice(known, _MOST_COMPARED)
    by_text = {text[:_LONGEST_COMPARED]: text for text in (f"{namespace} {name}" for namespace, name in some)}
    close = get_close_matches(f"{namespace} {name}"[:_LONGEST_COMPARED], by_text, n=1, cutoff=0)
    return quoted(by_text[close[0]]) if close else None


def _text(namespace: str, name: str) -> str:
    return f"{quoted(namespace)} {quoted(name)}"
