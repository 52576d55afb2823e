"""Advice in the language of the producer: what it speaks through is seen from what it sends, or how it is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath

from mock_intake.model.exchange import header
from mock_intake_conformance.observation import Observation


class Client(StrEnum):
    """What a producer speaks HTTP through."""

    CURL = "curl"
    PYTHON = "Python"
    NODE = "Node"
    JVM = "JVM"


class Topic(StrEnum):
    """What advice is about."""

    RETRY = "retry"
    RETRY_AFTER = "retry-after"
    SURVIVE = "survive"
    CLOSE = "close"
    GIVE_UP = "give-up"
    VERIFY = "verify"
    REDIRECT = "redirect"


_AGENTS = (
    (Client.CURL, re.compile(r"curl/")),
    (Client.PYTHON, re.compile(r"python|httpx|aiohttp", re.IGNORECASE)),
    (Client.NODE, re.compile(r"node|undici|axios|got", re.IGNORECASE)),
    (Client.JVM, re.compile(r"java|apache-httpclient|okhttp|jetty", re.IGNORECASE)),
)
_PROGRAMS = (
    (Client.CURL, re.compile(r"curl$")),
    (Client.PYTHON, re.compile(r"python[\d.]*$|dbt|.*\.py$")),
    (Client.NODE, re.compile(r"node$|npm$|npx$|.*\.m?[jt]s$")),
    (Client.JVM, re.compile(r"java$|spark-submit$|.*\.jar$|flink$")),
)
_C = Client
ADVICE: Mapping[Topic, Mapping[Client, str]] = {
    Topic.RETRY: {
        _C.CURL: "curl: --retry 5 --retry-all-errors --retry-max-time 30.",
        _C.PYTHON: "openlineage-python retries by itself unless the transport's retry is set otherwise; with requests, "
        "mount HTTPAdapter(max_retries=Retry(5, backoff_factor=0.3, status_forcelist=[500, 502, 503, 504], "
        "allowed_methods=None)).",
        _C.NODE: "fetch does not retry: send again on a rejected promise and on 500, 502, 503 and 504, a few times, "
        "with growing waits (setTimeout).",
        _C.JVM: "Allow POST to be sent again: Apache HttpClient retries idempotent methods only unless its "
        "HttpRequestRetryStrategy says otherwise; java.net.http.HttpClient does not retry.",
    },
    Topic.RETRY_AFTER: {
        _C.CURL: "curl: --retry 5 does it, and waits as long as Retry-After says.",
        _C.PYTHON: "Add 429 to status_forcelist of the transport's retry; urllib3's Retry obeys Retry-After itself.",
        _C.NODE: "On 429 wait as long as response.headers.get('retry-after') says, and send again.",
        _C.JVM: "Apache HttpClient's DefaultHttpRequestRetryStrategy obeys Retry-After on 429 and 503.",
    },
    Topic.SURVIVE: {
        _C.CURL: "curl: --max-time 10, and `|| echo 'lineage was lost' >&2` behind it, so that the script's exit code "
        "stays the job's.",
        _C.PYTHON: "Put try: ... except Exception: log.exception(...) around client.emit(); the transport's timeout "
        "(5 s) and retry bound how long it takes.",
        _C.NODE: "Catch what fetch rejects with; give it a time-out: fetch(url, {signal: AbortSignal.timeout(5000)}). "
        "An unhandled rejection ends the process.",
        _C.JVM: "Catch OpenLineageClientException around emit(); set transport.timeoutInMillis.",
    },
    Topic.CLOSE: {
        _C.CURL: "Put no & behind curl, or wait before the script ends. To --fail a redirect is a success: compare "
        "--write-out '%{http_code}' with 2xx.",
        _C.PYTHON: "Call client.close() in a finally block, also where the job fails: the asynchronous route sends in "
        "a thread, which the end of the process cuts off.",
        _C.NODE: "Await every request before process.exit(), or let the process end by itself.",
        _C.JVM: "Close the client (try-with-resources) before the JVM ends, or in a shutdown hook.",
    },
    Topic.GIVE_UP: {
        _C.CURL: "curl: --retry takes 408, 429 and 5xx only; leave out --retry-all-errors with --fail, or bound it by "
        "--retry 3.",
        _C.PYTHON: "Leave 4xx but 408 and 429 out of status_forcelist, and let backoff_factor grow the waits.",
        _C.NODE: "Send again on 408, 429 and 5xx only, at most five times, with growing waits.",
        _C.JVM: "Send again on 408, 429 and 5xx only, at most five times, with growing waits.",
    },
    Topic.VERIFY: {
        _C.CURL: "curl: no -k. Give the CA of a proxy by --cacert or CURL_CA_BUNDLE.",
        _C.PYTHON: "No verify=False. Give the CA of a proxy by REQUESTS_CA_BUNDLE (requests), SSL_CERT_FILE (httpx).",
        _C.NODE: "No rejectUnauthorized: false, no NODE_TLS_REJECT_UNAUTHORIZED=0. Give the CA of a proxy by "
        "NODE_EXTRA_CA_CERTS.",
        _C.JVM: "No TrustManager or HostnameVerifier that accepts all. Give the CA of a proxy by "
        "-Djavax.net.ssl.trustStore.",
    },
    Topic.REDIRECT: {
        _C.CURL: "curl: no --location-trusted; -L leaves the header out at another host.",
        _C.PYTHON: "Give the header to each request, not to a session whose redirects are rebuilt by hand; requests "
        "and httpx leave Authorization out at another host.",
        _C.NODE: "fetch(url, {redirect: 'error'}), or leave Authorization out when following by hand.",
        _C.JVM: "Switch off redirects for the lineage client: HttpClient.Redirect.NEVER, disableRedirectHandling().",
    },
}


def client_of(healthy: Observation) -> Client | None:
    """What a producer speaks through: by its User-Agent, else by its command; None where neither tells."""
    for exchange in healthy.exchanges:
        agent = header(exchange.request.headers, "user-agent") or ""
        for client, pattern in _AGENTS:
            if pattern.search(agent):
                return client
    for word in healthy.command:
        name = PurePath(word).name
        for client, pattern in _PROGRAMS:
            if pattern.match(name):
                return client
    return None


def in_language(topic: Topic | None, client: Client | None) -> str:
    """The advice for a client on a topic; empty where there is none but the case's own."""
    return ADVICE[topic][client] if topic is not None and client is not None else ""
