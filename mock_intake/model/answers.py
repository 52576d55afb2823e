"""What the intake's endpoint answers, as values: to an event that it takes, and to a request that it refuses.

What the product answers here is not documented. ``errors`` are as other Datadog intakes answer a wrong key
(``{"errors": [{"status": "403", "title": "Forbidden", "detail": "API key is invalid"}]}``); the rest is ours.
"""

from __future__ import annotations

from msgspec import Struct

from mock_intake.model.findings import Finding, Status


class Answer(Struct, frozen=True, gc=False):
    """To an event that was taken: its id, the status that the product would show, what there is to say of it."""

    id: str
    status: Status
    findings: tuple[Finding, ...]


class Problem(Struct, frozen=True, gc=False):
    """Why a request was refused: status code as a text, its title, and the reason in a sentence."""

    status: str
    title: str
    detail: str


class Errors(Struct, frozen=True, gc=False):
    """To a request that was refused, where no more is to be said."""

    errors: tuple[Problem, ...]


class Refusal(Errors, frozen=True, gc=False):
    """To a request that was refused; ``id`` is that of the event, where there is one that was judged."""

    id: str | None
    status: Status
    findings: tuple[Finding, ...]
