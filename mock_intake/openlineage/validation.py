"""Judges an event as OpenLineage: its kind, the core schema, every facet, secrets in its content.

Pure: an event and a library in, findings out. The deciding validators are fast; explanations are made
only for what was refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cached_property
from typing import Any

from mock_intake.event import EventView, FacetGroup, pointer_to
from mock_intake.findings import Finding, Rule, Severity, Violates
from mock_intake.openlineage import rules
from mock_intake.openlineage.explain import Explainer, Explanation
from mock_intake.openlineage.facts import CORES, LATEST_CORE, Kind
from mock_intake.openlineage.library import FacetLibrary, FacetSchema, Match, Resolution, core_reference
from mock_intake.openlineage.schema import core_id, facet_id
from mock_intake.parsing import Path
from mock_intake.redaction import Secret, may_hold_secrets, redact, secrets_in, shown

_BASE_FIELDS = ("_producer", "_schemaURL")
_FACET_CONTAINERS = ("facets", "inputFacets", "outputFacets")
SECRET_CODES = frozenset(rule.code for rule in (rules.PASSWORD, rules.CLOUD_KEY, rules.TOKEN, rules.PRIVATE_KEY))
_SECRET_RULES = {
    "password": rules.PASSWORD,
    "cloud": rules.CLOUD_KEY,
    "token": rules.TOKEN,
    "key": rules.PRIVATE_KEY,
}
# Words in the name of an environment variable by which its value is taken for a secret.
_SECRET_NAMES = ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "APP_KEY", "PRIVATE_KEY", "ACCESS_KEY")


Told = Set[tuple[str, str | None]]
_NOTHING: Told = frozenset()


class OpenLineageJudge:
    """Judges events by the schemas of one library."""

    def __init__(self, library: FacetLibrary) -> None:
        self.library = library

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.library)

    def judge(self, event: EventView, text: str, surrogates: Path | None = None) -> list[Finding]:
        """All that the standard has to say about an event.

        ``text`` is the event as it was sent, ``surrogates`` where a lone surrogate stood in it, if one did.
        """
        findings: list[Finding] = []
        if event.kind is None:
            findings.append(_no_kind(event))
            return self._content(event, text, surrogates, findings)
        if event.kind != "JobEvent" or "dataset" in event.body:
            _two_kinds(event, findings)
        version = _core_version(event, event.kind, findings)
        if not self.library.core(version, event.kind)(event.body):
            findings += self._core(event, version, event.kind)
        told = {(finding.pointer, finding.expected) for finding in findings} if findings else _NOTHING
        for group in event.facet_groups():
            self._facets(group, findings, told)
        return self._content(event, text, surrogates, findings)

    def _core(self, event: EventView, version: str, kind: Kind) -> Iterator[Finding]:
        target = self.library.core_target(version, kind)
        for explanation in self._explainer.explain(target, event.body):
            if explanation.keyword == "not" and kind == "DatasetEvent":
                continue  # run, job and dataset at once make a RunEvent, so this cannot be the reason
            if explanation.keyword == "format" and explanation.path == ("schemaURL",):
                wanted = f"{core_id(LATEST_CORE)}#/$defs/{kind}"
                explanation = explanation._replace(expected=wanted, advice=f"Write {wanted}.")
            yield _core_finding(explanation)

    def _facets(self, group: FacetGroup, findings: list[Finding], told: Told) -> None:
        for key, facet in group.facets.items():
            if type(facet) is not dict:
                continue  # the core refuses it, and says so
            url = facet.get("_schemaURL")
            found = self.library.resolve(group.entity, key, url if type(url) is str else None)
            schema = found.schema
            if len(facet) <= 2 and all(name in _BASE_FIELDS for name in facet):
                findings.append(_empty(group, key))
            if schema is None:
                findings.append(_unchecked(group, key, url))
                continue
            if found.match is not Match.EXACT and found.match is not Match.KEY:
                findings.append(_resolved_badly(group, key, found, url))
            if schema.entities and group.entity not in schema.entities:
                findings.append(_misplaced(group, key, schema))
            if not schema.is_valid(facet):
                findings += self._facet(group, key, facet, schema, told)

    def _facet(
        self, group: FacetGroup, key: str, facet: dict[str, Any], schema: FacetSchema, told: Told
    ) -> Iterator[Finding]:
        prefix = group.pointer + pointer_to(key)
        for explanation in self._explainer.explain(schema.target, facet):
            if _is_of_base(explanation):
                continue  # the core has the same fields, and says so
            pointer = prefix + pointer_to(*explanation.path)
            message = f"the {key} facet: {_spoken(explanation, key)} ({schema.title})"
            if (pointer, explanation.expected) not in told:
                violates: Violates | None = None if schema.own else "openlineage"
                advice = explanation.advice.replace("the event", key, 1) if not explanation.path else None
                yield _finding(rules.FACET_INVALID, pointer, message, explanation, violates, advice)

    def _content(self, event: EventView, text: str, surrogates: Path | None, findings: list[Finding]) -> list[Finding]:
        if surrogates is not None:
            findings.append(
                rules.SURROGATE.found(
                    pointer_to(*surrogates),
                    "text in the event holds lone surrogates, which are no Unicode characters",
                    expected="valid Unicode text",
                    actual="\\ud800 to \\udfff standing alone",
                )
            )
        _secret_variables(event, findings)
        if surrogates is not None or may_hold_secrets(text):
            findings += [_secret(secret) for secret in secrets_in(event.body)]
        return findings


def _no_kind(event: EventView) -> Finding:
    fields = ", ".join(list(event.body)[:12]) or "none"
    return rules.NO_KIND.found(
        "",
        "the event has neither run, job nor dataset, so it is none of the three kinds",
        expected="run and job, or job, or dataset",
        actual=f"fields: {redact(fields)}",
        violates="openlineage",
    )


def _two_kinds(event: EventView, findings: list[Finding]) -> None:
    body = event.body
    if "dataset" not in body or not ("run" in body or "job" in body):
        return
    carried = " and ".join(name for name in ("run", "job", "dataset") if name in body)
    # The core's root accepts what only one of its kinds accepts, however much else is there.
    refused = "run" not in body
    findings.append(
        rules.TWO_KINDS.found(
            "",
            f"the event carries {carried}" + ("" if refused else f"; it is taken as a {event.kind}"),
            expected="a RunEvent, a JobEvent or a DatasetEvent",
            actual=f"fields: {carried}",
            severity=None if refused else rules.SCHEMA_URL_OTHER_KIND.severity,
            violates="openlineage" if refused else None,
        )
    )


def _core_version(event: EventView, kind: Kind, findings: list[Finding]) -> str:
    """The core version to judge by: the one that ``schemaURL`` names, if it can be."""
    url = event.schema_url
    if url is None:
        return LATEST_CORE
    version, definition = core_reference(url)
    if definition == kind and version == LATEST_CORE:
        return LATEST_CORE
    wanted = f"{core_id(version or LATEST_CORE)}#/$defs/{kind}"
    if version is None:
        findings.append(
            rules.SCHEMA_URL_UNKNOWN.found(
                "/schemaURL",
                f"schemaURL names no published core schema; the event is judged by {LATEST_CORE}",
                expected=wanted,
                actual=shown(url),
            )
        )
        version = LATEST_CORE
    if definition in ("RunEvent", "JobEvent", "DatasetEvent") and definition != kind:
        findings.append(
            rules.SCHEMA_URL_OTHER_KIND.found(
                "/schemaURL",
                f"schemaURL says {definition}, and the event is a {kind}",
                expected=wanted,
                actual=shown(url),
                advice=f"Write {wanted}.",
            )
        )
    if kind not in CORES[version].kinds:
        findings.append(
            rules.KIND_NEWER_THAN_CORE.found(
                "/schemaURL",
                f"schemaURL names core {version}, which knows run events only; the event is a {kind}",
                expected=f"{core_id(LATEST_CORE)}#/$defs/{kind}",
                actual=shown(url),
                violates="openlineage",
            )
        )
        return LATEST_CORE
    return version


def _core_finding(explanation: Explanation) -> Finding:
    pointer = pointer_to(*explanation.path)
    rule = _core_rule(explanation)
    message = explanation.message
    advice = None
    if rule in (rules.SCHEMA_URL_MISSING, rules.PRODUCER_NO_URI, rules.RUN_ID_NO_UUID):
        advice = rule.advice
    return _finding(rule, pointer, message, explanation, "openlineage", advice)


def _core_rule(explanation: Explanation) -> Rule:
    path, keyword, detail = explanation.path, explanation.keyword, explanation.detail
    depth = next((index for index, part in enumerate(path) if part in _FACET_CONTAINERS), None)
    if depth is not None and len(path) > depth + 1:
        if keyword == "required" and len(path) == depth + 2 and detail in _BASE_FIELDS:
            return rules.FACET_BASE_MISSING
        if len(path) == depth + 3 and path[-1] in _BASE_FIELDS:
            return rules.FACET_BASE_NO_URI
        return rules.CORE_VIOLATED if len(path) == depth + 2 and keyword == "type" else rules.FACET_INVALID
    if keyword == "required":
        return rules.SCHEMA_URL_MISSING if path == () and detail == "schemaURL" else rules.REQUIRED_MISSING
    if keyword == "enum" and path == ("eventType",):
        return rules.UNKNOWN_EVENT_TYPE
    if keyword == "format":
        if path == ("eventTime",):
            return rules.TIME_WITHOUT_OFFSET if explanation.message.endswith("UTC offset") else rules.TIME_UNREADABLE
        if path == ("producer",):
            return rules.PRODUCER_NO_URI
        if path == ("run", "runId"):
            return rules.RUN_ID_NO_UUID
    return rules.CORE_VIOLATED


def _finding(
    rule: Rule,
    pointer: str,
    message: str,
    explanation: Explanation,
    violates: Violates | None,
    advice: str | None = None,
) -> Finding:
    return rule.found(
        pointer,
        message,
        expected=explanation.expected,
        actual=explanation.actual,
        advice=advice or explanation.advice,
        violates=violates,
    )


def _is_of_base(explanation: Explanation) -> bool:
    if explanation.path == ():
        return explanation.keyword == "required" and explanation.detail in _BASE_FIELDS
    return explanation.path[0] in _BASE_FIELDS


def _spoken(explanation: Explanation, key: str) -> str:
    return explanation.message.replace("the event", key, 1) if not explanation.path else explanation.message


def _empty(group: FacetGroup, key: str) -> Finding:
    return rules.FACET_EMPTY.found(
        group.pointer + pointer_to(key),
        f"the {key} facet has nothing but its base fields",
        expected="content",
        actual="no field beside _producer and _schemaURL",
    )


def _unchecked(group: FacetGroup, key: str, url: object) -> Finding:
    return rules.FACET_CUSTOM.found(
        group.pointer + pointer_to(key),
        f"{key} is a custom facet; only its base fields were checked",
        expected="a schema at hand",
        actual=f"_schemaURL: {shown(url)}",
    )


def _resolved_badly(group: FacetGroup, key: str, found: Resolution, url: object) -> Finding:
    schema = found.schema
    assert schema is not None
    pointer = group.pointer + pointer_to(key, "_schemaURL")
    own = schema.target if "#/$defs/" in schema.target else facet_id(schema.name, schema.version)
    if found.match is Match.UNKNOWN_VERSION:
        return _unknown_version(group, key, schema, url, own)
    if found.match is Match.WRONG_FRAGMENT:
        rule = rules.FACET_FRAGMENT_WRONG
        message = f"the fragment of the {key} facet's _schemaURL names nothing in {schema.title}"
    elif found.match is Match.OTHER_FACET:
        rule = rules.FACET_KEY_OTHER_SCHEMA
        message = f"under the key {key} stands a facet whose _schemaURL is of {schema.title}; judged by that"
        return rule.found(pointer, message, expected=f"the facet {key} of the standard", actual=shown(url))
    else:
        rule = rules.FACET_KEY_OTHER_SCHEMA
        message = f"{key} is a facet of the standard, and its _schemaURL names another schema; judged by {schema.title}"
    return rule.found(pointer, message, expected=own, actual=shown(url), advice=f"Write {own}.")


_VERSION = re.compile(r"/(\d+)-(\d+)-(\d+)/")


def _unknown_version(group: FacetGroup, key: str, schema: FacetSchema, url: object, own: str) -> Finding:
    pointer = group.pointer + pointer_to(key, "_schemaURL")
    named, latest = _VERSION.search(str(url)), _VERSION.search(own)
    if named and latest and tuple(map(int, named.groups())) > tuple(map(int, latest.groups())):
        return rules.FACET_VERSION_UNKNOWN.found(
            pointer,
            f"the {key} facet names a later version than the latest one known here; judged by {schema.title}",
            expected=own,
            actual=shown(url),
            advice="Nothing to do if the version exists: clients can be ahead of what was published with the standard.",
            severity=Severity.INFO,
        )
    message = f"the {key} facet names a version that was never published; judged by {schema.title}"
    return rules.FACET_VERSION_UNKNOWN.found(pointer, message, expected=own, actual=shown(url), advice=f"Write {own}.")


def _misplaced(group: FacetGroup, key: str, schema: FacetSchema) -> Finding:
    places = {"input": "an input's inputFacets", "output": "an output's outputFacets"}
    right = " or ".join(places.get(entity, f"the {entity}'s facets") for entity in schema.entities)
    return rules.FACET_ON_WRONG_ENTITY.found(
        group.pointer + pointer_to(key),
        f"{key} ({schema.title}) stands among the facets of {_ENTITY_WORDS[group.entity]}",
        expected=right,
        actual=group.pointer,
        advice=f"Move it to {right}.",
    )


_ENTITY_WORDS = {
    "run": "the run",
    "job": "the job",
    "dataset": "a dataset",
    "input": "an input",
    "output": "an output",
}


def _secret_variables(event: EventView, findings: list[Finding]) -> None:
    facet = event.run_facets.get("environmentVariables")
    variables = facet.get("environmentVariables") if type(facet) is dict else None
    if type(variables) is not list:
        return
    for index, variable in enumerate(variables):
        name = variable.get("name") if type(variable) is dict else None
        if type(name) is not str or not variable.get("value"):
            continue
        if any(word in name.upper() for word in _SECRET_NAMES):
            place = pointer_to("run", "facets", "environmentVariables", "environmentVariables", index)
            findings[:] = [
                finding._replace(actual="****") if finding.pointer.startswith(place) else finding
                for finding in findings
            ]
            findings.append(
                rules.TOKEN.found(
                    pointer_to("run", "facets", "environmentVariables", "environmentVariables", index, "value"),
                    f"the environment variable {redact(name)} is sent with its value",
                    expected="no secrets in events",
                    actual="****",
                    advice="Leave it out of the client's environment_variables setting, and replace the secret.",
                )
            )


def _secret(secret: Secret) -> Finding:
    return _SECRET_RULES[secret.family].found(
        pointer_to(*secret.path),
        f"what looks like {secret.what} stands in the event",
        expected="no secrets in events",
        actual=redact(secret.redacted),
    )
