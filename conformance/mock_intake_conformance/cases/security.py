"""Security: the key stays between the producer and the intake, and the intake is who it says."""

from __future__ import annotations

from collections.abc import Callable

from mock_intake.datadog.sources import API_KEYS, CUSTOM_JOBS
from mock_intake.model.exchange import Exchange, header
from mock_intake.model.findings import Finding
from mock_intake.report.suite import Requirement
from mock_intake.server.http.tls import Flaw
from mock_intake_conformance.cases.advice import Topic
from mock_intake_conformance.cases.judging import (
    ASSUMED,
    DOCUMENTED,
    HTTP_SEMANTICS,
    MUST,
    Case,
    Judgement,
    count,
    errored,
    failed,
    no_evidence,
    passed,
)
from mock_intake_conformance.observation import Observation, Observations
from mock_intake_conformance.scenarios import HEALTHY, REDIRECT, SCENARIOS, TLS

_IN_URL_OR_BODY = ("HT006", "HT007")
_EVERYWHERE = tuple(scenario.id for scenario in SCENARIOS.values() if not scenario.slow)


def _no_key_printed(seen: Observations) -> Judgement:
    leaks = [f"{name}, {leak}" for name, here in seen.items() for leak in here.outcome.leaks]
    if leaks:
        where = sorted({name for name, here in seen.items() if here.outcome.leaks})
        return failed(f"the key stands in the output of {count(len(where), 'scenario')}: {', '.join(where)}", *leaks)
    return passed(f"the key stands in no output ({count(len(seen), 'scenario')})")


def _no_key_in_url_or_body(seen: Observations) -> Judgement:
    if not any(here.exchanges for here in seen.values()):
        return no_evidence("No request arrived.")
    lines: list[str] = []
    findings: dict[str, Finding] = {}
    for name, here in seen.items():
        for exchange in here.exchanges:
            found = {finding.code: finding for finding in exchange.findings if _tells(finding.code, finding.pointer)}
            findings |= found
            url = f"{exchange.request.path}?{exchange.request.query}"
            # Where no rule looks, the mask of our own key tells that it stood there.
            if not found and here.key_mask in url:
                lines.append(f"{name}: the key stands in {url}")
    if lines or findings:
        return failed("the key stands in a URL or in a body", *dict.fromkeys(lines), findings=findings.values())
    return passed("the key stands in the Authorization header only")


def _tells(code: str, pointer: str) -> bool:
    return code in _IN_URL_OR_BODY or (code == "HT003" and pointer.startswith("query:"))


def _refuses(flaw: Flaw, what: str) -> Callable[[Observations], Judgement]:
    def judge(seen: Observations) -> Judgement:
        here = seen[f"tls-{flaw}"]
        if here.exchanges:
            lines = [f"{exchange.request.method} {exchange.request.path}" for exchange in here.exchanges]
            return failed(f"{count(len(here.exchanges), 'request')} sent over a connection with {what}", *lines)
        if flaw == "untrusted" and here.handshakes_refused:
            return passed(_refused(here))
        if not seen[TLS].taken:
            # The refusal may be of all certificates of ours, for all we know.
            return no_evidence(
                "It sends nothing over https with a certificate that is right either: it takes its CA from none of "
                "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and JAVA_TOOL_OPTIONS, or "
                "speaks no https."
            )
        return passed(_refused(here))

    return judge


def _refused(here: Observation) -> str:
    if not here.handshakes_refused:
        # With TLS 1.3 a client may end the handshake, and then the connection.
        return "nothing was sent over the connection"
    return f"nothing was sent; {count(here.handshakes_refused, 'handshake')} broken off"


def _leaves_key_at_home(seen: Observations) -> Judgement:
    here = seen[REDIRECT]
    if not any(exchange.fault == "redirect" for exchange in here.exchanges):
        return errored("no request was redirected: none came")
    followed = here.elsewhere
    if not followed:
        return passed("the redirect is not followed")
    keyed = [exchange for exchange in followed if _has_key(exchange, here.key_mask)]
    if keyed:
        return failed(f"{count(len(keyed), 'request')} brought the key to another origin")
    return passed(f"{count(len(followed), 'request')} followed the redirect without the key")


def _has_key(exchange: Exchange, key_mask: str) -> bool:
    request = exchange.request
    if header(request.headers, "authorization") is not None:
        return True
    if any(finding.code in ("HT003", *_IN_URL_OR_BODY) for finding in exchange.findings):
        return True
    return any(key_mask in text for text in (request.path, request.query, *(value for _, value in request.headers)))


def _tls(flaw: Flaw, title: str, what: str, because: str) -> Case:
    return Case(
        Requirement(
            f"security/tls-{flaw}", title, MUST,
            f"With {what} the connection is ended before anything is sent.",
            because,
            "Leave verification on: verify=False, curl -k, rejectUnauthorized: false and their like do not belong into "
            "production. Give the CA of a proxy by REQUESTS_CA_BUNDLE or SSL_CERT_FILE.",
            f"{HTTP_SEMANTICS}#section-4.3.4", DOCUMENTED, (f"tls-{flaw}", TLS),
        ),
        _refuses(flaw, what),
        topic=Topic.VERIFY,
    )  # fmt: skip


CASES = (
    Case(
        Requirement(
            "security/key-not-printed", "The key is in no output", MUST,
            "The API key stands in nothing that the job prints, with debug logging on and whatever the intake does: "
            "not as it is, escaped, percent-encoded or in base64.",
            "Logs are kept, shipped and read by many; a key that was logged once has to be replaced.",
            "Log neither headers nor configurations whole; look at what an exception's text quotes.",
            API_KEYS, ASSUMED, _EVERYWHERE,
        ),
        _no_key_printed,
        partial=True,
    ),
    Case(
        Requirement(
            "security/key-not-in-url-or-body", "The key is in no URL and in no body", MUST,
            "The API key stands in the Authorization header and nowhere else of a request.",
            "URLs are logged by every proxy on the way; events are shown to everybody with access to the product.",
            "Take it out of the URL; find what puts it into the event (environment variables, arguments, SQL).",
            CUSTOM_JOBS, ASSUMED, (HEALTHY,),
        ),
        _no_key_in_url_or_body,
    ),
    _tls(
        "untrusted", "A certificate that nobody trusts is refused", "a certificate of an unknown authority",
        "Whoever sits on the way could read key and events.",
    ),
    _tls(
        "expired", "A certificate that has expired is refused", "an expired certificate",
        "A check that lets one flaw through is often switched off altogether.",
    ),
    _tls(
        "wrong-host", "A certificate for another host is refused", "a certificate for another host",
        "Anybody can have a valid certificate for a host of their own.",
    ),
    Case(
        Requirement(
            "security/redirect-without-key", "A redirect does not take the key along", MUST,
            "A redirect to another origin is not followed, or followed without the key.",
            "An open redirect, or a captive portal, would hand the key to whoever it points to.",
            "Don't set the header by hand on every request of a client that follows redirects; curl: no "
            "--location-trusted.",
            f"{HTTP_SEMANTICS}#section-15.4", DOCUMENTED, (REDIRECT,),
        ),
        _leaves_key_at_home,
        topic=Topic.REDIRECT,
    ),
)  # fmt: skip
