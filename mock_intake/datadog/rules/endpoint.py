"""How the intake is addressed: by a path, a method, through an Agent or a proxy (HT301 to HT306)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mock_intake.body.mixed import is_part_of_request
from mock_intake.datadog.sites import AGENT_PATH, INTAKE_HOSTS, INTAKE_PATH
from mock_intake.datadog.sources import AGENT_PROXY, ASSUMPTIONS, CUSTOM_JOBS
from mock_intake.datadog.unreadable import FORKED
from mock_intake.model.exchange import ReceivedRequest
from mock_intake.model.words import counted
from mock_intake.rules import Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.definition import Stage, either
from mock_intake.secrets.api_keys import credentials
from mock_intake.secrets.quoting import quoted

BATCH_PATH = INTAKE_PATH + "/batch"
# What the Python client makes of a URL that ends in the endpoint: joining drops the last part of it.
_JOINED_TWICE = INTAKE_PATH.rpartition("/")[0] + INTAKE_PATH
HTTPS = 443
_HTTP_2_BEGINS = b"PRI * HTTP/2"
_TLS_BEGINS = b"\x16\x03"


class Astray(NamedTuple):
    """A path at which nothing takes events: of the intake, or of the Agent's port.

    ``probing`` is a request that carries nothing, neither key nor body, and only asks (GET or HEAD).
    """

    path: str
    at_agent: bool = False
    probing: bool = False


class NotForProxy(NamedTuple):
    """What a forward proxy cannot read as a request: what it is, and what to do about it."""

    message: str
    advice: str | None


class ProxyRequest(NamedTuple):
    """What a client asked of the forward proxy: ``target`` as it is shown, ``host`` as it was looked up."""

    method: str
    target: str
    host: str


class Outside(NamedTuple):
    """A host of Datadog's that a producer tried to reach, and whether it is a real intake."""

    host: str
    port: int
    is_intake: bool


WRONG_PATH: Stage[Astray] = Stage("a request to a path that is not the intake's", "request")
WRONG_METHOD: Stage[str] = Stage("a request with another method than POST", "request")
NOT_HTTP: Stage[ReceivedRequest] = Stage("bytes that are no HTTP request", "request")
NOT_FOR_PROXY: Stage[NotForProxy] = Stage("bytes that ask nothing of a proxy", "request")
AGENT_OFF: Stage[str] = Stage("a request to an Agent whose forwarder is off, for this reason", "request")
PROXY_REFUSES: Stage[ProxyRequest] = Stage("a request to the proxy that leads elsewhere", "request")
REAL_SITE_REACHED: Stage[Outside] = Stage("a connection past the intake to Datadog, which was stopped", "request")


@rule(
    "HT301",
    "endpoint-unknown",
    severity=Severity.ERROR,
    requirement="Events go to /api/v1/lineage.",
    because="Nothing else of the host takes events. A GET or HEAD that has neither key nor body, as health checks send "
    "it, is no more than an info on a path that is no endpoint's.",
    advice="Let the URL be https://data-obs-intake.<site> and the endpoint api/v1/lineage.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=WRONG_PATH,
    trigger={"path": INTAKE_PATH + "/"},
    neighbour={"path": INTAKE_PATH},
)
def endpoint_unknown(rule: Rule, astray: Astray) -> Iterator[Finding]:
    path = astray.path
    shown = quoted(path)
    if astray.probing and not _is_near(path):
        yield rule.found(
            "path",
            f"nothing takes events at {shown}; it looks like a probe, for it has neither key nor body",
            expected=AGENT_PATH if astray.at_agent else INTAKE_PATH,
            actual=shown,
            severity=Severity.INFO,
            advice="Nothing to do for a health check or a scraper; the intake has /healthz for them.",
        )
        return
    if astray.at_agent:
        yield rule.found(
            "path",
            f"the Agent takes no events at {shown}: {_cause_at_agent(path)}",
            expected=AGENT_PATH,
            actual=shown,
            advice=f"Set OPENLINEAGE_URL to the Agent's address and OPENLINEAGE_ENDPOINT to {AGENT_PATH.lstrip('/')}.",
        )
        return
    cause, advice = likely_cause(path)
    yield rule.found(
        "path", f"nothing takes events at {shown}: {cause}", expected=INTAKE_PATH, actual=shown, advice=advice
    )


@rule(
    "HT302",
    "method-wrong",
    severity=Severity.ERROR,
    requirement="Events are sent with POST.",
    because="Other methods carry no event.",
    advice="Use POST. After a redirect clients turn POST into GET: check the URL for a missing https or a slash too "
    "many.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=WRONG_METHOD,
    trigger={"method": "PUT"},
    neighbour={"method": "POST"},
)
def method_wrong(rule: Rule, method: str) -> Iterator[Finding]:
    yield rule.found("method", f"the intake takes POST, and this was {method}", expected="POST", actual=method)


@rule(
    "HT303",
    "not-http",
    severity=Severity.ERROR,
    requirement="The intake speaks HTTP.",
    because="Bytes that are no HTTP request cannot be answered in a way that a client understands.",
    advice="Look at the URL's scheme and port, and at header values with line breaks in them.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=either(NOT_HTTP, NOT_FOR_PROXY),
    trigger={"request line": f"POST {INTAKE_PATH} HTTQ/1.1"},
    neighbour={"request line": f"POST {INTAKE_PATH} HTTP/1.1"},
)
def not_http(rule: Rule, received: ReceivedRequest | NotForProxy) -> Iterator[Finding]:
    if isinstance(received, NotForProxy):
        yield rule.found(
            "request",
            received.message,
            expected=f"CONNECT {min(INTAKE_HOSTS)}:{HTTPS} HTTP/1.1",
            actual="something else",
            advice=received.advice,
        )
        return
    advice, what = None, ""
    if received.body.startswith(_TLS_BEGINS):
        advice = "This is TLS: the producer speaks https to a port that speaks http. Let the URL begin with http://."
        what = ", but the beginning of a TLS connection"
    elif received.body.startswith(_HTTP_2_BEGINS):
        advice = (
            "This is HTTP/2 without an upgrade. Let the client speak HTTP/1.1: curl --http1.1, httpx without http2, "
            "Java's HttpClient with version(HTTP_1_1). Whether Datadog's intake takes HTTP/2 is not documented."
        )
        what = ", but the preface of HTTP/2"
    elif is_part_of_request(received.body):
        advice, what = f"{FORKED} Or the Content-Length before it was too small.", ", but a part of one"
    yield rule.found(
        "request",
        f"what was received is no HTTP request{what}",
        expected="an HTTP/1.1 request",
        actual=f"{counted(received.wire_size, 'byte')} that begin {received.body[:12]!r}",
        advice=advice,
    )


@rule(
    "HT304",
    "agent-forwarder-off",
    severity=Severity.ERROR,
    requirement="The Agent's OpenLineage proxy is switched on, and its URL can be read.",
    because="The Agent answers 500 to every event, and clients try again in vain.",
    advice="Let ol_proxy_config.enabled be true (DD_OL_PROXY_CONFIG_ENABLED), and dd_url a site or a URL; the key is "
    "the Agent's own unless ol_proxy_config.api_key is another.",
    source=AGENT_PROXY,
    sureness=Sureness.SOURCE,
    when=AGENT_OFF,
    trigger={"agent:enabled": False},
    neighbour={"agent:enabled": True},
)
def agent_forwarder_off(rule: Rule, reason: str) -> Iterator[Finding]:
    yield rule.found("request", reason, expected="a forwarder that is on", actual=reason)


@rule(
    "HT305",
    "proxy-destination-refused",
    severity=Severity.ERROR,
    requirement="Through the forward proxy only Datadog's intakes are reached.",
    because="A test that reaches other hosts is no test of its own; what the producer wanted there is worth knowing.",
    advice="Allow the host with --proxy-allow HOST if the producer rightly needs it, or name it in NO_PROXY.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=PROXY_REFUSES,
    trigger={"request line": "CONNECT api.datadoghq.com:443 HTTP/1.1"},
    neighbour={"request line": "CONNECT data-obs-intake.datadoghq.com:443 HTTP/1.1"},
)
def proxy_destination_refused(rule: Rule, request: ProxyRequest) -> Iterator[Finding]:
    method, target, host = quoted(request.method), quoted(request.target), request.host
    expected = f"CONNECT to one of the intakes, such as {min(INTAKE_HOSTS)}:{HTTPS}"
    if method != "CONNECT":
        advice = None
        if host in INTAKE_HOSTS:
            advice = f"Let the producer's URL begin with https://, and end after the host ({INTAKE_PATH} is added)."
        yield rule.found(
            "request",
            f"the proxy was asked for {target} in plain http; it lets through https only (CONNECT)",
            expected=expected,
            actual=f"{method} {target}",
            advice=advice,
        )
        return
    why = f": an intake listens on port {HTTPS} only" if host in INTAKE_HOSTS else ""
    yield rule.found("request", f"the proxy lets nobody through to {target}{why}", expected=expected, actual=target)


@rule(
    "HT306",
    "real-site-reached",
    severity=Severity.ERROR,
    requirement="A producer under test reaches no real Datadog intake.",
    because="A test must not write into production; and what goes there is missing here.",
    advice="Its transport is set to the real site, in its code or by a file of its own: use the path intercept, which "
    "keeps the site and leads it here, or let it take its address from the environment.",
    source=ASSUMPTIONS,
    sureness=Sureness.ASSUMED,
    when=REAL_SITE_REACHED,
    trigger={"connects to": "data-obs-intake.datadoghq.com"},
    neighbour={"connects to": "http-intake.logs.datadoghq.com"},
)
def real_site_reached(rule: Rule, outside: Outside) -> Iterator[Finding]:
    host = quoted(outside.host)
    what = "the real intake" if outside.is_intake else "a host of Datadog's"
    rightly = 'Let guard be "intake" in [tool.mock-intake] if the producer rightly needs it.'
    yield rule.found(
        "request",
        f"the producer connects to {host}, {what}; it was stopped",
        expected="connections to the intake under test alone",
        actual=f"{host}:{outside.port}",
        advice=None if outside.is_intake else rightly,
    )


def is_probe(request: ReceivedRequest) -> bool:
    """Whether a request only asks for something: a health check's, a scraper's or a browser's."""
    return (
        request.method in ("GET", "HEAD") and not request.wire_size and not credentials(request.headers, request.query)
    )


def _is_near(path: str) -> bool:
    """Whether a path may be meant for an endpoint: a GET there may be what a redirect has left of a POST."""
    return "lineage" in path.lower() or path.lower().startswith("/api/v1")


def _cause_at_agent(path: str) -> str:
    if path.rstrip("/") == INTAKE_PATH:
        return "this is the intake's endpoint, and the Agent was reached"
    if path.rstrip("/") == AGENT_PATH:
        return "a slash too many at the end"
    return "it is no path of the Agent's OpenLineage proxy"


def likely_cause(path: str) -> tuple[str, str]:
    """Why a producer would send to this path, and what to set instead."""
    squeezed = "/" + "/".join(part for part in path.split("/") if part)
    if squeezed == "/":
        return (
            "the endpoint is missing from the URL",
            f"Let the URL end in {INTAKE_PATH}; clients add it by themselves unless endpoint was set to nothing.",
        )
    if squeezed == INTAKE_PATH:
        extra = "a slash too many at the end" if path.endswith("/") else "a slash too many"
        return extra, f"Write {INTAKE_PATH}, without the extra slash."
    if squeezed == AGENT_PATH:
        return (
            "this is the Datadog Agent's endpoint, and the intake was reached directly",
            f"Set OPENLINEAGE_ENDPOINT to {INTAKE_PATH.lstrip('/')} (or unset it), or send to the Agent's port.",
        )
    if squeezed.count(INTAKE_PATH) > 1 or squeezed.endswith(_JOINED_TWICE):
        return (
            "the endpoint is doubled: it stands in the URL and is added by the client once more",
            "Let the URL end after the host name.",
        )
    if squeezed == BATCH_PATH:
        return (
            "this is the batch endpoint of the standard's API, which Datadog does not document",
            f"Send the events one by one to {INTAKE_PATH}.",
        )
    if squeezed.lower() == INTAKE_PATH:
        return "paths are case-sensitive", f"Write {INTAKE_PATH}."
    if squeezed.endswith(INTAKE_PATH):
        return (
            "the URL has a path of its own before the endpoint",
            "Let the URL end after the host name; a client joins the rest of it with the endpoint.",
        )
    if squeezed.startswith(INTAKE_PATH + "/"):
        return "something follows the endpoint", f"Let the URL end in {INTAKE_PATH}."
    if squeezed.endswith("/lineage") or squeezed in ("/api/v1", "/api"):
        return "the path is close to the endpoint, and not the endpoint", f"Write {INTAKE_PATH}."
    return "it is no path of the intake", f"Events go to {INTAKE_PATH}."
