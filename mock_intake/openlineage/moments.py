"""When the rules of the standard speak, and what they are given then.

``OpenLineageJudge`` walks through an event and brings these; which rules there are for each is for the tables to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from mock_intake.body.parsing import Path
from mock_intake.model.event import EventView, FacetGroup, Kind
from mock_intake.model.findings import Finding, Rule
from mock_intake.model.literals import Subject
from mock_intake.openlineage.facet_schema import FacetSchema
from mock_intake.openlineage.formats import is_naive
from mock_intake.openlineage.library import Match, Resolution
from mock_intake.rules.definition import Stage, When
from mock_intake.secrets.content import Secret
from mock_intake.secrets.quoting import quoted, quoted_pointer

if TYPE_CHECKING:
    from mock_intake.openlineage.explain import Explanation

BASE_FIELDS = ("_producer", "_schemaURL")
_FACET_CONTAINERS = ("facets", "inputFacets", "outputFacets")


class SchemaReference(NamedTuple):
    """What an event's ``schemaURL`` names beside what the event is.

    ``version`` is None where no published core is named, ``definition`` where no definition is.
    """

    event: EventView
    url: str
    kind: Kind
    version: str | None
    definition: str | None


NO_KIND: Stage[EventView] = Stage("an event of no kind", "event")
DATASET_BESIDE: Stage[EventView] = Stage("an event that has a dataset beside run or job", "event")
SCHEMA_URL: Stage[SchemaReference] = Stage(
    "a schemaURL that names other than the event's kind in the latest core", "event"
)


class ResolvedFacet(NamedTuple):
    """A facet with what it was resolved to; ``url`` is its ``_schemaURL``, whatever that may be.

    ``right_key`` is the key of the standard under which it was meant to stand, where it stands under another.
    """

    group: FacetGroup
    key: str
    content: dict[str, Any]
    url: object
    resolution: Resolution
    right_key: str | None = None

    @property
    def pointer(self) -> str:
        """Where it stands, as that is quoted."""
        return self.group.pointer + quoted_pointer(self.key)

    @property
    def name(self) -> str:
        """Its key, as that is quoted."""
        return quoted(self.key)

    @property
    def schema(self) -> FacetSchema:
        """The schema that it is judged by. To be asked only where there is one."""
        assert self.resolution.schema is not None
        return self.resolution.schema


SMALL_FACET: Stage[ResolvedFacet] = Stage("a facet with two fields or fewer", "event")
OTHER_KEY: Stage[ResolvedFacet] = Stage("a facet of the standard under a key that is none", "event")
UNUSUAL_FIELDS: Stage[ResolvedFacet] = Stage("a facet that has empty fields, or some that its schema has not", "event")
UNKNOWN_KEYS: Stage[EventView] = Stage("an event that has keys which the core schema has not", "event")
MISPLACED_FACET: Stage[ResolvedFacet] = Stage("a facet on an entity that its schema is not for", "event")


class OnMatch(When[ResolvedFacet], Struct, frozen=True):
    """A facet whose schema was found in this way."""

    match: Match

    @property
    def subject(self) -> Subject:
        return "event"


# The beginning of places within a facet, whichever it is.
IN_FACET = ("(any facet)",)
# A place of which no more is said than that it is there, or below.
Place = tuple[str | int | EllipsisType, ...]


class Refusal(NamedTuple):
    """One reason for which a schema refuses an event, or a facet of it.

    ``facet`` is the one that its own schema refuses; paths are then within it. It is None where the core refuses.
    """

    explanation: Explanation
    facet: ResolvedFacet | None = None

    @property
    def places(self) -> tuple[Place, Place]:
        """Where in the event that is, exactly and vaguely; within a facet whatever the facet is."""
        path = self.explanation.path
        depth = next((index for index, part in enumerate(path) if part in _FACET_CONTAINERS), None)
        if depth is None or len(path) <= depth + 1:
            return path, (...,)
        return (*IN_FACET, *path[depth + 2 :]), (*IN_FACET, ...)

    @property
    def is_naive_time(self) -> bool:
        """Whether what is refused is a time that lacks nothing but its offset."""
        return self.explanation.keyword == "format" and is_naive(self.explanation.value)

    def found(self, rule: Rule, *, advice: str | None = None) -> Finding:
        """The finding of a rule in the words of the explanation. The official schemas refuse what the core does."""
        explanation = self.explanation
        return rule.found(
            quoted_pointer(*explanation.path),
            explanation.message,
            expected=explanation.expected,
            actual=explanation.actual,
            advice=advice or explanation.advice,
            violates="openlineage",
        )


class OnRefusal(When[Refusal], Struct, frozen=True):
    """A reason for which the core refuses an event: by this keyword, at this place, for this missing field.

    The rules of the closest moment speak, those of vaguer ones only where there is none closer: place before keyword,
    keyword before field.
    """

    keyword: str | None = None
    at: Place = (...,)
    field: str | None = None

    @property
    def subject(self) -> Subject:
        return "event"


# Keyword, place and field of an ``OnRefusal``.
RefusedBy = tuple[str | None, Place, str | None]


def refused_by(refusal: Refusal) -> Iterator[RefusedBy]:
    """The moments that a refusal is, the closest first."""
    keyword, detail = refusal.explanation.keyword, refusal.explanation.detail
    for place in refusal.places:
        if keyword == "required":
            yield keyword, place, detail
        yield keyword, place, None
        yield None, place, None


FACET_REFUSED: Stage[Refusal] = Stage("a facet that its schema refuses", "event")


class OnSecret(When[Secret], Struct, frozen=True):
    """What looks like a secret of this family, somewhere in an event."""

    family: str

    @property
    def subject(self) -> Subject:
        return "event"


class SecretVariable(NamedTuple):
    """An environment variable whose name says that its value is a secret; ``pointer`` leads to the value."""

    pointer: str
    name: str


SECRET_VARIABLE: Stage[SecretVariable] = Stage("an environment variable that is a secret by its name", "event")
SURROGATES: Stage[Path] = Stage("text with lone surrogates, at this path", "event")
