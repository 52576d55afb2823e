"""The situations that clients are measured in: what the intake does, how the client is set up and ends. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_intake.datadog.sites import INTAKE_PATH

# The Python client's own time-out, and what a retry of an unanswered request waits for at most.
DEFAULT_TIMEOUT = 5.0
# In plans: where a redirect leads, to be replaced by the URLs of the servers.
HERE = "http://this-intake"
ELSEWHERE = "http://another-origin"

HTTP, SYNC, ASYNC = "HTTP transport", "Datadog transport, sync route", "Datadog transport, async route"
PYTHON_CLIENTS = {HTTP: "http", SYNC: "datadog", ASYNC: "async"}
CURLS: Mapping[str, tuple[str, ...]] = {
    "curl": (),
    "curl --retry 3": ("--retry", "3"),
    "curl --fail --retry 3 --retry-all-errors": ("--fail", "--retry", "3", "--retry-all-errors"),
}
CLIENTS = (*CURLS, *PYTHON_CLIENTS)

# That case fails nobody: no intake has a reason to answer a POST so.
_LED_AWAY = "resilience/3xx-not-in-silence"

# Read as numbers by what reads everything as JSON: a key may be of digits alone, or of digits with an e among them.
DIGITS = "12345678901234567890123456789012"
EXPONENT = "123456789012345678901234567890e1"


@dataclass(frozen=True)
class Situation:
    """One row: a name, and what makes it.

    ``sequence`` and ``repeat_last`` are a fault plan of an org of its own. ``timeout`` is how long clients are told to
    wait for an answer, ``patience`` how long they are given altogether (both in seconds). ``does`` names what the
    program does (``program.py``): of anything but "sends_one" there is no row for curl. ``clients`` are the clients
    that it is about. ``key`` is a key to be used in place of a random one. ``files`` lie in the working directory,
    which is also the home; HERE and ELSEWHERE in them, and in ``environment``, are replaced, and so is ``{key}``.
    ``found_by`` is the case of the suite that finds a producer which loses its events so, and says nothing.
    ``refused`` leads it to a port where nobody listens, ``cuts_head`` has the first answer end within its head.
    """

    name: str
    sequence: tuple[Any, ...] = ()
    repeat_last: bool = False
    timeout: float = DEFAULT_TIMEOUT
    patience: float = 60.0
    does: str = "sends_one"
    clients: Sequence[str] = CLIENTS
    key: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False
    cuts_head: bool = False
    explained: str = ""
    found_by: str = "resilience/not-lost-in-silence"

    @property
    def plan(self) -> dict[str, Any]:
        always = {"repeat_last": True} if self.repeat_last else {}
        return {"sequence": list(self.sequence), **always}

    @property
    def of_curl(self) -> bool:
        return self.does == "sends_one"


def _status(status: int, **headers: str) -> dict[str, Any]:
    return {"step": status, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}


def _redirect(origin: str) -> dict[str, Any]:
    return {"step": "redirect", "location": origin + INTAKE_PATH}


def _moved(status: int) -> Situation:
    location = _status(status, Location=HERE + INTAKE_PATH)
    return Situation(f"{status} to this origin, once", (location,), found_by=_LED_AWAY)


FAULTS = (
    Situation("500 once", (500,)),
    Situation("502 once", (502,)),
    Situation("503 once", (503,)),
    Situation("504 once", (504,)),
    Situation("503 with Retry-After: 1, once", (_status(503, Retry_After="1"),)),
    Situation("503 with Retry-After: 3600, once", (_status(503, Retry_After="3600"),), patience=20),
    Situation("503 with Retry-After: soon, once", (_status(503, Retry_After="soon"),)),
    Situation("503 always", (503,), repeat_last=True),
    Situation("429 once", (429,)),
    Situation("429 with Retry-After: 1, once", (_status(429, Retry_After="1"),)),
    Situation("429 with Retry-After: 3600, once", (_status(429, Retry_After="3600"),), patience=20),
    Situation("429 with Retry-After: soon, once", (_status(429, Retry_After="soon"),)),
    Situation("400 once", (400,)),
    Situation("403 once", (403,)),
    Situation("413 once", (413,)),
    Situation("close once", ("close",)),
    Situation("close always", ("close",), repeat_last=True),
    Situation("reset once", ("reset",)),
    Situation("lost once", ("lost",)),
    Situation("truncate once", ("truncate",)),
    Situation("head cut short, once", cuts_head=True),
    Situation("drip once", ("drip",)),
    Situation("garbage once", ("garbage",)),
    _moved(301),
    _moved(302),
    _moved(303),
    Situation("redirect to this origin, once", (_redirect(HERE),)),
    _moved(308),
    Situation("304 once", (304,), found_by=_LED_AWAY),
    Situation("redirect to another origin, once", (_redirect(ELSEWHERE),)),
    Situation("hang once", ("hang",), timeout=3),
    # Short, as clients that send again six times would otherwise take 40 seconds to give up.
    Situation("hang always", ("hang",), repeat_last=True, timeout=0.3),
    Situation("answer late, in time", ({"step": 202, "delay": 1},)),
    Situation("answer too late, once", ({"step": 202, "delay": 5},), timeout=3),
    Situation("answer too late, always", ({"step": 202, "delay": 0.5},), repeat_last=True, timeout=0.3),
    Situation("connections refused", refused=True, patience=40),
)
"""What the intake does: each with every client."""

_PYTHON = (*PYTHON_CLIENTS,)
_OWN = (HTTP, SYNC)
_FILE = f"""\
transport: {{type: http, url: {ELSEWHERE}, endpoint: api/v1/lineage, auth: {{type: api_key, api_key: "{{key}}"}}}}
"""
_NETRC = "machine 127.0.0.1 login somebody password else\n"

CIRCUMSTANCES = (
    Situation(
        "the process ends without close()", does="ends_at_once", clients=_PYTHON,
        explained="START and COMPLETE are emitted, and the program is over; answers take half a second.",
        sequence=({"step": 202, "delay": 0.5},), repeat_last=True,
    ),
    Situation(
        "the process ends without close(), 10 s later", does="ends_after_a_pause", clients=_PYTHON,
        explained="The same, with 10 s of other work before the end.",
        sequence=({"step": 202, "delay": 0.5},), repeat_last=True,
    ),
    Situation(
        "the process forks after the first event", does="forks", clients=_PYTHON,
        explained="START is emitted before fork(), COMPLETE by the child with the same client; both close it.",
        patience=40,
    ),
    Situation(
        "the key ends with a line break", does="sends_one_with_a_line_break", clients=_PYTHON,
        explained="As of a file that was read whole.", found_by="delivery/reaches-the-endpoint",
    ),
    Situation(
        "the key in a custom header, debug logging", does="sends_one_with_a_header", clients=(HTTP,),
        explained="`custom_headers` has the key, the root logger is set to DEBUG.",
    ),
    Situation(
        "debug logging", does="sends_one_debugging", clients=_PYTHON, explained="The root logger is set to DEBUG.",
    ),
    Situation(
        "a ~/.netrc for the intake's host", clients=_PYTHON, does="sends_one_from_home",
        files={".netrc": _NETRC}, explained="Somebody's login and password, for another purpose.",
    ),
    Situation(
        "arguments against openlineage.yml", clients=_OWN, does="is_made_by_arguments",
        files={"openlineage.yml": _FILE},
        explained="The file leads to another origin, the arguments (`url=` and `options=`; `config=`) lead here.",
        found_by="delivery/reaches-the-endpoint",
    ),
    Situation(
        "no configuration at all", clients=(HTTP,), does="is_made_of_nothing",
        explained="`OpenLineageClient()`, and neither a variable nor a file.",
        found_by="delivery/reaches-the-endpoint",
    ),
    Situation(
        "a key of digits, by variables", clients=_PYTHON, does="is_made_by_variables", key=DIGITS,
        explained=f"Such as {DIGITS[:8]}...",
    ),
    Situation(
        "a key of digits and one e, by variables", clients=_PYTHON, does="is_made_by_variables", key=EXPONENT,
        explained="Read as a number, it is one with an exponent.", found_by="delivery/bearer-key",
    ),
    Situation(
        "both legs of a composite down", clients=_PYTHON, does="is_a_composite", refused=True, patience=45,
        explained="Two transports of this kind below `composite`, both to ports where nobody listens.",
    ),
)  # fmt: skip
"""How the client is set up, and how its process ends: each with the Python clients that it is about."""

SITUATIONS = (*FAULTS, *CIRCUMSTANCES)
