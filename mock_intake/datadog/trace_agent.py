"""The other endpoints of the trace agent's port: what a traced producer talks to beside OpenLineage.

Source: the Agent's public code, and ddtrace 4.16 as measured. They are answered as the trace agent answers, so that a
tracer goes about its work; what it sends is read and thrown away. Pure: a method and a path in, an answer out.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from mock_intake.datadog.sites import AGENT_PATH


class TraceEndpoint(NamedTuple):
    """One endpoint: how ``/info`` lists it (None: not at all), which paths it is, and what it answers 200 with."""

    listed: str | None
    path: re.Pattern[str]
    content_type: str
    body: bytes


_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_RATES = b'{"rate_by_service":{"service:,env:":1}}\n'


def _of(pattern: str, content_type: str, body: bytes, listed: str | None = None) -> TraceEndpoint:
    return TraceEndpoint(listed, re.compile(pattern), content_type, body)


# Remote configuration (/v0.7/config) is not among them: a tracer asks for it only where /info lists it.
TRACE_ENDPOINTS = (
    _of(r"/v0\.[12]/(spans|services)", _TEXT, b"OK\n"),
    *(_of(rf"/v0\.{version}/services", _TEXT, b"OK\n") for version in (3, 4)),
    *(_of(rf"/v0\.{version}/traces", _TEXT, b"OK\n", f"/v0.{version}/traces") for version in (1, 2, 3)),
    *(_of(rf"/v0\.{version}/traces", _JSON, _RATES, f"/v0.{version}/traces") for version in (4, 5, 7)),
    _of(r"/v1\.0/traces", _JSON, _RATES),
    _of(r"/v0\.6/stats", _TEXT, b"", "/v0.6/stats"),
    _of(r"/v0\.1/pipeline_stats", _JSON, b"{}", "/v0.1/pipeline_stats"),
    _of(r"/telemetry/proxy/.*", _JSON, b'{"status":"ok"}', "/telemetry/proxy/"),
    _of(r"/profiling/v1/input", _JSON, b"{}", "/profiling/v1/input"),
    _of(r"/debugger/v\d+/(input|diagnostics)", _JSON, b"{}", "/debugger/v1/input"),
    _of(r"/symdb/v1/input", _JSON, b"{}", "/symdb/v1/input"),
    _of(r"/evp_proxy/v\d+/.*", _JSON, b"{}", "/evp_proxy/v4/"),
    _of(r"/dogstatsd/v\d+/proxy", _TEXT, b"", "/dogstatsd/v2/proxy"),
    _of(r"/tracer_flare/v1", _TEXT, b"", "/tracer_flare/v1"),
)
INFO = "/info"


class TraceAnswer(NamedTuple):
    """What is answered with 200, and as what the request is counted."""

    counted: str
    content_type: str
    body: bytes


def trace_answer(path: str, version: str, env: str) -> TraceAnswer | None:
    """The trace agent's answer to a path, whatever the method; None for what is none of its endpoints."""
    if path == INFO:
        return TraceAnswer(INFO, _JSON, _info(version, env))
    for each in TRACE_ENDPOINTS:
        if each.path.fullmatch(path):
            return TraceAnswer(each.listed or path, each.content_type, each.body)
    return None


def _info(version: str, env: str) -> bytes:
    """What the Agent tells of itself; tracers read from it which endpoints they may use."""
    info = {
        "version": version,
        "git_commit": "",
        "endpoints": [*(each.listed for each in TRACE_ENDPOINTS if each.listed), AGENT_PATH],
        "client_drop_p0s": True,
        "span_meta_structs": True,
        "long_running_spans": True,
        "config": {"default_env": env, "target_tps": 10, "max_eps": 200, "receiver_port": 8126},
    }
    return json.dumps(info).encode()
