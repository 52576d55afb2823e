"""What pages need of whoever serves them: who may see them, and how they are made. Pages know no server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from mock_intake.body.room import Large


class Objection(Protocol):
    """Why a request is turned away; 401 where logging in would help."""

    @property
    def status_code(self) -> int: ...

    @property
    def reason(self) -> str: ...


class Cookie(Protocol):
    """What a browser shows once it has logged in."""

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> str: ...


class Guard(Protocol):
    """Who may see the pages, and change something on them."""

    def objection(self, request: Request) -> Objection | None:
        """What there is against a request; None if nothing is."""

    def admits(self, token: str) -> bool:
        """Whether this token lets its owner in."""

    async def admit_guess(self) -> bool:
        """Returns when a wrong token may be answered; false, at once, where too many wait already."""

    @property
    def cookie(self) -> Cookie | None:
        """The cookie of those who are in; None where nobody needs one."""


class Maker(Protocol):
    """Makes answers beside the loop, and large ones within the server's budget."""

    async def answer(self, work: Callable[[], Response | Large[Response]]) -> Response:
        """The answer that the work makes. Raises ``BusyError``."""
