"""What a real intake answers, and what it has on record of it: good, bad and broken requests over real connections."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.same.fakes import line, seeded
from tests.same.parts.findings import TESTS
from tests.same.parts.rules import all_rules
from tests.same.serving import KEY, Answer, Served, framed, said, serving
from tests.same.texts import JsonObject, pretty, without_what_rules_say

OTHER_KEY = "fedcba9876543210fedcba9876543210"
_ROUNDS = 2
_PORTS = re.compile(r"127\.0\.0\.1:\d+")
# What differs from run to run, or with how a body was compressed.
_VARYING = ("id", "received_at", "wire_size")


class Sent(NamedTuple):
    """A request to send: what it is called in the record, and its bytes."""

    name: str
    pieces: tuple[bytes, ...]
    method: str = "POST"
    cut_short: bool = False
    # What the trace agent answers is counted alone.
    on_record: bool = True


def record(folder: Path) -> Iterator[tuple[str, str]]:
    rules = all_rules()
    with serving(folder / "any-key", "--agent-port", "0", "--agent-key-env", "KEY", KEY=KEY) as intake:
        for family in sorted({code[:2] for code in rules}):
            yield f"broken-{family}.json", _told(rules, intake, _broken(rules, family))
        yield "tests.json", _told(rules, intake, _of_tests())
        agent = str(intake.ready["agent_url"])
        yield "through-the-agent.json", _told(rules, intake, _to_the_agent(), agent)
    with serving(folder / "one-key", "--api-key", KEY, "--tls", "--proxy-port", "0", "--max-body", "20K") as intake:
        yield "one-key.json", _told(rules, intake, _to_one_key())
        yield "through-the-proxy.json", _told(rules, intake, _to_the_proxy(), str(intake.ready["proxy_url"]))
        yield "printed-by-serve.txt", _printed(intake)
    with serving(folder / "agent-off", "--agent-port", "0", "--agent-off") as intake:
        agent = str(intake.ready["agent_url"])
        yield "agent-off.json", _told(rules, intake, _to_the_agent(), agent)
    for name, options in (("strict", ("--strict", "--allow-anonymous")), ("terse", ("--terse", "--ignore", "DD2"))):
        with serving(folder / name, *options) as intake:
            yield f"{name}.json", _told(rules, intake, _a_few())


def _told(rules: Mapping[str, JsonObject], intake: Served, sent: Iterable[Sent], url: str | None = None) -> str:
    """Sends requests one after the other, and says what was answered and what is on record of each."""
    before = len(intake.exchanges())
    answers = [(one, said(url or intake.url, *one.pieces, method=one.method, end=one.cut_short)) for one in sent]
    recorded = iter(intake.recorded(before + sum(one.on_record for one, _ in answers))[before:])
    told = {
        one.name: _both(
            _answered(answer), _kept(next(recorded)) if one.on_record else {"findings": "nothing on record"}
        )
        for one, answer in answers
    }
    assert next(recorded, None) is None
    return _PORTS.sub("127.0.0.1:PORT", pretty(without_what_rules_say(told, rules)))


def _both(answer: JsonObject | None, recorded: JsonObject) -> JsonObject:
    body = answer["body"] if answer else None
    if isinstance(body, dict) and body.get("findings") == recorded["findings"]:
        recorded["findings"] = "as answered"
    return {"answer": answer, "record": recorded}


def _answered(answer: Answer | None) -> JsonObject | None:
    if answer is None:
        return None
    text = answer.body.decode("utf-8", "backslashreplace")
    try:
        body: Any = json.loads(text)
    except ValueError:
        body = text
    return {"status": answer.status, "headers": [_header(answer, *header) for header in answer.headers], "body": body}


def _header(answer: Answer, name: str, value: str) -> str:
    if name.lower() == "date":
        value = "now"
    elif name.lower() == "content-length" and value == str(len(answer.body)):
        value = "that of the body"
    return f"{name}: {value}"


def _kept(exchange: JsonObject) -> JsonObject:
    return {name: value for name, value in exchange.items() if name not in _VARYING}


def _broken(rules: Mapping[str, JsonObject], family: str) -> Iterator[Sent]:
    for code in (code for code in rules if code.startswith(family)):
        for number in range(_ROUNDS):
            try:
                requests = seeded(f"{code}-{number}").broken_requests(code)
            except ValueError:
                break
            for place, one in enumerate(requests):
                sent = framed(one.method, one.target, one.headers.items(), one.body)
                yield Sent(f"{code}-{number}-{place}", (sent,), one.method)


def _of_tests() -> Iterator[Sent]:
    for number, text in enumerate((TESTS / "requests.ndjson").read_text(encoding="utf-8").splitlines()):
        one = json.loads(text)
        body = b64decode(one["base64"]) if "base64" in one else one["body"].encode()
        yield Sent(
            f"{number:03} {one['method']} {one['target']}",
            (framed(one["method"], one["target"], one["headers"], body),),
            one["method"],
        )


def _headers(key: str | None, **more: str) -> list[tuple[str, str]]:
    authorization = [] if key is None else [("Authorization", f"Bearer {key}")]
    return [*authorization, ("Content-Type", "application/json"), *more.items()]


def _post(name: str, key: str | None, body: bytes, target: str = "/api/v1/lineage", **more: str) -> Sent:
    return Sent(name, (framed("POST", target, _headers(key, **more), body),))


def _good() -> bytes:
    return line(seeded("good").run_event(eventType="START"))


def _a_few() -> Iterator[Sent]:
    yield _post("good", KEY, _good())
    yield _post("without a key", None, _good())
    for rule in ("DD101", "DD202", "OL103", "OL006"):
        yield _post(rule, KEY, line(seeded(rule).broken_event(rule)))
    yield _post("no JSON", KEY, b"{")


def _to_one_key() -> Iterator[Sent]:
    """What an intake that knows one key makes of it, and what is wrong with whole connections."""
    good = _good()
    yield _post("the key", KEY, good)
    yield _post("the same again", KEY, good)
    yield _post("another key", OTHER_KEY, good)
    yield _post("a short key", KEY[:-1], good)
    yield _post("too large", KEY, good.ljust(20 * 1024 + 1))
    whole = framed("POST", "/api/v1/lineage", _headers(KEY), good)
    yield Sent("cut short", (whole[:-10],), cut_short=True)
    yield Sent("no HTTP", (whole.replace(b"HTTP/1.1", b"HTTQ/1.1"),))
    yield Sent("no HTTP at all", (b"\x16\x03\x01 hello\r\n\r\n",))
    yield _post("large head", KEY, good, Baggage="x" * 70_000)
    yield Sent("in chunks", (_chunked(whole, good),))
    yield Sent("two lengths", (whole.replace(b"Content-Length:", b"Content-Length: 5\r\nContent-Length:"),))
    yield Sent("expects to be told", (framed("POST", "/api/v1/lineage", [*_headers(KEY), ("Expect", "x")], good),))
    for method in ("GET", "OPTIONS", "DELETE"):
        yield Sent(f"{method} on the endpoint", (framed(method, "/api/v1/lineage", _headers(KEY)),), method)


def _chunked(whole: bytes, body: bytes) -> bytes:
    head = whole[: -len(body)].replace(f"Content-Length: {len(body)}".encode(), b"Transfer-Encoding: chunked")
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _to_the_agent() -> Iterator[Sent]:
    path = "/openlineage/api/v1/lineage"
    yield _post("good", None, _good(), path)
    yield _post("with a key", OTHER_KEY, _good(), path, **{"User-Agent": "acme-etl/4.2.0"})
    yield _post("with a query", None, _good(), f"{path}?api-version=1&x=y", **{"Datadog-Container-ID": "0123abcd"})
    yield _post("elsewhere", None, _good(), "/v0.4/traces")._replace(on_record=False)
    yield _post("with an error", None, line(seeded("agent").broken_event("DD101")), path)
    yield _post("no JSON", None, b"{", path)


def _to_the_proxy() -> Iterator[Sent]:
    yield Sent("another host", (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",), "CONNECT")
    yield Sent("plain", (b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n",), "GET")


def _printed(intake: Served) -> str:
    """What serve printed until its end: each line that it has for an exchange, and the summary."""
    text = re.sub(r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "TIME", intake.end())
    return re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:PORT", text)
