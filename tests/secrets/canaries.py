"""Secrets of every family, planted wherever a producer can put them, and found again in whatever spelling."""

from __future__ import annotations

import copy
import html
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_plus
from uuid import NAMESPACE_URL, uuid5

from mock_intake.datadog.sites import INTAKE_PATH
from tests.events import base, dataset, job_type, run_event, schema
from tests.fuzz import request_bytes
from tests.rules.examples_datadog import column_lineage

OWN = "9f1c2ab34d5e6f708192a3b4c5d6e7f8"
OTHER = "5e4d3c2b1a09f8e7d6c5b4a39281706f"
_DASHES = "-" * 5


class Canary(NamedTuple):
    """A secret: its family, the text that is planted, and what of that must not be seen."""

    family: str
    text: str
    hidden: str

    @property
    def spellings(self) -> set[str]:
        """What the secret may look like; of keys the last four characters are shown, and so left out."""
        hidden = self.hidden
        found = {hidden, hidden.upper(), hidden.lower(), quote(hidden, safe="")}
        found.add("".join(f"%{ord(character):02X}" for character in hidden))
        for before in range(3):
            encoded = b64encode(b"\0" * before + hidden.encode()).decode()
            found.add(encoded[(before * 8 + 5) // 6 : (before + len(hidden)) * 8 // 6])
        return found


CANARIES = (
    Canary("own key", OWN, OWN[:-4]),
    Canary("another's key", OTHER, OTHER[:-4]),
    Canary("cloud key", "AK" + "IAQ7WX3ZP9LM2VT5RB", "Q7WX3ZP9LM2VT5RB"),
    Canary("password", "postgres://etl:wr0ngh0rse88@db:5432", "wr0ngh0rse88"),
    Canary("password", "jdbc:postgresql://db:5432/shop?user=etl&password=c0rrecth0rse7", "c0rrecth0rse7"),
    Canary("token", "gh" + "p_" + "Zk3vQ8mN5tR1xW7yB2cF" * 2, "Zk3vQ8mN5tR1xW7yB2cF" * 2),
    Canary("private key", f"{_DASHES}BEGIN PRIVATE KEY{_DASHES}\nMIIEvQz7Hq4KpTn9\n{_DASHES}END", "MIIEvQz7Hq4KpTn9"),
)


def leaks_in(text: str, *, but: frozenset[str] = frozenset()) -> list[str]:
    """Which canaries stand in a text, with what stands around each; ``but`` are families that may."""
    found = []
    for canary in CANARIES:
        for spelling in canary.spellings if canary.family not in but else ():
            at = text.find(spelling)
            if at != -1:
                found.append(f"{canary.family}: ...{text[max(0, at - 150) : at + 60]!r}")
                break
    return found


def seen(text: str) -> str:
    """A text as it is, and as a browser would have it."""
    return "\n".join({text, html.unescape(text), unquote_plus(html.unescape(text))})


def whole_event() -> dict[str, Any]:
    """An event with all that there is in one, each text of it to be replaced."""
    event = run_event(
        inputs=[dataset("shop.public.orders", schema=schema("id"), inputFacets={})],
        outputs=[dataset("shop.public.totals", columnLineage=column_lineage("postgres://db:5432"))],
    )
    run, job = event["run"].setdefault("facets", {}), event["job"].setdefault("facets", {})
    job["jobType"] = job_type()
    job["sql"] = {**base("SQLJobFacet", "1-1-0"), "query": "select 1"}
    job["documentation"] = {**base("DocumentationJobFacet", "1-1-0"), "description": "text"}
    job["tags"] = {**base("TagsJobFacet", "1-0-0"), "tags": [{"key": "k", "value": "v", "source": "USER"}]}
    run["errorMessage"] = {
        **base("ErrorMessageRunFacet", "1-0-1"), "message": "m", "programmingLanguage": "python", "stackTrace": "s",
    }  # fmt: skip
    run["parent"] = {
        **base("ParentRunFacet", "1-1-0"),
        "run": {"runId": "019f0f3c-1111-7000-8000-000000000001"},
        "job": {"namespace": "prod", "name": "above"},
    }
    run["environmentVariables"] = {
        **base("EnvironmentVariablesRunFacet", "1-0-0"), "environmentVariables": [{"name": "A", "value": "b"}],
    }  # fmt: skip
    return event


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where texts stand in a JSON value."""
    if isinstance(value, str):
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


def planted(event: dict[str, Any], path: tuple[str | int, ...], text: Any) -> dict[str, Any]:
    """The event with a text, or another value, in place of what stands there."""
    event = copy.deepcopy(event)
    within: Any = event
    for part in path[:-1]:
        within = within[part]
    within[path[-1]] = text
    return event


def events_with(canary: Canary) -> Iterator[dict[str, Any]]:
    """Events with a canary in each of the places in which texts stand, and as the key of a facet."""
    event = whole_event()
    for path in places(event):
        yield planted(event, path, canary.text)
    for path in (("run", "facets", canary.text), ("job", "facets", canary.text), ("inputs", 0, "facets", canary.text)):
        yield planted(event, path, {**base("AcmeFacet", "1-0-0"), "x": canary.text})
    # A run of its own, whose job is called so.
    run = planted(
        planted(event, ("job", "name"), canary.text), ("run", "runId"), str(uuid5(NAMESPACE_URL, canary.text))
    )
    yield run
    yield planted(run, ("eventType",), "COMPLETE")


def requests_with(canary: Canary) -> Iterator[bytes]:
    """Requests with a canary in each place that a request has, beside the events."""
    for event in events_with(canary):
        yield request_bytes(json.dumps(event).encode(), key=OWN)
    plain = json.dumps(run_event()).encode()
    text = canary.text.replace("\n", " ")
    for name in ("User-Agent", "X-Custom", "Content-Type", "Referer", "Cookie", "raw", "body", "Content-Encoding"):
        yield request_bytes(plain, [(name, text)], key=OWN)
    for target in (f"{INTAKE_PATH}?note={quote(text)}", f"{INTAKE_PATH}/{quote(text)}", f"/{quote(text, safe='')}"):
        yield request_bytes(plain, target=target, key=OWN)
    for body in (text.encode(), b'{"a": "' + text.encode() + b'"', b"[" + json.dumps(canary.text).encode() + b"]"):
        yield request_bytes(body, key=OWN)
