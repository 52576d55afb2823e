"""Templates to HTML. Text from events is escaped wherever it stands: markup, and what cannot be seen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mock_intake.clock import utc_now
from mock_intake.exchange import rfc3339
from mock_intake.findings import Finding, Severity
from mock_intake.report.escaping import clipped, shown, shown_lines
from mock_intake.web.asked import address

MEDIA = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_STATIC = ("style.css", "live.js", "graph.js", "icon.svg")
_FOLDER = "mock_intake.web"
_SIGNS = re.compile(r"([./:_-]+)(?=\w)")


@cache
def static_file(name: str) -> bytes | None:
    """A style, script or picture of our own; None for any other name."""
    return files(_FOLDER).joinpath("static", name).read_bytes() if name in _STATIC else None


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
    environment = Environment(
        loader=PackageLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "lines": _lines,
        "clip": lambda text, most: clipped(str(text), most),
        "tail": _tail,
        "clock": _clock,
        "moment": _moment,
        "exact": _exact,
        "seconds": seconds,
        "size": size,
        "count": lambda number: f"{number:,}",
        "web_link": web_link,
        "by_code": by_code,
    }
    environment.globals |= {"address": address, "static": static_address}
    return environment


def _visible(value: Any) -> Any:
    """Whatever a template puts out: text with escapes in place of what cannot be seen; markup stays as it is."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else shown(str(value))


def _lines(text: str) -> Markup:
    """Text that keeps its lines, for elements that show them."""
    return escape(shown_lines(text))


def _tail(text: str, most: int) -> Markup:
    """The end of a name, which is what names are told apart by. It is broken behind its signs, if it must be."""
    end = shown(text[1 - most :] if len(text) > most else text)
    cut = Markup("")
    if len(text) > most:
        # The sign for what was left out does not stand alone at the end of a line.
        cut, end = Markup('<span class="nowrap">…{}</span>').format(end[:1]), end[1:]
    return cut + Markup(_SIGNS.sub(r"\1<wbr>", str(escape(end))))  # noqa: S704


def _clock(moment: datetime, dated: bool) -> Markup:
    """A time of day to the millisecond, with its date if that does not go without saying."""
    if dated:
        return _exact(moment)
    exact = rfc3339(moment)
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact, exact[11:23])


def _exact(moment: datetime) -> Markup:
    """Date and time to the millisecond, in UTC: for what is told apart by its order."""
    exact = rfc3339(moment)
    return Markup('<time datetime="{0}" title="{0}">{1} {2}</time>').format(exact, exact[:10], exact[11:23])


def need_dates(moments: Iterable[datetime]) -> bool:
    """Whether times of day alone would mislead: some are not of today, in UTC."""
    today = utc_now().date()
    return any(moment.astimezone(UTC).date() != today for moment in moments)


def _moment(moment: datetime) -> Markup:
    """Date and time, in UTC."""
    exact = rfc3339(moment)
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(
        exact, moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    )


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


def web_link(target: str) -> Markup:
    """A link to a page on the web; anything else stands there as text."""
    if not target.startswith("https://"):
        return escape(shown(target))
    return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(shown(target))


def by_code(findings: Iterable[Finding]) -> list[tuple[str, Severity, int]]:
    """Each rule once, the worst first, with its severity and how often it spoke."""
    found: dict[str, tuple[Severity, int]] = {}
    for finding in findings:
        severity, number = found.get(finding.code, (finding.severity, 0))
        found[finding.code] = (max(severity, finding.severity, key=lambda one: one.rank), number + 1)
    rows = [(code, severity, number) for code, (severity, number) in found.items()]
    return sorted(rows, key=lambda row: -row[1].rank)
