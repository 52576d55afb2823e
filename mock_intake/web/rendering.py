"""Templates to HTML. Text from events is escaped wherever it stands: markup, and what cannot be seen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from mock_intake.judging.catalogue import RULES
from mock_intake.model.exchange import rfc3339
from mock_intake.model.findings import Finding, Severity, Status, Sureness
from mock_intake.model.times import moment
from mock_intake.report.escaping import clipped, printable
from mock_intake.report.rendering import environment, style
from mock_intake.secrets.presenting import presented
from mock_intake.web.query import address, run_page

MEDIA = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_STYLE = "style.css"
_LONGEST_TIME = 60
_STATIC = ("live.js", "graph.js", "icon.svg")
_FOLDER = "mock_intake.web"
_SIGNS = re.compile(r"([./:_-]+)(?=\w)")


def static_file(name: str) -> bytes | None:
    """A style, script or picture of our own; None for any other name, of which none is remembered."""
    return _static_file(name) if name == _STYLE or name in _STATIC else None


@cache
def _static_file(name: str) -> bytes:
    return style().encode() if name == _STYLE else files(_FOLDER).joinpath("static", name).read_bytes()


@cache
def static_address(name: str) -> str:
    """Where a file is to be had: another content has another address, so that browsers may keep it for good."""
    content = static_file(name)
    assert content is not None, name
    return f"/mock/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def render(template: str, values: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    made = environment(_FOLDER)
    made.filters |= {
        "tail": _tail,
        "moment": _moment,
        "event_time": _event_time,
        "exact": _moment,
        "seconds": seconds,
        "size": size,
        "by_code": by_code,
        "sentence": sentence,
        "is_unknown": is_unknown,
    }
    made.globals |= {"address": address, "run_page": run_page, "static": static_address}
    return made


def _tail(text: str, most: int) -> Markup:
    """The end of a name, which is what names are told apart by. It is broken behind its signs, if it must be."""
    return _tail_once(text, most) if len(text) <= _SHORT else _tail_of(text, most)


def _tail_of(text: str, most: int) -> Markup:
    text = presented(text)
    end = printable(text[1 - most :] if len(text) > most else text)
    cut = Markup("")
    if len(text) > most:
        # The sign for what was left out does not stand alone at the end of a line.
        cut, end = Markup('<span class="nowrap">…{}</span>').format(end[:1]), end[1:]
    return cut + Markup(_SIGNS.sub(r"\1<wbr>", str(escape(end))))  # noqa: S704


# Pages have the same names in many rows; what is long is not kept.
_SHORT = 120
_tail_once = lru_cache(maxsize=4_096)(_tail_of)


def _moment(time: datetime) -> Markup:
    """Date and time to the millisecond, in UTC: the same wherever one stands."""
    exact = rfc3339(time)
    return _time(exact, f"{exact[:10]} {exact[11:23]}")


def _event_time(text: str | None) -> Markup | str:
    """An eventTime as all other times are shown; as it was sent where it says no moment, and that it says none."""
    if text is None:
        return ""
    read = moment(text)
    if read is None:
        return presented(clipped(text, _LONGEST_TIME))
    if read.tzinfo is None:
        return Markup('{} <span class="soft">no offset</span>').format(read.isoformat(" ", "milliseconds"))
    try:
        return _moment(read.astimezone(UTC))
    except OverflowError:
        return text


def _time(exact: str, text: str) -> Markup:
    # Digits and signs of ours, of which nothing is to be escaped.
    return Markup(f'<time datetime="{exact}" title="{exact}">{text}</time>')  # noqa: S704


def seconds(number: float | None) -> str:
    """A duration as people say it."""
    if number is None:
        return ""
    sign, number = ("-" if number < 0 else ""), abs(number)
    if number < 1:
        return f"{sign}{number * 1000:.0f} ms"
    if number < 100:
        return f"{sign}{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((place for place, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return sign + " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2])


def size(number: int) -> str:
    if number < 1024:
        return f"{number} B"
    if number < 1024 * 1024:
        return f"{number / 1024:.1f} KiB"
    return f"{number / 1024 / 1024:.1f} MiB"


def by_code(findings: Iterable[Finding]) -> list[tuple[str, Severity, int]]:
    """Each rule once, the worst first, with its severity and how often it spoke."""
    found: dict[str, tuple[Severity, int]] = {}
    for finding in findings:
        severity, number = found.get(finding.code, (finding.severity, 0))
        found[finding.code] = (max(severity, finding.severity, key=lambda one: one.rank), number + 1)
    rows = [(code, severity, number) for code, (severity, number) in found.items()]
    return sorted(rows, key=lambda row: -row[1].rank)


@cache
def sentence(code: str) -> str:
    """What a rule requires, in a sentence; empty for the code of one that is not there."""
    rule = RULES.get(code)
    return "" if rule is None else rule.requirement


def is_unknown(findings: Iterable[Finding], status: str) -> bool:
    """Whether it is assumed, and known to nobody outside, what Datadog does for these findings.

    So it is where all that gives the status is assumed, or where a facet breaks the standard: that is documented to be
    wrong, and not what becomes of it.
    """
    if status == Status.OK:
        return False
    worst = [finding for finding in findings if finding.severity == status]
    return bool(worst) and all(
        finding.sureness is Sureness.ASSUMED or (status == Status.WARNING and finding.code.startswith("OL"))
        for finding in worst
    )
