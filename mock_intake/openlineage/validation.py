"""Judges an event as OpenLineage: its kind, the core schema, every facet, secrets in its content.

Walks through an event and brings what it meets to the rules of the standard, which are in ``rules``.
Pure: an event and a library in, findings out. The deciding validators are fast; explanations are made
only for what was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Set
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mock_intake.body.parsing import Path
from mock_intake.model.event import EventView, FacetGroup, JsonObject, Kind, group_of
from mock_intake.model.findings import Finding
from mock_intake.openlineage import moments
from mock_intake.openlineage.facet_schema import Validator
from mock_intake.openlineage.facts import CORES, LATEST_CORE
from mock_intake.openlineage.library import FacetLibrary, Match, core_reference, never
from mock_intake.openlineage.moments import (
    BASE_FIELDS,
    OnMatch,
    OnRefusal,
    OnSecret,
    Refusal,
    ResolvedFacet,
    SchemaReference,
    SecretVariable,
)
from mock_intake.openlineage.rules import EVENTS
from mock_intake.openlineage.rules.facets import facet_at_old_address as OLD_ADDRESS  # noqa: N812 - a rule is a value
from mock_intake.openlineage.schema import core_id
from mock_intake.secrets.content import is_secret_variable, may_hold_secrets, plainly, secrets_in

if TYPE_CHECKING:
    from mock_intake.openlineage.explain import Explainer, Explanation

# An event of more characters may be made for the sake of its findings: reasons are then looked for one by one.
_LARGE = 64 * 1024
# What was told of so many refusals is remembered.
_MOST_REMEMBERED = 2_048
_VARIABLES = "/run/facets/environmentVariables/environmentVariables/"
# The rules whose findings stand where a secret does: what else points there must not quote it either.
SECRET_CODES = frozenset(rule.code for rule in EVENTS.in_order for when in rule.when if isinstance(when, OnSecret))

# The rules of each moment at which the core refuses: found by plain tuples, as an event may have many.
_OF_REFUSALS = {
    (when.keyword, when.at, when.field): EVENTS.at(when)
    for rule in EVENTS.in_order
    for when in rule.when
    if isinstance(when, OnRefusal)
}

# What nearly all events have in their schemaURL, by their kind.
_USUAL_URLS = {kind: FacetLibrary.core_target(LATEST_CORE, kind) for kind in CORES[LATEST_CORE].kinds}

# What was asked of no facet yet.
_NONE_YET: tuple[object, Validator] = (object(), never)

# Places of which something was said, each with what was expected there.
Said = Set[tuple[str, str | None]]
_NOTHING: Said = frozenset()


class _PlainCore:
    """The validator of the plain core, which remembers whether it has taken what it was given."""

    __slots__ = ("_validator", "has_taken")

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self.has_taken = False

    def __call__(self, value: Any) -> bool:
        self.has_taken = self._validator(value)
        return self.has_taken


class OpenLineageJudge:
    """Judges events by the schemas of one library."""

    def __init__(self, library: FacetLibrary) -> None:
        self.library = library
        self._remembered: dict[tuple[Hashable, ...], tuple[Finding, ...]] = {}

    @cached_property
    def _explainer(self) -> Explainer:
        # Most events are not refused.
        from mock_intake.openlineage.explain import Explainer

        return Explainer(self.library)

    def judge(self, event: EventView, text: str, findings: list[Finding]) -> None:
        """Adds all that the standard has to say about an event, but for secrets. Never raises for what the event holds.

        ``text`` is the event as it was sent.
        """
        if event.kind is None:
            findings += EVENTS.judge(moments.NO_KIND, event)
            return
        body = event.body
        if "dataset" in body and ("run" in body or "job" in body):
            findings += EVENTS.judge(moments.DATASET_BESIDE, event)
        large = len(text) > _LARGE
        usual = event.schema_url == _USUAL_URLS[event.kind]
        version = LATEST_CORE if usual else _core_version(event, event.kind, findings)
        unusual = self._unusual(event)
        # What the core asks of facets those that are usual have.
        is_plain = version == LATEST_CORE and (
            not unusual or all(self.library.has_base(group.entity)(facet) for group, _, facet in unusual)
        )
        plain = self.library.plain_core(event.kind) if is_plain else None
        if not (plain or self.library.usual_core(version, event.kind))(body):
            plain_core = None if plain is None else _PlainCore(plain)
            # Of what is not large all reasons are had at once, which tells whether there are any.
            if not large or not self.library.core(version, event.kind)(body):
                findings += self._core(event, version, event.kind, plain_core, large=large)
            # Where nothing but texts was wrong, or missing, it was said on the way that no keys are others.
            if not (plain_core and plain_core.has_taken) and not self.library.knows_all_keys(body):
                findings += EVENTS.judge(moments.UNKNOWN_KEYS, event)
        if unusual:
            said = {(finding.pointer, finding.expected) for finding in findings} if findings else _NOTHING
            for group, key, facet in unusual:
                if type(facet) is dict:  # else the core refuses it, and says so
                    self._facet(group, key, facet, findings, said, large=large)
        if len(findings) > 1:
            _tell_once(findings)

    def _refused(
        self,
        target: str,
        value: JsonObject,
        about: Hashable,
        tell: Callable[[list[Explanation]], Iterable[Finding]],
        is_taken: Validator | None = None,
        *,
        large: bool,
    ) -> tuple[Finding, ...]:
        """What ``tell`` makes of why a schema refuses a value; ``about`` is what else that depends on.

        ``is_taken`` may know sooner than the schema of a value that it takes it.

        Producers make the same mistake again and again: what was told of it is remembered.
        """
        reasons = None if large else self._explainer.refusals.reasons(target, value, is_taken)
        if reasons is None:
            return tuple(tell(self._explainer.explain(target, value)))
        same = (target, about, *[reason.same for reason in reasons])
        found = self._remembered.get(same)
        if found is None:
            found = tuple(tell(self._explainer.explain(target, value, reasons)))
            own = any(reason.is_of_its_own for reason in reasons)
            if None not in same and (len(reasons) == 1 or not own):
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[same] = found
        elif reasons and reasons[0].is_of_its_own:
            found = tuple([self._explainer.of_another(finding, reasons[0]) for finding in found])
        return found

    def _core(
        self, event: EventView, version: str, kind: Kind, plain: Validator | None, *, large: bool
    ) -> tuple[Finding, ...]:
        def tell(explanations: list[Explanation]) -> Iterator[Finding]:
            for explanation in explanations:
                if explanation.keyword == "not" and kind == "DatasetEvent":
                    continue  # run, job and dataset at once make a RunEvent, so this cannot be the reason
                if explanation.keyword == "format" and explanation.path == ("schemaURL",):
                    wanted = f"{core_id(LATEST_CORE)}#/$defs/{event.meant}"
                    explanation = explanation._replace(expected=wanted, advice=f"Write {wanted}.")
                refusal = Refusal(explanation)
                closest = next(_OF_REFUSALS[each] for each in moments.refused_by(refusal) if each in _OF_REFUSALS)
                for rule in closest:
                    yield from rule.check(refusal)

        target = self.library.core_target(version, kind)
        return self._refused(target, event.body, (event.meant,), tell, plain, large=large)

    def _unusual(self, event: EventView) -> list[tuple[FacetGroup, str, Any]]:
        """The facets of which something may have to be said, in their order, each with its place."""
        # Nearly all facets are as they should be: what is looked at here of each is what costs.
        unusual: list[tuple[FacetGroup, str, Any]] = []
        usual = self.library.usual
        for entity, facets, dataset in event.facets():
            first = self.library.first_usual[entity]
            for key, facet in facets.items():
                known, is_usual = first.get(key, _NONE_YET)
                if is_usual(facet):
                    continue
                if type(facet) is dict:
                    url = facet.get("_schemaURL")
                    if url != known and type(url) is str and usual(entity, key, url)(facet):
                        continue
                unusual.append((group_of(entity, facets, dataset), key, facet))
        return unusual

    def _facet(
        self, group: FacetGroup, key: str, facet: JsonObject, findings: list[Finding], said: Said, *, large: bool
    ) -> None:
        """Adds what there is to say of a facet; ``said`` was said already, of the event."""
        url = facet.get("_schemaURL")
        found = self.library.resolve(group.entity, key, url if type(url) is str else None)
        resolved = ResolvedFacet(group, key, facet, url, found)
        schema, match = found.schema, found.match
        if not found.entities and (
            right := self.library.right_key(group.entity, key, url if type(url) is str else None)
        ):
            findings += EVENTS.judge(moments.OTHER_KEY, resolved._replace(right_key=right))
        if len(facet) <= 2:
            findings += EVENTS.judge(moments.SMALL_FACET, resolved)
        if match is not Match.EXACT and match is not Match.KEY:
            findings += EVENTS.judge(OnMatch(match), resolved)
        if schema is None:
            return
        if schema.entities and group.entity not in schema.entities:
            findings += EVENTS.judge(moments.MISPLACED_FACET, resolved)
        if schema.is_usual(facet):
            return
        if schema.may_be_unusual(facet):
            findings += EVENTS.judge(moments.UNUSUAL_FIELDS, resolved)
        # Of what is not large all reasons are had at once, which tells whether there are any.
        if not (large or schema.own) or not schema.is_valid(facet):
            findings += self._refused_facet(resolved, said, large=large)

    def _refused_facet(self, facet: ResolvedFacet, said: Said, *, large: bool) -> Iterator[Finding]:
        def tell(explanations: list[Explanation]) -> Iterator[Finding]:
            for explanation in explanations:
                if not _is_of_base(explanation):  # the core has the same fields, and says so
                    yield from EVENTS.judge(moments.FACET_REFUSED, Refusal(explanation, facet))

        about = (facet.group.pointer, facet.key, facet.content.get("_deleted") is True)
        for finding in self._refused(facet.schema.target, facet.content, about, tell, large=large):
            if (finding.pointer, finding.expected) not in said:
                yield finding

    def judge_content(self, event: EventView, text: str, surrogates: Path | None, findings: list[Finding]) -> None:
        """Adds what there is to say of secrets in an event, and of its letters, to what ``judge`` had to say.

        ``surrogates`` is where a lone surrogate stood in it, if one did.
        """
        if surrogates is not None:
            findings += EVENTS.judge(moments.SURROGATES, surrogates)
        if "environmentVariables" in event.run_facets:
            _secret_variables(event, findings)
        if surrogates is not None or may_hold_secrets(plainly(text, event.body)):
            for secret in secrets_in(event.body):
                findings += EVENTS.judge(OnSecret(secret.family), secret)


def _tell_once(findings: list[Finding]) -> None:
    """Leaves one finding about facets at their old addresses: a client that writes these writes all of them so."""
    at = [number for number, finding in enumerate(findings) if finding.code == OLD_ADDRESS.code]
    if len(at) > 1:
        first = findings[at[0]]
        findings[at[0]] = replace(first, message=f"{first.message}, and {len(at) - 1} more of the event")
        for number in reversed(at[1:]):
            del findings[number]


def _core_version(event: EventView, kind: Kind, findings: list[Finding]) -> str:
    """The core version to judge by: the one that ``schemaURL`` names, if it can be."""
    url = event.schema_url
    if url is None:
        return LATEST_CORE
    version, definition = core_reference(url)
    if definition == kind and version == LATEST_CORE:
        return LATEST_CORE
    findings += EVENTS.judge(moments.SCHEMA_URL, SchemaReference(event, url, kind, version, definition))
    return version if version is not None and kind in CORES[version].kinds else LATEST_CORE


def _is_of_base(explanation: Explanation) -> bool:
    if explanation.path == ():
        return explanation.keyword == "required" and explanation.detail in BASE_FIELDS
    return explanation.path[0] in BASE_FIELDS


def _secret_variables(event: EventView, findings: list[Finding]) -> None:
    facet = event.run_facets["environmentVariables"]
    variables = facet.get("environmentVariables") if type(facet) is dict else None
    if type(variables) is not list:
        return
    secret: dict[str, str] = {}  # name by index, as the index stands in pointers
    for index, variable in enumerate(variables):
        name = variable.get("name") if type(variable) is dict else None
        if type(name) is str and is_secret_variable(name, variable.get("value")):
            secret[str(index)] = name
    if not secret:
        return
    # What other rules had to say about such a variable may quote its value.
    for at, finding in enumerate(findings):
        pointer = finding.pointer
        if pointer.startswith(_VARIABLES) and pointer.removeprefix(_VARIABLES).partition("/")[0] in secret:
            findings[at] = replace(finding, actual="****")
    for number, name in secret.items():
        findings += EVENTS.judge(moments.SECRET_VARIABLE, SecretVariable(f"{_VARIABLES}{number}/value", name))
