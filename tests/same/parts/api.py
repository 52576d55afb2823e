"""The control API: its OpenAPI document, what it answers over the recorded journal, and to those who ask wrongly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.same.journal import serving_recording
from tests.same.parts.rules import all_rules
from tests.same.serving import CONTROL, Answer, Served
from tests.same.texts import JsonObject, digest, pretty, without_what_rules_say

ORG = "4ba68aa8767b"
# How many of what has an id of its own are recorded in full.
_MOST_OF_A_KIND = 4
_VARYING = re.compile(r'("waited": )[\d.e-]+')
# Answers that are lines or do not end; exports are recorded with the reports.
_NO_JSON = ("/stream", "/export")
_ASKED = (
    "/events?limit=3",
    "/events?limit=2&cursor=20",
    "/events?status=error",
    "/events?kind=JobEvent",
    "/events?event_type=FAIL",
    "/events?job_namespace=staging&job_name=shop.load_shipments",
    "/exchanges?refused=1",
    "/exchanges?faulted=1&body=1",
    f"/exchanges?org={ORG}&limit=2",
    "/findings?closed=1",
    f"/findings?org={ORG}",
    "/runs?closed=1",
    f"/runs?org={ORG}&limit=3",
    "/runs/latest",
    f"/lineage?org={ORG}",
    f"/jobs?org={ORG}",
    f"/datasets?org={ORG}",
    f"/statistics?org={ORG}",
    "/export",
    "/export?what=exchanges",
    "/events?limit=0",
    "/events?status=bad",
    "/events?nonsense=1",
    "/events?limit=1&limit=2",
    "/events?org=",
    "/events/nowhere",
    "/exchanges/nowhere",
    "/runs/nowhere",
    "/nonsense",
)
# Method, path and JSON value, one after the other.
_CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/faults", None),
    ("PUT", "/faults", {"sequence": [503, "reset", 202]}),
    ("PUT", "/faults", {"sequence": ["close", "lost", "truncate", "drip", "garbage", "hang"], "delay": 0.5}),
    ("PUT", "/faults", {"sequence": [{"step": "redirect", "location": "http://127.0.0.1:1/"}], "repeat_last": True}),
    ("PUT", "/faults", {"sequence": [{"step": 429, "times": 2, "headers": {"Retry-After": "1"}, "body": {"a": 1}}]}),
    ("PUT", "/faults", {"sequence": [{"step": 500, "match": {"event_type": "FAIL", "job": "x", "attempt": 1}}]}),
    ("PUT", "/faults", {"sequence": [{"step": 500, "probability": 0.5, "seed": 7, "times": None}], "org": ORG}),
    ("PUT", "/faults", {"sequence": "503,503,reset,202"}),
    ("GET", "/faults", None),
    ("GET", f"/faults?org={ORG}", None),
    ("PUT", "/faults", {"sequence": ["redirect"]}),
    ("PUT", "/faults", {"sequence": ["nonsense"]}),
    ("PUT", "/faults", {"sequence": [99]}),
    ("PUT", "/faults", {"sequence": [{"step": 500, "match": {"nonsense": 1}}]}),
    ("PUT", "/faults", {"sequence": [{"step": 500, "probability": 2}]}),
    ("PUT", "/faults", {"sequence": [503], "delay": -1}),
    ("PUT", "/faults", {"nonsense": 1}),
    ("PUT", "/faults", []),
    ("DELETE", f"/faults?org={ORG}", None),
    ("DELETE", "/faults", None),
    ("POST", "/wait", {"events": 5, "timeout": 0}),
    ("POST", "/wait", {"events": 500, "timeout": 0}),
    ("POST", "/wait", {"job": "root", "state": "COMPLETE", "timeout": 0}),
    ("POST", "/wait", {"job": "nowhere", "state": "COMPLETE", "timeout": 0}),
    ("POST", "/wait", {"job": "shop.load_shipments", "state": "COMPLETE", "timeout": 0}),
    ("POST", "/wait", {"org": ORG, "status": "error", "timeout": 0}),
    ("POST", "/wait", {"state": "DONE"}),
    ("POST", "/wait", {"timeout": 1000}),
    ("POST", "/wait", {"nonsense": 1}),
    ("POST", "/wait", [1]),
    ("POST", "/import", {"no": "exchange"}),
    ("POST", "/events", None),
    ("DELETE", "/exchanges?org=000000000000", None),
    ("DELETE", f"/exchanges?org={ORG}", None),
    ("GET", "/orgs", None),
    ("GET", "/statistics", None),
    ("DELETE", "/exchanges", None),
    ("GET", "/statistics", None),
    ("GET", "/events", None),
)


def record(folder: Path) -> Iterator[tuple[str, str]]:
    rules = all_rules()
    with serving_recording(folder / "api") as intake:
        document = intake.control("/openapi.json")
        document["info"]["version"] = "VERSION"
        yield "openapi.json", pretty(document)
        for path in _whole(document):
            answered = _told(intake.ask(CONTROL + path))
            yield f"whole/{path.strip('/')}.json", pretty(without_what_rules_say(answered, rules))
        for name, paths in (("by-id", _by_id(intake, document)), ("asked", _ASKED)):
            answers = {path: _told(intake.ask(CONTROL + path)) for path in paths}
            yield f"{name}.json", pretty(without_what_rules_say(answers, rules))
        yield "changes.json", _VARYING.sub(r"\1SECONDS", pretty(without_what_rules_say(_changed(intake), rules)))
        yield "refused-callers.json", pretty(_refused(intake))


def _whole(document: JsonObject) -> list[str]:
    """All listings, as they are without any parameter."""
    return [
        path.removeprefix(CONTROL)
        for path, methods in document["paths"].items()
        if "get" in methods and "{" not in path and not path.endswith((*_NO_JSON, "/openapi.json"))
    ]


def _by_id(intake: Served, document: JsonObject) -> Iterator[str]:
    """Some of everything that has an id: the latest, the earliest and those between."""
    for path in document["paths"]:
        if path.endswith("/{id}"):
            listing = path.removeprefix(CONTROL).rpartition("/")[0]
            items = intake.control(f"{listing}?limit=1000")[listing.strip("/")]
            step = max(1, len(items) // _MOST_OF_A_KIND)
            for item in items[::step]:
                yield f"{listing}/{quote(item['run_id'] if 'events' in item else item['id'], safe='')}"


def _told(answer: Answer) -> JsonObject:
    kind = answer.header("content-type")
    body: Any = digest(answer.body)
    if kind == "application/json" and answer.body:
        body = json.loads(answer.body)
    headers = [
        f"{name}: {value}" for name, value in answer.headers if name not in ("date", "content-length", "connection")
    ]
    return {"status": answer.status, "headers": headers, "body": body}


def _changed(intake: Served) -> list[JsonObject]:
    """What is answered to requests that change something, and what is there afterwards."""
    answers = []
    for method, path, value in _CHANGES:
        body = b"" if value is None else json.dumps(value).encode()
        answer = intake.ask(CONTROL + path, method=method, body=body)
        answers.append({"request": [method, path, value], **_told(answer)})
    return answers


def _refused(intake: Served) -> dict[str, JsonObject]:
    """What pages of other origins and other names for this host are answered."""
    callers: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "a page of another origin that reads": ("GET", [("Origin", "http://acme.example")]),
        "a page of another origin that writes": ("DELETE", [("Origin", "http://acme.example")]),
        "a browser that says so": ("DELETE", [("Sec-Fetch-Site", "cross-site")]),
        "the head alone": ("HEAD", []),
    }
    told = {
        name: _told(intake.ask(f"{CONTROL}/faults", method=method, headers=headers))
        for name, (method, headers) in callers.items()
    }
    return {**told, "by another name": _told(intake.ask(f"{CONTROL}/faults", host="acme.example"))}
