"""Requests to the control API and what their answers mean; who sends them is not known here."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NoReturn, NotRequired, TypeVar, cast, get_origin, get_type_hints
from urllib.parse import quote

import httpx

from mock_intake.body.parsing import dumps
from mock_intake.client.types import (
    Coverage,
    Dataset,
    Event,
    EventQuery,
    Exchange,
    Faults,
    FindingPage,
    Imported,
    Job,
    Lineage,
    Listing,
    OpenApi,
    Org,
    Run,
    State,
    Statistics,
    Status,
    Streamed,
    Waited,
    WholeEvent,
    WholeExchange,
    WholeRun,
)
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.faults import split_steps

PREFIX = "/api/mock/v1"
# A server answers a wait when its time is up; the client waits a little longer than that.
_EXTRA_SECONDS = 10.0
# A stream says something every 15 seconds, even if that is that there is nothing new.
_STREAM_TIMEOUT = 60.0
T = TypeVar("T")
Json = dict[str, Any]
Step = int | str | Mapping[str, Any]
# Methods of the clients that were there under another name.
RENAMED = {"end_faults": "clear_faults"}


def verification(url: str) -> ssl.SSLContext | bool:
    """What httpx is to verify the certificate of the server at ``url`` by (``verify=``): its own default for https.

    For http nothing is verified, and no redirect is followed to where something would be. So the certificates of
    authorities are not read, which takes 20 ms of processor time; if they were needed after all, none would be trusted.
    """
    return True if url.lower().startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ControlError(RuntimeError):
    """The control API refused, in its own words; or what answered is none, or nothing did.

    ``status_code`` is the answer's, 0 where there was none.
    """

    def __init__(self, message: str, status_code: int = 0) -> None:
        super().__init__(message)
        self.status_code = status_code


class WaitTimeoutError(ControlError):
    """What was waited for did not come in time (409); ``there`` says what is there instead."""

    def __init__(self, message: str, status_code: int, there: Waited) -> None:
        super().__init__(message, status_code)
        self.there = there


@dataclass(frozen=True)
class ControlRequest(Generic[T]):
    """A request to the control API, not sent yet; ``read`` takes what is asked for out of the answer's JSON.

    ``query`` leaves out what is None; ``timeout`` (seconds) is the client's own where None; ``media`` is the type that
    a good answer has, by which one of another server is known.
    """

    method: str
    path: str
    read: Callable[[Json], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    timeout: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"

    def to_httpx(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request as httpx sends it, for a ``client`` whose base URL is that of the control API."""
        timeout = httpx.USE_CLIENT_DEFAULT if self.timeout is None else self.timeout
        query = {name: value for name, value in self.query.items() if value is not None}
        headers = {"content-type": "application/json", **self.headers} if self.content is not None else self.headers
        return client.build_request(
            self.method, self.path, params=query, content=self.content, headers=dict(headers), timeout=timeout
        )

    def check(self, response: httpx.Response) -> None:
        """Raises what a bad ``response`` says: ``WaitTimeoutError`` of a wait, else ``ControlError``; its body has been
        read.
        """
        if not response.is_success:
            _refuse(response)
        if response.headers.get("content-type", "").partition(";")[0] != self.media:
            raise _strange(response)

    def answer(self, response: httpx.Response) -> T:
        """What a good ``response`` holds. Raises as ``check`` does, and ``ControlError`` for JSON that has another
        shape.
        """
        self.check(response)
        try:
            return self.read(_content(response))
        except (KeyError, TypeError, ValueError) as error:
            raise _strange(response) from error


def _content(response: httpx.Response) -> Json:
    try:
        content = response.json()
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}


def _refuse(response: httpx.Response) -> NoReturn:
    """Raises what an answer says that is no success; its body has been read."""
    content = _content(response)
    message = content.get("error")
    if not isinstance(message, str):
        raise _strange(response)
    if content.get("reached") is False:
        raise WaitTimeoutError(message, response.status_code, cast("Waited", content))
    raise ControlError(message, response.status_code)


def _strange(response: httpx.Response) -> ControlError:
    url = response.request.url
    return ControlError(
        f"{url.scheme}://{url.netloc.decode()} answered {response.status_code}, "
        "and not as the control API of a mock-intake does: is it one, of this version?",
        response.status_code,
    )


@contextmanager
def trouble(url: str) -> Iterator[None]:
    """Turns what httpx raises into ``ControlError``."""
    try:
        yield
    except httpx.InvalidURL as error:
        raise ControlError(f"{url} is no URL: {error}") from error
    except httpx.HTTPError as error:
        raise ControlError(f"{url} does not answer: {type(error).__name__}: {error}") from error


def server_url(url: str) -> str:
    """The server at ``url``, which may also be that of its intake or of its control API; without a slash at its end."""
    return url.rstrip("/").removesuffix(INTAKE_PATH).removesuffix(PREFIX).rstrip("/")


def headers_of(token: str | None) -> dict[str, str]:
    """The header for a control token, none without one. Raises ``ControlError`` for what no header can have."""
    token = (token or "").strip()
    if not token:
        return {}
    if not token.isascii() or not token.isprintable():
        # Whoever would refuse it later would show it.
        raise ControlError("The control token has characters that no header can have.")
    return {"authorization": f"Bearer {token}"}


def _not_required(shape: Any) -> set[str]:
    hints = get_type_hints(shape, include_extras=True)
    return {name for name, hint in hints.items() if get_origin(hint) is NotRequired}


def _shaped(shape: Any) -> Callable[[Json], Any]:
    """Takes an answer as it is if it has the fields of this type."""

    def read(content: Json) -> Any:
        missing = shape.__required_keys__ - content.keys()
        # Where annotations are not evaluated, fields that are not required count as required.
        if missing and (missing := missing - _not_required(shape)):
            raise KeyError(*missing)
        return content

    return read


def _id(identity: str) -> str:
    # Dots too: "." and ".." would be taken for directions.
    return quote(identity, safe="").replace(".", "%2E")


def _flag(value: bool) -> str | None:
    return "1" if value else None


def _page(
    name: str, query: Mapping[str, Any], limit: int | None, cursor: str | None, items: str | None = None
) -> ControlRequest[Listing[Any]]:
    return ControlRequest(
        "GET",
        f"/{name}",
        lambda content: Listing(list(content[items or name]), content["next"], content["dropped"]),
        {**query, "limit": limit, "cursor": cursor},
    )


def events(query: EventQuery | None, limit: int | None, cursor: str | None) -> ControlRequest[Listing[Event]]:
    """``GET /events``: a page of the events that were accepted, the latest received first."""
    return _page("events", query or {}, limit, cursor)


def event(event_id: str) -> ControlRequest[WholeEvent]:
    """``GET /events/ID``: one event with its body, parsed and as text."""
    return ControlRequest("GET", f"/events/{_id(event_id)}", _shaped(WholeEvent))


def exchanges(
    org: str | None,
    event_id: str | None,
    refused: bool,
    faulted: bool,
    body: bool,
    limit: int | None,
    cursor: str | None,
) -> ControlRequest[Listing[Exchange]]:
    """``GET /exchanges``: a page of the requests with what they were answered, newest first."""
    query = {
        "org": org,
        "event_id": event_id,
        "refused": _flag(refused),
        "faulted": _flag(faulted),
        "body": _flag(body),
    }
    return _page("exchanges", query, limit, cursor)


def exchange(exchange_id: str) -> ControlRequest[WholeExchange]:
    """``GET /exchanges/ID``: one exchange with its body, parsed and as received."""
    return ControlRequest("GET", f"/exchanges/{_id(exchange_id)}", _shaped(WholeExchange))


def runs(org: str | None, closed: bool, limit: int | None, cursor: str | None) -> ControlRequest[Listing[Run]]:
    """``GET /runs``: a page of the runs; ``closed`` judges them as if nothing more came."""
    return _page("runs", {"org": org, "closed": _flag(closed)}, limit, cursor)


def run(
    run_id: str, org: str | None, closed: bool, job_namespace: str | None, job_name: str | None
) -> ControlRequest[WholeRun]:
    """``GET /runs/ID``: one run with its findings; ``closed`` as for ``runs``. The job chooses among several runs."""
    query = {"org": org, "closed": _flag(closed), "job_namespace": job_namespace, "job_name": job_name}
    return ControlRequest("GET", f"/runs/{_id(run_id)}", _shaped(WholeRun), query)


def jobs(org: str | None, limit: int | None, cursor: str | None) -> ControlRequest[Listing[Job]]:
    """``GET /jobs``: a page of the jobs."""
    return _page("jobs", {"org": org}, limit, cursor)


def datasets(org: str | None, limit: int | None, cursor: str | None) -> ControlRequest[Listing[Dataset]]:
    """``GET /datasets``: a page of the datasets."""
    return _page("datasets", {"org": org}, limit, cursor)


def lineage(org: str | None) -> ControlRequest[Lineage]:
    """``GET /lineage``: nodes and edges, of jobs, datasets and columns."""
    return ControlRequest("GET", "/lineage", _shaped(Lineage), {"org": org})


def coverage(org: str | None, limit: int | None, cursor: str | None) -> ControlRequest[Listing[Coverage]]:
    """``GET /coverage``: a page of what the facets of each job produce at Datadog, and what they lack for it."""
    return _page("coverage", {"org": org}, limit, cursor, "jobs")


def findings(org: str | None, closed: bool, limit: int | None, cursor: str | None) -> ControlRequest[FindingPage]:
    """``GET /findings``: a page of all findings; ``closed`` adds those on what is missing."""
    query = {"org": org, "closed": _flag(closed), "limit": limit, "cursor": cursor}
    return ControlRequest("GET", "/findings", _shaped(FindingPage), query)


def orgs() -> ControlRequest[list[Org]]:
    """``GET /orgs``: the orgs on record."""
    return ControlRequest("GET", "/orgs", lambda content: list(content["orgs"]))


def statistics(org: str | None) -> ControlRequest[Statistics]:
    """``GET /statistics``: counts over the record."""
    return ControlRequest("GET", "/statistics", _shaped(Statistics), {"org": org})


def faults(org: str | None) -> ControlRequest[Faults]:
    """``GET /faults``: the fault plan and how far it has come."""
    return ControlRequest("GET", "/faults", _shaped(Faults), {"org": org})


def set_faults(
    sequence: str | Sequence[Step], delay: float, repeat_last: bool, org: str | None
) -> ControlRequest[Faults]:
    """``PUT /faults``: sets a plan; ``delay`` is in seconds. The server says what is wrong with it."""
    steps = split_steps(sequence) if isinstance(sequence, str) else list(sequence)
    plan = {"sequence": steps, "delay": delay, "repeat_last": repeat_last, "org": org}
    return ControlRequest("PUT", "/faults", _shaped(Faults), content=dumps(plan))


def clear_faults(org: str | None) -> ControlRequest[None]:
    """``DELETE /faults``: takes the plan of an org away, or the one for all."""
    return ControlRequest("DELETE", "/faults", lambda content: content["active"] and None, {"org": org})


def wait(
    events: int | None,
    org: str | None,
    job: str | None,
    run_id: str | None,
    state: State | None,
    event_type: str | None,
    status: Status | None,
    timeout: float,
) -> ControlRequest[Waited]:
    """``POST /wait``: answered once what is waited for is there, or the time (seconds) is up."""
    wanted = {
        "events": events,
        "org": org,
        "job": job,
        "run_id": run_id,
        "state": state,
        "event_type": event_type,
        "status": status,
        "timeout": timeout,
    }
    body = {name: value for name, value in wanted.items() if value is not None}
    return ControlRequest("POST", "/wait", _shaped(Waited), content=dumps(body), timeout=timeout + _EXTRA_SECONDS)


def forget(org: str | None) -> ControlRequest[int]:
    """``DELETE /exchanges``: takes them off the record; gives how many there were."""
    return ControlRequest("DELETE", "/exchanges", lambda content: int(content["forgotten"]), {"org": org})


def import_(lines: bytes) -> ControlRequest[Imported]:
    """``POST /import``: exchanges as NDJSON, as ``export`` gives them."""
    headers = {"content-type": "application/x-ndjson"}
    return ControlRequest("POST", "/import", _shaped(Imported), content=lines, headers=headers)


def openapi() -> ControlRequest[Json]:
    """``GET /openapi.json``: the control API's own description."""
    return ControlRequest("GET", "/openapi.json", _shaped(OpenApi))


def export(what: Literal["events", "exchanges"], org: str | None) -> ControlRequest[Json]:
    """``GET /export``: a line of NDJSON for each event or exchange, to be read as it comes."""
    return ControlRequest("GET", "/export", dict, {"what": what, "org": org}, media="application/x-ndjson")


def stream(org: str | None, after: str | None) -> ControlRequest[Json]:
    """``GET /stream``: server-sent events for new exchanges; ``after`` is the id of the last that was seen."""
    headers = {} if after is None else {"last-event-id": after}
    return ControlRequest(
        "GET", "/stream", dict, {"org": org}, headers=headers, timeout=_STREAM_TIMEOUT, media="text/event-stream"
    )


class Lines:
    """Cuts bytes into lines as they come in; at line feeds only, which JSON never has inside."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that the ``chunk`` completes, without their newlines; what is behind the last waits for the next
        chunk.
        """
        first, *more = chunk.split(b"\n")
        self._rest.append(first)
        for following in more:
            yield b"".join(self._rest)
            self._rest = [following]


class ServerSentEvents:
    """Reads a stream of server-sent events line by line."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def feed(self, line: bytes) -> Streamed | None:
        """What the ``line`` (without its newline) completes: an empty one ends an event; None in all other cases."""
        if line:
            name, _, value = line.decode().partition(":")
            self._fields[name] = value.removeprefix(" ")
            return None
        fields, self._fields = self._fields, {}
        match fields.get("event"):
            case "exchange":
                return Streamed(fields["id"], cast("Exchange", json.loads(fields["data"])))
            case "dropped":
                return Streamed("", None, int(json.loads(fields["data"])["dropped"]))
            case _:
                return None
