"""Which request is meant for the intake, and why another one probably is not."""

from __future__ import annotations

from mock_intake.datadog import requests as rules
from mock_intake.datadog.sites import AGENT_PATH, INTAKE_PATH
from mock_intake.findings import Finding

BATCH_PATH = INTAKE_PATH + "/batch"
# What the Python client makes of a URL that ends in the endpoint: joining drops the last part of it.
_JOINED_TWICE = INTAKE_PATH.rpartition("/")[0] + INTAKE_PATH


def misdirected(path: str) -> Finding:
    """The finding for a request to a path that is not the intake's, with the likely cause."""
    cause, advice = likely_cause(path)
    return rules.ENDPOINT_UNKNOWN.found(
        "path",
        f"nothing takes events at {path}: {cause}",
        expected=INTAKE_PATH,
        actual=path,
        advice=advice,
    )


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


def wrong_method(method: str) -> Finding:
    return rules.METHOD_WRONG.found(
        "method", f"the intake takes POST, and this was {method}", expected="POST", actual=method
    )
