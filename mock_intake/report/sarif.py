"""SARIF 2.1.0: findings for code scanning services and editors.

As GitHub's code scanning takes it, which asks for more than the standard does and takes less
(https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning):
each result has a place in a file, with all four numbers of its region, and a fingerprint; descriptions are short.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote_from_bytes

from mock_intake import __version__
from mock_intake.judging.catalogue import RULES
from mock_intake.model.findings import Finding, Rule, Severity, Sureness
from mock_intake.model.words import counted
from mock_intake.report.escaping import clipped
from mock_intake.report.finding_text import laid_out
from mock_intake.report.model import Report, places_in
from mock_intake.report.places import Place, alone
from mock_intake.secrets.presenting import presented_value

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# A file with more than 25,000 results is refused, and of more than these only the most severe are looked at.
MOST_RESULTS = 5_000
# What the source of standard input is called, and the name that it has as an artifact.
STANDARD_INPUT = "<stdin>"
_STANDARD_INPUT_AS_ARTIFACT = "stdin"
_RECEIVED = "journal"
_IN_A_STORE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_OF_ADDRESSES = "/:@!$&'()*+,;="
_LEFT_OUT = "left-out"
_MOST_OF_A_DESCRIPTION = 1_000
MOST_OF_A_MESSAGE = 4_000
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_PRECISION = {Sureness.DRAFT: "medium", Sureness.ASSUMED: "low"}


def of_report(report: Report) -> str:
    """What was found in what was received: at the file of its test, where there is one. Notes are notifications."""
    log = sarif(places_in(report))
    notifications = [{"level": "note", "message": {"text": note}} for note in report.notes]
    log["runs"][0]["invocations"] = [
        {"executionSuccessful": bool(report.events), "toolExecutionNotifications": notifications},
    ]
    return json.dumps(presented_value(log), indent=2) + "\n"


def sarif(places: Iterable[Place], beyond: int = 0) -> dict[str, Any]:
    """A SARIF log with one run: a result for every finding, and the rules that they are of.

    Of more than ``MOST_RESULTS`` findings the most severe are there, and a result that counts the others; ``beyond``
    are so many that do not come at all, being no more severe than those that do.
    """
    kept, first_left_out, left_out = _most_severe(places)
    codes = sorted({place.finding.code for place in kept})
    seen: Counter[str] = Counter()
    results = [_result(place, codes.index(place.finding.code), _fingerprint(place, seen)) for place in kept]
    rules = [_rule(code) for code in codes]
    if first_left_out is not None:
        results.append(_rest(first_left_out, left_out + beyond, len(rules)))
        rules.append(_rule_of_the_rest())
    driver = {"name": "mock-intake", "semanticVersion": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    if any("uriBaseId" in result["locations"][0]["physicalLocation"]["artifactLocation"] for result in results):
        run["originalUriBaseIds"] = {"ROOT": {"uri": "file:///"}}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _most_severe(places: Iterable[Place]) -> tuple[list[Place], Place | None, int]:
    """The places that there is room for, in their order; of more the most severe, the first of each severity.

    And the most severe of those left out, with how many they are. No more are held, however many come.
    """
    by_severity: dict[Severity, list[tuple[int, Place]]] = {severity: [] for severity in reversed(Severity)}
    number = -1
    for number, place in enumerate(places):
        held = by_severity[place.finding.severity]
        if len(held) <= MOST_RESULTS:
            held.append((number, place))
    held = [one for each in by_severity.values() for one in each]
    # The last one's number is one less than how many there are.
    if number < MOST_RESULTS:
        return [place for _, place in sorted(held, key=lambda one: one[0])], None, 0
    kept = [place for _, place in held[: MOST_RESULTS - 1]]
    return kept, held[MOST_RESULTS - 1][1], number + 1 - len(kept)


def _rule(code: str) -> dict[str, Any]:
    rule = RULES.get(code)
    # A journal may hold findings of a package that is not installed here.
    return _described(rule) if rule else {"id": code, **texts(code, code, code)}


def _described(rule: Rule) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": rule.code,
        "name": rule.name,
        **texts(rule.requirement, rule.because, f"{rule.advice} (Source: {rule.source}, {rule.sureness})"),
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "precision": _PRECISION.get(rule.sureness, "high"),
            "problem.severity": _PROBLEMS[rule.severity],
            "tags": [rule.subject],
        },
    }
    if rule.source.startswith("http"):
        described["helpUri"] = rule.source
    return described


def texts(short: str, full: str, help_text: str) -> Mapping[str, Any]:
    """The three texts that each rule must have."""
    return {
        "shortDescription": {"text": clipped(short, _MOST_OF_A_DESCRIPTION)},
        "fullDescription": {"text": clipped(full, _MOST_OF_A_DESCRIPTION)},
        "help": {"text": help_text},
    }


def _result(place: Place, rule: int, fingerprint: str) -> dict[str, Any]:
    finding = place.finding
    location: dict[str, Any] = {"physicalLocation": _physical(place)}
    if finding.pointer or place.title:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.pointer or place.title}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [location],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    }
    if place.accepted is not None:
        result["suppressions"] = [{"kind": "external", "justification": place.accepted}]
    return result


def _message(finding: Finding) -> str:
    """The message as a sentence, which is all that is shown where there is little room, and what else there is."""
    parts = (f"{part.title}: {part.text}" for part in laid_out(alone(finding)).parts)
    return clipped("\n".join([f"{finding.message}.", *parts]), MOST_OF_A_MESSAGE)


def _fingerprint(place: Place, seen: Counter[str]) -> str:
    """What a result is known by in the next run, when ids, times and lines are others.

    The rule, what it is about and the place in that; and a number, as CodeQL has it, that tells apart what is alike.
    """
    words = "\0".join((place.finding.code, place.name, place.finding.pointer))
    digest = hashlib.sha256(words.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"


def _physical(place: Place) -> dict[str, Any]:
    line = place.line or 1
    region = {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2}
    # What was received is in no file that could be shown.
    at = artifact(place.source) if place.line and place.source else {"uri": _RECEIVED}
    return {"artifactLocation": at, "region": region}


def artifact(source: str) -> dict[str, str]:
    """Where a file is: relative to the working directory, which is the repository; one elsewhere to the root.

    What lies in a store of objects has its address.
    """
    if source == STANDARD_INPUT:
        return {"uri": _STANDARD_INPUT_AS_ARTIFACT}
    if _IN_A_STORE.match(source):
        return {"uri": quote_from_bytes(source.encode("utf-8", "replace"), safe=_OF_ADDRESSES)}
    try:
        # Code scanning shows nothing in a file that it knows by a symbolic link.
        file = PurePath(os.path.realpath(source))
    except (OSError, ValueError):  # no name that a file can have, as in what another tool recorded
        file = PurePath("/") / source
    here = PurePath(os.path.realpath("."))
    if file.is_relative_to(here) and file != here:
        return {"uri": _encoded(file.relative_to(here))}
    return {"uri": _encoded(file.relative_to(file.anchor)) or "%00", "uriBaseId": "ROOT"}


def _encoded(path: PurePath) -> str:
    """A path as a relative reference: a colon too, which would end a scheme."""
    text = path.as_posix()
    try:
        return quote_from_bytes(os.fsencode(text), safe="/")
    except UnicodeEncodeError:
        return quote_from_bytes(text.encode("utf-8", "replace"), safe="/")


def _rest(first: Place, number: int, rule: int) -> dict[str, Any]:
    words = f"{counted(number, 'finding')} more: left out of this file, and no more severe than the last one here."
    return {
        "ruleId": _LEFT_OUT,
        "ruleIndex": rule,
        "level": _LEVELS[first.finding.severity],
        "message": {"text": f"{words} --format json has them all; --select and --ignore choose among rules."},
        "locations": [{"physicalLocation": _physical(first)}],
        "partialFingerprints": {"primaryLocationLineHash": f"{_LEFT_OUT}:1"},
    }


def _rule_of_the_rest() -> dict[str, Any]:
    return {
        "id": _LEFT_OUT,
        "name": "left-out",
        **texts(
            f"A file holds at most {MOST_RESULTS:,} results.",
            "Code scanning shows the most severe of so many results, and refuses files with very many.",
            "Look at all findings with --format json, or choose among rules with --select and --ignore.",
        ),
    }
