"""Our compiled documents against the official ones: the same verdict on valid and on broken values.

The official documents are read where ``OPENLINEAGE_SPEC_DIR`` says; elsewhere the record of their verdicts on the same
values stands for them (``verdicts``). Where they are at hand, values are made from them too, so that a requirement that
ours forget is found as well as one that they invent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_intake.openlineage.facet_schema import decider
from mock_intake.openlineage.facts import CORES, FACETS, Facet, Kind, Version
from mock_intake.openlineage.library import Match, standard_library
from mock_intake.openlineage.schema import core_id, documents, facet_id, version_definitions
from tests.openlineage.instances import Choose, Generator, changes, seeded, words
from tests.openlineage.official import UNSEEN, documents_at_hand
from tests.openlineage.verdicts import WRITING, record, verdicts_on

KINDS: tuple[Kind, ...] = ("RunEvent", "JobEvent", "DatasetEvent")
CORE_VERSIONS = [core_id(number) for number in CORES]
FACET_VERSIONS = {
    facet_id(facet.name, version.number): (facet, version) for facet in FACETS for version in facet.versions
}
# The roots of these accept no run event at all: each is a job event too, and the root wants exactly one.
UNUSABLE_ROOTS = (core_id("2-0-0"), core_id("2-0-1"))


class Judged(NamedTuple):
    """One schema: its address, and our verdict on a value."""

    target: str
    ours: Callable[[Any], bool]


def judged(address: str) -> Iterator[Judged]:
    """The document as a whole, and whatever in it events are judged by."""
    library = standard_library()
    yield Judged(address, decider({"$ref": address}, library.registry))
    if address in FACET_VERSIONS:
        facet, version = FACET_VERSIONS[address]
        for target in facet_targets(address, facet, version):
            found = library.resolve(facet.entities[0], version.key or facet.key, target)
            assert found.schema is not None
            assert (found.schema.target, found.match) == (target, Match.EXACT)
            yield Judged(target, found.schema.is_valid)
    else:
        number = address.split("/")[-2]
        for kind in CORES[number].kinds:
            yield Judged(library.core_target(number, kind), library.core(number, kind))


def facet_targets(address: str, facet: Facet, version: Version) -> list[str]:
    names = (
        [name for name in version_definitions(facet, version.number) if name.endswith("Facet")]
        if facet.root
        else [facet.name]
    )
    return [f"{address}#/$defs/{name}" for name in names]


def short(address: str) -> str:
    return address.removeprefix("https://openlineage.io/spec/").removesuffix(".json")


def every_document() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("address", [*CORE_VERSIONS, *FACET_VERSIONS], ids=short)


def every_document_at_hand() -> pytest.MarkDecorator:
    """For what cannot be on record, as it is made from the official documents, or by chance."""
    there = documents_at_hand()
    return pytest.mark.parametrize("address", sorted(there.documents) if there else [], ids=short)


def test_all_documents_of_the_standard_are_there_and_no_others() -> None:
    official = documents_at_hand()
    on_record = {name.split(" ")[-1] for name in record() if name.startswith("whole ")}
    assert on_record <= set(documents())
    if official is not None:
        assert set(documents()) - UNSEEN == set(official.documents)
        assert on_record == set(official.documents) or WRITING


def test_no_version_that_was_ever_published_is_missing() -> None:
    """Whether those that come are right is for the official documents to say."""
    assert len(CORE_VERSIONS) >= 9
    assert len(FACET_VERSIONS) >= 94
    assert set(documents()) == {*CORE_VERSIONS, *FACET_VERSIONS}


@every_document()
def test_our_documents_and_the_official_ones_agree_on_every_single_change(address: str) -> None:
    """Full values, and every single thing that can be wrong with them: the same changes on every run."""
    for schema in judged(address):
        values, vocabulary = _full_values(schema.target, documents()), sorted(words(documents()[address]))
        tried = [change for value in values for change in changes(value, vocabulary)]
        asked = [(schema.target, change.value) for change in tried]
        name = f"{'whole' if schema.target == address else 'changes of'} {schema.target}"
        verdicts = verdicts_on(name, asked, [schema.target, values, [change.what for change in tried]])
        for (_, value), theirs, change in zip(asked, verdicts, tried, strict=True):
            if schema.ours(value) is not theirs:
                _disagree(schema.target, theirs, value, f"{change.path} {change.what}")
        assert min(verdicts.count(True), verdicts.count(False)) > 20, "too few valid or broken values were tried"


@every_document_at_hand()
def test_our_documents_refuse_what_the_official_ones_know_and_refuse(address: str) -> None:
    """Values and words of the official documents that are none of ours."""
    official = documents_at_hand()
    assert official is not None
    own = words(documents()[address])
    more = sorted(words(official.documents[address]) - own)
    for schema in judged(address):
        theirs = official.validator(schema.target)
        values = _full_values(schema.target, documents())
        others = [value for value in _full_values(schema.target, official.documents) if value not in values]
        tried = [change for value in others for change in changes(value, [*own, *more])]
        if more:
            tried += [change for value in values for change in changes(value, more)]
        for change in tried:
            value = change.value
            if schema.ours(value) is not (valid := theirs(value)):
                _disagree(schema.target, valid, value, f"{change.path} {change.what}")


@every_document()
def test_values_made_from_either_document_are_valid_in_both(address: str) -> None:
    official = documents_at_hand()
    for schema in judged(address):
        if schema.target in UNUSABLE_ROOTS:
            continue
        made = [_seeded_value(documents(), schema.target, seed) for seed in range(12)]
        verdicts = verdicts_on(f"valid {schema.target}", [(schema.target, value) for value in made])
        assert all(verdicts), f"the official document refuses {made[verdicts.index(False)]}"
        if official is not None:
            made += [_seeded_value(official.documents, schema.target, seed) for seed in range(12)]
        for value in made:
            assert schema.ours(value), f"our document refuses {value}"


@every_document()
def test_our_documents_and_the_official_ones_agree_on_several_changes(address: str) -> None:
    """Values that are changed in up to three places: the same ones on every run."""
    schemas = list(judged(address))
    sent = [_sent(schemas, documents(), seeded(seed)) for seed in range(20)]
    verdicts = verdicts_on(f"sent {address}", [(schema.target, value) for schema, value in sent])
    for (schema, value), theirs in zip(sent, verdicts, strict=True):
        if schema.ours(value) is not theirs:
            _disagree(schema.target, theirs, value, "")


@every_document_at_hand()
@settings(max_examples=max(5, settings().max_examples // 10))  # for each of more than a hundred documents
@given(data=st.data())
def test_our_documents_and_the_official_ones_agree_on_whatever_is_sent(address: str, data: st.DataObject) -> None:
    """Values of either document, changed in up to three places."""
    official = documents_at_hand()
    assert official is not None
    source = data.draw(st.sampled_from([official.documents, documents()]))
    schema, value = _sent(list(judged(address)), source, lambda count: data.draw(st.integers(0, count - 1)))
    theirs = official.validator(schema.target)(value)
    if schema.ours(value) is not theirs:
        _disagree(schema.target, theirs, value, "")


def _sent(schemas: list[Judged], source: Mapping[str, Any], choose: Choose) -> tuple[Judged, Any]:
    schema = _any(schemas, choose)
    value = Generator(source, choose, mixed=choose(2) == 1).instance(schema.target)
    for _ in range(choose(4)):
        change = _any(list(changes(value)), choose)
        value = change.value
    return schema, value


def _seeded_value(source: Mapping[str, Any], target: str, seed: int) -> Any:
    return Generator(source, seeded(seed), full=seed < 2).instance(target)


def _full_values(target: str, source: Mapping[str, Any]) -> list[Any]:
    """Values with every optional field, with each alternative in turn and with all of them at once."""
    made = {}
    for seed in range(3):
        value = Generator(source, seeded(seed), full=True, mixed=seed == 0).instance(target)
        made[json.dumps(value, sort_keys=True)] = value
    return list(made.values())


def _any(options: list[Any], choose: Choose) -> Any:
    return options[choose(len(options))]


def _disagree(target: str, theirs: bool, value: Any, what: str) -> None:
    verdict = "accepts" if theirs else "refuses"
    pytest.fail(f"{target}\nthe official document {verdict} this and ours does not: {what}\n{json.dumps(value)}")
