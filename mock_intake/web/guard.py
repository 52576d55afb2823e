"""What pages need of whoever decides who may see them. The server has it; pages know no server."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request


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

    @property
    def cookie(self) -> Cookie | None:
        """The cookie of those who are in; None where nobody needs one."""
