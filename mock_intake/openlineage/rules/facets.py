"""The facets of an event: which schema holds for each, and whether it follows that (OL103 to OL109)."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.model.literals import Violates
from mock_intake.openlineage.library import Match
from mock_intake.openlineage.moments import (
    BASE_FIELDS,
    FACET_REFUSED,
    IN_FACET,
    MISPLACED_FACET,
    SMALL_FACET,
    OnMatch,
    OnRefusal,
    Refusal,
    ResolvedFacet,
)
from mock_intake.openlineage.schema import facet_id
from mock_intake.openlineage.sources import CUSTOM_FACETS, FACETS
from mock_intake.rules import ABSENT, Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.examples import facet
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted_pointer
from mock_intake.system.patterns import pattern_of

_DOCUMENTATION = facet("DocumentationJobFacet", "1-1-0", description="Loads orders.")
_NOMINAL_TIME = facet("NominalTimeRunFacet", "1-0-1", nominalStartTime="2026-11-01T12:00:00Z")
_VERSION = pattern_of(r"/(\d+)-(\d+)-(\d+)/")
_ENTITIES = {
    "run": "the run",
    "job": "the job",
    "dataset": "a dataset",
    "input": "an input",
    "output": "an output",
}
_PLACES = {"input": "an input's inputFacets", "output": "an output's outputFacets"}


_OLD_ADDRESS = "https://raw.githubusercontent.com/OpenLineage/OpenLineage/main/spec/OpenLineage.json#/definitions/"
_BASE_TYPE = pattern_of(
    r"https?://openlineage\.io/spec/[0-9-]+/OpenLineage\.json#/\$defs/((?:Run|Job|Dataset|InputDataset|OutputDataset|Base)Facet)"
)


@rule(
    "OL108",
    "facet-empty",
    severity=Severity.WARNING,
    requirement="A facet says something.",
    because="A facet with no content replaces what earlier events of the run said.",
    advice="Leave the facet out, or fill it.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=SMALL_FACET,
    given={"/run/facets/tags": facet("TagsRunFacet", "1-0-0")},
    trigger={"/run/facets/tags/tags": ABSENT},
    neighbour={"/run/facets/tags/tags": []},
)
def facet_empty(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    if all(name in BASE_FIELDS for name in of.content):
        yield rule.found(
            of.pointer,
            f"the {of.name} facet has nothing but its base fields",
            expected="content",
            actual="no field beside _producer and _schemaURL",
        )


@rule(
    "OL105",
    "facet-not-checked",
    severity=Severity.INFO,
    requirement="A custom facet is checked if its schema is at hand.",
    because="Nothing is known of this facet but its base fields, so nothing else of it was checked.",
    advice="Give a directory with its JSON Schema (--facets DIR), or ignore this rule.",
    source=CUSTOM_FACETS,
    sureness=Sureness.DOCUMENTED,
    when=OnMatch(Match.CUSTOM),
    given={"/job/facets/acme_notes": _DOCUMENTATION},
    trigger={"/job/facets/acme_notes/_schemaURL": "https://acme.example/NotesJobFacet.json"},
    neighbour={},
)
def facet_not_checked(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    base = isinstance(of.url, str) and _BASE_TYPE.fullmatch(of.url)
    yield rule.found(
        of.pointer,
        f"{of.name} is a custom facet; only its base fields were checked",
        expected="a schema of the facet's own" if base else "a schema at hand",
        actual=f"_schemaURL: {shown(of.url)}",
        # It names what all such facets have in common, and that was checked.
        advice=f"Its _schemaURL names {base[1]}, the base of all such facets. Let it name a schema of the facet's own, "
        "if there is one."
        if base
        else None,
    )


@rule(
    "OL113",
    "facet-at-old-address",
    severity=Severity.INFO,
    requirement="A facet's _schemaURL is the address of one of its versions.",
    because="The facet is the same, at the address that it had before it had versions: what changed since cannot be "
    "told from it. It is told once for an event.",
    advice="Use the facets of openlineage.client.facet_v2 in place of openlineage.client.facet. Nothing to do where a "
    "package sends them that is not yours.",
    source=CUSTOM_FACETS,
    sureness=Sureness.SOURCE,
    when=OnMatch(Match.OLD_ADDRESS),
    given={"/job/facets/documentation": _DOCUMENTATION},
    trigger={"/job/facets/documentation/_schemaURL": _OLD_ADDRESS + "DocumentationJobFacet"},
    neighbour={},
)
def facet_at_old_address(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    schema = of.schema
    right = f"{facet_id(schema.name, schema.version)}#/$defs/{schema.name}"
    yield rule.found(
        of.pointer + "/_schemaURL",
        f"{of.name} names its schema at the address of old",
        expected=right,
        actual=shown(of.url),
    )


@rule(
    "OL104",
    "facet-version-unknown",
    severity=Severity.WARNING,
    requirement="A facet's _schemaURL names a version that was published, if it is one of the standard's addresses.",
    because="A consumer that goes by the version does not know this one. A facet of the standard is judged by its "
    "latest version. It is no more than an info where the version is later than all that are known here.",
    advice="Use the version that the message names.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=(OnMatch(Match.UNKNOWN_VERSION), OnMatch(Match.NEVER_PUBLISHED)),
    trigger={"/job/facets/jobType/_schemaURL": facet_id("JobTypeJobFacet", "2-0-1")},
    neighbour={"/job/facets/jobType/_schemaURL": facet_id("JobTypeJobFacet", "2-0-2")},
)
def facet_version_unknown(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    if of.resolution.schema is None:
        yield rule.found(
            of.pointer + "/_schemaURL",
            f"the {of.name} facet names an address of openlineage.io where no schema was published, as far as is known "
            "here; only its base fields were checked",
            expected="the address of a schema",
            actual=shown(of.url),
            advice="A facet of your own has its schema where you publish it, with an address of yours. Of a facet of "
            "the standard, write the address that its page has.",
        )
        return
    right = _address(of)
    named, latest = _VERSION.search(str(of.url)), _VERSION.search(right)
    if named and latest and tuple(map(int, named.groups())) > tuple(map(int, latest.groups())):
        yield rule.found(
            of.pointer + "/_schemaURL",
            f"the {of.name} facet names a later version than the latest one known here; judged by {of.schema.title}",
            expected=right,
            actual=shown(of.url),
            advice="Nothing to do if the version exists: clients can be ahead of what was published with the standard.",
            severity=Severity.INFO,
        )
        return
    yield rule.found(
        of.pointer + "/_schemaURL",
        f"the {of.name} facet names a version that was never published; judged by {of.schema.title}",
        expected=right,
        actual=shown(of.url),
        advice=f"Write {right}.",
    )


@rule(
    "OL107",
    "facet-fragment-wrong",
    severity=Severity.INFO,
    requirement="The fragment of a facet's _schemaURL names the facet's definition.",
    because="The version is clear without it; a strict consumer may still stumble.",
    advice="Let it end in #/$defs/ and the facet's name.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=OnMatch(Match.WRONG_FRAGMENT),
    trigger={"/job/facets/jobType/_schemaURL": facet_id("JobTypeJobFacet", "2-0-3") + "#/$defs/JobType"},
    neighbour={"/job/facets/jobType/_schemaURL": facet_id("JobTypeJobFacet", "2-0-3") + "#/$defs/JobTypeJobFacet"},
)
def facet_fragment_wrong(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    right = _address(of)
    yield rule.found(
        of.pointer + "/_schemaURL",
        f"the fragment of the {of.name} facet's _schemaURL names nothing in {of.schema.title}",
        expected=right,
        actual=shown(of.url),
        advice=f"Write {right}.",
    )


@rule(
    "OL109",
    "facet-key-and-schema-differ",
    severity=Severity.WARNING,
    requirement="Under a key of the standard stands the facet that the standard has there.",
    because="A consumer that goes by the key finds something else than it expects.",
    advice="Put the facet under its own key, or give it the _schemaURL of the key's facet.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=(OnMatch(Match.OTHER_FACET), OnMatch(Match.FOREIGN)),
    trigger={"/job/facets/jobType/_schemaURL": "https://acme.example/JobTypeJobFacet.json"},
    neighbour={"/job/facets/jobType/_schemaURL": facet_id("JobTypeJobFacet", "2-0-3")},
)
def facet_key_and_schema_differ(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    if of.resolution.match is Match.OTHER_FACET:
        yield rule.found(
            of.pointer + "/_schemaURL",
            f"under the key {of.name} stands a facet whose _schemaURL is of {of.schema.title}; judged by that",
            expected=f"the facet {of.name} of the standard",
            actual=shown(of.url),
        )
        return
    right = _address(of)
    yield rule.found(
        of.pointer + "/_schemaURL",
        f"{of.name} is a facet of the standard, and its _schemaURL names another schema; judged by {of.schema.title}",
        expected=right,
        actual=shown(of.url),
        advice=f"Write {right}.",
    )


@rule(
    "OL106",
    "facet-on-wrong-entity",
    severity=Severity.WARNING,
    requirement="A facet stands on the entity that it describes.",
    because="Nobody looks for it there, so what it says is lost.",
    advice="Move it to the entity that the message names.",
    source=FACETS,
    sureness=Sureness.DOCUMENTED,
    when=MISPLACED_FACET,
    trigger={"/job/facets/nominalTime": _NOMINAL_TIME},
    neighbour={"/run/facets/nominalTime": _NOMINAL_TIME},
)
def facet_on_wrong_entity(rule: Rule, of: ResolvedFacet) -> Iterator[Finding]:
    right = " or ".join(_PLACES.get(entity, f"the {entity}'s facets") for entity in of.schema.entities)
    yield rule.found(
        of.pointer,
        f"{of.name} ({of.schema.title}) stands among the facets of {_ENTITIES[of.group.entity]}",
        expected=right,
        actual=of.group.pointer,
        advice=f"Move it to {right}.",
    )


@rule(
    "OL103",
    "facet-violates-schema",
    severity=Severity.WARNING,
    requirement="A facet follows the schema that its _schemaURL names, else the latest one of its key.",
    because="What Datadog makes of the rest of such a facet is assumed: that it shows less than meant.",
    advice="Follow the facet's schema.",
    source=FACETS,
    sureness=Sureness.ASSUMED,
    when=(FACET_REFUSED, OnRefusal(at=(*IN_FACET, ...))),
    given={"/job/facets/documentation": _DOCUMENTATION},
    trigger={"/job/facets/documentation/description": 17},
    neighbour={"/job/facets/documentation/description": "17"},
)
def facet_violates_schema(rule: Rule, refusal: Refusal) -> Iterator[Finding]:
    of, explanation = refusal.facet, refusal.explanation
    if of is None:  # old cores have some facets in them, and refuse those themselves
        yield refusal.found(rule)
        return
    # Of the facet itself the explanation says "the event": it does not know what it explains.
    message, advice = explanation.message, explanation.advice
    if not explanation.path:
        message, advice = message.replace("the event", of.name, 1), advice.replace("the event", of.name, 1)
    if of.content.get("_deleted") is True and explanation.keyword == "required":
        advice = (
            'The standard\'s words allow it ("set to true to delete a facet"), and it is taken away here; its schema '
            "still asks for this. Nothing to do, unless a consumer of yours validates."
        )
    violates: Violates | None = None if of.schema.own else "openlineage"
    yield rule.found(
        of.pointer + quoted_pointer(*explanation.path),
        f"the {of.name} facet: {message} ({of.schema.title})",
        expected=explanation.expected,
        actual=explanation.actual,
        advice=advice,
        violates=violates,
    )


def _address(of: ResolvedFacet) -> str:
    """The _schemaURL of the schema by which a facet is judged."""
    schema = of.schema
    return schema.target if "#/$defs/" in schema.target else facet_id(schema.name, schema.version)
