"""Our compiled documents against the official ones: the same verdict on valid and on broken values.

The official documents are read where ``OPENLINEAGE_SPEC_DIR`` says. Values are made from the official
documents and from ours, so that a requirement that ours forget is found as well as one that they invent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from mock_intake.openlineage.facts import CORES, FACETS, Facet, Kind, Version
from mock_intake.openlineage.library import Match, decider, standard_library
from mock_intake.openlineage.schema import core_id, documents, facet_id
from tests.openlineage.instances import Choose, Generator, changes, seeded, words
from tests.openlineage.official import Official, official_documents

KINDS: tuple[Kind, ...] = ("RunEvent", "JobEvent", "DatasetEvent")
CORE_VERSIONS = [core_id(number) for number in CORES]
FACET_VERSIONS = {
    facet_id(facet.name, version.number): (facet, version) for facet in FACETS for version in facet.versions
}
# The roots of these accept no run event at all: each is a job event too, and the root wants exactly one.
UNUSABLE_ROOTS = (core_id("2-0-0"), core_id("2-0-1"))


@pytest.fixture(scope="module")
def official() -> Official:
    return official_documents()


class Pair(NamedTuple):
    """One schema twice: its address, our verdict on a value, and the official one."""

    target: str
    ours: Callable[[Any], bool]
    theirs: Callable[[Any], bool]


def pairs(address: str, official: Official) -> Iterator[Pair]:
    """The document as a whole, and whatever in it events are judged by."""
    library = standard_library()
    yield Pair(address, decider({"$ref": address}, library.registry), official.validator(address))
    if address in FACET_VERSIONS:
        facet, version = FACET_VERSIONS[address]
        for target in facet_targets(address, facet, version):
            found = library.resolve(facet.entities[0], version.key or facet.key, target)
            assert found.schema is not None
            assert (found.schema.target, found.match) == (target, Match.EXACT)
            yield Pair(target, found.schema.is_valid, official.validator(target))
    else:
        number = address.split("/")[-2]
        for kind in CORES[number].kinds:
            target = library.core_target(number, kind)
            yield Pair(target, library.core(number, kind), official.validator(target))


def facet_targets(address: str, facet: Facet, version: Version) -> list[str]:
    names = [name for name in version.definitions or () if name.endswith("Facet")] if facet.root else [facet.name]
    return [f"{address}#/$defs/{name}" for name in names]


def short(address: str) -> str:
    return address.removeprefix("https://openlineage.io/spec/").removesuffix(".json")


def every_document() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("address", [*CORE_VERSIONS, *FACET_VERSIONS], ids=short)


def test_all_documents_of_the_standard_are_there_and_no_others(official: Official) -> None:
    assert set(documents()) == set(official.documents)


def test_there_are_nine_core_versions_and_ninety_four_facet_versions() -> None:
    assert (len(CORE_VERSIONS), len(FACET_VERSIONS)) == (9, 94)
    assert set(documents()) == {*CORE_VERSIONS, *FACET_VERSIONS}


@every_document()
def test_our_documents_and_the_official_ones_agree_on_every_single_change(address: str, official: Official) -> None:
    """Full values, and every single thing that can be wrong with them: the same changes on every run."""
    vocabulary = sorted(words(documents()[address]) | words(official.documents[address]))
    for pair in pairs(address, official):
        verdicts: Counter[bool] = Counter()
        for value in _full_values(pair.target, official):
            for change in changes(value, vocabulary):
                theirs = pair.theirs(change.value)
                verdicts[theirs] += 1
                if pair.ours(change.value) is not theirs:
                    _disagree(pair.target, theirs, change.value, f"{change.path} {change.what}")
        assert verdicts[True] > 20, f"too few valid values were tried: {verdicts}"
        assert verdicts[False] > 20, f"too few broken values were tried: {verdicts}"


@every_document()
def test_values_made_from_either_document_are_valid_in_both(address: str, official: Official) -> None:
    for pair in pairs(address, official):
        if pair.target in UNUSABLE_ROOTS:
            continue
        for source in (official.documents, documents()):
            for seed in range(12):
                value = Generator(source, seeded(seed), full=seed < 2).instance(pair.target)
                assert pair.theirs(value), f"the official document refuses {value}"
                assert pair.ours(value), f"our document refuses {value}"


@every_document()
@settings(max_examples=max(10, settings().max_examples // 5))  # for each of 103 documents
@given(data=st.data())
def test_our_documents_and_the_official_ones_agree_on_whatever_is_sent(
    address: str, official: Official, data: st.DataObject
) -> None:
    """Values of either document, changed in up to three places."""

    def choose(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    pair = data.draw(st.sampled_from(list(pairs(address, official))))
    source = data.draw(st.sampled_from([official.documents, documents()]))
    value = Generator(source, choose, mixed=data.draw(st.booleans())).instance(pair.target)
    for _ in range(data.draw(st.integers(0, 3))):
        change = _any(list(changes(value)), choose)
        note(f"{change.path} {change.what}")
        value = change.value
    theirs = pair.theirs(value)
    if pair.ours(value) is not theirs:
        _disagree(pair.target, theirs, value, "")


def _full_values(target: str, official: Official) -> list[Any]:
    """Values with every optional field, with each alternative in turn and with all of them at once."""
    made = {}
    for source in (official.documents, documents()):
        for seed in range(3):
            value = Generator(source, seeded(seed), full=True, mixed=seed == 0).instance(target)
            made[json.dumps(value, sort_keys=True)] = value
    return list(made.values())


def _any(options: list[Any], choose: Choose) -> Any:
    return options[choose(len(options))]


def _disagree(target: str, theirs: bool, value: Any, what: str) -> None:
    verdict = "accepts" if theirs else "refuses"
    pytest.fail(f"{target}\nthe official document {verdict} this and ours does not: {what}\n{json.dumps(value)}")
