"""A request for a page: its query, read with care, and what it is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from mock_intake.model.words import counted
from mock_intake.secrets.presenting import presented
from mock_intake.views import Run
from mock_intake.web.sources import Sources

MAX_DIGITS = 15


class NotHereError(LookupError):
    """There is no such thing to be shown; the message says what is missing."""


class BadQueryError(ValueError):
    """A query or a form that cannot be answered; the message says what would be right."""


class NotReadYetError(RuntimeError):
    """The views have not seen the whole record yet."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{counted(left, 'exchange')} left to be read")
        self.left = left


@dataclass(frozen=True)
class PageContent:
    """A page to be rendered: its template, what is in it by name, and the status code to answer with."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status_code: int = 200


@dataclass(frozen=True)
class PageQuery:
    """Which page is asked for, and how: what the handler of a page is called with.

    ``path`` is that of the page, ``parameters`` the query of its address, ``id`` the last part of the path where the
    page is of one thing. ``base_url`` is the address by which whoever asks knows this server; ``form`` are the fields
    of a POST.
    """

    sources: Sources
    path: str
    parameters: Mapping[str, str]
    base_url: str
    id: str = ""
    form: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """A parameter; None where it is missing or empty, as a form sends what was left empty."""
        return self.parameters.get(name) or None

    def name(self, parameter: str) -> str | None:
        """A name of a job, dataset or run; the real one where what is shown of it was given."""
        text = self.parameters.get(parameter)
        return None if text is None else self.sources.views.meant(text)

    @property
    def org(self) -> str | None:
        """The org whose record is to be shown; None for all."""
        return self.text("org")

    def one_of(self, name: str, values: Iterable[str]) -> str | None:
        """A parameter that is one of these words; None where it is missing. Raises ``BadQueryError``."""
        value = self.text(name)
        if value is not None and value not in values:
            raise BadQueryError(f"{name} is one of {', '.join(values)}, not {value[:30]!r}.")
        return value

    def number(self, name: str, default: int | None = None, *, least: int = 0, most: int | None = None) -> int | None:
        """A parameter that is a whole number within bounds, these included. Raises ``BadQueryError``."""
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
        """The address of this page with other parameters; None leaves one out.

        A search begins anew, unless ``looked`` says how many were looked through.
        """
        return address(self.path, **{**self.parameters, "looked": None, **changes})


def run_page(run: Run) -> str:
    """The page of a run; with its job where others have runs with its id."""
    namespace, name = run.job if run.shared else (None, None)
    return address("/mock/run", org=run.org, id=run.run_id, job_namespace=namespace, job_name=name)


def address(path: str, **parameters: str | int | None) -> str:
    """An address of a page. Whatever producers call their runs and datasets goes into the query, safely.

    Of a name that holds a secret it has what is shown of it: ``PageQuery.name`` knows what that stands for.
    """
    given = {
        name: presented(value) if isinstance(value, str) else value
        for name, value in parameters.items()
        if value not in (None, "")
    }
    query = urlencode(given, errors="replace")
    return f"{path}?{query}" if query else path
