"""Pages as a browser without scripts gets them, read by a parser."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin

import httpx

from mock_intake import IntakeServer

# As tests' other client, and without a jar: what a browser would send, a test sends.
WEB = httpx.Client(
    trust_env=False,
    timeout=30,
    limits=httpx.Limits(max_keepalive_connections=0),
    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
)
VOID = frozenset(("meta", "link", "input", "br", "hr", "img", "wbr"))
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class Element:
    """An element of a page, with the text of all that is in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Look:
    """A page that was got."""

    response: httpx.Response
    elements: list[Element] = field(default_factory=list)

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def text(self) -> str:
        """What is to be read on it."""
        return next(one.text for one in self.elements if one.tag == "body")

    def all(self, tag: str, **attributes: str) -> list[Element]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.elements
            if one.tag == tag
            and all(value in (one.attributes.get(name) or "").split() for name, value in wanted.items())
        ]

    def links(self) -> dict[str, str]:
        """The page's links: where each leads to, by its words."""
        return {" ".join(one.text.split()): one.attributes["href"] or "" for one in self.all("a")}

    def rows(self) -> list[list[str]]:
        """The cells of the tables, row by row, heads left out."""
        rows: list[list[str]] = []
        for one in self.elements:
            if one.tag == "tr":
                rows.append([])
            elif one.tag in ("td", "th") and one.attributes.get("scope") != "col":
                rows[-1].append(" ".join(one.text.split()))
        return [row for row in rows if row]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data


def parsed(response: httpx.Response) -> Look:
    parser = _Parser()
    parser.feed(response.text)
    return Look(response, parser.elements)


def look(server: IntakeServer, path: str, **kwargs: Any) -> Look:
    """A page of a server; looks again while the record is being read, as browsers are told to."""
    while (seen := glance(server, path, **kwargs)).all("meta", http_equiv="refresh"):
        threading.Event().wait(0.05)
    return seen


def glance(server: IntakeServer, path: str, **kwargs: Any) -> Look:
    """A page of a server as it is at once."""
    headers = {**BROWSER, **kwargs.pop("headers", {})}
    return parsed(WEB.get(urljoin(server.url, path), headers=headers, **kwargs))


def submit(server: IntakeServer, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    """Sends a form as a page of the server itself would."""
    return WEB.post(server.url + path, data=fields, headers={**BROWSER, "origin": server.url, **headers})
