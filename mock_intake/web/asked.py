"""A request for a page: its query, read with care, and what it is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from mock_intake.web.sources import Sources

MAX_DIGITS = 15


class NotHereError(LookupError):
    """There is no such thing to be shown; the message says what is missing."""


class BadQueryError(ValueError):
    """A query or a form that cannot be answered; the message says what would be right."""


class NotReadYetError(RuntimeError):
    """The views have not seen the whole record yet."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} exchanges are left to be read")
        self.left = left


@dataclass(frozen=True)
class Shown:
    """A page to be rendered: its template and what is in it."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status_code: int = 200


@dataclass(frozen=True)
class Asked:
    """``base_url`` is the address by which whoever asks knows this server; ``form`` are the fields of a POST."""

    sources: Sources
    path: str
    query: Mapping[str, str]
    base_url: str
    id: str = ""
    form: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """A parameter; None where it is missing or empty, as a form sends what was left empty."""
        return self.query.get(name) or None

    @property
    def org(self) -> str | None:
        return self.text("org")

    def one_of(self, name: str, values: Iterable[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in values:
            raise BadQueryError(f"{name} is one of {', '.join(values)}, not {value[:30]!r}.")
        return value

    def number(self, name: str, default: int | None = None, *, least: int = 0, most: int | None = None) -> int | None:
        text = self.text(name)
        if text is None:
            return default
        right = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
        if not right or int(text) < least or (most is not None and int(text) > most):
            bounds = f"from {least} to {most}" if most is not None else f"from {least} on"
            raise BadQueryError(f"{name} is a number {bounds}, not {text[:30]!r}.")
        return int(text)

    def require_views(self) -> None:
        """Raises ``NotReadYetError`` where the views would take too long to be read now."""
        if left := self.sources.left_to_read():
            raise NotReadYetError(left)

    def same_page(self, **changes: str | int | None) -> str:
        """The address of this page with other parameters; None leaves one out. A search begins anew, unless told."""
        return address(self.path, **{**self.query, "looked": None, **changes})


def address(path: str, **parameters: str | int | None) -> str:
    """An address of a page. Whatever producers call their runs and datasets goes into the query, safely."""
    query = urlencode({name: value for name, value in parameters.items() if value not in (None, "")}, errors="replace")
    return f"{path}?{query}" if query else path
