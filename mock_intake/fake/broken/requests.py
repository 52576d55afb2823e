"""Requests that the intake has something to say about (HT), and the plain ones that carry events."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from mock_intake.body.parsing import MAX_VALUES
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.fake.broken.making import facet_of, run_event
from mock_intake.model.event import JsonObject

# Beyond the limits that the intake has by default.
_LARGE = 100_000
_TOO_LARGE = 5 * 1024 * 1024
_TOO_DEEP = 201
_LARGE_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What to send: to this path of the intake, with these headers, the key among them, and this body."""

    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    path: str = INTAKE_PATH
    query: str = ""

    @property
    def target(self) -> str:
        """Path and query, to be put behind the intake's URL."""
        return f"{self.path}?{self.query}" if self.query else self.path


def carrying(key: str, event: JsonObject) -> Request:
    """The request that nothing is wrong with, but perhaps the event in it."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return Request(json.dumps(event).encode("ascii"), headers)


def draw_key(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"


@dataclass(frozen=True, slots=True)
class _Good:
    """A good request with a key and an event, for recipes to break."""

    random: Random
    key: str
    event: JsonObject
    request: Request = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "request", carrying(self.key, self.event))

    def headers(self, **changes: str | None) -> Request:
        """With other headers: None leaves one out."""
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {name: value for name, value in {**self.request.headers, **named}.items() if value is not None}
        return replace(self.request, headers=headers)

    def body(self, body: bytes, **headers: str) -> Request:
        return replace(self.headers(**headers), body=body)

    def described(self, description: str) -> bytes:
        """The event with this description of its job, as a body."""
        facet = facet_of(self.random, "job", "documentation", description=description)
        self.event["job"]["facets"]["documentation"] = facet
        return json.dumps(self.event).encode("ascii")


def _malformed_key(good: _Good) -> Request:
    key = good.random.choice((good.key[:-1], good.key + good.key[:8], f"<{good.key}>"))
    return good.headers(Authorization=f"Bearer {key}")


def _elsewhere(good: _Good) -> Request:
    return good.headers(Authorization=None, DD_API_KEY=good.key)


def _cut_short(good: _Good) -> Request:
    packed = gzip.compress(good.request.body, mtime=0)
    return good.body(packed[:-8], Content_Encoding="gzip")


def _impossible_number(good: _Good) -> Request:
    facet = facet_of(good.random, "run", "processing_engine", cost=float("nan"))
    good.event["run"]["facets"]["processing_engine"] = facet
    return good.body(json.dumps(good.event).encode("ascii"))


def _deep(good: _Good) -> Request:
    return good.body(b'{"deep":' + b"[" * (_TOO_DEEP - 1) + b"]" * (_TOO_DEEP - 1) + b"}")


REQUESTS: Mapping[str, Callable[[_Good], Request]] = {
    "HT001": lambda good: good.headers(Authorization=None),
    "HT002": lambda good: good.headers(Authorization=f"Basic {good.key}"),
    "HT003": _elsewhere,
    "HT005": _malformed_key,
    "HT006": lambda good: replace(good.request, query=f"api_key={good.key}"),
    "HT007": lambda good: good.body(good.described(f"Loads orders with the key {good.key}.")),
    "HT101": lambda good: good.headers(Content_Type=good.random.choice((None, "text/plain"))),
    "HT102": lambda good: good.headers(Content_Encoding=good.random.choice(("br", "zstd"))),
    "HT103": _cut_short,
    "HT104": lambda good: good.body(gzip_stored(good.described("x" * _TOO_LARGE)), Content_Encoding="gzip"),
    "HT105": lambda good: good.body(good.described("All of the company's orders. " * (_LARGE // 25))),
    "HT107": lambda good: good.headers(X_Debug="x" * _LARGE_HEAD),
    "HT201": lambda good: good.body(good.request.body[:-1]),
    "HT202": lambda good: good.body(json.dumps(good.request.body.decode()).encode()),
    "HT203": lambda good: good.body(b"[" + good.request.body + b"]"),
    "HT204": _impossible_number,
    "HT205": _deep,
    "HT206": lambda good: good.body(gzip_stored(b'{"many":[' + b"0," * MAX_VALUES + b"0]}"), Content_Encoding="gzip"),
    "HT301": lambda good: replace(good.request, path=good.random.choice(("/", f"{INTAKE_PATH}/", "/v1/lineage"))),
    "HT302": lambda good: replace(good.request, method=good.random.choice(("PUT", "PATCH"))),
}


def gzip_stored(body: bytes) -> bytes:
    """Gzip that saves nothing: the body stays as large as it is."""
    return gzip.compress(body, compresslevel=0, mtime=0)


def draw_request(random: Random, rule: str) -> Request:
    return REQUESTS[rule](_Good(random, draw_key(random), run_event(random, "START")))
