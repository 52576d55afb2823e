"""The pages over the recorded journal, as far as links lead from the list of events, and the files that they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from tests.same.journal import serving_recording
from tests.same.serving import Answer, Served
from tests.same.texts import digest, file_name, html_lines, without_version

HOME = "/mock/events"
_DEPTH = 2
# So many of the pages of one kind are recorded in full, those between them by a digest.
_MOST_OF_A_KIND = 3
_PORTS = re.compile(r"\b(127\.0\.0\.1|localhost)(:|%3A)\d+")
_LINK = re.compile(r'<(\w+)\s[^>]*?\b(?:href|src)="([^"]+)"')
# Where no link leads, or only a form.
_BESIDE = (
    "/",
    "/mock",
    "/mock/login",
    "/mock/nowhere",
    "/mock/events/nowhere",
    "/mock/events?cursor=nonsense",
    "/mock/events?status=nonsense",
    "/mock/exchanges/nowhere",
    "/mock/run?id=nowhere",
    "/mock/job",
    "/mock/dataset?namespace=nowhere&name=nothing",
)


# What is sent with the form of the page of faults, one after the other; the page is looked at after each.
_FORMS = (
    "plan=503%2C503%2C202",
    "plan=reset%2Clost&delay=0.5&repeat_last=on&org=4ba68aa8767b",
    "preset=%5B%7B%22step%22%3A+429%7D%2C+202%5D",
    "plan=nonsense&delay=1",
    "plan=",
    "end=this&org=4ba68aa8767b",
    "end=everything",
)


def record(folder: Path) -> Iterator[tuple[str, str]]:
    with serving_recording(folder / "pages") as intake:
        pages, files = _seen(intake)
        yield "answers.txt", "".join(_line(path, answer) for path, answer in {**pages, **files}.items())
        yield "headers-of-a-page.txt", "".join(f"{name}: {value}\n" for name, value in _lasting(pages[HOME]))
        for path in _chosen([path for path, answer in pages.items() if _is_html(answer)]):
            name = file_name(path.removeprefix("/mock").strip("/") or "root")
            yield f"{name}.html", _shown(pages[path])
        for number, (form, answer, after) in enumerate(_filled_in(intake)):
            yield f"faults-form-{number}.html", f"{_line(form, answer)}{_shown(answer)}{_shown(after)}"


def _chosen(paths: list[str]) -> Iterator[str]:
    """Some pages of every kind: the first, the last and what lies between."""
    kinds: dict[str, list[str]] = {}
    for path in paths:
        kinds.setdefault(_kind_of(path), []).append(path)
    for alike in kinds.values():
        most = min(_MOST_OF_A_KIND, len(alike))
        for number in range(most):
            yield alike[number * (len(alike) - 1) // max(1, most - 1)]


def _filled_in(intake: Served) -> Iterator[tuple[str, Answer, Answer]]:
    """Forms, with what was answered and the page afterwards."""
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html")]
    for form in _FORMS:
        answer = intake.ask("/mock/faults", method="POST", headers=headers, body=form.encode())
        yield form, answer, _page(intake, "/mock/faults")


def _seen(intake: Served) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """Pages and files by address, in the order in which they are come upon."""
    pages: dict[str, Answer] = {}
    files: dict[str, Answer] = {}
    todo = [HOME]
    for _ in range(_DEPTH + 1):
        found: list[str] = []
        for path in todo:
            if path in pages:
                continue
            pages[path] = answer = _page(intake, path)
            if not _is_html(answer):
                continue
            for tag, link in _LINK.findall(answer.body.decode()):
                target = _ours(path, unescape(link))
                if target is not None and tag == "a":
                    found.append(target)
                elif target is not None and target not in files:
                    files[target] = intake.ask(target)
        todo = found
    for path in _BESIDE:
        pages.setdefault(path, _page(intake, path))
    return pages, files


def _page(intake: Served, path: str) -> Answer:
    return intake.ask(path, headers=[("Accept", "text/html")])


def _ours(page: str, link: str) -> str | None:
    """Where a link on a page leads, if that is another page or a file that goes with it."""
    parts = urlsplit(urljoin(page, link))
    return parts._replace(fragment="").geturl() if not parts.netloc and parts.path.startswith("/mock") else None


def _kind_of(path: str) -> str:
    """What a page shows: its address without ids, and the names of what it is asked for."""
    parts = urlsplit(path)
    asked = sorted({pair.partition("=")[0] for pair in parts.query.split("&")})
    shows = re.sub(r"/(events|requests)/[^/]+", r"/\1/ID", parts.path)
    return f"{shows}?{'&'.join(asked)}"


def _is_html(answer: Answer) -> bool:
    return (answer.header("content-type") or "").startswith("text/html")


def _shown(answer: Answer) -> str:
    return _PORTS.sub(r"\1\2PORT", html_lines(answer.body.decode()))


def _lasting(answer: Answer) -> list[tuple[str, str]]:
    return [header for header in answer.headers if header[0] not in ("date", "content-length", "connection")]


def _line(path: str, answer: Answer) -> str:
    """One line on an answer: enough to tell that a page that is not recorded in full has changed."""
    content = answer.body
    if _is_html(answer):
        # White space may be put elsewhere by who takes templates apart.
        content = "".join(without_version(_PORTS.sub(r"\1\2PORT", content.decode())).split()).encode()
    to = f" to {location}" if (location := answer.header("location")) else ""
    return f"{path}: {answer.status} {answer.header('content-type') or 'no type'}{to}, {digest(content)}\n"
