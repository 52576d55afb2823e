"""The pages as one ASGI app: which address shows what, who may see it, and what is sent along with every page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_intake import __version__
from mock_intake.body.room import BusyError, Large
from mock_intake.journal.protocol import JournalError
from mock_intake.model.words import counted
from mock_intake.web import differences, events, exchanges, lineage, rendering, runs
from mock_intake.web import faults as faulting
from mock_intake.web import rules as catalogue
from mock_intake.web import ways_in as greeting
from mock_intake.web.guard import Guard, Maker
from mock_intake.web.query import BadQueryError, NotHereError, NotReadYetError, PageContent, PageQuery, address
from mock_intake.web.sources import Sources

HOME = "/mock/events"
LOGIN = "/mock/login"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # With less, browsers would not say where a form comes from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_MAX_FORM = 64 * 1024

# What is large, a handler gives to be made once there is room.
Handler = Callable[[PageQuery], PageContent | Response | Large[PageContent | Response]]


@dataclass(frozen=True)
class Page:
    """What shows one address; ``title`` of those that the navigation leads to.

    ``of_one_org``: it shows one org or another, never all of them together. ``parameters`` are those that it takes
    beside ``org``.
    """

    method: str
    path: str
    handler: Handler
    title: str = ""
    of_one_org: bool = False
    parameters: tuple[str, ...] = ()

    def unknown(self, parameters: Mapping[str, str]) -> str | None:
        """What is wrong with the names of these parameters, as the API says it; None where nothing is."""
        known = {*self.parameters, "org"}
        name = next((name for name in parameters if name not in known), None)
        if name is None:
            return None
        return f"There is no parameter {name[:30]!r} here; there are: {', '.join(sorted(known))}."

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        if (method if method != "HEAD" else "GET") != self.method:
            return None
        found = self._pattern.match(path)
        return None if found is None else found.groupdict()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return compile_path(self.path)[0]


def _home(_query: PageQuery) -> Response:
    return RedirectResponse(HOME, 303)


_OF_EVENTS = ("status", "kind", "event_type", "job_namespace", "job_name", "run_id", "rule", "text", "cursor", "looked")
_OF_LINEAGE = ("type", "namespace", "name", "depth", "text", "within", "job", "each")
PAGES: tuple[Page, ...] = (
    Page("GET", "/mock", _home),
    Page("GET", "/mock/", _home),
    Page("GET", HOME, events.listing, "Events", parameters=_OF_EVENTS),
    Page("GET", "/mock/events/{id}", events.one, parameters=("as_received",)),
    Page("GET", "/mock/events/{id}/body", events.body, parameters=("as_received",)),
    Page("GET", "/mock/events/{id}/changes", differences.changes, parameters=("since",)),
    Page(
        "GET", "/mock/runs", runs.listing, "Runs", parameters=("state", "job_namespace", "job_name", "rule", "cursor")
    ),
    Page("GET", "/mock/run", runs.one, parameters=("id", "job_namespace", "job_name")),
    Page("GET", "/mock/lineage", lineage.graph, "Lineage", of_one_org=True, parameters=_OF_LINEAGE),
    Page("GET", "/mock/dataset", lineage.dataset, parameters=("namespace", "name")),
    Page("GET", "/mock/job", lineage.job, parameters=("namespace", "name")),
    Page(
        "GET",
        "/mock/exchanges",
        exchanges.listing,
        "Exchanges",
        parameters=("outcome", "text", "event_id", "cursor", "looked"),
    ),
    Page("GET", "/mock/exchanges/{id}", exchanges.one, parameters=("as_received",)),
    Page("GET", "/mock/exchanges/{id}/body", exchanges.body, parameters=("as_received",)),
    Page("GET", "/mock/rules", catalogue.rules, "Rules", parameters=("show", "text")),
    Page("GET", "/mock/coverage", catalogue.coverage, "Coverage", parameters=("job_name", "cursor")),
    Page("GET", "/mock/faults", faulting.show, "Faults"),
    Page("POST", "/mock/faults", faulting.change),
    Page("POST", "/mock/clear", events.clear),
    Page("GET", "/mock/start", greeting.start, "Send events"),
)
_NAVIGATION = tuple((page.path, page.title) for page in PAGES if page.title)
_OF_ONE_ORG = frozenset(page.path for page in PAGES if page.of_one_org)


class Pages:
    """The pages over one record. What is not theirs goes ``elsewhere``: to the intake, which puts it on record."""

    def __init__(self, sources: Sources, guard: Guard, maker: Maker, elsewhere: ASGIApp) -> None:
        self._sources = sources
        self._maker = maker
        self._guard = guard
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await (response or self._elsewhere)(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        """The answer to what asks for a page; None for what does not, such as a producer that went astray."""
        path = request.scope["path"]
        asks_to_see = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
        found = next(
            ((page, ids) for page in PAGES if (ids := page.match(request.method, path)) is not None),
            None,
        )
        special = path.startswith("/mock/static/") or path in (LOGIN, "/mock/logout")
        if found is None and not special and not asks_to_see:
            return None
        objection = self._guard.objection(request)
        if objection is not None and objection.status_code != 401:
            # At "/" a producer may stand that takes this for the real host, with whatever it wants to see.
            return None if path == "/" else await self._failure(objection.status_code, objection.reason)
        if special:
            return await self._special(request, path)
        if path == "/":
            return RedirectResponse(HOME, 303, HEADERS)
        if objection is not None:
            return self._to_login(request) if request.method != "POST" else await self._failure(401, "Log in first.")
        if found is None:
            shorter = path.rstrip("/")
            if any(page.match("GET", shorter) is not None for page in PAGES):
                rest = f"?{request.url.query}" if request.url.query else ""
                return RedirectResponse(shorter + rest, 308, HEADERS)
            return await self._failure(404, f"There is no page {path[:200]}.")
        page, ids = found
        try:
            form = await _form(request) if page.method == "POST" else {}
        except BadQueryError as error:
            return await self._failure(400, str(error))
        query = PageQuery(self._sources, path, _query(request), _base_url(request), ids.get("id", ""), form)
        if (wrong := page.unknown(query.parameters)) is not None:
            return self._message(400, wrong, query)
        try:
            return await self._maker.answer(lambda: self._response(page.handler, query))
        except BusyError as error:
            return await self._failure(503, str(error), query)

    def _response(self, handler: Handler, query: PageQuery) -> Response | Large[Response]:
        """What a handler makes of a query, as an answer, or to be made into one."""
        content: PageContent | Response | Large[PageContent | Response]
        try:
            content = handler(query)
            if isinstance(content, Large):
                work = content.work
                # What is made once there is room is no more to be made later.
                return Large(content.room, lambda: cast("Response", self._response(lambda _: work(), query)))
            if isinstance(content, Response):
                content.headers.update(HEADERS)
                return content
            return self._page(content, query)
        except NotReadYetError as error:
            return self._page(PageContent("loading.html", {"left": error.left}), query)
        except NotHereError as error:
            return self._message(404, f"{error}{self._dropped_hint()}", query)
        except BadQueryError as error:
            return self._message(400, str(error), query)
        except JournalError as error:
            return self._message(503, str(error), query)

    def _page(self, content: PageContent, query: PageQuery | None) -> Response:
        """A page as an answer; in a thread, as the journal is asked for what is said on each."""
        try:
            dropped = self._sources.journal.dropped
            # The plans of an intake that has several servers stand in the journal too.
            faults_on = any(state["active"] for state in self._sources.faults.states())
        except JournalError:
            # It is told on the page that it cannot be read, or the page needs nothing of it.
            dropped, faults_on = 0, False
        values = {
            "query": query,
            "here": query.path if query else "",
            "org": query.org if query else None,
            "all_orgs": query.same_page(org=None, cursor=None) if query and query.path not in _OF_ONE_ORG else None,
            "navigation": _NAVIGATION,
            "version": __version__,
            "dropped": dropped,
            "damaged": self._sources.journal.damaged,
            "faults_on": faults_on,
            "can_log_out": self._guard.cookie is not None,
            **content.values,
        }
        return Response(rendering.render(content.template, values), content.status_code, HEADERS, "text/html")

    async def _failure(self, status_code: int, message: str, query: PageQuery | None = None) -> Response:
        return await self._maker.answer(lambda: self._message(status_code, message, query))

    def _message(self, status_code: int, message: str, query: PageQuery | None = None) -> Response:
        response = self._page(
            PageContent("message.html", {"status_code": status_code, "message": message}, status_code), query
        )
        if status_code == 503:
            response.headers["retry-after"] = "1"
        return response

    def _dropped_hint(self) -> str:
        try:
            dropped = self._sources.journal.dropped
        except JournalError:
            return ""  # so much is known: it is not there
        return f" Retention has dropped {counted(dropped, 'exchange')}; it may have been in there." if dropped else ""

    # Styles and scripts, and the log-in.

    async def _special(self, request: Request, path: str) -> Response | None:
        if path == LOGIN and request.method == "POST":
            return await self._log_in(request)
        if path == LOGIN and request.method in ("GET", "HEAD"):
            return await self._log_in_page(_local(_query(request).get("next")))
        if path == "/mock/logout" and request.method == "POST":
            response = RedirectResponse(LOGIN, 303, HEADERS)
            if (cookie := self._guard.cookie) is not None:
                response.delete_cookie(cookie.name, "/", httponly=True, samesite="strict")
            return response
        name = path.removeprefix("/mock/static/")
        content = rendering.static_file(name)
        if content is None or request.method not in ("GET", "HEAD"):
            return None if request.method == "POST" else await self._failure(404, f"There is no page {path[:200]}.")
        kept = {**HEADERS, "cache-control": "public, max-age=31536000, immutable"}
        return Response(content, 200, kept, rendering.MEDIA[name.rpartition(".")[2]])

    def _to_login(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(address(LOGIN, next=request.scope["path"] + query), 303, HEADERS)

    async def _log_in_page(self, following: str, *, wrong: bool = False) -> Response:
        content = PageContent("login.html", {"next": following, "wrong": wrong}, 401 if wrong else 200)
        return await self._maker.answer(lambda: self._page(content, None))

    async def _log_in(self, request: Request) -> Response:
        try:
            form = await _form(request)
        except BadQueryError as error:
            return await self._failure(400, str(error))
        following = _local(form.get("next"))
        if not self._guard.admits(form.get("token", "").strip()):
            if not await self._guard.admit_guess():
                return await self._failure(429, "Too many wrong tokens are being tried here; the right one is taken.")
            return await self._log_in_page(following, wrong=True)
        response = RedirectResponse(following, 303, HEADERS)
        if (cookie := self._guard.cookie) is not None:
            secure = request.url.scheme == "https"
            response.set_cookie(cookie.name, cookie.value, path="/", secure=secure, httponly=True, samesite="strict")
        return response


def _local(target: str | None) -> str:
    """Where to go on after the log-in: to a page of ours, whatever was asked for."""
    return target if target is not None and target.startswith("/mock/") and "\\" not in target else HOME


def _query(request: Request) -> dict[str, str]:
    return dict(request.query_params)


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            raise BadQueryError(f"A form is at most {_MAX_FORM:,} bytes.")
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise BadQueryError("The form has too many fields.") from error
